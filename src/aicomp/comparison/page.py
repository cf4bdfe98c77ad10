"""A comparison of two runs as one page."""

from typing import Any

from aicomp.comparison.compare import SURE, ByRows, Comparison, RowPair, verdict
from aicomp.comparison.drawings import blend_drawing, fold_drawing, prediction_drawing, segment_drawing
from aicomp.comparison.segments import Segment
from aicomp.competition import Competition
from aicomp.pages.drawing import Drawing
from aicomp.pages.render import number, percent, render

_MOST_SEGMENTS = 40


def comparison_page(competition: Competition, comparison: Comparison) -> str:
    """HTML of the page; everything that is given is escaped.

    Args:
        competition: The contract.
        comparison: What was found.
    """
    facts, rows = comparison.facts, comparison.rows
    sections = [("verdict", "Verdict"), ("settings", "Settings"), ("folds", "Folds")]
    if rows is not None:
        sections += [("rows", "Rows"), ("segments", "Segments"), ("alike", "How alike they are")]
    severity, headline, evidence = _finding(comparison)
    return render(
        "aicomp.comparison",
        "comparison.html",
        title=f"Run {comparison.b.id} beside {comparison.a.id}",
        competition=competition.title or competition.slug,
        sections=sections,
        severity=severity,
        headline=headline,
        evidence=evidence,
        a=facts["a"],
        b=facts["b"],
        changes=[[c["key"], _shown(c["a"]), _shown(c["b"])] for c in [*facts["config"], *facts["versions"]]],
        notes=_notes(facts),
        folds=fold_drawing(facts),
        fold_rows=_fold_rows(facts),
        rows=rows,
        why_not=comparison.why_not,
        **({} if rows is None else _of_rows(rows, facts)),
    )


def comparison_drawings(comparison: Comparison) -> list[Drawing]:
    """What the page draws: folds, and of rows the predictions, segments and blends."""
    found: list[Drawing | None] = [fold_drawing(comparison.facts)]
    rows = comparison.rows
    if rows is not None:
        shown = rows.segments[:_MOST_SEGMENTS]
        found += [
            prediction_drawing(rows),
            segment_drawing(shown) if shown else None,
            None if rows.gain is None else blend_drawing(rows.gain, comparison.facts["metric"]),
        ]
    return [drawing for drawing in found if drawing is not None]


def _finding(comparison: Comparison) -> tuple[str, str, str]:
    """How sure it is that one run is better: severity, headline, evidence."""
    facts, test = comparison.facts, comparison.fold_test
    if facts["verdict"] is None:
        metrics = f"a is measured by {facts['a']['metric']}, b by {facts['b']['metric']}"
        return "low", "The two cannot be compared", metrics
    direction = "higher" if facts["greater_is_better"] else "lower"
    said = f"{facts['metric']} {facts['difference']:+.4g} on average over the folds ({direction} is better)."
    if facts["verdict"] == "equal":
        return "low", "Both have the same mean", said
    if test is None:
        return "low", f"b is {facts['verdict']}; whether beyond luck is not known", f"{said} {_why_untested(facts)}"
    tested = (
        f"{said} The 95 % interval is {test.low:+.4g} to {test.high:+.4g}, p {_is(test.p_value)}: a t-test "
        f"over {test.n_folds} folds, corrected for training rows that they share (Nadeau and Bengio 2003)."
    )
    if test.p_value >= SURE:
        return "medium", f"b is {facts['verdict']}, but this may be chance", tested
    return "ok" if facts["verdict"] == "better" else "high", f"b is {facts['verdict']} beyond luck", tested


def _why_untested(facts: dict[str, Any]) -> str:
    if not facts["same_folds"]:
        return "The folds are not the same: part of the difference comes from other validation rows."
    return "One fold, or one that trains on no row, tells nothing of luck."


def _notes(facts: dict[str, Any]) -> list[str]:
    notes = []
    if not facts["same_code"]:
        notes.append("The project's Python files differ.")
    if not facts["same_data"]:
        notes.append("The raw files differ.")
    if not facts["same_folds"]:
        notes.append("The folds differ.")
    return notes


def _fold_rows(facts: dict[str, Any]) -> list[list[str]]:
    rows = [[str(f["fold"] + 1), *map(_score, (f["a"], f["b"])), _difference(f["difference"])] for f in facts["folds"]]
    same_metric = facts["a"]["metric"] == facts["b"]["metric"]
    for key in ("mean", "std", "pooled"):
        a, b = facts["a"][key], facts["b"][key]
        rows.append([key, _score(a), _score(b), _difference(b - a) if same_metric and key != "std" else "–"])
    return rows


def _of_rows(rows: ByRows, facts: dict[str, Any]) -> dict[str, Any]:
    gain, found = rows.losses.gain, rows.alike
    named = [
        ("predictions", found.predictions),
        ("ranks of predictions", found.ranks),
        ("errors", found.errors),
        ("test predictions", found.test),
        ("similarity of strings", found.similarity),
    ]
    shown = rows.segments[:_MOST_SEGMENTS]
    n_sure = sum(segment.p_value < SURE for segment in rows.segments)
    return {
        "counts": [
            ("rows that both validate", number(len(gain))),
            ("b better in", number(int((gain > 0).sum()))),
            ("a better in", number(int((gain < 0).sum()))),
            ("equal in", number(int((gain == 0).sum()))),
            ("loss of a row", rows.losses.name),
        ],
        "test": _row_test(rows, facts),
        "pair_headings": ["id", "fold", "truth", "a says", "b says", "loss a", "loss b"],
        "b_better": [_pair(pair) for pair in rows.b_better],
        "a_better": [_pair(pair) for pair in rows.a_better],
        "predictions": prediction_drawing(rows),
        "segments": [_segment(segment) for segment in shown],
        "n_segments": len(rows.segments),
        "n_sure": n_sure,
        "segment_drawing": segment_drawing(shown) if shown else None,
        "correlations": [(name, f"{value:.3f}") for name, value in named if value is not None]
        + ([] if found.same_label is None else [("same label", percent(found.same_label))]),
        "gain": rows.gain,
        "best": None if rows.gain is None else number(rows.gain.best, 5),
        "blend": None if rows.gain is None else blend_drawing(rows.gain, facts["metric"]),
    }


def _row_test(rows: ByRows, facts: dict[str, Any]) -> str:
    test = rows.test
    if test is None:
        return "The metric is not defined for these rows together."
    judged = verdict(test.difference, facts["greater_is_better"])
    said = f"All rows together: {facts['metric']} {number(test.a, 5)} and {number(test.b, 5)}, b is {judged}"
    if test.low is None or test.high is None or test.p_value is None:
        return f"{said}."
    return (
        f"{said} by {test.difference:+.4g}, 95 % interval {test.low:+.4g} to {test.high:+.4g}, "
        f"p {_is(test.p_value)} (paired jackknife over 25 blocks of rows, which takes the models as they are)."
    )


def _is(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"= {number(p_value, 2)}"


def _pair(pair: RowPair) -> list[str]:
    losses = [number(pair.loss_a), number(pair.loss_b)]
    return [pair.id, str(pair.fold + 1), pair.truth, pair.predicted_a, pair.predicted_b, *losses]


def _segment(s: Segment) -> list[str]:
    p_value = "<0.001" if s.p_value < 0.001 else number(s.p_value, 2)
    return [s.column, s.level, number(s.n), number(s.loss_a), number(s.loss_b), f"{s.gain:+.3g}", p_value]


def _score(value: float | None) -> str:
    return number(value, 5)


def _difference(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3g}"


def _shown(value: object) -> str:
    return "–" if value is None else str(value)
