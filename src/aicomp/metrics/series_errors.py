"""Errors of forecasts of many series, scaled so that series of any size count alike."""

import numpy as np

from aicomp.metrics.checks import check_column, check_groups, check_values, require


def mase(y_true: np.ndarray, y_pred: np.ndarray, *, series: np.ndarray, scale: np.ndarray) -> float:
    """Mean absolute scaled error; lower is better, 0 is perfect, 1 is as good as the naive forecast was in training.

    Mean over series of (mean absolute error / scale), with the scale the mean absolute difference of consecutive (or
    seasonal) values of the series in training: Hyndman and Koehler, "Another look at measures of forecast accuracy",
    2006. As the metric does not see training, the solution has to hold the scale in every row.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).
        series: Which series each row is of, (n,).
        scale: Of the row's series, above 0, (n,).

    Raises:
        ValueError: The shapes differ, a value is wrong, or a series has several scales.

    >>> a = np.array(["a", "a"], object)
    >>> mase(np.array([1.0, 2.0]), np.array([2.0, 5.0]), series=a, scale=np.array([4.0, 4.0]))  # (1 + 3) / 2 / 4
    0.5
    """
    true, pred, codes, scales = _scaled(y_true, y_pred, series, scale)
    return float(np.mean(np.bincount(codes, abs(pred - true)) / np.bincount(codes) / scales))


def rmsse(y_true: np.ndarray, y_pred: np.ndarray, *, series: np.ndarray, scale: np.ndarray) -> float:
    """Root mean squared scaled error; lower is better, 0 is perfect, 1 is as good as the naive forecast in training.

    Mean over series of sqrt(mean squared error / scale), with the scale the mean squared difference of consecutive
    values of the series in training.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).
        series: Which series each row is of, (n,).
        scale: Of the row's series, above 0, (n,).

    Raises:
        ValueError: As `mase`.

    >>> a = np.array(["a", "a"], object)
    >>> rmsse(np.array([1.0, 2.0]), np.array([3.0, 4.0]), series=a, scale=np.array([16.0, 16.0]))  # sqrt(4 / 16)
    0.5
    """
    true, pred, codes, scales = _scaled(y_true, y_pred, series, scale)
    return float(np.mean(np.sqrt(np.bincount(codes, (pred - true) ** 2) / np.bincount(codes) / scales)))


def wrmsse(
    y_true: np.ndarray, y_pred: np.ndarray, *, series: np.ndarray, scale: np.ndarray, weight: np.ndarray
) -> float:
    """Weighted root mean squared scaled error of Kaggle's M5 Accuracy (2020); lower is better, 0 is perfect.

    sum over series of weight * sqrt(mean squared error / scale), divided by the sum of the weights. In M5, series are
    the 42,840 of twelve levels, from one in all to 30,490 products in stores; the scale is the mean squared
    difference of consecutive days from a series' first sale on, and the weight its share of its level's sales in
    dollars over the last 28 days of training. Here the files hold a row for each day of each series of every level,
    as sums over products are the host's to make: M5's own file has the lowest level alone.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).
        series: Which series each row is of, (n,).
        scale: Of the row's series, above 0, (n,).
        weight: Of the row's series, 0 or more, (n,).

    Raises:
        ValueError: As `mase`, a series has several weights, or no series has weight.

    >>> s, one = np.array(["a", "b"], object), np.ones(2)
    >>> wrmsse(np.zeros(2), np.array([3.0, 1.0]), series=s, scale=one, weight=np.array([0.25, 0.75]))
    1.5
    """
    true, pred, codes, scales = _scaled(y_true, y_pred, series, scale)
    weights = _of_series("weight", check_column("weight", weight, len(true), least=0), codes)
    if not weights.any():
        raise ValueError(f"`weight` is 0 in all {len(true)} rows")
    errors = np.sqrt(np.bincount(codes, (pred - true) ** 2) / np.bincount(codes) / scales)
    return float(np.average(errors, weights=weights))


def weighted_scaled_pinball(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    *,
    level: np.ndarray,
    scale: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> float:
    """Pinball loss of rows that are each a quantile of their own level, scaled and weighted; lower is better.

    sum(weight * pinball(level) / scale) / sum(weight), in files with a row for each series, day and level. With the
    mean absolute difference of consecutive days as scale, and weights as in `wrmsse`, it is the weighted scaled
    pinball loss of Kaggle's M5 Uncertainty (2020). Without scale and weight, twice its value is the weighted interval
    score of forecasts by quantiles (Bracher et al., "Evaluating epidemic forecasts in an interval format", 2021),
    where every forecast has the same levels.

    Args:
        y_true: Targets, (n,).
        y_pred: Quantiles, (n,).
        level: Of each row, between 0 and 1, (n,).
        scale: Of each row, above 0, (n,).
        weight: Of each row, 0 or more, (n,).

    Raises:
        ValueError: The shapes differ, or a value is wrong.

    >>> weighted_scaled_pinball(np.array([4.0, 4.0]), np.array([2.0, 8.0]), level=np.array([0.25, 0.75]))  # 1/2 and 1
    0.75
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    levels = check_column("level", level, len(true))
    require("level", levels, (levels > 0) & (levels < 1), "the level of a quantile lies between 0 and 1")
    losses = np.maximum(levels * (true - pred), (levels - 1) * (true - pred))
    if scale is not None:
        losses = losses / _positive(scale, len(true))
    weights = np.ones(len(true)) if weight is None else check_column("weight", weight, len(true), least=0)
    if not weights.any():
        raise ValueError(f"`weight` is 0 in all {len(true)} rows")
    return float(np.average(losses, weights=weights))


def weighted_interval_score(y_true: np.ndarray, y_pred: np.ndarray, *, level: np.ndarray) -> float:
    """Weighted interval score of quantiles, in the target's unit; lower is better, 0 is perfect.

    Twice the mean pinball loss over the rows, of which each is one quantile of a forecast. For forecasts with the
    median and K pairs of quantiles it is (|y - m| / 2 + sum of alpha / 2 * interval score) / (K + 1/2): Bracher et al.,
    "Evaluating epidemic forecasts in an interval format", 2021.

    Args:
        y_true: Targets, (n,).
        y_pred: Quantiles, (n,).
        level: Of each row, between 0 and 1, (n,).

    Raises:
        ValueError: The shapes differ, or a value is wrong.

    >>> weighted_interval_score(np.array([4.0, 4.0]), np.array([2.0, 8.0]), level=np.array([0.25, 0.75]))  # 1 and 2
    1.5
    """
    return 2 * weighted_scaled_pinball(y_true, y_pred, level=level)


def _positive(scale: np.ndarray, n_rows: int) -> np.ndarray:
    scales = check_column("scale", scale, n_rows)
    require("scale", scales, scales > 0, "errors are divided by it, so that it is above 0")
    return scales


def _scaled(
    y_true: np.ndarray, y_pred: np.ndarray, series: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Checked values, the series of each row, and the scale of each series."""
    true, pred = check_values(y_true, y_pred, ndim=1)
    codes, _ = check_groups("series", series, len(true))
    return true, pred, codes, _of_series("scale", _positive(scale, len(true)), codes)


def _of_series(name: str, values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The value of each series.

    Raises:
        ValueError: Two rows of a series have different ones.
    """
    of_series = np.zeros(codes.max() + 1)
    of_series[codes[::-1]] = values[::-1]
    require(name, values, values == of_series[codes], "all rows of a series have the same one")
    return of_series
