"""What folds are balanced by: classes, ranges of a number, whole groups."""

import numpy as np

from aicomp.dealing import deal_groups
from aicomp.errors import DataError, UsageError
from aicomp.metrics.base import ProblemType

_MOST_BINS = 10


def without_column(name: str, option: str) -> UsageError:
    """The error where a splitter needs a column that nobody names."""
    return UsageError(
        f"splitter `{name}` needs a column, and `split.{option}` is not set",
        f'set `{option} = "COLUMN"` under [split] in aicomp.toml, or add `--set split.{option}=COLUMN`',
    )


def strata_of(name: str, y: np.ndarray, problem_type: ProblemType, n_splits: int) -> np.ndarray:
    """Class codes, or bins of a number between its quantiles with at least a row per fold; int64 (n,)."""
    if problem_type == "string":
        plain = "group" if name == "stratified-group" else "kfold"
        raise UsageError(
            f"splitter `{name}` needs classes or numbers, and the targets are strings",
            f"run with `--set split.splitter={plain}`",
        )
    if y.ndim != 1:
        plain = "group" if name == "stratified-group" else "kfold"
        other = "multilabel-stratified" if problem_type == "multilabel" and plain == "kfold" else plain
        raise UsageError(
            f"splitter `{name}` needs one target, the problem is {problem_type} with {y.shape[1]}",
            f"run with `--set split.splitter={other}`",
        )
    if problem_type != "regression":
        return y.astype(np.int64)
    n_bins = max(min(_MOST_BINS, len(y) // n_splits), 1)
    inner_edges = np.quantile(y, np.arange(1, n_bins) / n_bins)
    return np.asarray(np.searchsorted(inner_edges, y, side="right"))


def whole_groups(name: str, groups: np.ndarray | None, strata: np.ndarray, n_splits: int, seed: int) -> np.ndarray:
    """Fold of each row, with the rows of a group in one fold; int64 (n,)."""
    if groups is None:
        raise without_column(name, "group")
    codes = group_codes(groups)
    if codes.min() < 0:
        raise DataError(
            f"the group of train row {np.argmin(codes)} is missing (the first row is 0)",
            "fill it in, or set `group` under [split] to another column",
        )
    n_groups = int(codes.max()) + 1
    if n_groups < n_splits:
        raise DataError(
            f"train has {n_groups} {'group' if n_groups == 1 else 'groups'}, {n_splits} folds of whole groups need at "
            f"least {n_splits}",
            f"run with `--set split.n_splits={n_groups}`" if n_groups > 1 else "use another splitter",
        )
    return deal_groups(codes, strata, n_splits, np.random.default_rng(seed))


def group_codes(groups: np.ndarray) -> np.ndarray:
    """Code of each row's group, -1 where it is missing; int64 (n,)."""
    known = ~is_missing(groups)
    codes = np.full(len(groups), -1)
    codes[known] = np.unique(groups[known].astype(str), return_inverse=True)[1]
    return codes


def is_missing(values: np.ndarray) -> np.ndarray:
    """Where strings are missing or blank, bool (n,)."""
    return np.array([v is None or v != v or not str(v).strip() for v in values], dtype=bool)
