"""Encoded rows of a fold on disk, row after row, so that neighbours are read at once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aicomp.data.rows import Rows
from aicomp.data.table_file import smallest_integer
from aicomp.files import atomic_write, writing

_META = "rows.json"


@dataclass(frozen=True)
class RowFile:
    """Encoded rows in a folder; `rows.json` is written last.

    Attributes:
        folder: The folder.
        n_rows: Number of rows.
        n_num: Numbers of a row, float32.
        n_cat: Codes of a row.
        codes: Type of the codes on disk, such as "int16".
    """

    folder: Path
    n_rows: int
    n_num: int
    n_cat: int
    codes: str

    @classmethod
    def write(cls, folder: Path, parts: Iterator[Rows], cardinalities: tuple[int, ...]) -> "RowFile":
        """Write rows part by part.

        Raises:
            AicompError: The disk is full or the folder cannot be written.
        """
        codes, n_rows, n_num = smallest_integer(max(cardinalities, default=1)), 0, 0
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _META).unlink(missing_ok=True)
            with (folder / "x_num.bin").open("wb") as numbers, (folder / "x_cat.bin").open("wb") as categories:
                for part in parts:
                    numbers.write(part.x_num.tobytes())
                    categories.write(part.x_cat.astype(codes).tobytes())
                    n_rows, n_num = n_rows + len(part), part.x_num.shape[1]
        found = cls(folder, n_rows, n_num, len(cardinalities), codes.name)
        atomic_write(folder / _META, json.dumps({"n_rows": n_rows, "n_num": n_num, "codes": codes.name}) + "\n")
        return found

    @classmethod
    def load(cls, folder: Path, cardinalities: tuple[int, ...]) -> "RowFile | None":
        """Rows that were written whole, None if there are none."""
        if not (folder / _META).is_file():
            return None
        stored = json.loads((folder / _META).read_text(encoding="utf-8"))
        return cls(folder, n_cat=len(cardinalities), **stored)

    def read(self, start: int, stop: int) -> Rows:
        """Some rows that follow each other."""
        n, codes = stop - start, np.dtype(self.codes)
        x_num = np.fromfile(
            self.folder / "x_num.bin", dtype=np.float32, count=n * self.n_num, offset=4 * start * self.n_num
        )
        x_cat = np.fromfile(
            self.folder / "x_cat.bin", dtype=codes, count=n * self.n_cat, offset=codes.itemsize * start * self.n_cat
        )
        return Rows(x_num.reshape(n, self.n_num), x_cat.reshape(n, self.n_cat).astype(np.int64))


@dataclass(frozen=True)
class PickedRows:
    """Some rows of a file.

    Attributes:
        file: The file.
        rows: Their numbers, rising, int64 (n,).
        block: Rows of the file that are read at once.
    """

    file: RowFile
    rows: np.ndarray
    block: int = 4096

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def edges(self) -> np.ndarray:
        """Where in `rows` each block of the file that holds any begins, and where the last one ends."""
        n_blocks = -(-self.file.n_rows // self.block)
        edges = np.searchsorted(self.rows, np.arange(n_blocks + 1) * self.block)
        return np.unique(edges)

    def read(self, first: int, last: int) -> Rows:
        """The rows from place `first` to before place `last` of `rows`."""
        numbers = self.rows[first:last]
        start, stop = int(numbers[0]), int(numbers[-1]) + 1
        rows = self.file.read(start, stop)
        return rows if stop - start == len(numbers) else rows.take(numbers - start)

    def parts(self, size: int) -> Iterator[Rows]:
        """All of them in their order, about `size` at a time."""
        for first in range(0, len(self.rows), size):
            yield self.read(first, min(first + size, len(self.rows)))
