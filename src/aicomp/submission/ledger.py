"""What was sent, and what became of it: `submissions/ledger.jsonl` in the project, `submission.json` in the run.

The ledger only grows. Each submission has two lines: the intent, written before anything leaves this machine, and the
outcome. An intent without an outcome is a submission that was interrupted: it may have arrived.
"""

import hashlib
import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from aicomp.files import writing
from aicomp.project import Project
from aicomp.run import Run

Status = Literal["sent", "graded", "failed", "unknown"]
"""How a submission ended: it arrived, it was graded here, it did not arrive, or nobody knows whether it did."""


def ledger_path(project: Project) -> Path:
    """Where a project's ledger lies."""
    return project.folder / "submissions" / "ledger.jsonl"


def record_intent(
    project: Project, run: Run | None, path: Path, message: str, score: dict[str, Any] | None
) -> dict[str, Any]:
    """Write down what is about to be sent.

    Args:
        project: The project.
        run: The run that the file comes from, None if it was made elsewhere.
        path: The file.
        message: The description that goes with it.
        score: Cross-validation score: metric, mean and std; None if unknown.

    Returns:
        The entry: id, time (UTC), competition, host, run, file, sha256, message, cv.
    """
    entry = {
        "id": uuid.uuid4().hex,
        "time": _now(),
        "competition": project.competition.slug,
        "host": project.competition.host,
        "run": run.id if run is not None else None,
        "file": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "message": message,
        "cv": score,
    }
    _append(ledger_path(project), {"event": "intent", **entry})
    _write_to_run(run, {**entry, "status": "unknown"})
    return entry


def record_outcome(
    project: Project, run: Run | None, entry: dict[str, Any], status: Status, **facts: Any
) -> dict[str, Any]:
    """Write down what became of an intent.

    Args:
        project: The project.
        run: The run, as given to `record_intent`.
        entry: What `record_intent` returned.
        status: How it ended.
        facts: What is known besides: ref, url, score, error.

    Returns:
        The entry with the outcome.
    """
    outcome = {"status": status, "ended": _now(), **facts}
    _append(ledger_path(project), {"event": "outcome", "id": entry["id"], **outcome})
    complete = {**entry, **outcome}
    _write_to_run(run, complete)
    return complete


def _write_to_run(run: Run | None, content: dict[str, Any]) -> None:
    if run is not None:
        run.write("submission.json", content)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _append(path: Path, content: dict[str, Any]) -> None:
    """Add one line, on the disk before this returns; a line that a crash cut short is closed first."""
    line = json.dumps(content, ensure_ascii=False).encode() + b"\n"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if file.tell() and not _ends_line(file):
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _ends_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    ended: bool = file.read(1) == b"\n"
    return ended
