"""What is another than when a run was made: packages, Python, machine, threads, aicomp's own source."""

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from aicomp.engine.execution import Execution, stored_execution
from aicomp.lockfile import LOCK_FILE, lock_text, normalized, parse_lock, read_lock
from aicomp.processes import n_cores, processor
from aicomp.provenance import source_hash
from aicomp.run import Run


@dataclass(frozen=True)
class Change:
    """One thing that is another now.

    Attributes:
        kind: "package", "python", "platform", "processor", "device", "cores", "memory" or "aicomp".
        name: Which one, such as a package.
        then: What the run recorded, None if it was not there.
        now: What there is, None if it is not there.
    """

    kind: str
    name: str
    then: str | None
    now: str | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Circumstances:
    """What may be the reason if bits differ.

    Attributes:
        changes: What is another now.
        unknown: What the run did not record, as sentences.
    """

    changes: tuple[Change, ...]
    unknown: tuple[str, ...]


def find_circumstances(run: Run, again: Run | None) -> Circumstances:
    """Compare what a run recorded with this machine.

    Args:
        run: The run.
        again: What was made of it here; None if nothing has been trained.
    """
    info = run.info
    unknown: list[str] = []
    changes = _packages(run, info, unknown)
    facts = [
        ("python", "python", info.get("python"), platform.python_version()),
        ("platform", "platform", info.get("platform"), platform.platform()),
        ("processor", "processor", info.get("processor"), processor()),
        ("aicomp", "source", info.get("source_hash"), source_hash()),
    ]
    for kind, name, then, now in facts:
        if then is None:
            unknown.append(f"{kind}: the run did not record its {name}")
        elif then != now:
            changes.append(Change(kind, name, then, now))
    if again is not None and run.kind == "train":
        changes += _execution(stored_execution(run), stored_execution(again), unknown)
        changes += _memory(run, again)
    return Circumstances(tuple(changes), tuple(unknown))


def _memory(run: Run, again: Run) -> list[Change]:
    """Folds that took fewer rows at once in one of the two, as more did not fit."""
    changes = []
    for k in range(len(run.scores["folds"])):
        if again.fold_is_done(k):
            then, now = (
                "; ".join(note for note in r.result(k)["notes"] if "not fit into memory" in note) for r in (run, again)
            )
            if then != now:
                changes.append(Change("memory", f"fold {k}", then or None, now or None))
    return changes


def _packages(run: Run, info: dict[str, Any], unknown: list[str]) -> list[Change]:
    """What the lockfile says; of older runs, the few packages of `run.json`."""
    if (run.folder / LOCK_FILE).is_file():
        then: dict[str, str] = read_lock(run.folder / LOCK_FILE)
        now = parse_lock(lock_text())
        names = sorted(then.keys() | now.keys())
        found = [(name, then.get(name), now.get(name)) for name in names]
    else:
        unknown.append(f"packages: the run has no `{LOCK_FILE}`, and names {len(info['versions'])} of them")
        found = [(normalized(name), str(number), _version(name)) for name, number in info["versions"].items()]
    return [Change("package", name, a, b) for name, a, b in found if a != b]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _execution(then: Execution | None, now: Execution | None, unknown: list[str]) -> list[Change]:
    if then is None:
        unknown.append("threads: the run did not record them, nor its device; this machine's were taken")
        return []
    changes = []
    if then.cores != n_cores():
        changes.append(Change("cores", "cores", str(then.cores), str(n_cores())))
    if now is not None and now.device and (then.device, then.device_name) != (now.device, now.device_name):
        shown = (f"{e.device} ({e.device_name})" for e in (then, now))
        changes.append(Change("device", "device", *shown))
    return changes
