"""Scores of Kaggle's competitions on credit and on returns: what a day or a week earns, and how steadily."""

import numpy as np

from aicomp.metrics.checks import check_column, check_groups, check_scores, check_values, check_weights, require
from aicomp.metrics.roc import areas_of_groups

_FALL, _DEVIATION = 88.0, 0.5
_DAYS_OF_YEAR = 250
_MOST_SIGNIFICANT = 6.0
_PORTFOLIO = 200


def gini_stability(y_true: np.ndarray, y_pred: np.ndarray, *, week: np.ndarray) -> float:
    """Mean of the weekly Gini indices, less 88 times their fall by week and half the deviation; higher is better.

    With g = 2 * AUC - 1 of each week and the straight line through them, of slope a: mean(g) + 88 * min(0, a) - 0.5 *
    the standard deviation (divided by the number of weeks) of g from the line. Weeks are counted 0, 1, 2 in their
    order, whatever lies between them. The measure of Kaggle's Home Credit - Credit Risk Model Stability (2024).

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).
        week: Number of the week of each row, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, there is one week only, or a week has rows of one
            class.

    >>> week = np.array([0, 0, 1, 1])
    >>> gini_stability(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.9, 0.1]), week=week)  # 1, then -1: 0 - 88 * 2
    -176.0...
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    names, codes = np.unique(check_column("week", week, len(true)), return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"`week` is {names[0]:g} in all {len(true)} rows, but a line needs two weeks")
    areas = areas_of_groups(true, pred, codes, len(names))
    lacking = np.flatnonzero(np.isnan(areas))
    if len(lacking):
        raise ValueError(f"`week` {names[lacking[0]]:g} has rows of one class, but the area needs both")
    gini = 2 * areas - 1
    place = np.arange(len(gini)) - (len(gini) - 1) / 2
    slope = float((place * gini).sum() / (place**2).sum())
    deviation = float(np.std(gini - slope * place))
    return float(gini.mean()) + _FALL * min(0.0, slope) - _DEVIATION * deviation


def jane_street_utility(y_true: np.ndarray, y_pred: np.ndarray, *, date: np.ndarray, weight: np.ndarray) -> float:
    """What the chosen trades earn, times how surely it is above 0; higher is better, 0 is doing nothing.

    With p = sum of weight * return * action of each date: u = min(max(t, 0), 6) * sum(p), where t = sum(p) /
    sqrt(sum(p^2)) * sqrt(250 / number of dates). The measure of Kaggle's Jane Street Market Prediction (2021).

    Args:
        y_true: Return of each opportunity, (n,).
        y_pred: 1 to trade, 0 to pass, (n,).
        date: Of each row, (n,).
        weight: Of each row, (n,), >= 0.

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, an action is neither 0 nor 1, or a weight is
            negative.

    >>> returns, action = np.array([3.0, -5.0, 4.0]), np.array([1, 0, 1])
    >>> date, weight = np.array(["a", "a", "b"], object), np.ones(3)
    >>> jane_street_utility(returns, action, date=date, weight=weight)  # t = 7 / 5 * sqrt(125) = 15.7, at most 6
    42.0
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    require("y_pred", pred, (pred == 0) | (pred == 1), "an action is 0 or 1")
    codes, names = check_groups("date", date, len(true))
    of_date = np.bincount(codes, check_weights(weight, len(true)) * true * pred)
    size = float(np.sqrt((of_date**2).sum()))
    if not size:
        return 0.0
    t = of_date.sum() / size * np.sqrt(_DAYS_OF_YEAR / len(names))
    return float(min(max(t, 0.0), _MOST_SIGNIFICANT) * of_date.sum())


def spread_return_sharpe(y_true: np.ndarray, y_pred: np.ndarray, *, date: np.ndarray) -> float:
    """Mean over dates of the return of best less worst ranks, divided by its standard deviation; higher is better.

    Of a date, the 200 rows of the lowest ranks are bought and the 200 of the highest are sold, with weights that fall
    from 2 to 1 from the outermost rank inwards, divided by their mean, 1.5; the deviation is that of a sample (divided
    by dates - 1). The measure of Kaggle's JPX Tokyo Stock Exchange Prediction (2022).

    Args:
        y_true: Return of each stock, (n,).
        y_pred: Rank of the stock on its date, 0 for the one that is expected to rise most, (n,).
        date: Of each row, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, the ranks of a date are not 0, 1, 2 ..., a date has
            fewer than 200 rows, there is one date only, or all dates earn the same.

    >>> returns = np.concatenate([np.repeat([3.0, 0.0], 200), np.repeat([1.0, 0.0], 200)])
    >>> date, rank = np.repeat(np.array(["a", "b"], object), 400), np.tile(np.arange(400), 2)
    >>> spread_return_sharpe(returns, rank, date=date)  # 600 and 200: 400 / 282.8
    1.414...
    """
    true, rank = check_values(y_true, y_pred, ndim=1)
    codes, names = check_groups("date", date, len(true))
    order = np.lexsort((rank, codes))
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(true))
    place[order] = np.arange(len(true)) - np.repeat(starts, sizes)
    require("y_pred", rank, rank == place, "the ranks of a date are 0, 1, 2 ..., each once")
    if sizes.min() < _PORTFOLIO:
        few = int(sizes.argmin())
        raise ValueError(
            f"`date` {names[few]} has {sizes[few]} rows, but {_PORTFOLIO} are bought and {_PORTFOLIO} sold"
        )
    if len(names) < 2:
        raise ValueError(f"`date` is {names[0]} in all {len(true)} rows, but a deviation needs two")
    weights = np.linspace(2, 1, _PORTFOLIO) / 1.5
    ordered, inwards = true[order], np.arange(_PORTFOLIO)
    bought = (ordered[starts[:, None] + inwards] * weights).sum(axis=1)
    sold = (ordered[(starts + sizes - 1)[:, None] - inwards] * weights).sum(axis=1)
    deviation = float(np.std(bought - sold, ddof=1))
    if not deviation:
        raise ValueError(f"each of {len(names)} dates has the same return, which has no deviation")
    return float((bought - sold).mean() / deviation)


def signed_root_r2(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Square root of R2 with the sign of R2; higher is better, 1 is perfect, 0 is predicting the mean.

    The R of Kaggle's Two Sigma Financial Modeling Challenge (2017), which says -1 of all that are worse than -1.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or all targets are the same.

    >>> signed_root_r2(np.array([1.0, 3.0]), np.array([1.0, 4.0]))  # sqrt(1 - 1 / 2)
    0.707...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    around = ((true - true.mean()) ** 2).sum()
    if not around:
        raise ValueError(f"`y_true` is {true[0]:g} in all {len(true)} rows, but it has to vary")
    r2 = 1 - ((true - pred) ** 2).sum() / around
    return float(max(-1.0, np.sign(r2) * np.sqrt(abs(r2))))
