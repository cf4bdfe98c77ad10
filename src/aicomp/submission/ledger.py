"""What was sent, and what became of it: `submissions/ledger.jsonl` in the project, `submission.json` in the run.

The ledger only grows. Each submission has a line for the intent, written before anything leaves this machine, and one
or more for the outcome, of which each adds to the one before. An intent without an outcome is a submission that was
interrupted: it may have arrived.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from aicomp.errors import AicompError, DataError
from aicomp.files import writing
from aicomp.project import AnyProject
from aicomp.run import Run

Status = Literal["sent", "graded", "failed", "unknown", "complete", "error"]
"""What became of a submission: it arrived, it was graded here, it did not arrive, nobody knows whether it did, it has
its score, or the host could not score it."""

LOCK_PATIENCE = 600.0
"""Seconds to wait for another submission of the same project."""


@dataclass(frozen=True)
class Attempt:
    """One intent of the ledger with all that is known of its outcome.

    Attributes:
        id: Names it within the ledger.
        time: When it was written down, UTC.
        competition: Slug.
        host: "kaggle", "local" or an address.
        runs: The run, or the runs of a blend; empty for a file from elsewhere.
        file: Path of the file.
        sha256: Of the file.
        message: The user's description.
        cv: Mean, std and pooled score in cross-validation, None if unknown.
        known: Numbers of the host's submissions of this very file before this one was sent.
        status: "unknown" as long as there is no outcome.
        ref: The host's number, None if it is not known.
        score: Public score, or the score on the hidden part.
        error: Why it failed.
    """

    id: str
    time: datetime
    competition: str
    host: str
    runs: tuple[str, ...]
    file: str
    sha256: str
    message: str
    cv: dict[str, Any] | None
    known: tuple[int, ...] = ()
    status: str = "unknown"
    ref: int | None = None
    score: float | None = None
    error: str = ""

    @property
    def is_unsettled(self) -> bool:
        """Whether nobody knows if it arrived."""
        return self.status == "unknown"

    def may_be(self, ref: int) -> bool:
        """Whether a submission of the same file can be this one, by its number."""
        return ref not in self.known


def ledger_path(project: AnyProject) -> Path:
    """Where a project's ledger lies."""
    return project.folder / "submissions" / "ledger.jsonl"


@contextmanager
def only_submission(project: AnyProject) -> Iterator[None]:
    """Hold the project's lock from intent to outcome; it is freed when the process ends, however it ends.

    Raises:
        AicompError: Another submission has held it for `LOCK_PATIENCE`.
    """
    from filelock import FileLock, Timeout

    path = project.folder / "submissions" / ".lock"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        lock = FileLock(path)
        try:
            lock.acquire(timeout=LOCK_PATIENCE, poll_interval=0.1)
        except Timeout:
            raise AicompError(
                f"another submission is running in `{project.folder}`", "wait for it, then run the same command again"
            ) from None
    try:
        yield
    finally:
        lock.release()


def record_intent(
    project: AnyProject,
    run: Run | None,
    path: Path,
    message: str,
    score: dict[str, Any] | None,
    *,
    host: str | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """Write down what is about to be sent.

    Args:
        project: The project.
        run: The run that the file comes from, None if it was made elsewhere.
        path: The file.
        message: The description that goes with it.
        score: Cross-validation score: metric, mean and std; None if unknown.
        host: Where it goes, see `Endpoint.host`; None takes the contract's.
        facts: What is worth keeping besides: runs (of a blend), known (see `Attempt`).

    Returns:
        The entry: id, time (UTC), competition, host, run, file, sha256, message, cv, and the facts.
    """
    entry = {
        "id": uuid.uuid4().hex,
        "time": _now(),
        "competition": project.competition.slug,
        "host": host or project.competition.host,
        "run": run.id if run is not None else None,
        "file": str(path),
        "sha256": file_hash(path),
        "message": message,
        "cv": score,
        **facts,
    }
    _append(ledger_path(project), {"event": "intent", **entry})
    _write_to_run(run, {**entry, "status": "unknown"})
    return entry


def record_outcome(
    project: AnyProject, run: Run | None, entry: dict[str, Any], status: Status, **facts: Any
) -> dict[str, Any]:
    """Write down what became of an intent.

    Args:
        project: The project.
        run: The run, as given to `record_intent`.
        entry: What `record_intent` returned.
        status: How it ended.
        facts: What is known besides: ref, url, score, private_score, error.

    Returns:
        The entry with the outcome.
    """
    outcome = {"status": status, "ended": _now(), **facts}
    _append(ledger_path(project), {"event": "outcome", "id": entry["id"], **outcome})
    complete = {**entry, **outcome}
    _write_to_run(run, complete)
    return complete


def amend_outcome(project: AnyProject, attempt: Attempt, status: Status, **facts: Any) -> None:
    """Write down what was learned later about an attempt: it arrived after all, or it has its score now."""
    entry = next(e for e in _entries(project) if e["id"] == attempt.id)
    run = Run(project.runs / entry["run"]) if entry.get("run") else None
    # Of a run that was sent twice, `submission.json` tells of the last time.
    told = run is not None and (run.folder / "submission.json").is_file() and run.read("submission.json")
    record_outcome(project, run if told and told.get("id") == attempt.id else None, entry, status, **facts)


def read_ledger(project: AnyProject, host: str | None = None) -> list[Attempt]:
    """Every attempt in this project for its competition, oldest first; a line cut short by a crash is none.

    Args:
        project: The project.
        host: Only those for this host, see `Endpoint.host`; None takes all.
    """
    slug = project.competition.slug
    made = [_attempt(entry) for entry in _entries(project) if entry["competition"] == slug]
    return [a for a in made if host is None or a.host == host]


def runs_ever_sent(project: AnyProject) -> set[str]:
    """Runs of every attempt in this project, whatever the competition and whatever became of it; blends of them too."""
    return {name for entry in _entries(project) for name in (*(entry.get("runs") or ()), entry.get("run")) if name}


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _attempt(entry: dict[str, Any]) -> Attempt:
    runs = entry.get("runs") or ([entry["run"]] if entry.get("run") else [])
    return Attempt(
        id=entry["id"],
        time=datetime.fromisoformat(entry["time"]),
        competition=entry["competition"],
        host=entry["host"],
        runs=tuple(runs),
        file=entry["file"],
        sha256=entry["sha256"],
        message=entry["message"],
        cv=entry.get("cv"),
        known=tuple(entry.get("known") or ()),
        status=entry.get("status", "unknown"),
        ref=entry.get("ref"),
        score=entry.get("score"),
        error=entry.get("error") or "",
    )


def _entries(project: AnyProject) -> list[dict[str, Any]]:
    """Intents, each with its outcomes added."""
    path = ledger_path(project)
    if not path.is_file():
        return []
    entries: dict[str, dict[str, Any]] = {}
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        event = _parse(line)
        if event is None:
            continue
        if event.get("event") == "intent":
            entries[event["id"]] = event
        elif event.get("event") == "outcome" and event.get("id") in entries:
            entries[event["id"]].update(event, event="intent")
        else:
            raise DataError(f"`{path}` line {number} belongs to no intent", f"move `{path}` away, or correct it")
    return list(entries.values())


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(line)
    except ValueError:
        return None  # cut short by a crash: what it would have said is not known
    return content if isinstance(content, dict) else None


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
