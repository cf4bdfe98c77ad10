"""From typed columns to what a network takes: numbers near 0 and codes from 0, fitted on training rows alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors.numpy import load_file, save_file

from aicomp.data.columns import Column
from aicomp.data.encoders import (
    MIN_LEVEL_ROWS,
    MISSING,
    UNSEEN,
    CategoryLevels,
    CodeLevels,
    ColumnEncoder,
    Flag,
    IsMissing,
    LevelEncoder,
    QuantileNormal,
    Raw,
    RobustClip,
    dump,
    restore,
)
from aicomp.data.media_cache import places_of
from aicomp.data.places import Places, are_degrees, pair_names
from aicomp.data.rows import Media, Rows
from aicomp.data.statistics import LevelStatistics
from aicomp.data.table import Table
from aicomp.data.target_encoding import fit_statistics
from aicomp.data.targets import TargetColumns
from aicomp.data.text import TextEncoder, texts_of
from aicomp.data.time_parts import cycles, time_parts
from aicomp.errors import DataError
from aicomp.files import atomic_write, partial_file, reading

__all__ = ["MIN_LEVEL_ROWS", "MISSING", "UNSEEN", "Encoder", "Rows"]

Numbers = Literal["raw", "normal", "robust"]


class Encoder:
    """Encodes every column of a table by its kind.

    Args:
        columns: The columns with their kinds.
        numbers: "normal" and "robust" make numbers near 0 without NaN, as networks need them, by rank or by distance;
            "raw" keeps their unit and NaN.
        keeps_texts: Whether columns of text are left to a model that reads them itself, instead of becoming numbers.
        media: Kind of the files that the model reads, "image" or "audio"; None leaves files aside.

    Attributes:
        num_names: Names of the numbers, in the order of `Rows.x_num`.
        cat_names: Names of the codes, in the order of `Rows.x_cat`.
        cardinalities: Number of codes of each categorical column.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        numbers: Numbers = "normal",
        *,
        keeps_texts: bool = False,
        media: str | None = None,
    ) -> None:
        self.columns = list(columns)
        self.media = media
        self.text_names = [c.name for c in columns if c.kind == "text"] if keeps_texts else []
        self._is_raw = numbers == "raw"
        self._scale = RobustClip if numbers == "robust" else QuantileNormal
        self._numbers: list[ColumnEncoder | Places] = []
        self._categories: list[LevelEncoder] = []
        self._statistics: list[LevelStatistics] = []

    @property
    def media_names(self) -> list[str]:
        """Names of the columns of files that the model reads."""
        return [c.name for c in self.columns if c.kind == self.media]

    @property
    def num_names(self) -> list[str]:
        """Names of the numbers that come out."""
        return [name for part in self._number_parts() for name in part.names]

    @property
    def sources(self) -> list[tuple[str, ...]]:
        """Columns that each number is made of: one, or a pair."""
        found: list[tuple[str, ...]] = []
        for part in self._number_parts():
            if isinstance(part, LevelStatistics):
                names = tuple(self.cat_names[j] for j in (part.first, part.second) if j >= 0)
            else:
                names = (part.latitude, part.longitude) if isinstance(part, Places) else (part.column,)
            found += [names] * len(part.names)
        return found

    @property
    def cat_names(self) -> list[str]:
        """Names of the codes that come out."""
        return [name for encoder in self._categories for name in encoder.names]

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of distinct codes of each categorical column."""
        return tuple(encoder.cardinality for encoder in self._categories)

    def fit_transform(self, table: Table, rows: np.ndarray, targets: TargetColumns, seed: int) -> Rows:
        """Learn from the training rows of a fold, their targets included, and encode these rows.

        Statistics of the target differ from what `transform` gives for the same rows: see `data.statistics`.

        Args:
            table: The train table.
            rows: Indices of the fold's training rows.
            targets: Of these rows.
            seed: Of the inner folds.

        Raises:
            DataError: Every column is constant among these rows.
        """
        return self.fit(table, rows).with_statistics(table, rows, targets, seed)

    def with_statistics(self, table: Table, rows: np.ndarray, targets: TargetColumns, seed: int) -> Rows:
        """Encode the rows that were fitted, and learn statistics of the target from them; see `fit_transform`."""
        encoded = self.transform(table, rows)
        # Trees have statistics of single columns from `models/tree_inputs.py`, or of their own.
        self._statistics, block = fit_statistics(
            encoded.x_num, encoded.x_cat, self.cardinalities, self.cat_names, targets, seed, single=not self._is_raw
        )
        return replace(encoded, x_num=np.hstack([encoded.x_num, block.astype(np.float32)]))

    def fit(self, table: Table, rows: np.ndarray, *, may_be_empty: bool = False) -> "Encoder":
        """Learn from the training rows of a fold, and from no other row, without their targets.

        Args:
            table: The train table.
            rows: Indices of the fold's training rows.
            may_be_empty: Whether rows without any column will do, as for a series of which only the target is known.

        Raises:
            DataError: Every column is constant among these rows.
        """
        self._numbers, self._categories, self._statistics = [], [], []
        for column in self.columns:
            self._fit_column(column, table, rows)
        for pair in pair_names([c.name for c in self.columns if c.kind == "number"]):
            if are_degrees(*(table.numbers[name][rows] for name in pair)):
                self._numbers.append(Places.fit(*pair, table, rows))
        has_any = self._numbers or self._categories or self.text_names or self.media_names
        if not has_any and not may_be_empty:
            self._refuse_media()
            names = ", ".join(f"`{c.name}`" for c in self.columns if c.kind != "drop")
            raise DataError(
                f"every column ({names}) is constant among the training rows of a fold",
                "take fewer folds with `--set split.n_splits=3`, or add a feature in features.py",
            )
        return self

    def know_levels(self, frequent: Mapping[str, list[str]]) -> None:
        """Give codes of their own to other levels than those of the fitted rows, which were a sample.

        Args:
            frequent: Levels of enough rows of the whole, by column of strings.
        """
        self._categories = [
            replace(encoder, known=frequent[encoder.column]) if isinstance(encoder, CategoryLevels) else encoder
            for encoder in self._categories
        ]

    @property
    def n_statistics(self) -> int:
        """Numbers that are statistics of the target: the last ones."""
        return sum(len(part.names) for part in self._statistics)

    def _refuse_media(self) -> None:
        """Refuse columns that are all of files that the model does not read."""
        unread = [c for c in self.columns if c.kind in ("image", "audio")]
        if unread:
            name, kind = unread[0].name, unread[0].kind
            what = f"`{name}` holds {'images' if kind == 'image' else 'sounds'}, which this model does not read"
            raise DataError(
                f"{what}, and no other column is left",
                f"write `--set model.name={kind}-resnet`, or add a feature in features.py",
            )

    def _fit_column(self, column: Column, table: Table, rows: np.ndarray) -> None:
        fit_number = _fit_raw if self._is_raw else partial(_fit_number, self._scale)
        if column.kind in ("number", "boolean", "code"):
            self._numbers += fit_number(column.name, "", table.numbers[column.name][rows])
        if column.kind == "datetime":
            seconds = table.numbers[column.name][rows]
            for part, fitted in time_parts(seconds).items():
                self._numbers += fit_number(column.name, part, fitted)
            if not self._is_raw:
                self._numbers += cycles(column.name, seconds)
        if column.kind == "text" and column.name not in self.text_names:
            self._numbers.append(TextEncoder.fit(column.name, table, rows))
        if column.kind in ("category", "code"):
            kind = CodeLevels if column.kind == "code" else CategoryLevels
            levels: LevelEncoder = kind.fit(column.name, table, rows)
            if len(np.unique(levels(table, rows))) > 1:
                self._categories.append(levels)

    def transform(self, table: Table, rows: np.ndarray) -> Rows:
        """Encode rows of train or test, or of another table with the same columns.

        Args:
            table: A table with the columns that were fitted.
            rows: Indices of the rows.
        """
        x_cat = np.empty((len(rows), len(self._categories)), dtype=np.int64)
        for j, levels in enumerate(self._categories):
            x_cat[:, j] = levels(table, rows)[:, 0]
        x_num = np.empty((len(rows), len(self.num_names)), dtype=np.float32)
        at = 0
        for part in self._number_parts():
            width = len(part.names)
            x_num[:, at : at + width] = part(x_cat) if isinstance(part, LevelStatistics) else part(table, rows)
            at += width
        media = self._media_of(table, rows)
        if not self.text_names:
            return Rows(x_num, x_cat, media=media)
        texts = np.empty((len(rows), len(self.text_names)), dtype=object)
        for j, name in enumerate(self.text_names):
            texts[:, j] = texts_of(table, name, rows)
        return Rows(x_num, x_cat, texts, media)

    def _media_of(self, table: Table, rows: np.ndarray) -> Media | None:
        names = self.media_names
        if self.media is None or not names:
            return None
        places = places_of(table.levels, names)
        index = [places[name][table.codes[name][rows]] for name in names]
        return Media(table.media[self.media], np.stack(index, axis=1), table.sides.get(self.media))

    def save(self, folder: Path) -> None:
        """Write what was learned into a folder: `encoder.json`, and arrays in `encoder.safetensors`."""
        content: dict[str, Any] = {"texts": self.text_names, "media": self.media}
        tensors: dict[str, np.ndarray] = {}
        for group, encoders in self._groups().items():
            content[group] = []
            for i, encoder in enumerate(encoders):
                values, arrays = dump(encoder)
                content[group].append(values)
                tensors |= {f"{group}.{i}.{name}": array for name, array in arrays.items()}
        atomic_write(folder / "encoder.json", json.dumps(content) + "\n")
        with partial_file(folder / "encoder.safetensors") as path:
            save_file(tensors, path)

    @classmethod
    def load(cls, folder: Path, columns: Sequence[Column]) -> "Encoder":
        """Read what `save` wrote; it encodes any row as the one that was saved does."""
        with reading(folder / "encoder.json"):
            content: dict[str, Any] = dict(json.loads((folder / "encoder.json").read_text(encoding="utf-8")))
        with reading(folder / "encoder.safetensors"):
            tensors = load_file(folder / "encoder.safetensors")
        encoder = cls(columns)
        encoder.media = content.get("media")
        encoder.text_names = content.get("texts", [])  # runs of aicomp 0.1 have none
        for group, encoders in encoder._groups().items():
            for i, values in enumerate(content.get(group, [])):  # runs of aicomp 0.1 may have no statistics
                prefix = f"{group}.{i}."
                arrays = {key.removeprefix(prefix): a for key, a in tensors.items() if key.startswith(prefix)}
                encoders.append(restore(values, arrays))
        return encoder

    def _number_parts(self) -> list[ColumnEncoder | Places | LevelStatistics]:
        return [*self._numbers, *self._statistics]

    def _groups(self) -> dict[str, list[Any]]:
        return {"numbers": self._numbers, "categories": self._categories, "statistics": self._statistics}


def _fit_number(
    scale: type[QuantileNormal] | type[RobustClip], column: str, part: str, fitted: np.ndarray
) -> list[ColumnEncoder]:
    """Encoders of one number: the number, and where some are missing whether it is.

    Args:
        scale: What a number of more than two values is encoded by.
        column: The column.
        part: Which part of a time it is, "" for the column itself.
        fitted: The number of each training row, NaN where missing.
    """
    missing = np.isnan(fitted)
    encoders: list[ColumnEncoder] = []
    present = np.unique(fitted[~missing])
    if len(present) == 2:
        low, high = present / 2  # their sum and difference may be more than a float holds
        encoders.append(Flag(column, part, float(low + high), float(high - low)))
    elif len(present) > 2:
        encoders.append(scale.fit(column, part, fitted[~missing]))
    if missing.any() and len(present):
        encoders.append(IsMissing(column, part))
    return encoders


def _fit_raw(column: str, part: str, fitted: np.ndarray) -> list[ColumnEncoder]:
    """The encoder of one number for trees, none if it is constant and never missing; arguments as `_fit_number`."""
    present = fitted[~np.isnan(fitted)]
    if not len(present) or (len(present) == len(fitted) and present.min() == present.max()):
        return []
    return [Raw.fit(column, part, present)]
