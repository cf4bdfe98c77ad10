"""The rows of a fold as a model that forecasts takes them."""

from dataclasses import dataclass, replace

import msgspec
import numpy as np

from aicomp.data.arrays import load_arrays
from aicomp.data.columns import Column
from aicomp.data.encoding import Encoder, Numbers
from aicomp.data.panel import SERIES_FILE, Panel
from aicomp.data.rows import Rows
from aicomp.data.table import Table
from aicomp.errors import UsageError
from aicomp.models.spec import SeriesSpec
from aicomp.run import Run
from aicomp.training.fold import FoldData, SeriesData


@dataclass(frozen=True)
class EncodedFold:
    """A fold as its model takes it.

    Attributes:
        data: Its rows.
        encoder: What encoded them.
        valid_rows: Numbers of the validation rows.
    """

    data: FoldData
    encoder: Encoder
    valid_rows: np.ndarray


def columns_of(run: Run) -> list[Column]:
    """How a run takes each column."""
    return [msgspec.convert(c, Column) for c in run.read("columns.json")]


def encode_series(run: Run, fold: dict[str, np.ndarray], numbers: Numbers) -> EncodedFold:
    """Encode a fold with series and steps beside the columns: keys first, then covariates, without the time itself.

    Args:
        run: A run whose `work/` is ready.
        fold: Numbers of its "train" and "valid" rows.
        numbers: As the model wants them.

    Raises:
        UsageError: Nothing is forecast in this competition.
    """
    stored = run.read("reading.json")["panel"]
    if stored is None:
        raise UsageError(
            f"model `{run.info['config']['model']['name']}` forecasts series, and the contract names none",
            "write `time` and `horizon` in competition.toml, and `series` if there are several; or take another model",
        )
    panel = Panel.from_dict(stored)
    columns = {c.name: c for c in columns_of(run) if c.name != panel.time and c.kind != "text"}
    keys = [columns.pop(name) for name in panel.names if name in columns]
    train, test = Table.load(run.work / "train.safetensors"), Table.load(run.work / "test.safetensors")
    encoder = Encoder([*keys, *columns.values()], numbers).fit(train, fold["train"], may_be_empty=True)
    places = load_arrays(run.work / SERIES_FILE)
    y = load_arrays(run.work / "target.safetensors")["y"]
    known = _rows(encoder, train, places["train"])
    spec = SeriesSpec(
        n_series=len(panel.keys),
        n_keys=sum(name in panel.names for name in encoder.cat_names),
        horizon=panel.horizon,
        gap=panel.gap,
        seasons=panel.seasons,
    )
    data = FoldData(
        train=known.take(fold["train"]),
        y=y[fold["train"]],
        valid=known.take(fold["valid"]),
        valid_y=y[fold["valid"]],
        test=_rows(encoder, test, places["test"]),
        cardinalities=encoder.cardinalities,
        series=SeriesData(spec, known, y),
    )
    return EncodedFold(data, encoder, fold["valid"])


def _rows(encoder: Encoder, table: Table, places: np.ndarray) -> Rows:
    return replace(encoder.transform(table, np.arange(table.n_rows)), places=places)
