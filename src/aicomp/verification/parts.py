"""What a run holds beside what came out when it was made again: by SHA-256, and where that differs, by how much."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aicomp.run import Run

WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True)
class Part:
    """One thing that was made again.

    Attributes:
        fold: Number of the fold, None for what all folds make together.
        what: "oof", "test", "weights", or the name of a file.
        then: SHA-256 of what the run holds, "" where it does not hold it any more.
        now: SHA-256 of what came out.
        n_different: Rows that differ; of weights, numbers.
        n: Of how many.
        max_difference: Largest absolute difference; None where there is none that could be told.
        note: What else is to be said, "" for nothing.
    """

    fold: int | None
    what: str
    then: str
    now: str
    n_different: int = 0
    n: int = 0
    max_difference: float | None = None
    note: str = ""

    @property
    def is_identical(self) -> bool:
        """Whether every bit is the same."""
        return self.then == self.now

    @property
    def is_compared(self) -> bool:
        """Whether the run still holds it."""
        return bool(self.then)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {**asdict(self), "identical": self.is_identical if self.is_compared else None}


def compare_folds(run: Run, again: Run, folds: Sequence[int]) -> list[Part]:
    """Out-of-fold predictions, test predictions and weights of folds."""
    parts = []
    for k in folds:
        then, now = run.predictions(k), again.predictions(k)
        parts.append(_oof(k, then, now))
        parts.append(_rows(k, "test", then["test"], now["test"]))
        paths = [r.fold(k) / WEIGHTS_FILE for r in (run, again)]
        if paths[1].is_file():
            parts.append(compare_weights(k, *paths))
        elif "weights" in again.result(k):  # those of a blend
            before, after = (np.array(r.result(k)["weights"], dtype=np.float64) for r in (run, again))
            parts.append(_rows(k, "weights", before, after))
    return parts


def compare_files(run: Run, again: Run, names: Sequence[str]) -> list[Part]:
    """Files that all folds make together; of a file that differs, the lines that do are counted."""
    parts = []
    for name in names:
        paths = [r.folder / name for r in (run, again)]
        if not paths[1].is_file():
            continue
        if not paths[0].is_file():
            parts.append(Part(None, name, "", file_hash(paths[1]), note="the run does not hold it"))
            continue
        then, now = (path.read_bytes().splitlines() for path in paths)
        different = sum(a != b for a, b in zip(then, now, strict=False)) + abs(len(then) - len(now))
        parts.append(Part(None, name, file_hash(paths[0]), file_hash(paths[1]), different, len(then)))
    return parts


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def array_hash(array: np.ndarray) -> str:
    """SHA-256 of an array's type, shape and values; of strings, as JSON."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape} ".encode())
    digest.update(json.dumps(array.tolist()).encode() if array.dtype == object else np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _oof(k: int, then: dict[str, np.ndarray], now: dict[str, np.ndarray]) -> Part:
    if not np.array_equal(then["valid_rows"], now["valid_rows"]):
        hashes = array_hash(then["valid_rows"]), array_hash(now["valid_rows"])
        n = len(np.setxor1d(then["valid_rows"], now["valid_rows"]))
        return Part(k, "oof", *hashes, n, len(then["valid_rows"]), note="the fold validates other rows")
    return _rows(k, "oof", then["valid"], now["valid"])


def _rows(k: int, what: str, then: np.ndarray, now: np.ndarray) -> Part:
    hashes = array_hash(then), array_hash(now)
    if hashes[0] == hashes[1]:
        return Part(k, what, *hashes, 0, len(then), 0.0)
    if then.shape != now.shape:
        return Part(k, what, *hashes, max(len(then), len(now)), len(then), note=f"{then.shape} became {now.shape}")
    different = then != now
    rows = different.reshape(len(then), -1).any(axis=1)
    largest = None if then.dtype == object else float(np.abs(then.astype(float) - now.astype(float)).max())
    note = "" if then.dtype == now.dtype else f"{then.dtype} became {now.dtype}"
    return Part(k, what, *hashes, int(rows.sum()), len(then), largest, note)


def compare_weights(k: int, then: Path, now: Path) -> Part:
    """Two files of weights; of a run from which they were removed, there is nothing to compare."""
    if not then.is_file():
        return Part(k, "weights", "", file_hash(now), note="the run's weights were removed")
    hashes = file_hash(then), file_hash(now)
    from safetensors.torch import load_file

    before, after = load_file(then), load_file(now)
    n = sum(tensor.numel() for tensor in before.values())
    if hashes[0] == hashes[1]:
        return Part(k, "weights", *hashes, 0, n, 0.0)
    odd = list(before.keys() ^ after.keys())
    odd += [name for name in before.keys() & after.keys() if before[name].shape != after[name].shape]
    if odd:
        note = f"arrays of another name or shape, such as `{min(odd)}`"
        return Part(k, "weights", *hashes, n, n, note=note)
    different, largest = 0, 0.0
    for name, tensor in before.items():
        gap = (tensor.double() - after[name].double()).abs()
        different += int((gap > 0).sum())
        largest = max(largest, float(gap.max()) if gap.numel() else 0.0)
    return Part(k, "weights", *hashes, different, n, largest)
