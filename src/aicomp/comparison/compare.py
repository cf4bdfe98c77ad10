"""Compare two runs: what was set otherwise, what came of it, and where it shows."""

import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aicomp.comparison.alike import Alike, Gain, alike, most_a_blend_gains
from aicomp.comparison.folds import FoldTest, corrected_t_test, valid_share
from aicomp.comparison.rows import Losses, RowTest, furthest_rows, losses_of, row_test
from aicomp.comparison.segments import Segment, compare_segments, groupings_of
from aicomp.comparison.settings import changes
from aicomp.comparison.sides import Sides, read_sides
from aicomp.data.columns import infer_columns
from aicomp.dataset import load_dataset
from aicomp.errors import AicompError
from aicomp.explain.wording import prediction_in_words, truth_in_words
from aicomp.project import AnyProject, Project
from aicomp.run import Run

SURE = 0.05
"""Chance of luck below which a difference is believed."""

_LONGEST_WORDS = 60


@dataclass(frozen=True)
class RowPair:
    """What two runs say of one row.

    Attributes:
        row: Its number in train, counted from 0.
        id: Its id, or that number.
        fold: The fold of b that validates it, counted from 0.
        truth: Its target, as people read it.
        predicted_a: What the first run says, likewise.
        predicted_b: What the second run says.
        loss_a: What that costs.
        loss_b: What that costs.
    """

    row: int
    id: str
    fold: int
    truth: str
    predicted_a: str
    predicted_b: str
    loss_a: float
    loss_b: float


@dataclass(frozen=True)
class ByRows:
    """Two runs row by row.

    Attributes:
        sides: Their predictions.
        losses: What each row costs each of them.
        test: The difference of the scores of all rows, None where the metric is not defined for them.
        b_better: Rows where b is furthest ahead.
        a_better: Rows where a is.
        segments: The surest differences first.
        alike: How alike the two are.
        gain: What a blend could gain at most, None where there is none.
    """

    sides: Sides
    losses: Losses
    test: RowTest | None
    b_better: tuple[RowPair, ...]
    a_better: tuple[RowPair, ...]
    segments: tuple[Segment, ...]
    alike: Alike
    gain: Gain | None

    def to_json(self, n_segments: int) -> dict[str, Any]:
        """As plain values."""
        gain = self.losses.gain
        counts = {"b_better": int((gain > 0).sum()), "a_better": int((gain < 0).sum()), "equal": int((gain == 0).sum())}
        return {
            "n": len(gain),
            "loss": self.losses.name,
            "mean_loss_a": float(self.losses.a.mean()),
            "mean_loss_b": float(self.losses.b.mean()),
            **counts,
            "test": None if self.test is None else asdict(self.test),
            "furthest_b_better": [asdict(pair) for pair in self.b_better],
            "furthest_a_better": [asdict(pair) for pair in self.a_better],
            "n_segments": len(self.segments),
            "segments": [asdict(segment) for segment in self.segments[:n_segments]],
            "alike": asdict(self.alike),
            "blend": None if self.gain is None else asdict(self.gain),
        }


@dataclass(frozen=True)
class Comparison:
    """Two runs compared.

    Attributes:
        a: The first run.
        b: The second run.
        facts: What is said of them in `--json`, but for the rows.
        fold_test: None where the folds are not paired, or one alone.
        rows: None where rows cannot be compared.
        why_not: Why not; empty if they can.
    """

    a: Run
    b: Run
    facts: dict[str, Any]
    fold_test: FoldTest | None
    rows: ByRows | None
    why_not: str

    def to_json(self, n_segments: int) -> dict[str, Any]:
        """As plain values; the keys stand in the help of `aicomp runs compare`."""
        return {
            **self.facts,
            "test": None if self.fold_test is None else asdict(self.fold_test),
            "rows": None if self.rows is None else self.rows.to_json(n_segments),
            "rows_missing": self.why_not or None,
        }


def compare_runs(project: AnyProject, a: Run, b: Run, n_rows: int) -> Comparison:
    """Compare run `b` with run `a`; both are done.

    Args:
        project: Their project.
        a: The first run.
        b: The second run.
        n_rows: How many rows to show where b is better, and as many where a is.

    Raises:
        DataError: A run or the project's data is damaged.
    """
    facts = _facts(a, b)
    differences = [fold["difference"] for fold in facts["folds"] if fold["difference"] is not None]
    ratio = valid_share(b.folder / "folds.csv") if len(differences) > 1 else None
    test = None if ratio is None else corrected_t_test(differences, ratio)
    if not isinstance(project, Project):
        return Comparison(a, b, facts, None, None, "a simulation has no rows, and its seeds are not paired")
    why_not = _why_no_rows(a, b)
    rows = None
    if not why_not:
        try:
            rows = _by_rows(project, a, b, n_rows)
        except AicompError as e:
            why_not = e.message  # settings and folds can be compared all the same
    return Comparison(a, b, facts, test, rows, why_not)


