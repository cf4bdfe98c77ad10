"""What clamped and monotone columns do to a run: its score with and without them, its curves before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aicomp.data.clamps import Clamp
from aicomp.explain.dependence import Dependence, partial_dependence
from aicomp.explain.importance import interval
from aicomp.explain.subject import Subject
from aicomp.run import Run, list_runs


@dataclass(frozen=True)
class Compared:
    """A score with a control and without it, fold by fold on the same rows.

    Attributes:
        with_it: Score of each fold.
        without: Score of each fold.
        gain: Mean of what the control brings, above 0 where it is better.
        low: Lower end of its 95 % interval, by Student's t over the folds.
        high: Upper end.
    """

    with_it: tuple[float, ...]
    without: tuple[float, ...]
    gain: float
    low: float
    high: float

    @classmethod
    def of(cls, with_it: Sequence[float], without: Sequence[float], *, greater_is_better: bool) -> "Compared":
        """That of scores.

        >>> Compared.of([0.5, 0.7], [0.4, 0.6], greater_is_better=False).gain  # an error that got larger
        -0.1
        """
        gains = (np.array(with_it) - np.array(without)) * (1 if greater_is_better else -1)
        low, high = interval(gains)
        return cls(tuple(map(float, with_it)), tuple(map(float, without)), round(float(gains.mean()), 12), low, high)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON; without an interval where there is one fold."""
        ends = {"low": self.low, "high": self.high} if np.isfinite(self.low) else {"low": None, "high": None}
        return {"with": self.with_it, "without": self.without, "gain": self.gain, **ends}


@dataclass(frozen=True)
class Control:
    """A column that is controlled.

    Attributes:
        column: The column.
        kind: "clamp" or "monotone".
        words: What it is held to, such as "clipped to 0 … 5" or "may only rise".
        n_changed: Of a clamp: train rows whose value it changes.
        against: Of a monotone column: largest step that a single row's curve takes against the direction, over the
            span of all curves; 0 says that it is kept.
        after: The curve as it is.
        before: The curve without the control; None where no run was made without it.
    """

    column: str
    kind: Literal["clamp", "monotone"]
    words: str
    n_changed: int | None
    against: float | None
    after: Dependence | None
    before: Dependence | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        values = {name: getattr(self, name) for name in ("column", "kind", "words", "n_changed", "against")}
        curves = {"after": self.after, "before": self.before}
        return {**values, **{name: None if c is None else c.to_dict() for name, c in curves.items()}}


@dataclass(frozen=True)
class Controls:
    """All controlled columns of a run.

    Attributes:
        columns: The columns.
        clamps: The score with the clamps and without; None where there are none.
        monotone: The score with monotone columns, and that of another run without; None where there is none.
        without: That other run.
    """

    columns: tuple[Control, ...]
    clamps: Compared | None = None
    monotone: Compared | None = None
    without: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "columns": [column.to_dict() for column in self.columns],
            "clamps": None if self.clamps is None else self.clamps.to_dict(),
            "monotone": None if self.monotone is None else self.monotone.to_dict(),
            "without": self.without,
        }


def clamp_controls(after: Subject, before: Subject, clamps: Sequence[Clamp]) -> tuple[list[Control], Compared]:
    """Curves and scores with clamps and without.

    Args:
        after: Models that clamp.
        before: The same models, which do not.
        clamps: What they clamp.
    """
    names = [clamp.column for clamp in clamps]
    curves = [{d.column: d for d in partial_dependence(subject, names)} for subject in (after, before)]
    found = []
    for clamp in clamps:
        values = after.table.values(clamp.column)
        changed = ~((clamp(after.table) == values) | (np.isnan(values) & np.isnan(clamp(after.table))))
        curve, plain = (part.get(clamp.column) for part in curves)
        found.append(Control(clamp.column, "clamp", clamp.words, int(changed.sum()), None, curve, plain))
    with_it, without = ([_score(subject, k) for k in range(len(subject.folds))] for subject in (after, before))
    greater = after.task.metric.greater_is_better
    return found, Compared.of(with_it, without, greater_is_better=greater)


def _score(subject: Subject, k: int) -> float:
    rows = subject.folds[k]
    return subject.task.score(subject.y[rows], subject.model(k)(subject.table.take(rows)), subject.step)


def monotone_controls(after: Subject, before: Subject | None, asked: Mapping[str, int]) -> list[Control]:
    """Curves with monotone columns, and those of another run without.

    Args:
        after: The run's models.
        before: The other run's; None where there is none.
        asked: Column -> 1 or -1.
    """
    curves = {d.column: d for d in partial_dependence(after, list(asked))}
    plain = {} if before is None else {d.column: d for d in partial_dependence(before, list(asked))}
    found = []
    for name, sign in asked.items():
        words = "may only rise" if sign > 0 else "may only fall"
        curve = curves[name]
        against = None if curve.kind == "levels" and len(curve.grid) < 2 else steps_against(curve, sign)
        found.append(Control(name, "monotone", words, None, against, curve, plain.get(name)))
    return found


def steps_against(curve: Dependence, sign: int) -> float:
    """Largest step of a single row's curve against a direction, over the span of all curves; see `Control`."""
    order = np.arange(len(curve.grid))
    if curve.kind == "levels":  # of a boolean, without those that are missing
        order = np.array([curve.grid.index(word) for word in ("no", "yes") if word in curve.grid])
    lines = curve.lines[:, order] * sign
    span = float(np.ptp(lines)) if lines.size else 0.0
    return float(max(0.0, -np.diff(lines, axis=1).min(initial=0.0)) / span) if span else 0.0


def run_without(run: Run) -> Run | None:
    """The newest run that differs in nothing but `model.monotone`, which it has none of."""
    info = run.info
    wanted = _comparable(info["config"])
    for other in reversed(list_runs(run.folder.parent)):
        if other.id == run.id or not other.is_done or other.kind != "train":
            continue
        theirs = other.info
        same = all(theirs[key] == info[key] for key in ("data_hash", "code_hash", "competition"))
        if same and not theirs["config"]["model"].get("monotone") and _comparable(theirs["config"]) == wanted:
            return other
    return None


def _comparable(config: dict[str, Any]) -> dict[str, Any]:
    model = {key: value for key, value in config["model"].items() if key != "monotone"}
    return {**{key: value for key, value in config.items() if key != "workers"}, "model": model}
