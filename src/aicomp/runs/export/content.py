"""What of a run is given to other programs, whichever they are."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aicomp.comparison.settings import flatten
from aicomp.run import Run
from aicomp.runs.facts import Facts

_STEPS = ("steps", "epoch")
"""What the entries of a fold's history may be counted by."""


@dataclass(frozen=True)
class Course:
    """How one number of one fold went.

    Attributes:
        name: Such as "valid_loss/fold1"; folds are counted from 1, as people do.
        points: Step, moment (seconds since 1970) and value of each.
    """

    name: str
    points: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True)
class Exported:
    """A run as other programs want it.

    Attributes:
        run: Its id.
        began: Seconds since 1970.
        ended: Likewise, as if its folds had been trained one after the other.
        params: Its config, with dotted keys.
        courses: How its folds were trained.
        scores: mean, std, pooled, the score of each fold, and the public score if there is one.
        tags: What else names it.
        note: The user's words.
        artifacts: Paths of its files and their bytes; the files are not copied.
    """

    run: str
    began: float
    ended: float
    params: dict[str, Any]
    courses: tuple[Course, ...]
    scores: dict[str, float]
    tags: dict[str, str]
    note: str
    artifacts: dict[str, int]


def exported(run: Run, facts: Facts) -> Exported:
    """Gather what is given away of a run that is done.

    Raises:
        DataError: One of its files is damaged.
    """
    info, scores = run.info, run.scores
    began = datetime.fromisoformat(facts.created).timestamp()
    n_folds = len(scores["folds"])
    results = [run.result(k) for k in range(n_folds)]
    numbers = {f"cv/{key}": float(scores[key]) for key in ("mean", "std", "pooled")}
    numbers |= {f"cv/fold{k + 1}": float(score) for k, score in enumerate(scores["folds"])}
    if facts.score is not None:
        numbers["public"] = facts.score
    files = sorted(path for path in run.folder.rglob("*") if path.is_file())
    return Exported(
        run=run.id,
        began=began,
        ended=began + facts.seconds,
        params=flatten(info["config"]),
        courses=tuple(course for k, result in enumerate(results) for course in _courses(result, k, began)),
        scores=numbers,
        tags=_tags(run, facts, info),
        note=facts.note,
        artifacts={str(path): path.stat().st_size for path in files},
    )


def _tags(run: Run, facts: Facts, info: dict[str, Any]) -> dict[str, str]:
    git = info.get("git") or {}
    named = {
        "aicomp.run": run.id,
        "aicomp.folder": str(run.folder),
        "aicomp.kind": facts.kind,
        "aicomp.model": facts.model,
        "aicomp.metric": facts.metric,
        "aicomp.greater_is_better": str(facts.greater_is_better).lower(),
        "aicomp.data_hash": facts.data_hash,
        "aicomp.fingerprint": str(info.get("fingerprint", "")),
        "aicomp.tags": " ".join(facts.tags),
        "aicomp.members": " ".join(facts.members),
        "aicomp.versions": " ".join(f"{name}={version}" for name, version in info.get("versions", {}).items()),
        "aicomp.git": str(git.get("commit", "")),
    }
    return {name: value for name, value in named.items() if value}


def _courses(result: dict[str, Any], k: int, began: float) -> list[Course]:
    """The numbers of a fold's history; what is not finite is left out."""
    points: dict[str, list[tuple[int, float, float]]] = {}
    for i, entry in enumerate(result.get("history", ())):
        step = next((int(entry[name]) for name in _STEPS if isinstance(entry.get(name), int)), i + 1)
        moment = began + float(entry.get("seconds") or 0.0)
        for name, value in entry.items():
            if name in (*_STEPS, "seconds") or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if math.isfinite(value):
                points.setdefault(name, []).append((step, moment, float(value)))
    return [Course(f"{name}/fold{k + 1}", tuple(values)) for name, values in points.items()]
