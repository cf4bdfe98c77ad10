"""Rows as a matrix of numbers for a quick model: columns as they are, texts and files as a few numbers each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aicomp.data.table import Table
from aicomp.validation.files import file_columns, grays, paths_of, sides, sizes
from aicomp.validation.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LEVELS = 200
_LETTERS = 600
"""Of a text's beginning that are looked at."""
_COMPONENTS = 12


@dataclass(frozen=True)
class Matrix:
    """Rows of train and then of test.

    Attributes:
        x: float32 (n, n_columns), NaN is missing; categories are codes from 0.
        names: The column of the data that each one comes from; a text or a file gives several.
        is_category: Which ones are codes, bool (n_columns,).
    """

    x: np.ndarray
    names: tuple[str, ...]
    is_category: np.ndarray

    def without(self, names: Sequence[str]) -> "Matrix":
        """The matrix without what comes from some columns."""
        keep = [i for i, name in enumerate(self.names) if name not in names]
        return Matrix(self.x[:, keep], tuple(self.names[i] for i in keep), self.is_category[keep])


def matrix_of(subject: Subject, train_rows: np.ndarray, test_rows: np.ndarray) -> Matrix:
    """Some rows of train and of test as numbers.

    Args:
        subject: The data.
        train_rows: Rows of train, int64.
        test_rows: Rows of test, none is allowed.
    """
    parts = [(subject.train, train_rows), (subject.test, test_rows)]
    blocks: list[tuple[str, np.ndarray, bool]] = []
    for name in subject.names("number", "code", "boolean", "datetime"):
        blocks.append((name, np.concatenate([t.numbers[name][rows] for t, rows in parts])[:, None], False))
    for name in subject.names("category"):
        codes = np.concatenate([t.codes[name][rows] for t, rows in parts])
        blocks.append((name, _common(codes)[:, None], True))
    for name in subject.names("text"):
        blocks.append((name, _of_texts(_texts(name, parts)), False))
    for column in file_columns(subject):
        paths = [p for t, rows in parts for p in paths_of(subject, column.name, t, rows)]
        numbers = [sizes(paths)[:, None]]
        if column.kind == "image":
            numbers += [sides(paths), grays(paths).reshape(len(paths), -1)]
        blocks.append((column.name, np.concatenate(numbers, axis=1), False))
    if subject.media.pixels is not None:
        images = [subject.media.images[role][rows] for role, (_, rows) in zip(("train", "test"), parts, strict=True)]
        blocks.append((subject.names("image")[0], _shrunk(np.concatenate(images)), False))
    n = len(train_rows) + len(test_rows)
    values = [block.astype(np.float32) for _, block, _ in blocks]
    return Matrix(
        np.concatenate(values, axis=1) if values else np.zeros((n, 0), dtype=np.float32),
        tuple(name for name, block, _ in blocks for _ in range(block.shape[1])),
        np.array([is_code for _, block, is_code in blocks for _ in range(block.shape[1])], dtype=bool),
    )


def _common(codes: np.ndarray) -> np.ndarray:
    """Codes of the commonest levels from 0, NaN for missing and all others: what is rare says nothing in a sample."""
    counts = np.bincount(codes[codes >= 0]) if (codes >= 0).any() else np.zeros(1)
    common = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
    place = np.full(len(counts) + 1, np.nan)
    place[common[counts[common] > 1]] = np.arange((counts[common] > 1).sum())
    return np.asarray(place[codes])


def _texts(name: str, parts: Sequence[tuple[Table, np.ndarray]]) -> "Iterator[str]":
    for table, rows in parts:
        levels = [*table.levels[name], ""]
        yield from (levels[code] for code in table.codes[name][rows])


def _of_texts(texts: "Iterator[str]") -> np.ndarray:
    """Length, and components of the runs of characters of the beginning; float64 (n, 1 + n_components)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    known = list(texts)
    lengths = np.log1p([len(text) for text in known])[:, None]
    hashed = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 3), n_features=2**13, alternate_sign=False)
    counts: Any = TfidfTransformer(sublinear_tf=True).fit_transform(hashed.transform(t[:_LETTERS] for t in known))
    if len(known) <= _COMPONENTS or counts.nnz == 0:
        return np.asarray(lengths)
    return np.hstack([lengths, TruncatedSVD(_COMPONENTS, n_iter=2, random_state=0).fit_transform(counts)])


def _shrunk(images: np.ndarray) -> np.ndarray:
    """Images (n, channels, height, width) as means of 8 by 8 places, (n, 64)."""
    gray = images.mean(axis=1)
    rows, columns = (np.array_split(np.arange(side), 8) for side in gray.shape[1:])
    cells = [gray[:, r][:, :, c].mean(axis=(1, 2)) for r in rows for c in columns if len(r) and len(c)]
    return np.stack(cells, axis=1)