def _why_no_rows(a: Run, b: Run) -> str:
    for run in (a, b):
        if not (run.fold(0) / "predictions.safetensors").is_file():
            return f"run {run.id} holds no predictions"
    return ""


def _facts(a: Run, b: Run) -> dict[str, Any]:
    info_a, info_b, scores_a, scores_b = a.info, b.info, a.scores, b.scores
    same_metric = scores_a["metric"] == scores_b["metric"]
    same_folds = (a.folder / "folds.csv").read_bytes() == (b.folder / "folds.csv").read_bytes()
    folds = _folds(scores_a["folds"], scores_b["folds"], paired=same_metric and same_folds)
    difference = scores_b["mean"] - scores_a["mean"] if same_metric else None
    return {
        "a": _summary(a, scores_a),
        "b": _summary(b, scores_b),
        "metric": scores_b["metric"],
        "greater_is_better": scores_b["greater_is_better"],
        "config": changes(info_a["config"], info_b["config"]),
        "versions": changes(info_a["versions"], info_b["versions"]),
        "same_folds": same_folds,
        "same_data": info_a["data_hash"] == info_b["data_hash"],
        "same_code": info_a["code_hash"] == info_b["code_hash"],
        "folds": folds,
        "difference": difference,
        "standard_error": _standard_error([fold["difference"] for fold in folds]),
        "verdict": None if difference is None else verdict(difference, scores_b["greater_is_better"]),
    }


def _summary(run: Run, scores: dict[str, Any]) -> dict[str, Any]:
    return {"run": run.id, "metric": scores["metric"], **{key: scores[key] for key in ("mean", "std", "pooled")}}


def _folds(a: list[float], b: list[float], *, paired: bool) -> list[dict[str, Any]]:
    return [
        {
            "fold": k,
            "a": a[k] if k < len(a) else None,
            "b": b[k] if k < len(b) else None,
            "difference": b[k] - a[k] if paired else None,
        }
        for k in range(max(len(a), len(b)))
    ]


def _standard_error(differences: list[float | None]) -> float | None:
    """Of the mean of paired differences; None for unpaired ones and for a single fold."""
    known = [d for d in differences if d is not None]
    return statistics.stdev(known) / len(known) ** 0.5 if len(known) > 1 else None


def verdict(difference: float, greater_is_better: bool) -> str:
    """Whether the second of two scores is "better", "worse" or "equal"."""
    if difference == 0:
        return "equal"
    return "better" if (difference > 0) == greater_is_better else "worse"


def _by_rows(project: Project, a: Run, b: Run, n_rows: int) -> ByRows:
    sides = read_sides(project, a, b)
    losses = losses_of(project.task, sides)
    better, worse = furthest_rows(project.task, sides, losses, n_rows)
    try:
        test = row_test(project.task, sides)
    except AicompError:
        test = None  # such as an area under the curve of rows that are all of one class
    return ByRows(
        sides,
        losses,
        test,
        tuple(_pair(project, sides, losses, int(place)) for place in better),
        tuple(_pair(project, sides, losses, int(place)) for place in worse),
        tuple(_segments(project, sides, losses)),
        alike(project.task, sides),
        most_a_blend_gains(project, sides),
    )


def _segments(project: Project, sides: Sides, losses: Losses) -> list[Segment]:
    dataset = load_dataset(project)
    kinds = _kinds(sides.b.run) or _kinds(sides.a.run)
    if not kinds:  # runs that nothing was trained for
        columns = infer_columns(dataset.train, dataset.test, project.config.columns, dataset.media.kinds)
        kinds = {column.name: column.kind for column in columns}
    train = dataset.train.iloc[sides.rows].reset_index(drop=True)
    groupings = groupings_of(train, kinds, project.competition, sides.y, sides.fold)
    return compare_segments(groupings, losses.a, losses.b)


def _kinds(run: Run) -> dict[str, str]:
    path: Path = run.folder / "columns.json"
    return {column["name"]: column["kind"] for column in run.read("columns.json")} if path.is_file() else {}


def _pair(project: Project, sides: Sides, losses: Losses, place: int) -> RowPair:
    def words(value: Any, *, is_truth: bool = False) -> str:
        if project.task.is_string:
            return str(value) if len(str(value)) <= _LONGEST_WORDS else f"{str(value)[: _LONGEST_WORDS - 1]}…"
        tell = truth_in_words if is_truth else prediction_in_words
        return tell(project.competition, value)

    return RowPair(
        int(sides.rows[place]),
        sides.ids[place],
        int(sides.fold[place]),
        words(sides.y[place], is_truth=True),
        words(_value(sides.a.oof[place])),
        words(_value(sides.b.oof[place])),
        float(losses.a[place]),
        float(losses.b[place]),
    )


def _value(value: Any) -> Any:
    return value if isinstance(value, str) else np.asarray(value)
