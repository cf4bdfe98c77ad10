"""Which rows of a table are train, which count for the public and which for the private score.

The order of rows is that of their SHA-256, as in `aicomp.embedded`: no version of a library can change it.
"""

import hashlib
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import pandas as pd

from aicomp.data.dates import parse_dates
from aicomp.errors import DataError

TRAIN, PUBLIC, PRIVATE = 0, 1, 2


def digest(slug: str, seed: int, purpose: str, row: int) -> bytes:
    """What a row is ordered by."""
    return hashlib.sha256(f"{slug}:{seed}:{purpose}:{row}".encode()).digest()


def deal_units(
    units: Sequence[Hashable], strata: Sequence[Hashable], share: float, order: Sequence[bytes]
) -> np.ndarray:
    """Take a share of the rows of each stratum, whole units of rows at a time.

    Args:
        units: Unit of each row: rows of one unit stay together.
        strata: Stratum of each row; a unit is of that of its first row.
        share: Of the rows of each stratum.
        order: What each row is ordered by; a unit by its first row.

    Returns:
        Which rows are taken, (n_rows,) bool.

    >>> deal_units("aabb", "xxxx", 0.5, [b"1", b"0", b"0", b"0"]).tolist()
    [False, False, True, True]
    """
    rows_of: dict[Hashable, list[int]] = {}
    for row, unit in enumerate(units):
        rows_of.setdefault(unit, []).append(row)
    units_of: dict[Hashable, list[list[int]]] = {}
    for rows in rows_of.values():
        units_of.setdefault(strata[rows[0]], []).append(rows)
    taken = np.zeros(len(units), dtype=bool)
    for members in units_of.values():
        wanted = share * sum(len(rows) for rows in members)
        n_taken = 0
        for rows in sorted(members, key=lambda rows: order[rows[0]]):
            # A unit that would miss the share by more than it lacks now is left, so that one large group is no test.
            if abs(n_taken + len(rows) - wanted) <= abs(n_taken - wanted):
                taken[rows] = True
                n_taken += len(rows)
    return taken


def later_rows(seconds: np.ndarray, share: float) -> np.ndarray:
    """The last share of the rows in time; rows of one time stay together.

    >>> later_rows(np.array([3.0, 1.0, 2.0, 3.0]), 0.3).tolist()
    [True, False, False, True]
    """
    distinct, counts = np.unique(seconds, return_counts=True)
    after = np.cumsum(counts[::-1])[::-1]  # rows from each time on
    first = int(np.argmin(np.abs(after - share * len(seconds))))
    later: np.ndarray = seconds >= distinct[first]
    return later


def seconds_of(values: pd.Series, column: str, lines: np.ndarray, name: str) -> np.ndarray:
    """Times of rows as numbers, (n_rows,) float64.

    Raises:
        DataError: A value is missing, or the values are neither numbers nor dates of one form.
    """
    if values.isna().any():
        row = int(values.isna().to_numpy().argmax())
        raise DataError(f"`{name}` line {lines[row]}: the time `{column}` is missing", "fill it in, or remove the row")
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().all():
        return numbers.to_numpy(dtype=np.float64)
    parsed = parse_dates(values)
    if parsed is None:
        raise DataError(
            f"`{name}`: values of `{column}`, such as `{values.iloc[0]}`, are neither numbers nor dates of one form",
            "write them as YYYY-MM-DD, or name another column with `--time`",
        )
    return parsed[0]


def feature_units(frame: pd.DataFrame, columns: Iterable[str]) -> list[Hashable]:
    """A unit of each row: rows with the same features are one, else a row of test could be looked up in train."""
    kept = frame[list(columns)]
    if kept.shape[1] == 0:
        return list(range(len(frame)))
    return [int(h) for h in pd.util.hash_pandas_object(kept.fillna("").astype(str), index=False)]
