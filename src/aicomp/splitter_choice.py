"""Which splitter suits the data."""

import numpy as np

from aicomp.metrics.base import ProblemType


def choose_splitter(
    *,
    problem_type: ProblemType,
    has_groups: bool,
    has_time: bool,
    has_fold_column: bool,
    y: np.ndarray,
    forecasts: bool = False,
) -> tuple[str, str]:
    """Name of the splitter that suits the data, and why as a sentence.

    Args:
        problem_type: See `Competition.problem_type`.
        has_groups: Whether rows have groups.
        has_time: Whether rows have a time.
        has_fold_column: Whether train says which fold a row is in.
        y: Targets; see `aicomp.splitters`.
        forecasts: Whether the rows are steps of series that are forecast.
    """
    classes = problem_type in ("binary", "multiclass")
    if has_fold_column:
        return "fold-column", "train has a column with the fold of each row"
    if forecasts:
        return (
            "rolling-origin",
            "series are forecast: each fold validates as many steps as test has, after all it learns",
        )
    if has_time and has_groups:
        return "time-series", (
            "rows have a time, and the hidden test is taken to lie after train; "
            'if it holds new groups instead, set `splitter = "group"` under [split]'
        )
    if has_time:
        return "time-series", "rows have a time, and no fold may learn from what comes after its validation rows"
    if has_groups and classes:
        return "stratified-group", "the rows of a group stay together, and each fold has its share of every class"
    if has_groups:
        return "group", "the rows of a group stay together"
    if problem_type == "multilabel":
        return "multilabel-stratified", "each fold has its share of every label"
    if classes:
        rarest = np.unique(y, return_counts=True)[1].min() / max(len(y), 1)
        return "stratified", f"each fold has its share of every class (the rarest has {rarest:.1%} of the rows)"
    what = "strings" if problem_type == "string" else "numbers"
    return "kfold", f"shuffled rows: targets are {what}, and chance spreads them over the folds"
