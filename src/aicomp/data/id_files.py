"""Ids of a run's rows in its folder: as JSON, or of millions of rows as bytes that are read piece by piece."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from aicomp.data.arrays import as_objects, decode_strings, encode_strings, map_arrays
from aicomp.errors import DataError
from aicomp.files import atomic_write, partial_file

MANY = 1_000_000
"""Rows from which ids are written as bytes: JSON of more is slow to read, and large in memory."""

_PIECE = 2**19


def write_ids(folder: Path, name: str, pieces: Iterable[pd.DataFrame]) -> None:
    """Write `<name>_ids.json`, or of many rows `<name>_ids.safetensors`.

    Args:
        folder: Of the run.
        name: "train" or "test".
        pieces: The ids as strings, one behind the other, each with the same columns; at least one.
    """
    parts = list(pieces)
    if sum(map(len, parts)) < MANY:
        columns = pd.concat(parts, ignore_index=True).to_dict(orient="list")
        atomic_write(folder / f"{name}_ids.json", json.dumps(columns) + "\n")
        return
    writer = IdWriter(list(parts[0].columns))
    for part in parts:
        writer.add(part)
    writer.save(folder, name)


class IdWriter:
    """Collects ids piece by piece, in a few bytes a row; a missing one, as train may have, becomes an empty one.

    Args:
        columns: Names of the id columns.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._texts: dict[str, list[bytes]] = {column: [] for column in columns}
        self._sizes: dict[str, list[np.ndarray]] = {column: [] for column in columns}
        self.n_rows = 0

    def add(self, piece: pd.DataFrame) -> None:
        """Collect some more rows, without a missing value."""
        self.n_rows += len(piece)
        for column, parts in self._texts.items():
            texts = [text.encode("utf-8", "surrogatepass") for text in piece[column].fillna("").tolist()]
            parts.append(b"".join(texts))
            self._sizes[column].append(np.fromiter(map(len, texts), dtype=np.int32, count=len(texts)))

    def save(self, folder: Path, name: str) -> None:
        """Write them; see `write_ids`."""
        names = encode_strings(as_objects(list(self._texts)))
        packed = {"n_rows": np.array([self.n_rows]), "columns": names}
        for column, parts in self._texts.items():
            packed[f"ends:{column}"] = np.cumsum(np.concatenate([*self._sizes[column], []]), dtype=np.int64)
            packed[f"bytes:{column}"] = np.frombuffer(b"".join(parts), dtype=np.uint8)
        if self.n_rows < MANY:
            columns = StoredIds.of(packed).frame().to_dict(orient="list")
            atomic_write(folder / f"{name}_ids.json", json.dumps(columns) + "\n")
            return
        with partial_file(folder / f"{name}_ids.safetensors") as path:
            save_file(packed, path)


class StoredIds:
    """Ids of a run that are read from its folder piece by piece.

    Args:
        folder: Of the run.
        name: "train" or "test".

    Attributes:
        columns: Names of the id columns; none where rows have no id.
        n_rows: Number of rows; of rows without an id in JSON 0.

    Raises:
        DataError: The run has no such file.
    """

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / f"{name}_ids.safetensors"
        self._frame: pd.DataFrame | None = None
        if path.is_file():
            self._take(map_arrays(path))
            return
        self._frame = pd.DataFrame(_read_json(folder, f"{name}_ids.json"))
        self.columns, self.n_rows = list(self._frame.columns), len(self._frame)

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> "StoredIds":
        """Ids that are in memory."""
        found = cls.__new__(cls)
        found._frame = None
        found._take(arrays)
        return found

    def _take(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays
        self.columns = [str(name) for name in decode_strings(arrays["columns"])]
        self.n_rows = int(arrays["n_rows"][0])

    @property
    def are_many(self) -> bool:
        """Whether they had better be read piece by piece."""
        return self._frame is None

    def frame(self) -> pd.DataFrame:
        """All of them."""
        if self._frame is not None:
            return self._frame
        return self.piece(0, self.n_rows)

    def piece(self, start: int, stop: int) -> pd.DataFrame:
        """Some of them."""
        if self._frame is not None:
            return self._frame.iloc[start:stop].reset_index(drop=True)
        stop = min(stop, self.n_rows)
        return pd.DataFrame({c: self._texts(c, start, stop) for c in self.columns}, index=range(stop - start))

    def frames(
        self,
        strings: Sequence[str] = (),
        *,
        only: Sequence[str] = (),
    ) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Pieces, and lines as if they stood in a file; see `LargeTextTable`."""
        for start in range(0, self.n_rows, _PIECE):
            piece = self.piece(start, start + _PIECE)
            yield piece, np.arange(start, start + len(piece)) + 2

    def _texts(self, column: str, start: int, stop: int) -> np.ndarray:
        if stop <= start:
            return np.empty(0, dtype=object)
        ends = self._arrays[f"ends:{column}"]
        first = int(ends[start - 1]) if start else 0
        raw = self._arrays[f"bytes:{column}"][first : int(ends[stop - 1])].tobytes()
        places = [0, *(ends[start:stop] - first).tolist()]
        pairs = pairwise(places)
        texts = np.empty(stop - start, dtype=object)
        if raw.isascii():
            text = raw.decode()
            texts[:] = [text[a:b] for a, b in pairs]
        else:
            texts[:] = [raw[a:b].decode("utf-8", "surrogatepass") for a, b in pairs]
        return texts


def _read_json(folder: Path, name: str) -> dict[str, list[str]]:
    try:
        content: dict[str, list[str]] = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"run `{folder.name}` has no `{name}`", f"remove `{folder}` and train again") from None
    except ValueError as e:
        raise DataError(f"`{folder / name}` is damaged: {e}", f"remove `{folder}` and train again") from e
    return content
