"""The noun Splitter: a function that yields folds, as (train rows, validation rows).

A splitter takes any of these keyword arguments, by name, and yields pairs of row numbers (int, the first row of train
is 0); a project's own (`splitter = "file:function"`), a plugin's and the built-in ones alike:

| argument | what it is |
|---|---|
| y | targets: class codes (n,), values (n,), strings (n,), or (n, n_targets) |
| problem_type | "binary", "multiclass", "regression", "multilabel", "multi-target" or "string" |
| groups | group of each row, strings (n,); None if the project names no group column |
| time | time of each row, float (n,); None if the project names no time column |
| fold_column | fold of each row as the file has it, strings (n,); None if the project names no fold column |
| steps | number of the step of time of each row, int (n,); None if nothing is forecast |
| horizon | steps that are forecast, 0 if nothing is |
| gap | steps between the last known one and the first that is forecast |
| n_splits | number of folds |
| n_repeats | number of repetitions with other shuffles |
| seed | seed of shuffles, >= 0 |
| holdout | share of the rows that a single fold validates, or "auto" |
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from aicomp.config import Auto, SplitConfig
from aicomp.dealing import cut_times, deal, deal_labels
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.folds import Folds, Rows, check_fold, describe_folds
from aicomp.metrics.base import ProblemType
from aicomp.registry import resolve
from aicomp.splitter_choice import choose_splitter
from aicomp.strata import group_codes, is_missing, strata_of, whole_groups, without_column

Splitter = Callable[..., Iterable[tuple[Rows, Rows]]]

_ARGUMENTS = (
    "y", "problem_type", "groups", "time", "fold_column", "steps", "horizon", "gap", "n_splits", "n_repeats", "seed",
    "holdout",
)  # fmt: skip
_TRAIN_ONLY = "-1"
_HOLDOUT, _MOST_HELD_OUT = 0.1, 5000


def make_folds(
    name: str,
    *,
    y: np.ndarray,
    problem_type: ProblemType,
    groups: np.ndarray | None,
    time: np.ndarray | None,
    fold_column: np.ndarray | None,
    n_splits: int,
    n_repeats: int,
    seed: int,
    folder: Path | None,
    labels: Sequence[str] = (),
    holdout: float | Auto = "auto",
    steps: np.ndarray | None = None,
    horizon: int = 0,
    gap: int = 0,
) -> Folds:
    """Split the rows of train into folds.

    Args:
        name: A key of `SPLITTERS`, a plugin's name, or `file:function` in the project.
        y: Targets; this and the next ones: see the module.
        problem_type: See `Competition.problem_type`.
        groups: Group of each row.
        time: Time of each row.
        fold_column: Fold of each row.
        n_splits: Number of folds.
        n_repeats: Number of repetitions.
        seed: Seed of shuffles.
        folder: The project, where `file:function` is looked up.
        labels: Names of the classes by code, or of the columns of a multilabel target, for the notes.
        holdout: Share of the rows that the splitter "holdout" validates.
        steps: Step of each row; this and the next ones: see the module.
        horizon: Steps that are forecast.
        gap: Steps before the first of them.

    Raises:
        UsageError: No such splitter, an option that does not fit it, or a function of the project that fails or yields
            what is no fold.
        DataError: Too few rows, groups, times or folds, or one is missing in a row.
    """
    splitter: Splitter = resolve("splitter", name, SPLITTERS, folder)
    given = {
        "y": y,
        "problem_type": problem_type,
        "groups": groups,
        "time": time,
        "fold_column": fold_column,
        "steps": steps,
        "horizon": horizon,
        "gap": gap,
        "n_splits": n_splits,
        "n_repeats": n_repeats,
        "seed": seed,
        "holdout": holdout,
    }
    accepted = _accepted(name, splitter)
    _check_options(name, accepted, given)
    pairs = _run(name, splitter, {a: given[a] for a in accepted})
    folds = [check_fold(name, k, pair, len(y)) for k, pair in enumerate(pairs)]
    if not folds:
        raise UsageError(f"splitter `{name}` yields no fold", "yield at least one pair (train rows, validation rows)")
    codes = None if groups is None else group_codes(groups)
    return Folds(folds, describe_folds(folds, y=y, problem_type=problem_type, groups=codes, labels=labels))


def _accepted(name: str, splitter: Any) -> list[str]:
    if not callable(splitter):
        raise UsageError(f"splitter `{name}` is no function but {type(splitter).__name__}", "name a function")
    parameters = inspect.signature(splitter).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return list(_ARGUMENTS)
    for p in parameters:
        if p.name not in _ARGUMENTS and p.default is p.empty and p.kind is not p.VAR_POSITIONAL:
            raise UsageError(
                f"splitter `{name}` wants an argument `{p.name}`, which aicomp does not have",
                f"take any of these by name: {', '.join(_ARGUMENTS)}",
            )
    return [p.name for p in parameters if p.name in _ARGUMENTS]


def _check_options(name: str, accepted: list[str], given: dict[str, Any]) -> None:
    n_rows, n_splits, n_repeats = len(given["y"]), given["n_splits"], given["n_repeats"]
    if given["seed"] < 0:
        raise UsageError(f"`seed` is {given['seed']}, it must be at least 0", "write for example `--set seed=0`")
    if n_splits < 2:
        raise UsageError(
            f"`split.n_splits` is {n_splits}, it must be at least 2", "write for example `--set split.n_splits=5`"
        )
    if n_repeats < 1:
        raise UsageError(
            f"`split.n_repeats` is {n_repeats}, it must be at least 1", "write for example `--set split.n_repeats=3`"
        )
    if n_repeats > 1 and "n_repeats" not in accepted:
        raise UsageError(
            f"`split.n_repeats` is {n_repeats}, but splitter `{name}` does not repeat",
            "add `--set split.splitter=repeated`, or remove `n_repeats`",
        )
    if given["fold_column"] is not None and "fold_column" not in accepted:
        raise UsageError(
            f"`split.fold_column` is set, but splitter `{name}` does not use it",
            "add `--set split.splitter=fold-column`, or remove `fold_column`",
        )
    if given["holdout"] != "auto" and "holdout" not in accepted:
        raise UsageError(
            f"`split.holdout` is set, but splitter `{name}` does not use it",
            "add `--set split.splitter=holdout`, or remove `holdout`",
        )
    if "n_splits" in accepted and given["fold_column"] is None and n_rows < n_splits:
        raise DataError(
            f"train has {n_rows} rows, {n_splits} folds need at least {n_splits}",
            f"run with `--set split.n_splits={n_rows}`" if n_rows >= 2 else "more rows are needed",
        )


def _run(name: str, splitter: Splitter, arguments: dict[str, Any]) -> list[Any]:
    try:
        return list(splitter(**arguments))
    except AicompError:
        raise
    except Exception as e:
        if name in SPLITTERS:  # a bug of ours
            raise
        raise UsageError(f"splitter `{name}` failed with {type(e).__name__}: {e}", "correct the function") from e


# Splitters


def kfold(*, y: np.ndarray, n_splits: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Shuffled rows in folds of equal size."""
    return _pairs(deal(np.zeros(len(y)), n_splits, np.random.default_rng(seed)), n_splits)


