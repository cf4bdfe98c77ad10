"""Columns of test that hold the target, or something that says what it is."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from aicomp.host.check.material import Material
from aicomp.host.check.problem import Problem

EQUAL_SHARE = 0.999
FEWEST_ROWS = 20
ROWS_PER_VALUE = 5
ROUNDING = 1e-6


def check_columns(m: Material) -> Iterator[Problem]:
    """What gives targets away column by column."""
    if m.test is None or m.test_rows is None:
        return
    for target in m.competition.roles.target:
        truth = m.strings(target)
        if target in m.test.columns:
            share = _equal_share(m.test[target], truth)
            evidence = f"it equals the solution in {share:.1%} of the rows"
            yield Problem("error", f"test has the target column `{target}`", evidence, "remove it from test")
        for column in m.features:
            yield from _telling(m, m.test[column], column, target, truth)


def _telling(m: Material, values: pd.Series, column: str, target: str, truth: "pd.Series[str]") -> Iterator[Problem]:
    what = f"column `{column}` of test"
    share = _equal_share(values, truth)
    if share >= EQUAL_SHARE and truth.nunique() > 1:
        evidence = f"it equals the solution's `{target}` in {share:.1%} of the rows"
        yield Problem("error", f"{what} is the target", evidence, "remove it from train and test")
    elif len(truth) >= FEWEST_ROWS and truth.nunique() > 1:
        if m.competition.roles.labels:
            yield from _one_label_per_value(values, what, target, truth)
        else:
            yield from _same_order(values, what, target, truth)


def _one_label_per_value(values: pd.Series, what: str, target: str, truth: "pd.Series[str]") -> Iterator[Problem]:
    n = values.nunique(dropna=False)
    if not 1 < n <= len(values) / ROWS_PER_VALUE:
        return
    if (truth.groupby(values.astype(str).to_numpy()).nunique() == 1).all():
        evidence = f"each of its {n} values goes with one `{target}`, in {len(values)} rows"
        hint = "remove it from train and test, unless it is known before the target is"
        yield Problem("warning", f"{what} determines the target", evidence, hint)


def _same_order(values: pd.Series, what: str, target: str, truth: "pd.Series[str]") -> Iterator[Problem]:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    y = pd.to_numeric(truth, errors="coerce").to_numpy(dtype=float)
    there = np.isfinite(numbers) & np.isfinite(y)
    if there.sum() < max(FEWEST_ROWS, 0.9 * len(y)) or len(np.unique(numbers[there])) < 3:
        return
    ranks = pd.DataFrame({"x": numbers[there], "y": y[there]}).rank()
    correlation = float(np.corrcoef(ranks["x"], ranks["y"])[0, 1]) if ranks["y"].nunique() > 1 else 0.0
    if abs(correlation) > 1 - ROUNDING:
        evidence = f"rank correlation with `{target}` {correlation:.6f}"
        yield Problem("error", f"{what} is the target in another unit", evidence, "remove it from train and test")


def _equal_share(values: pd.Series, truth: "pd.Series[str]") -> float:
    """Share of rows with equal values: as numbers where both are numbers, else as text."""
    a, b = (pd.to_numeric(series, errors="coerce").to_numpy(dtype=float) for series in (values, truth))
    texts = values.astype(str).str.strip().to_numpy() == truth.astype(str).str.strip().to_numpy()
    return float(np.mean(texts | (a == b)))
