"""Run the notebook here as Kaggle will: a fresh environment, no network, the time limit; then look at what it wrote."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aicomp.errors import AicompError
from aicomp.isolation import Isolation, run_isolated
from aicomp.kaggle.notebook.image import make_image
from aicomp.kaggle.notebook.kernel_source import OUTPUT
from aicomp.kaggle.notebook.pack import Pack, notebook_folder
from aicomp.project import Project
from aicomp.submission import build_submission, read_sample, validate_submission

MEMORY_BYTES = 30 * 2**30
"""What a notebook on Kaggle may hold."""

TOLERANCE = 0.01
"""Largest difference from the run's own test predictions, in standard deviations of a column, or share of labels: other
processors and other numbers of threads round differently."""


@dataclass(frozen=True)
class Rehearsal:
    """How a rehearsal went.

    Attributes:
        submission: What the notebook wrote, validated.
        rows: Its rows.
        isolation: What kept the notebook from the network.
        seconds: That it took.
        limit_seconds: That it may take.
        difference: Largest difference from the run's own test predictions, in units of `TOLERANCE`.
        log: What the notebook printed.
    """

    submission: Path
    rows: int
    isolation: Isolation
    seconds: float
    limit_seconds: float
    difference: float
    log: Path


def rehearse(project: Project, pack: Pack, time_limit_hours: float, *, isolation: Isolation | None = None) -> Rehearsal:
    """Run the notebook on the project's own files, and check that it predicts what the run predicted.

    Args:
        project: The project.
        pack: The dataset and the notebook.
        time_limit_hours: The competition's limit.
        isolation: How to keep the notebook from the network; None takes the strongest that the system allows.

    Raises:
        AicompError: The notebook fails, takes too long or too much memory, or predicts something else than the run.
        DataError: What it wrote is no valid submission.
    """
    folder = notebook_folder(pack.run)
    log = folder / "rehearsal.log"
    log.unlink(missing_ok=True)
    sample = read_sample(project)
    expected = validate_submission(build_submission(project, pack.run, sample), sample)
    with tempfile.TemporaryDirectory(prefix="aicomp-rehearsal-") as name:
        place = Path(name)
        python = make_image(place, project.config.notebook.image)
        working = _lay_out(place, project, pack)
        outcome = run_isolated(
            [str(python), "script.py"],
            folder=working,
            environment={
                "AICOMP_INPUT": str(place / "input"),
                "HOME": str(working),
                "TMPDIR": str(working / ".tmp"),
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "PYTHONUNBUFFERED": "1",
            },
            read_only=[place / "venv", place / "image", place / "input", project.raw.resolve(), pack.folder.resolve()],
            hidden=_packed_here(),
            seconds=time_limit_hours * 3600,
            memory_bytes=MEMORY_BYTES,
            log=log,
            isolation=isolation,
        )
        shown = f"see `{log}`"
        if outcome.timed_out:
            raise AicompError(f"the rehearsal took longer than {time_limit_hours:g} hours and was stopped", shown)
        if outcome.out_of_memory:
            raise AicompError(f"the rehearsal needed more than {MEMORY_BYTES / 2**30:.0f} GiB of memory", shown)
        if outcome.code != 0 or not (working / OUTPUT).is_file():
            why = f"ended with code {outcome.code}" if outcome.code else f"wrote no `{OUTPUT}`"
            raise AicompError(f"the rehearsal {why}\n{tail(log)}", _hint(log))
        submission = folder / OUTPUT
        shutil.copyfile(working / OUTPUT, submission)
    written = validate_submission(submission, sample)
    difference = _difference(project, written.frame.to_numpy(), expected.frame.to_numpy())
    if difference > TOLERANCE:
        raise AicompError(
            f"the rehearsal predicts something else than run `{pack.run.id}`: the difference is {difference:.3g}",
            f"compare `{submission}` with what `aicomp submit --dry-run {pack.run.id}` builds; does features.py draw "
            "random numbers, or read other files?",
        )
    return Rehearsal(
        submission, len(written), outcome.isolation, outcome.seconds, time_limit_hours * 3600, difference, log
    )


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-lines:])


def _hint(log: Path) -> str:
    if "ModuleNotFoundError" in log.read_text(encoding="utf-8", errors="replace"):
        return (
            "name the package in aicomp.toml under [notebook]: in `image` if Kaggle's image has it, else in `packages`"
        )
    return f"see `{log}`"


def _lay_out(place: Path, project: Project, pack: Pack) -> Path:
    """The folders as the notebook finds them on Kaggle: the inputs, and the one that it works in."""
    inputs = place / "input"
    (inputs / pack.dataset_slug).mkdir(parents=True)
    for file in pack.files:
        (inputs / pack.dataset_slug / file.path.name).symlink_to(file.path.resolve())
    (inputs / pack.competition).symlink_to(project.raw.resolve())
    working = place / "working"
    (working / ".tmp").mkdir(parents=True)
    (working / "script.py").write_text(pack.kernel_text, encoding="utf-8")
    return working


def _packed_here() -> list[Path]:
    """This environment's own aicomp: the notebook must do with the one that it brings."""
    import aicomp

    return [Path(aicomp.__file__).parent]


def _difference(project: Project, written: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference over the prediction columns, see `TOLERANCE`.

    Args:
        project: The project.
        written: Fields of the notebook's file.
        expected: Fields of the run's own submission, in the same order.
    """
    competition = project.competition
    columns = [competition.submission.columns.index(name) for name in competition.prediction_columns]
    a, b = written[:, columns], expected[:, columns]
    if competition.submission.wants in ("label", "string"):
        return float((a != b).mean(axis=0).max())
    x, y = a.astype(np.float64), b.astype(np.float64)
    spread = y.std(axis=0)
    return float((np.abs(x - y).max(axis=0) / np.where(spread > 0, spread, 1)).max())
