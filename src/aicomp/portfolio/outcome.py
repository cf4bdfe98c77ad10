"""Which run a training within a time limit ended with: what `aicomp submit` takes if none is named."""

import json
from pathlib import Path

from aicomp.files import atomic_write
from aicomp.run import OUTCOME_FILE, Run, list_runs


def set_outcome(runs: Path, run: Run) -> None:
    """Remember a run as the one to submit, until a newer one is made.

    Args:
        runs: The project's runs.
        run: A run that is done.
    """
    newest = list_runs(runs)[-1].id
    atomic_write(runs / OUTCOME_FILE, json.dumps({"run": run.id, "newest": newest}) + "\n")
