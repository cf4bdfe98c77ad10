"""Ids of millions of rows as numbers: compared exactly, in a few bytes a row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Keys:
    """What names each row of a table.

    Attributes:
        words: The bytes of each row's id in UTF-8, filled up with zeros, as numbers of 8 bytes: uint64 (n, n_words).
    """

    words: np.ndarray

    @classmethod
    def of(cls, parts: Iterable[pd.DataFrame]) -> "Keys":
        """Keys of ids, part by part; no value may be missing.

        >>> Keys.of([pd.DataFrame({"id": ["7", "07"]})]).words.tolist()
        [[3963167672086036480], [3474245637539627008]]
        """
        return cls.joined([words_of(part) for part in parts if len(part)])

    @classmethod
    def joined(cls, blocks: list[np.ndarray]) -> "Keys":
        """Keys of several blocks of `words_of`, which are taken out of the list."""
        width = max((block.shape[1] for block in blocks), default=1)
        words = np.zeros((sum(map(len, blocks)), width), dtype=np.uint64)
        start = 0
        while blocks:  # each is let go as soon as it is copied
            block = blocks.pop(0)
            words[start : start + len(block), : block.shape[1]] = block
            start += len(block)
        return cls(words)

    def __len__(self) -> int:
        return len(self.words)

    def first_twice(self) -> tuple[int, int] | None:
        """The first row whose id stands in a row before it, and the first row with that id; None if all differ."""
        if len(self) < 2 or _are_rising(self.words):
            return None
        hashes, order, _ = _sorted_hashes(self.words)
        equal = np.flatnonzero(hashes[1:] == hashes[:-1])
        if not len(equal):
            return None
        second = int(order[equal + 1].min())  # the order is stable: of equal ones, all but the first are second ones
        first = int(np.argmax((self.words == self.words[second]).all(axis=1)))
        return second, first

    def rows_of(self, others: "Keys") -> np.ndarray:
        """Row of each of the others' ids, -1 where there is none: int64 (len(others),); all of these must differ."""
        width = max(self.words.shape[1], others.words.shape[1])
        own, given = _widened(self.words, width), _widened(others.words, width)
        if own.shape == given.shape and np.array_equal(own, given):
            return np.arange(len(given))
        hashes, order, seed = _sorted_hashes(own)
        rows = np.full(len(given), -1, dtype=np.int64)
        step = 2**20
        for start in range(0, len(given) if len(own) else 0, step):
            part = given[start : start + step]
            at = np.searchsorted(hashes, _hashed(part, seed)).clip(0, len(hashes) - 1)
            found = order[at]
            rows[start : start + step] = np.where((own[found] == part).all(axis=1), found, -1)
        return rows


def words_of(part: pd.DataFrame) -> np.ndarray:
    """Ids of a few rows: of several columns, one behind the other with a zero between, which no text holds."""
    columns: Sequence[list[str]] = [part.iloc[:, k].tolist() for k in range(part.shape[1])]
    texts = columns[0] if len(columns) == 1 else ["\0".join(values) for values in zip(*columns, strict=True)]
    raw = np.frombuffer("\n".join(texts).encode("utf-8", "surrogatepass"), dtype=np.uint8)
    sizes = _sizes(texts, raw)
    width = -(-max(int(sizes.max()), 1) // 8) * 8
    filled = np.arange(width) < sizes[:, None]
    table = np.zeros((len(texts), width), dtype=np.uint8)
    ends = np.cumsum(sizes + 1)[:-1] - 1
    table[filled] = np.delete(raw, ends)
    return table.view(">u8").astype(np.uint64)


def _sizes(texts: Sequence[str], raw: np.ndarray) -> np.ndarray:
    """Bytes of each text in UTF-8."""
    sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if sizes.sum() + len(texts) - 1 != len(raw):  # not all of them are ASCII
        sizes = np.array([len(text.encode("utf-8", "surrogatepass")) for text in texts], dtype=np.int64)
    return sizes


def _widened(words: np.ndarray, width: int) -> np.ndarray:
    return words if words.shape[1] == width else np.pad(words, ((0, 0), (0, width - words.shape[1])))


def _are_rising(words: np.ndarray) -> bool:
    """Whether all ids differ as they are sorted already, which is quick to see."""
    return words.shape[1] == 1 and bool((words[1:, 0] > words[:-1, 0]).all())


def _hashed(words: np.ndarray, seed: int) -> np.ndarray:
    """A number per id; of ids of at most 8 bytes the id itself."""
    if words.shape[1] == 1:
        return words[:, 0]
    hashes = np.full(len(words), seed, dtype=np.uint64)
    for k in range(words.shape[1]):
        hashes = (hashes ^ words[:, k]) * _MIX
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _sorted_hashes(words: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Hashes in rising order, the row of each (equal ones in the order of their rows), and their seed.

    The seed is the first for which different ids have different hashes, so that equal hashes mean equal ids.
    """
    for seed in range(100):
        hashes = _hashed(words, seed)
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        equal = np.flatnonzero(hashes[1:] == hashes[:-1])
        if (words[order[equal + 1]] == words[order[equal]]).all():
            return hashes, order, seed
    raise AssertionError("a hundred hashes cannot all collide")
