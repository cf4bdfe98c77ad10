"""Ids of a run's rows in its folder: as JSON, or of millions of rows as bytes that are read piece by piece."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from aicomp.data.arrays import map_arrays
from aicomp.errors import DataError
from aicomp.files import atomic_write, partial_file

MANY = 1_000_000
"""Rows from which ids are written as bytes: JSON of more is slow to read, and large in memory."""

_PIECE = 2**19


def write_ids(folder: Path, name: str, pieces: Iterable[pd.DataFrame], n_rows: int) -> None:
    """Write `<name>_ids.json`, or of many rows `<name>_ids.safetensors`.

    Args:
        folder: Of the run.
        name: "train" or "test".
        pieces: The ids as strings, one behind the other, each with the same columns.
        n_rows: Rows of all pieces together.
    """
    if n_rows < MANY:
        frame = pd.concat(list(pieces), ignore_index=True)
        atomic_write(folder / f"{name}_ids.json", json.dumps(frame.to_dict(orient="list")) + "\n")
        return
    packed: dict[str, list[np.ndarray]] = {}
    lengths: dict[str, list[np.ndarray]] = {}
    for piece in pieces:
        for column in piece.columns:
            texts = [text.encode("utf-8", "surrogatepass") for text in piece[column].tolist()]
            packed.setdefault(column, []).append(np.frombuffer(b"".join(texts), dtype=np.uint8))
            lengths.setdefault(column, []).append(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)))
    tensors = {f"ends:{column}": np.cumsum(np.concatenate(parts)) for column, parts in lengths.items()}
    tensors |= {f"bytes:{column}": np.concatenate(parts) for column, parts in packed.items()}
    with partial_file(folder / f"{name}_ids.safetensors") as path:
        save_file({**tensors, "n_rows": np.array([n_rows])}, path)


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
            self._arrays = map_arrays(path)
            self.columns = [key.removeprefix("ends:") for key in self._arrays if key.startswith("ends:")]
            self.n_rows = int(self._arrays["n_rows"][0])
            return
        self._frame = pd.DataFrame(_read_json(folder, f"{name}_ids.json"))
        self.columns, self.n_rows = list(self._frame.columns), len(self._frame)

    @property
    def are_many(self) -> bool:
        """Whether they had better be read piece by piece."""
        return self._frame is None

    def frame(self) -> pd.DataFrame:
        """All of them."""
        if self._frame is not None:
            return self._frame
        return pd.concat([frame for frame, _ in self.frames()], ignore_index=True)

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
