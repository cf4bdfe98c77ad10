"""Numbers of edits of many rows at once, by the bits of 64-bit numbers.

A column of the table of distances is kept as which of its steps go up and which go down (Myers, "A Fast Bit-Vector
Algorithm for Approximate String Matching Based on Dynamic Programming", JACM 1999, with its blocks of one word each);
a step of the loop moves all rows by one item.
"""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

_WORD = 64
_MOST = 512
"""Items of the shorter of two that are cut into words of bits; longer ones are counted one pair at a time."""

_TABLE = 1 << 22
_ROWS = 20_000
_ONE = np.uint64(1)
_LAST = np.uint64(_WORD - 1)


def edit_distances(a: Sequence[Sequence[Hashable]], b: Sequence[Sequence[Hashable]]) -> np.ndarray:
    """Fewest insertions, deletions and substitutions that make each of `b` of its partner in `a`, int64 (n,).

    Args:
        a: Strings, or lists of words, (n,).
        b: Likewise.

    >>> edit_distances(["kitten", "", "flaw"], ["sitting", "abc", "lawn"])
    array([3, 3, 2])
    """
    pairs = [(x, y) if len(x) <= len(y) else (y, x) for x, y in zip(a, b, strict=True)]  # a distance has no direction
    shorter, longer = (np.array([len(pair[side]) for pair in pairs], dtype=np.int64) for side in (0, 1))
    found = longer.copy()  # where the shorter one is empty
    for i in np.flatnonzero(shorter > _MOST):
        found[i] = edit_distance(*pairs[i])
    n_words = -(-shorter // _WORD)
    order = np.lexsort((-longer, n_words))
    order = order[(shorter[order] > 0) & (shorter[order] <= _MOST)]
    for words in np.unique(n_words[order]):
        same = order[n_words[order] == words]
        for start in range(0, len(same), _ROWS):
            rows = same[start : start + _ROWS]
            found[rows] = _of_rows([pairs[i] for i in rows], shorter[rows], longer[rows], int(words))
    return found


def edit_distance(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Fewest insertions, deletions and substitutions that make `b` of `a` (Levenshtein 1966).

    The same bits as in `edit_distances`, in one long integer.

    Args:
        a: A string, or a list of words.
        b: Likewise.

    >>> edit_distance("kitten", "sitting")
    3
    """
    if not len(a) or not len(b):
        return max(len(a), len(b))
    places: dict[Hashable, int] = {}
    for i, item in enumerate(a):
        places[item] = places.get(item, 0) | 1 << i
    full, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    up, down, distance = full, 0, len(a)
    for item in b:
        hits = places.get(item, 0)
        across = (((hits & up) + up) ^ up) | hits
        hits |= down
        right, left = down | ~(across | up) & full, up & across
        distance += bool(right & last) - bool(left & last)
        right, left = right << 1 | 1, left << 1
        up, down = (left | ~(hits | right)) & full, right & hits & full
    return distance


def _of_rows(
    pairs: list[tuple[Sequence[Hashable], Sequence[Hashable]]], shorter: np.ndarray, longer: np.ndarray, n_words: int
) -> np.ndarray:
    """Distances of pairs by falling length of the longer one; of the shorter ones all fill as many words of bits."""
    found = shorter.copy()
    for rows, first, second, n_codes in _encoded(pairs, shorter, longer, n_words):
        places = _places(first, shorter[rows], n_codes, n_words)
        found[rows] += _changes(places, second, shorter[rows], longer[rows])
    return found


def _encoded(
    pairs: list[tuple[Sequence[Hashable], Sequence[Hashable]]], shorter: np.ndarray, longer: np.ndarray, n_words: int
) -> Iterator[tuple[slice, np.ndarray, np.ndarray, int]]:
    """Rows whose table of places is of a handy size, with both sides as codes from 0, one after the other."""
    if all(isinstance(side, str) for pair in pairs for side in pair):
        texts = ["".join(str(pair[side]) for pair in pairs) for side in (0, 1)]
        flat = [np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32) for text in texts]
        n_codes = 1
        code_of = np.zeros(max(int(side.max()) for side in flat) + 1, dtype=np.int64)
        for side in flat:
            code_of[side] = 1
        n_codes = int(code_of.sum())
        code_of = code_of.cumsum() - 1
        first, second = (code_of[side] for side in flat)
    else:
        codes: list[list[int]] = [[], []]
        n_codes = 0
        for one, other in pairs:
            of_row: dict[Hashable, int] = {}
            codes[0] += [of_row.setdefault(item, len(of_row)) for item in one]
            codes[1] += [of_row.setdefault(item, len(of_row)) for item in other]
            n_codes = max(n_codes, len(of_row))
        first, second = (np.array(side, dtype=np.int64) for side in codes)
    starts = [np.append(0, lengths.cumsum()) for lengths in (shorter, longer)]
    step = max(1, _TABLE // (n_codes * n_words))
    for start in range(0, len(pairs), step):
        end = min(start + step, len(pairs))
        of_first, of_second = (side[at[start] : at[end]] for side, at in zip((first, second), starts, strict=True))
        yield slice(start, end), of_first, of_second, n_codes


def _places(codes: np.ndarray, lengths: np.ndarray, n_codes: int, n_words: int) -> np.ndarray:
    """Where each code stands in each row, as bits, uint64 (n_words, n, n_codes)."""
    found = np.zeros((n_words, len(lengths), n_codes), dtype=np.uint64)
    starts = lengths.cumsum() - lengths
    for i in range(int(lengths.max())):
        rows = np.flatnonzero(lengths > i)
        found[i // _WORD, rows, codes[starts[rows] + i]] |= _ONE << np.uint64(i % _WORD)
    return found


def _changes(places: np.ndarray, codes: np.ndarray, shorter: np.ndarray, longer: np.ndarray) -> np.ndarray:
    """How far the distance moves from the length of the shorter one, int64 (n,)."""
    n_words, n, _ = places.shape
    up = np.full((n_words, n), ~np.uint64(0))
    down = np.zeros((n_words, n), dtype=np.uint64)
    moved = np.zeros(n, dtype=np.int64)
    last = ((shorter - 1) % _WORD).astype(np.uint64)  # all rows end in the last word
    starts = longer.cumsum() - longer
    row_of = np.arange(n)
    for i in range(int(longer.max())):
        k = int(np.searchsorted(-longer, -i, side="left"))  # rows that are not at their end: they are by falling length
        code = codes[starts[:k] + i]
        right_in, left_in = np.ones(k, dtype=np.uint64), np.zeros(k, dtype=np.uint64)
        for w in range(n_words):
            u, d = up[w, :k], down[w, :k]
            hits = places[w, row_of[:k], code]
            vertical = hits | d
            hits |= left_in
            across = (((hits & u) + u) ^ u) | hits
            right, left = d | ~(across | u), u & across
            if w == n_words - 1:
                moved[:k] += ((right >> last[:k]) & _ONE).astype(np.int64) - ((left >> last[:k]) & _ONE).astype(
                    np.int64
                )
            right, right_in = (right << _ONE) | right_in, right >> _LAST
            left, left_in = (left << _ONE) | left_in, left >> _LAST
            up[w, :k] = left | ~(vertical | right)
            down[w, :k] = right & vertical
    return moved
