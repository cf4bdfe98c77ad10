"""What made the difference between two runs: settings, and the scores of each fold side by side."""

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aicomp.run import Run

_ABSENT = "(none)"


def compare(a: "Run", b: "Run") -> dict[str, Any]:
    """Compare run `b` with run `a`; both are done. The keys stand in the help of `aicomp runs`.

    The differences of the folds are paired, and have a standard error, only if both runs have the same folds.
    """
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
        "config": _changes(info_a["config"], info_b["config"]),
        "versions": _changes(info_a["versions"], info_b["versions"]),
        "same_folds": same_folds,
        "same_data": info_a["data_hash"] == info_b["data_hash"],
        "same_code": info_a["code_hash"] == info_b["code_hash"],
        "folds": folds,
        "difference": difference,
        "standard_error": _standard_error([fold["difference"] for fold in folds]),
        "verdict": None if difference is None else _verdict(difference, scores_b["greater_is_better"]),
    }


def comparison_lines(comparison: dict[str, Any]) -> list[str]:
    """A comparison for people."""
    return [*_setting_lines(comparison), "", *_score_lines(comparison), "", *_verdict_lines(comparison)]


def _summary(run: "Run", scores: dict[str, Any]) -> dict[str, Any]:
    return {"run": run.id, "metric": scores["metric"], **{key: scores[key] for key in ("mean", "std", "pooled")}}


def _changes(a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    """Entries that differ, with dotted keys; one that is absent is null."""
    flat_a, flat_b = _flatten(a), _flatten(b)
    keys = dict.fromkeys([*flat_a, *flat_b])
    return [
        {"key": key, "a": flat_a.get(key), "b": flat_b.get(key)} for key in keys if flat_a.get(key) != flat_b.get(key)
    ]


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in tree.items():
        flat.update(_flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return flat


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


def _verdict(difference: float, greater_is_better: bool) -> str:
    if difference == 0:
        return "equal"
    return "better" if (difference > 0) == greater_is_better else "worse"


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


def _verdict_lines(c: dict[str, Any]) -> list[str]:
    if c["verdict"] is None:
        return [f"not comparable: a is measured by {c['a']['metric']}, b by {c['b']['metric']}"]
    direction = "higher" if c["greater_is_better"] else "lower"
    line = f"b is {c['verdict']}: {c['metric']} {_signed(c['difference'])} on average ({direction} is better)"
    if c["verdict"] == "equal":
        line = f"b is equal: the same mean {c['metric']}"
    if not c["same_folds"]:
        return [line, "the folds are not the same: part of the difference comes from other validation rows"]
    differences = [f["difference"] for f in c["folds"]]
    n_better = sum(_verdict(d, c["greater_is_better"]) == "better" for d in differences)
    lines = [line, f"better in {n_better} of {len(differences)} folds"]
    error = c["standard_error"]
    if error is not None:
        lines[1] += f"; standard error of the mean difference {error:.2g}"
        if c["verdict"] != "equal" and abs(c["difference"]) < 2 * error:
            lines.append("less than two standard errors: this may be chance")
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3g}"
