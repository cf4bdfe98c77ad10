"""What stands in names: ids and names of files, cut into their parts."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from aicomp.validation.files import file_columns
from aicomp.validation.subject import Subject

_PART = re.compile(r"\d+|[^\W\d_]+")
_MOST_PARTS = 6


def parts_of_names(names: Sequence[str]) -> list[np.ndarray]:
    """The words and numbers of names by their places, each object (n,); none where names have no such form in common.

    >>> [part.tolist() for part in parts_of_names(["cat_001", "dog_02"])]
    [['cat', 'dog'], ['001', '02']]
    >>> parts_of_names(["a", "b c"])
    []
    """
    found = [_PART.findall(name) for name in names]
    lengths = {len(parts) for parts in found}
    if len(lengths) != 1 or not 0 < (length := lengths.pop()) <= _MOST_PARTS:
        return []
    return [np.array([parts[k] for parts in found], dtype=object) for k in range(length)]


def named_parts(subject: Subject, rows: np.ndarray, test_rows: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Parts of ids and of file names in some rows of train and of test, by a name such as "part 1 of id `id`"."""
    sources: dict[str, tuple[list[str], list[str]]] = {}
    for name in subject.ids[0].columns:
        ids = (subject.ids[0][name].iloc[rows], subject.ids[1][name].iloc[test_rows])
        sources[f"id `{name}`"] = (_strings(ids[0]), _strings(ids[1]))
    for column in file_columns(subject):
        train, test = (
            [PurePosixPath(path).stem for path in subject.strings(column.name, table, chosen)]
            for table, chosen in ((subject.train, rows), (subject.test, test_rows))
        )
        sources[f"file name in `{column.name}`"] = (train, test)
    found = {}
    for name, (train, test) in sources.items():
        both = parts_of_names([*train, *test])
        for k, part in enumerate(both):
            title = name if len(both) == 1 else f"part {k + 1} of {name}"
            found[title] = (part[: len(train)], part[len(train) :])
    return found


def _strings(values: pd.Series) -> list[str]:
    return [str(value) for value in values]
