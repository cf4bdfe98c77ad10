"""Encode and train a fold whose table is larger than memory: every step reads some rows after the other."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aicomp.data.encoders import frequent
from aicomp.data.encoding import Encoder
from aicomp.data.monotone import directions
from aicomp.data.row_file import PickedRows, RowFile
from aicomp.data.rows import Rows
from aicomp.data.table import Table
from aicomp.data.table_file import READ_ROWS, TableFile
from aicomp.data.targets import TargetColumns
from aicomp.engine.memory import free_memory
from aicomp.errors import DataError
from aicomp.folds import draw_rows
from aicomp.run import Run
from aicomp.streaming.choice import BYTES_PER_VALUE
from aicomp.streaming.files import STREAM_FILE
from aicomp.training.fold import FoldData
from aicomp.training.streamed import BUFFER_ROWS, StreamedFold

FIT_ROWS = 2**18
"""Training rows of a fold by which numbers are encoded and statistics of the target are learned, at most."""


@dataclass(frozen=True)
class Encoded:
    """A fold that is encoded on disk.

    Attributes:
        fold: The fold.
        encoder: What encoded it.
        notes: Sentences about what was learned from a part of the rows.
    """

    fold: StreamedFold
    encoder: Encoder
    notes: list[str]


def rows_folder(run: Run, k: int) -> Path:
    """Where the encoded rows of fold `k` lie while it is trained."""
    return run.work / f"rows-{k}"


def encode_streamed(
    run: Run,
    k: int,
    fold: dict[str, np.ndarray],
    encoder: Encoder,
    targets: Callable[[np.ndarray], TargetColumns],
    y: np.ndarray,
    *,
    seed: int,
    monotone: Mapping[str, int],
) -> Encoded:
    """Fit the encoder of a fold and write all train rows encoded by it.

    What is written is taken again where a fold was killed and goes on.

    Args:
        run: A run whose `work/` is ready.
        k: Number of the fold.
        fold: Numbers of its "train" and "valid" rows, rising.
        encoder: Not fitted.
        targets: What encodings average, of targets.
        y: Targets of train.
        seed: Of the fold.
        monotone: See `config.ModelConfig`.
    """
    table, test = TableFile(run.work / "train.safetensors"), TableFile(run.work / "test.safetensors")
    fitted_rows = _fitted_rows(fold["train"], run.read(f"work/{STREAM_FILE}")["extremes"], seed)
    sample = table.take(fitted_rows)
    everything = np.arange(sample.n_rows)
    encoder.fit(sample, everything)
    notes = []
    if len(fitted_rows) < len(fold["train"]):
        encoder.know_levels(
            _frequent_levels(table, fold["train"], [c.name for c in encoder.columns if c.kind == "category"])
        )
        notes.append(
            f"numbers are encoded, and statistics of the target learned, by {len(fitted_rows)} of "
            f"{len(fold['train'])} training rows; which levels of a category are frequent, by all of them"
        )
    known = encoder.with_statistics(sample, everything, targets(y[fitted_rows]), seed)
    folder = rows_folder(run, k)
    rows = RowFile.load(folder, encoder.cardinalities)
    if rows is None:
        rows = RowFile.write(folder, _encoded(table, encoder, fitted_rows, known), encoder.cardinalities)
    data = FoldData(
        train=known,
        y=y[fold["train"]],
        valid=known.take(slice(0)),
        valid_y=y[fold["valid"]],
        test=known.take(slice(0)),
        cardinalities=encoder.cardinalities,
        monotone=directions(encoder, monotone),
    )

    def test_rows() -> Iterator[Rows]:
        for _, part in test.chunks():
            yield encoder.transform(part, np.arange(part.n_rows))

    train, valid = PickedRows(rows, fold["train"]), PickedRows(rows, fold["valid"])
    streamed = StreamedFold(data, train, valid, test_rows, BUFFER_ROWS)
    return Encoded(streamed, encoder, notes)


def remove_rows(run: Run, k: int) -> None:
    """Remove the encoded rows of a fold that is saved."""
    if rows_folder(run, k).is_dir():
        shutil.rmtree(rows_folder(run, k))


def _fitted_rows(train: np.ndarray, extremes: list[int], seed: int) -> np.ndarray:
    """All training rows, or some drawn by a seed and those with extreme and missing values."""
    if len(train) <= FIT_ROWS:
        return train
    further = np.intersect1d(train, np.array(extremes, dtype=np.int64))
    return np.union1d(draw_rows(train, FIT_ROWS, seed), further)


def _frequent_levels(table: TableFile, train: np.ndarray, columns: list[str]) -> dict[str, list[str]]:
    """Levels with enough training rows of each column."""
    counts = {name: np.zeros(len(table.levels[name]) + 1, dtype=np.int64) for name in columns}
    for start in range(0, table.n_rows, READ_ROWS):
        stop = min(start + READ_ROWS, table.n_rows)
        first, last = np.searchsorted(train, [start, stop])
        for name in columns:
            codes = table.codes(name, start, stop)[train[first:last] - start]
            counts[name] += np.bincount(codes.astype(np.int64) + 1, minlength=len(counts[name]))
    found = {}
    for name in columns:
        present = np.flatnonzero(counts[name][1:])
        found[name] = [table.levels[name][code] for code in frequent(present, counts[name][1:][present])]
    return found


def _encoded(table: TableFile, encoder: Encoder, fitted: np.ndarray, known: Rows) -> Iterator[Rows]:
    """All rows, some after the other; those that statistics were learned from as they were encoded there."""
    n = encoder.n_statistics
    for start, part in table.chunks():
        rows = encoder.transform(part, np.arange(part.n_rows))
        first, last = np.searchsorted(fitted, [start, start + part.n_rows])
        if n:
            rows.x_num[fitted[first:last] - start, -n:] = known.x_num[first:last, -n:]
        yield rows


def load_whole(run: Run, name: str) -> Table:
    """A table of a streamed run with all its rows, for a model that needs them.

    Raises:
        DataError: They do not fit into memory.
    """
    table = TableFile(run.work / f"{name}.safetensors")
    config = run.info["config"]
    free, n_columns = free_memory(), len(run.read("columns.json"))
    needed = table.n_rows * n_columns * BYTES_PER_VALUE // 2  # without the frame that it was read from
    if free is not None and needed > free:
        model = config["model"]["name"]
        raise DataError(
            f"model `{model}` needs all {table.n_rows} rows of {name} in memory, about {needed / 2**30:.1f} GiB for "
            f"{n_columns} columns, and {free / 2**30:.1f} GiB are free",
            "take a network, such as `--set model.name=linear`, or fewer training rows on a larger machine",
        )
    return table.chunk(0, table.n_rows)
