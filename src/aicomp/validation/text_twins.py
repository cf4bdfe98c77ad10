"""Twins among texts: MinHash of their runs of characters, and those that share a band compared in full.

Broder, "On the resemblance and containment of documents", 1997.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from aicomp.validation.finding import Finding, Outcome
from aicomp.validation.quick_model import drawn
from aicomp.validation.sets import joined_pairs
from aicomp.validation.subject import Subject
from aicomp.validation.twins import Twins, twin_finding

MOST_TEXTS = 20_000
_SHINGLE = 5
_FEWEST = 16
"""Runs of characters from which on a text can have a near twin: "ok" and "OK!" say nothing. A column of which less than
half has so many holds names and codes."""
_MOST_SHINGLES = 600
_BANDS, _ROWS = 12, 5
_ALIKE = 0.7
"""Share of the runs of two texts together that both have, from which on they are near twins."""
_BLANKS = re.compile(r"\W+")


def normalized(text: str) -> str:
    """A text without case and signs between words.

    >>> normalized("Call  NOW!")
    'call now'
    """
    return _BLANKS.sub(" ", text.casefold()).strip()


def check_texts(subject: Subject) -> Outcome:
    """Look for twins in each column of text."""
    names = subject.names("text")
    if not names:
        return Outcome([Finding("near-texts", "ok", "No texts", "No column is taken as text.")])
    rows, test_rows = drawn(subject.n_train, MOST_TEXTS), drawn(subject.n_test, MOST_TEXTS)
    notes = [f"near texts: {len(rows):,} of {subject.n_train:,} rows of train"] if len(rows) < subject.n_train else []
    findings = []
    for name in names:
        texts = subject.strings(name, subject.train, rows)
        if np.median([len(text) for text in texts]) < _FEWEST + _SHINGLE:
            continue
        texts += subject.strings(name, subject.test, test_rows)
        sets = near_texts(texts)
        what = "the same or nearly the same texts" + (f" in `{name}`" if len(names) > 1 else "")
        twins = Twins(what, "near-texts", sets[: len(rows)], sets[len(rows) :], rows)
        findings.append(twin_finding(subject, twins))
    if not findings:
        return Outcome([Finding("near-texts", "ok", "No long texts", "Texts are too short to be nearly the same.")])
    return Outcome(findings, notes=notes)


def near_texts(texts: Sequence[str]) -> np.ndarray:
    """Sets of texts that are nearly the same, int64 (n,); short texts and empty ones are in a set of their own.

    >>> a = "the quick brown fox jumps over the lazy dog in the garden"
    >>> sets = near_texts([a, "something else altogether, and longer", a.upper() + "!"])
    >>> bool(sets[0] == sets[2]), bool(sets[0] == sets[1])
    (True, False)
    """
    clean = [normalized(text) for text in texts]
    shingles = [_shingles(text) for text in clean]
    long = np.flatnonzero([len(s) >= _FEWEST for s in shingles])
    if not len(long):
        return np.arange(len(texts))
    signature = _min_hashes([shingles[i] for i in long])
    pairs: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        key = [row.tobytes() for row in np.ascontiguousarray(signature[:, band * _ROWS : (band + 1) * _ROWS])]
        order = sorted(range(len(key)), key=key.__getitem__)
        pairs.update((a, b) for a, b in pairwise(order) if key[a] == key[b])
    near = [(long[a], long[b]) for a, b in pairs if _resemblance(shingles[long[a]], shingles[long[b]]) >= _ALIKE]
    return joined_pairs(np.array(near, dtype=np.int64).reshape(-1, 2), len(texts))


def _shingles(text: str) -> np.ndarray:
    """Distinct runs of five characters as numbers, uint64; of a long text, its beginning."""
    codes = np.frombuffer(text[: _MOST_SHINGLES + _SHINGLE].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if len(codes) < _SHINGLE:
        return np.zeros(0, dtype=np.uint64)
    n = len(codes) - _SHINGLE + 1
    state = np.zeros(n, dtype=np.uint64)
    for k in range(_SHINGLE):
        state = (state ^ codes[k : k + n]) * np.uint64(0x9E3779B97F4A7C15)
        state ^= state >> np.uint64(29)
    return np.unique(state)


def _min_hashes(shingles: Sequence[np.ndarray]) -> np.ndarray:
    """Least hash of each text's runs by each of 60 functions, uint32 (n, 60)."""
    random = np.random.default_rng(0)
    factors = random.integers(1, 2**63, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
    starts = np.cumsum([0, *(len(s) for s in shingles[:-1])])
    joined = np.concatenate(list(shingles))
    found = np.empty((len(shingles), len(factors)), dtype=np.uint32)
    for k, factor in enumerate(factors):
        hashes = ((joined * factor) >> np.uint64(32)).astype(np.uint32)
        found[:, k] = np.minimum.reduceat(hashes, starts)
    return found


def _resemblance(a: np.ndarray, b: np.ndarray) -> float:
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)
