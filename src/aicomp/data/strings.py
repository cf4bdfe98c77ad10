"""Which columns of strings are categories, which are text, and which say nothing."""

import re
from typing import Literal

import numpy as np
import pandas as pd

_MIN_DISTINCT_TEXT = 20
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def for_patterns(strings: pd.Series) -> pd.Series:
    r"""Strings as objects, so that patterns mean what Python says they do.

    Some versions of pandas hand patterns on strings of pyarrow to its own engine, which refuses escapes such as
    `\u3040` and look-ahead, and for which `\w` and `\s` know ASCII alone.

    >>> for_patterns(pd.Series(["ä b"])).str.count(r"\w").tolist()
    [2]
    """
    return strings.astype(object)


def string_kind(strings: pd.Series) -> tuple[Literal["category", "text", "drop"], str]:
    """Kind of a column of strings and why.

    Args:
        strings: Values, missing ones NaN, that are neither numbers nor booleans nor dates.
    """
    present = strings.dropna()
    distinct = for_patterns(pd.Series(present.unique()))
    share = len(distinct) / max(len(present), 1)
    if len(distinct) < _MIN_DISTINCT_TEXT:
        return "category", f"{len(distinct)} distinct strings"
    n_words = distinct.str.count(r"\S+").mean()
    wordy = (distinct.str.contains(" ")).mean() > 0.5 or distinct.str.contains(_CJK).mean() > 0.5
    if wordy and share > 0.5:
        return "text", f"{share:.0%} of the values are distinct, {n_words:.0f} words on average"
    if n_words >= 5 and len(distinct) > 100 and share > 0.1:
        return "text", f"{len(distinct)} distinct texts, {n_words:.0f} words on average"
    if share > 0.95 and not _has_structure(distinct):
        return "drop", f"{share:.0%} of the values are distinct and have no parts that repeat: a name of the row"
    if share > 0.5:
        return "text", f"{share:.0%} of the values are distinct, with parts that repeat"
    return "category", f"{len(distinct)} distinct strings"


def _has_structure(distinct: pd.Series) -> bool:
    """Whether strings have a part, such as the deck in "B/12/P", that repeats over rows.

    Parts are runs of letters or of digits. Hashes have such runs too, but in ever new orders.
    """
    sample = distinct.iloc[:5000]
    shapes = sample.str.replace(r"[^\W\d_]+", "a", regex=True).str.replace(r"\d+", "9", regex=True)
    common = shapes.value_counts()
    if len(common) > max(20, 0.05 * len(sample)):
        return False
    alike = sample[shapes == common.index[0]].str.findall(r"[^\W\d_]+|\d+")
    parts = np.array(alike.tolist(), dtype=object)
    if parts.ndim < 2 or parts.shape[1] < 2:
        return False
    n_values = [len(set(parts[:, j])) for j in range(parts.shape[1])]
    return any(2 <= n <= max(2, 0.2 * len(parts)) for n in n_values)
