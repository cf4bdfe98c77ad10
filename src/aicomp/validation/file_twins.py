"""Twins among files: the same bytes, and images that look the same (dHash: which of two neighbours is brighter)."""

import numpy as np

from aicomp.validation.files import content_keys, file_columns, grays, paths_of
from aicomp.validation.finding import Finding, Outcome
from aicomp.validation.quick_model import drawn
from aicomp.validation.sets import joined_pairs
from aicomp.validation.subject import Subject
from aicomp.validation.twins import Twins, twin_finding

MOST_FILES = 5_000
_MOST_BITS = 3
"""Bits of 64 in which images that look the same differ at most: one of four bands of 16 bits is then the same."""
_FLAT = 8
"""Bits of each kind that a hash has at least, so that the image shows something: plain ones all look the same."""


def check_files(subject: Subject) -> Outcome:
    """Look for twins in each column of files."""
    columns = file_columns(subject)
    if not columns:
        return Outcome([Finding("same-files", "ok", "No files", "No column names image or sound files.")])
    rows, test_rows = drawn(subject.n_train, MOST_FILES), drawn(subject.n_test, MOST_FILES)
    notes = [f"files: {len(rows):,} of {subject.n_train:,} rows of train"] if len(rows) < subject.n_train else []
    findings = []
    for column in columns:
        paths = [*paths_of(subject, column.name, subject.train, rows)]
        paths += paths_of(subject, column.name, subject.test, test_rows)
        keys = content_keys(paths)
        n = len(rows)
        findings.append(
            twin_finding(subject, Twins("files with the same content", "same-files", keys[:n], keys[n:], rows))
        )
        if column.kind == "image":
            sets = near_images(dhash(grays(paths)), keys)
            near = Twins("images that look the same", "near-images", sets[:n], sets[n:], rows)
            findings.append(twin_finding(subject, near))
    return Outcome(findings, notes=notes)


def dhash(gray: np.ndarray) -> np.ndarray:
    """Which pixel is brighter than the one to its left, bool (n, 64).

    Args:
        gray: Images of 9 by 8 pixels, (n, 8, 9); those with NaN have no bit set.
    """
    return np.asarray((gray[:, :, 1:] > gray[:, :, :-1]).reshape(len(gray), -1))


def near_images(bits: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Sets of images whose hashes differ by three bits or less, int64 (n,); one of each set of the same files.

    Args:
        bits: Of `dhash`.
        keys: The same for files with the same content.
    """
    first = np.unique(keys, return_index=True)[1]
    ones = bits[first].sum(axis=1)
    first = first[(ones >= _FLAT) & (ones <= bits.shape[1] - _FLAT)]
    packed = np.packbits(bits[first], axis=1).reshape(len(first), 4, 2).astype(np.int64)
    bands = packed[:, :, 0] * 256 + packed[:, :, 1]
    pairs = [_within_band(bands[:, k], bits[first]) for k in range(bands.shape[1])] if len(first) else []
    joined = first[np.concatenate(pairs)] if pairs else np.zeros((0, 2), dtype=np.int64)
    return joined_pairs(joined, len(bits))


def _within_band(band: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Pairs that share a band and differ by little in all; large sets are compared with their next ones alone."""
    order = np.argsort(band, kind="stable")
    found = []
    for step in range(1, 40):
        a, b = order[:-step], order[step:]
        same = band[a] == band[b]
        if not same.any():
            break
        a, b = a[same], b[same]
        near = (bits[a] != bits[b]).sum(axis=1) <= _MOST_BITS
        found.append(np.stack([a[near], b[near]], axis=1))
    return np.concatenate(found) if found else np.zeros((0, 2), dtype=np.int64)