def stratified(*, y: np.ndarray, problem_type: ProblemType, n_splits: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Shuffled rows with the same share of each class, or of each range of a number, in every fold."""
    strata = strata_of("stratified", y, problem_type, n_splits)
    return _pairs(deal(strata, n_splits, np.random.default_rng(seed)), n_splits)


def group(*, y: np.ndarray, groups: np.ndarray | None, n_splits: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Whole groups in each fold, so that no group is on both sides; folds of about equal size."""
    return _pairs(whole_groups("group", groups, np.zeros(len(y), dtype=np.int64), n_splits, seed), n_splits)


def stratified_group(
    *, y: np.ndarray, problem_type: ProblemType, groups: np.ndarray | None, n_splits: int, seed: int
) -> Iterator[tuple[Rows, Rows]]:
    """Whole groups in each fold, chosen so that the share of each class is about the same in every fold."""
    strata = strata_of("stratified-group", y, problem_type, n_splits)
    return _pairs(whole_groups("stratified-group", groups, strata, n_splits, seed), n_splits)


def multilabel_stratified(
    *, y: np.ndarray, problem_type: ProblemType, n_splits: int, seed: int
) -> Iterator[tuple[Rows, Rows]]:
    """Shuffled rows with about the same share of each of several labels in every fold (iterative stratification)."""
    if problem_type != "multilabel":
        raise UsageError(
            f"splitter `multilabel-stratified` needs several 0/1 targets, the problem is {problem_type}",
            "run with `--set split.splitter=auto`",
        )
    return _pairs(deal_labels(y != 0, n_splits, np.random.default_rng(seed)), n_splits)


def time_series(*, time: np.ndarray | None, n_splits: int) -> Iterator[tuple[Rows, Rows]]:
    """Validation on one stretch of time after another, training on all rows before it; the first is only trained on."""
    if time is None:
        raise without_column("time-series", "time")
    missing = np.flatnonzero(np.isnan(time))
    if len(missing):
        raise DataError(f"the time of train row {missing[0]} is missing (the first row is 0)", "fill it in")
    distinct, step, counts = np.unique(time, return_inverse=True, return_counts=True)
    if len(distinct) <= n_splits:
        raise DataError(
            f"train has {len(distinct)} distinct times, {n_splits} folds in time need at least {n_splits + 1}",
            f"run with `--set split.n_splits={len(distinct) - 1}`" if len(distinct) > 2 else "use another splitter",
        )
    for start, stop in pairwise(cut_times(counts, n_splits)):
        yield np.flatnonzero(step < start), np.flatnonzero((step >= start) & (step < stop))


def rolling_origin(*, steps: np.ndarray | None, horizon: int, gap: int, n_splits: int) -> Iterator[tuple[Rows, Rows]]:
    """Windows as long as test's, one behind the other up to the end of train, each predicted from all rows before it.

    Tashman, "Out-of-sample tests of forecasting accuracy", 2000; Hyndman, Athanasopoulos, "Forecasting: principles and
    practice", 3rd ed., section 5.10. The newest origin is the last fold. Of the usual number of folds, as many are made
    as fit.
    """
    if steps is None:
        raise UsageError(
            "splitter `rolling-origin` needs steps of time, and nothing is forecast",
            "write `time` and `horizon` in competition.toml, or take the splitter `time-series`",
        )
    first, last = int(steps.min()), int(steps.max())
    most = (last + 1 - first - gap - min(horizon, 2)) // horizon
    if n_splits > most >= 2 and n_splits == SplitConfig().n_splits:
        n_splits = most
    for k in range(n_splits):
        start = last + 1 - (n_splits - k) * horizon
        train, valid = np.flatnonzero(steps < start - gap), np.flatnonzero((steps >= start) & (steps < start + horizon))
        if not len(train) or start - gap - first < min(horizon, 2):
            raise DataError(
                f"train has {last + 1 - first} steps, too few for {n_splits} windows of {horizon}"
                + (f" after a gap of {gap}" if gap else ""),
                f"run with `--set split.n_splits={most}`" if most >= 2 else "take the splitter `time-series`",
            )
        yield train, valid


def repeated(
    *,
    y: np.ndarray,
    problem_type: ProblemType,
    groups: np.ndarray | None,
    n_splits: int,
    n_repeats: int,
    seed: int,
) -> Iterator[tuple[Rows, Rows]]:
    """K-fold several times over with other shuffles, stratified by class or label, and by whole groups if there are."""
    if n_repeats < 2:
        raise UsageError(
            "splitter `repeated` with `split.n_repeats` 1 repeats nothing", "add `--set split.n_repeats=3`"
        )
    name, _ = choose_splitter(
        problem_type=problem_type, has_groups=groups is not None, has_time=False, has_fold_column=False, y=y
    )
    arguments = {"y": y, "problem_type": problem_type, "groups": groups, "n_splits": n_splits}
    accepted = _accepted(name, SPLITTERS[name])
    for child in np.random.SeedSequence(seed).generate_state(n_repeats):
        yield from SPLITTERS[name](seed=int(child), **{k: v for k, v in arguments.items() if k in accepted})


def by_fold_column(*, fold_column: np.ndarray | None, n_splits: int | None = None) -> Iterator[tuple[Rows, Rows]]:
    """The folds that a column of train names; rows of fold -1 are in every training part and never validated."""
    if fold_column is None:
        raise without_column("fold-column", "fold_column")
    missing = np.flatnonzero(is_missing(fold_column))
    if len(missing):
        raise DataError(f"the fold column is empty in train row {missing[0]} (the first row is 0)", "fill it in")
    texts = np.array([str(v).strip() for v in fold_column])
    values = sorted({*texts.tolist()} - {_TRAIN_ONLY}, key=_fold_order)
    if len({*texts.tolist()}) < 2:
        raise DataError(f"the fold column is `{texts[0]}` in every row", "at least two folds are needed")
    if n_splits not in (None, SplitConfig().n_splits, len(values)):
        raise UsageError(
            f"`split.n_splits` is {n_splits}, but the fold column names {len(values)} folds", "remove `n_splits`"
        )
    for value in values:
        yield np.flatnonzero(texts != value), np.flatnonzero(texts == value)


def holdout(
    *,
    y: np.ndarray,
    problem_type: ProblemType,
    groups: np.ndarray | None,
    time: np.ndarray | None,
    seed: int,
    holdout: float | Auto = "auto",
) -> Iterator[tuple[Rows, Rows]]:
    """One fold that validates a share of the rows: the latest ones, whole groups, or its share of each class."""
    share = min(_HOLDOUT, _MOST_HELD_OUT / len(y)) if isinstance(holdout, str) else holdout
    if not 0 < share <= 0.5:
        raise UsageError(
            f"`split.holdout` is {share:g}, it must be above 0 and at most 0.5", "write `--set split.holdout=0.1`"
        )
    n_parts = max(2, round(1 / share))
    if len(y) < n_parts:
        raise DataError(f"train has {len(y)} rows, of which {share:.1%} are less than one", "hold out a larger share")
    if time is not None:
        *_, latest = time_series(time=time, n_splits=n_parts - 1)
        yield latest
    elif groups is not None:
        parts = min(n_parts, len(np.unique(group_codes(groups))))
        yield next(_pairs(whole_groups("holdout", groups, np.zeros(len(y), dtype=np.int64), parts, seed), parts))
    elif problem_type in ("binary", "multiclass", "regression"):
        yield next(stratified(y=y, problem_type=problem_type, n_splits=n_parts, seed=seed))
    elif problem_type == "multilabel":
        yield next(multilabel_stratified(y=y, problem_type=problem_type, n_splits=n_parts, seed=seed))
    else:
        yield next(kfold(y=y, n_splits=n_parts, seed=seed))


SPLITTERS: dict[str, Splitter] = {
    "kfold": kfold,
    "stratified": stratified,
    "group": group,
    "stratified-group": stratified_group,
    "multilabel-stratified": multilabel_stratified,
    "time-series": time_series,
    "rolling-origin": rolling_origin,
    "repeated": repeated,
    "fold-column": by_fold_column,
    "holdout": holdout,
}
"""Built-in splitters by name."""


# Parts of splitters


def _pairs(fold_of_row: np.ndarray, n_splits: int) -> Iterator[tuple[Rows, Rows]]:
    for k in range(n_splits):
        yield np.flatnonzero(fold_of_row != k), np.flatnonzero(fold_of_row == k)


def _fold_order(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value
