"""Checks that every metric makes: what is wrong is named by array, index and value."""

import numpy as np


def check_values(y_true: np.ndarray, y_pred: np.ndarray, *, ndim: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays as float64.

    Args:
        y_true: Numbers, (n,) or (n, n_targets).
        y_pred: Numbers of the same shape.
        ndim: Number of dimensions that the metric is defined for; None for 1 or 2.

    Raises:
        ValueError: The shapes differ, there are no rows, or a value is NaN or infinite.
    """
    true, pred = _numbers("y_true", y_true), _numbers("y_pred", y_pred)
    _check_same_shape(true, pred)
    if ndim is not None and true.ndim != ndim:
        columns = "one column" if ndim == 1 else "several columns"
        raise ValueError(f"`y_true` has shape {true.shape}, but the metric is for {columns}")
    return true, pred


def check_labels(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays as int64: class codes, (n,), or 0 and 1 per label, (n, n_labels).

    Raises:
        ValueError: The shapes differ, there are no rows, or a value is no class code.
    """
    true, pred = check_values(y_true, y_pred)
    for name, array in (("y_true", true), ("y_pred", pred)):
        if array.ndim == 2:
            _check_zero_one(name, array)
        require(name, array, (array >= 0) & (array == np.floor(array)), "class codes are whole numbers from 0")
    return true.astype(np.int64), pred.astype(np.int64)


def check_two_classes(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays as int64 codes of two classes, (n,), where 1 is the positive class.

    Raises:
        ValueError: As `check_labels`, or a code is neither 0 nor 1.
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    for name, array in (("y_true", true), ("y_pred", pred)):
        _check_zero_one(name, array)
    return true.astype(np.int64), pred.astype(np.int64)


def check_scores(y_true: np.ndarray, y_pred: np.ndarray, *, ndim: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels as booleans and scores as float64, (n,) or (n, n_labels).

    Args:
        y_true: 0 or 1.
        y_pred: Finite scores of the same shape; the higher, the likelier is 1.
        ndim: As in `check_values`.

    Raises:
        ValueError: As `check_values`, or a label is neither 0 nor 1.
    """
    true, pred = check_values(y_true, y_pred, ndim=ndim)
    _check_zero_one("y_true", true)
    return true == 1, pred


def check_class_scores(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class codes as int64, (n,), and scores as float64, (n, n_classes).

    Raises:
        ValueError: The numbers of rows differ, a score is NaN or infinite, or a code has no column.
    """
    true, pred = _numbers("y_true", y_true), _numbers("y_pred", y_pred)
    if true.ndim != 1 or pred.ndim != 2 or len(true) != len(pred):
        raise ValueError(
            f"`y_true` has shape {true.shape} and `y_pred` {pred.shape}, but (n,) and (n, n_classes) are needed"
        )
    n_classes = pred.shape[1]
    has_column = (true >= 0) & (true < n_classes) & (true == np.floor(true))
    require("y_true", true, has_column, f"`y_pred` has columns for the classes 0 to {n_classes - 1}")
    return true.astype(np.int64), pred


def check_probabilities(y_pred: np.ndarray) -> None:
    """Refuse numbers outside [0, 1].

    Raises:
        ValueError: With the first such number.
    """
    require("y_pred", y_pred, (y_pred >= 0) & (y_pred <= 1), "probabilities lie in [0, 1]")


def check_strings(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[list[str], list[str]]:
    """Both arrays as lists of strings.

    Raises:
        ValueError: The shapes differ, there are no rows, or a value is no string.
    """
    for name, array in (("y_true", y_true), ("y_pred", y_pred)):
        if array.ndim != 1 or not len(array):
            raise ValueError(f"`{name}` has shape {array.shape}, but (n,) with at least one row is needed")
        wrong = next((i for i, value in enumerate(array) if not isinstance(value, str)), None)
        if wrong is not None:
            raise ValueError(f"`{name}[{wrong}]` is {array[wrong]!r}, but a metric of strings takes strings")
    _check_same_shape(y_true, y_pred)
    return list(y_true), list(y_pred)


def check_column(name: str, values: np.ndarray, n_rows: int, *, least: float | None = None) -> np.ndarray:
    """A further column of numbers as float64, (n_rows,).

    Args:
        name: The metric's name of it.
        values: The column.
        n_rows: Rows of the targets.
        least: The smallest number that is allowed; None allows all finite ones.

    Raises:
        ValueError: Another number of rows, or a value is NaN, infinite or too small.
    """
    column = _numbers(name, values)
    if column.shape != (n_rows,):
        raise ValueError(f"`{name}` has shape {column.shape}, but `y_true` has {n_rows} rows")
    if least is not None:
        require(name, column, column >= least, f"it must be {shown(least)} or more")
    return column


def check_weights(weight: np.ndarray, n_rows: int) -> np.ndarray:
    """Weights of rows as float64, (n_rows,).

    Raises:
        ValueError: As `check_column`, a weight is negative, or all are 0.
    """
    column = check_column("weight", weight, n_rows, least=0)
    if not column.any():
        raise ValueError(f"`weight` is 0 in all {n_rows} rows")
    return column


def check_groups(name: str, values: np.ndarray, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A further column of names as codes from 0, int64 (n_rows,), and the distinct names in their order.

    Raises:
        ValueError: Another number of rows.
    """
    column = np.asarray(values)
    if column.shape != (n_rows,):
        raise ValueError(f"`{name}` has shape {column.shape}, but `y_true` has {n_rows} rows")
    import pandas as pd

    codes, names = pd.factorize(column, sort=True)
    require(name, np.where(codes < 0, np.nan, 0.0), codes >= 0, "every row belongs to one")
    return codes.astype(np.int64), np.asarray(names)


def check_parts(y_true: np.ndarray, y_pred: np.ndarray, n_parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets, (n,), and predictions that are several numbers each, (n, n_parts), as float64.

    Raises:
        ValueError: The shapes do not fit, or a value is NaN or infinite.
    """
    true, pred = _numbers("y_true", y_true), _numbers("y_pred", y_pred)
    if true.ndim != 1 or pred.shape != (len(true), n_parts):
        raise ValueError(
            f"`y_true` has shape {true.shape} and `y_pred` {pred.shape}, but (n,) and (n, {n_parts}) are needed"
        )
    return true, pred


def require(name: str, array: np.ndarray, is_right: np.ndarray, expected: str) -> None:
    """Refuse an array of which some element is wrong.

    Args:
        name: What the message calls the array.
        array: The values.
        is_right: Which elements are right, same shape.
        expected: End of the message: what would be right.

    Raises:
        ValueError: With index and value of the first wrong element.
    """
    if is_right.all():
        return
    index = np.unravel_index(int(np.argmin(is_right)), array.shape)
    place = ", ".join(str(int(i)) for i in index)
    raise ValueError(f"`{name}[{place}]` is {shown(array[index])}, but {expected}")


def shown(value: float) -> str:
    """A number as messages show it: short, but never rounded into one that would be right.

    >>> shown(2.0), shown(1.0000001)
    ('2', '1.0000001')
    """
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def _check_zero_one(name: str, array: np.ndarray) -> None:
    require(name, array, (array == 0) | (array == 1), "labels are 0 or 1")


def _check_same_shape(y_true: np.ndarray, y_pred: np.ndarray) -> None:
    if y_true.shape != y_pred.shape:
        raise ValueError(f"`y_true` has shape {y_true.shape}, but `y_pred` has {y_pred.shape}")


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` holds {array.dtype}, but a metric takes numbers")
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"`{name}` has shape {array.shape}, but (n,) or (n, k) with at least one row is needed")
    require(name, array, np.isfinite(array), "a metric takes finite numbers")
    return array.astype(np.float64)
