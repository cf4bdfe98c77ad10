"""Rows that are there twice."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aicomp.data.values import as_strings


@dataclass(frozen=True)
class Duplicates:
    """Rows whose features are all the same.

    Attributes:
        train: Rows of train that repeat an earlier one of train.
        test: Rows of test that repeat an earlier one of test.
        across: Rows of test that are also in train.
        differing: Rows of train in groups of the same features that do not all have the same target.
    """

    train: int
    test: int
    across: int
    differing: int


def find_duplicates(train: pd.DataFrame, test: pd.DataFrame, y: np.ndarray) -> Duplicates:
    """Compare all rows by the columns that train and test share.

    Args:
        train: Features of train.
        test: Features of test.
        y: Targets, (n,) or (n, k).
    """
    names = [name for name in train.columns if name in test.columns]
    keys = [
        _row_keys(table, names, {n for n in names if not _are_numbers(train[n], test[n])}) for table in (train, test)
    ]
    codes, _ = pd.factorize(keys[0])
    repeated = np.flatnonzero(np.bincount(codes, minlength=1)[codes] > 1)
    differing = 0
    if len(repeated):
        outcome = pd.factorize(pd.Series(list(map(str, y[repeated].tolist()))))[0]
        kinds = pd.Series(outcome).groupby(codes[repeated]).transform("nunique")
        differing = int((kinds > 1).sum())
    return Duplicates(
        train=int(pd.Series(keys[0]).duplicated().sum()),
        test=int(pd.Series(keys[1]).duplicated().sum()),
        across=int(np.isin(keys[1], keys[0]).sum()),
        differing=differing,
    )


def _are_numbers(train: pd.Series, test: pd.Series) -> bool:
    return all(pd.api.types.is_numeric_dtype(s) for s in (train, test))


def _row_keys(table: pd.DataFrame, names: list[str], strings: set[str]) -> np.ndarray:
    """A number of 64 bits for each row; the same for the same values, and else all but surely another one."""
    keys = np.zeros(len(table), dtype=np.uint64)
    for name in names:
        if name in strings:
            values = as_strings(table[name]).fillna("").to_numpy(dtype=object)
        else:
            values = table[name].to_numpy(dtype=np.float64, na_value=np.nan) + 0.0  # -0.0 is 0.0
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + pd.util.hash_array(values, categorize=True)
        keys ^= keys >> np.uint64(29)
    return keys
