"""A comparison of two runs as lines of text."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aicomp.comparison.compare import ByRows, Comparison, RowPair

_ABSENT = "(none)"
_MOST_SEGMENTS = 8


def comparison_lines(comparison: "Comparison") -> list[str]:
    """A comparison for people."""
    facts = comparison.facts
    lines = [*_setting_lines(facts), "", *_score_lines(facts), "", *_verdict_lines(comparison)]
    if comparison.rows is not None:
        return [
            *lines,
            "",
            *_row_lines(comparison.rows),
            "",
            *_segment_lines(comparison.rows),
            "",
            *_alike_lines(comparison),
        ]
    return [*lines, "", f"rows are not compared: {comparison.why_not}"]


def _setting_lines(c: dict[str, Any]) -> list[str]:
    lines = [f"a: {c['a']['run']}", f"b: {c['b']['run']}", ""]
    lines.append("config:" if c["config"] else "config: the same")
    lines += [_change_line(change) for change in c["config"]]
    if not c["same_code"]:
        lines.append("code: the project's Python files differ")
    if not c["same_data"]:
        lines.append("data: the raw files differ")
    if c["versions"]:
        lines += ["versions:", *(_change_line(change) for change in c["versions"])]
    return lines


def _change_line(change: dict[str, Any]) -> str:
    a, b = (_ABSENT if change[side] is None else change[side] for side in ("a", "b"))
    return f"  {change['key']}: {a} → {b}"


def _score_lines(c: dict[str, Any]) -> list[str]:
    from aicomp.cli.table import table_lines

    same_metric = c["a"]["metric"] == c["b"]["metric"]
    rows = [[str(f["fold"] + 1), _number(f["a"]), _number(f["b"]), _signed(f["difference"])] for f in c["folds"]]
    for key in ("mean", "std", "pooled"):
        difference = c["b"][key] - c["a"][key] if same_metric and key != "std" else None
        rows.append([key, _number(c["a"][key]), _number(c["b"][key]), _signed(difference)])
    names = ["a", "b"] if same_metric else [f"a: {c['a']['metric']}", f"b: {c['b']['metric']}"]
    return table_lines(["fold", *names, "b - a"], rows)


def _verdict_lines(comparison: "Comparison") -> list[str]:
    from aicomp.comparison.compare import SURE, verdict

    c, test = comparison.facts, comparison.fold_test
    if c["verdict"] is None:
        return [f"not comparable: a is measured by {c['a']['metric']}, b by {c['b']['metric']}"]
    direction = "higher" if c["greater_is_better"] else "lower"
    line = f"b is {c['verdict']}: {c['metric']} {_signed(c['difference'])} on average ({direction} is better)"
    if c["verdict"] == "equal":
        line = f"b is equal: the same mean {c['metric']}"
    lines = [line]
    if not c["same_folds"]:
        lines.append("the folds are not the same: part of the difference comes from other validation rows")
    else:
        known = [f["difference"] for f in c["folds"]]
        n_better = sum(verdict(d, c["greater_is_better"]) == "better" for d in known)
        lines.append(f"better in {n_better} of {len(known)} folds")
    if test is not None and c["verdict"] != "equal":
        lines.append(f"folds: 95 % interval {_signed(test.low)} to {_signed(test.high)}, p {_is(test.p_value)} "
                     "(t-test corrected for shared training rows)")  # fmt: skip
        if test.p_value >= SURE:
            lines.append("this may be chance")
    return lines


def _row_lines(rows: "ByRows") -> list[str]:
    gain = rows.losses.gain
    n, better, worse = len(gain), int((gain > 0).sum()), int((gain < 0).sum())
    lines = [
        f"rows: b is better in {better}, worse in {worse}, equal in {n - better - worse} of {n} ({rows.losses.name})"
    ]
    test = rows.test
    if test is not None:
        line = f"all rows together: a {test.a:.5g}, b {test.b:.5g}, {_signed(test.difference)}"
        if test.low is not None and test.high is not None and test.p_value is not None:
            line += f", 95 % interval {_signed(test.low)} to {_signed(test.high)}, p {_is(test.p_value)}"
            line += " (jackknife over rows)"
        lines.append(line)
    return [*lines, *_furthest("b", rows.b_better), *_furthest("a", rows.a_better)]


def _furthest(side: str, pairs: "tuple[RowPair, ...]") -> list[str]:
    from aicomp.cli.table import table_lines

    if not pairs:
        return []
    header = ["  id", "fold", "truth", "a says", "b says", "loss a", "loss b"]
    cells = [
        [f"  {p.id}", str(p.fold + 1), p.truth, p.predicted_a, p.predicted_b, f"{p.loss_a:.4g}", f"{p.loss_b:.4g}"]
        for p in pairs
    ]
    return [f"{side} is furthest ahead in:", *table_lines(header, cells)]


def _segment_lines(rows: "ByRows") -> list[str]:
    from aicomp.cli.table import table_lines
    from aicomp.comparison.compare import SURE

    shown = rows.segments[:_MOST_SEGMENTS]
    if not shown:
        return ["segments: none holds enough rows"]
    n_sure = sum(segment.p_value < SURE for segment in rows.segments)
    cells = [
        [s.column, s.level, str(s.n), f"{s.loss_a:.4g}", f"{s.loss_b:.4g}", _signed(s.gain), _p(s.p_value)]
        for s in shown
    ]
    header = ["segment", "", "rows", "loss a", "loss b", "a - b", "p"]
    first = f"segments: {n_sure} of {len(rows.segments)} differ beyond luck (p is corrected for all of them)"
    return [first, *table_lines(header, cells)]


def _alike_lines(comparison: "Comparison") -> list[str]:
    rows, metric = comparison.rows, comparison.facts["metric"]
    assert rows is not None
    found = rows.alike
    named = {
        "predictions": found.predictions, "ranks": found.ranks, "errors": found.errors,
        "test predictions": found.test, "similarity of strings": found.similarity,
    }  # fmt: skip
    parts = [f"{name} {value:.3f}" for name, value in named.items() if value is not None]
    lines = [f"correlation: {', '.join(parts)}"] if parts else []
    if found.same_label is not None:
        lines.append(f"same label: {100 * found.same_label:.1f} % of the rows")
    gain = rows.gain
    if gain is not None:
        best = gain.best
        lines.append(
            f"a blend could gain {gain.gain:.3g} at most: {metric} {best:.5g} with {gain.weight:.2g} of b "
            f"(mean of {gain.method}; optimistic, as weight and score come from the same rows)"
            if gain.gain > 0
            else f"a blend gains nothing: no weighted mean of {gain.method} is better than the better of the two"
        )
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3g}"


def _is(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.2g}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.2g}"
