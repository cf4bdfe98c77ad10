"""Tables with a row per box, gathered to a row per image whose target is a string of its boxes."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from aicomp.boxes import Boxes, Form, write_boxes
from aicomp.competition import BoxColumns
from aicomp.data.images import image_sides
from aicomp.data.media_files import MediaIndex, find_media, resolved
from aicomp.data.reading import line_numbers, parse_numbers
from aicomp.errors import DataError

Edges = Literal["corners", "size"]

_SPELLINGS: tuple[tuple[Edges, tuple[str, ...]], ...] = (
    ("corners", ("xmin", "ymin", "xmax", "ymax")),
    ("corners", ("x1", "y1", "x2", "y2")),
    ("corners", ("left", "top", "right", "bottom")),
    ("size", ("x", "y", "w", "h")),
    ("size", ("x", "y", "width", "height")),
    ("size", ("xmin", "ymin", "width", "height")),
    ("size", ("left", "top", "width", "height")),
)
_PACKED = ("bbox", "box", "boundingbox")
_LABELS = ("label", "class", "category", "labelname", "classname", "categoryname", "name", "classid", "categoryid")
_SIDES = (("width", "height"), ("imagewidth", "imageheight"), ("imgwidth", "imgheight"))
_BEYOND = 1.0
"""Pixels by which a box may reach over the edge: some tools count pixels from 1."""


def find_box_columns(columns: Collection[str]) -> tuple[tuple[str, ...], Edges] | None:
    """Columns that hold the edges of boxes, and what they are; None if there are none.

    >>> find_box_columns(["id", "x_min", "y_min", "x_max", "y_max"]), find_box_columns(["id", "bbox", "width"])
    ((('x_min', 'y_min', 'x_max', 'y_max'), 'corners'), (('bbox',), 'size'))
    """
    known = {_key(column): column for column in reversed(list(columns))}
    for prefix in ("", "bbox", "box"):
        for edges, names in _SPELLINGS:
            if all(prefix + name in known for name in names):
                return tuple(known[prefix + name] for name in names), edges
    packed = next((known[name] for name in _PACKED if name in known), None)
    return None if packed is None else ((packed,), "size")


def find_label_column(columns: Collection[str]) -> str | None:
    """The column that by its name says what is in a box, None if there is none."""
    known = {_key(column): column for column in reversed(list(columns))}
    return next((known[name] for name in _LABELS if name in known), None)


def form_of(*, has_label: bool, edges: Edges) -> Form:
    """The form of a box with a label or without, by its corners or its size.

    >>> form_of(has_label=False, edges="size")
    'conf x y w h'
    """
    if edges == "size":
        return "label conf x y w h" if has_label else "conf x y w h"
    return "label conf xmin ymin xmax ymax" if has_label else "conf xmin ymin xmax ymax"


def _key(column: str) -> str:
    return "".join(c for c in column.lower() if c.isalnum())


@dataclass(frozen=True)
class Gathered:
    """Rows of a table of boxes, one per image.

    Attributes:
        frame: The first row of each image without the columns of its boxes, and with a column of strings.
        firsts: Numbers of these rows in the table, int64 (n_images,).
    """

    frame: pd.DataFrame
    firsts: np.ndarray


def gather_boxes(table: pd.DataFrame, path: Path, columns: BoxColumns, ids: Sequence[str], target: str) -> Gathered:
    """Gather rows per box to a row per image.

    An image without boxes has a row of its own whose columns of edges are empty, or hold an empty list.

    Args:
        table: Rows of the file in their order; ids and labels are strings.
        path: The file; images are looked for beside it.
        columns: Where the boxes stand.
        ids: Columns that name an image.
        target: Name of the column of strings, in the form of `aicomp.boxes.FORM`.

    Raises:
        DataError: A column is absent, an id is missing, or a box lies outside its image, ends before it begins or has
            an unknown label, with file, line and value.
    """
    wanted = [*ids, *columns.columns, *([columns.label] if columns.label else [])]
    absent = [c for c in wanted if c not in table.columns]
    if absent:
        raise DataError(
            f"`{path.name}` has no column `{absent[0]}`", f"its columns: {', '.join(map(str, table.columns))}"
        )
    place = _Places(path)
    unnamed = np.flatnonzero(table[list(ids)].isna().any(axis=1).to_numpy())
    if len(unnamed):
        raise DataError(f"{place(unnamed[0])}: the id of the image is missing", "fill it in")
    image, firsts = _images(table, ids)
    rows, corners = _edges(table, path, columns, place)
    labels = _labels(table, columns, rows, place)
    _check_inside(table.iloc[firsts], image, rows, corners, columns, ids, place)
    strings = np.full(len(firsts), "", dtype=object)
    order = np.argsort(image[rows], kind="stable")
    starts = np.searchsorted(image[rows][order], np.arange(len(firsts) + 1))
    for i in range(len(firsts)):
        part = order[starts[i] : starts[i + 1]]
        strings[i] = write_boxes(Boxes(labels[part], np.ones(len(part)), corners[part]))
    left = table.drop(columns=[c for c in wanted if c not in ids]).iloc[firsts].reset_index(drop=True)
    return Gathered(left.assign(**{target: strings}), firsts)


class _Places:
    """Names rows of a file, which is looked into only where there is something to name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, row: int) -> str:
        return f"`{self.path.name}` line {line_numbers(self.path)[row]}"


def _images(table: pd.DataFrame, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Number of each row's image in the order of their first rows, and these rows."""
    image = table.groupby(list(ids), sort=False, dropna=False).ngroup().to_numpy()
    firsts = np.unique(image, return_index=True)[1]
    return image, np.asarray(firsts)


def _edges(table: pd.DataFrame, path: Path, columns: BoxColumns, place: _Places) -> tuple[np.ndarray, np.ndarray]:
    """Row and corners of each box, int64 (n,) and float64 (n, 4)."""
    if len(columns.columns) == 1:
        rows, edges = _unpacked(table[columns.columns[0]], place)
    else:
        values = [_numbers(table[c], path) for c in columns.columns]
        every = np.column_stack(values)
        rows = np.flatnonzero(~np.isnan(every).all(axis=1))
        edges = every[rows]
        partial = np.argwhere(np.isnan(edges))
        if len(partial):
            row, column = partial[0]
            raise DataError(
                f"{place(rows[row])}: `{columns.columns[column]}` is missing, and other edges of that box are there",
                "fill it in, or leave all of them empty for an image without boxes",
            )
    corners = edges.copy()
    if columns.edges == "size":
        corners[:, 2:] += corners[:, :2]
    bad = np.flatnonzero((corners[:, 2:] < corners[:, :2]).any(axis=1))
    if len(bad):
        shown = ", ".join(f"{edge:g}" for edge in edges[bad[0]])
        what = "left, top, width, height" if columns.edges == "size" else "left, top, right, bottom"
        raise DataError(
            f"{place(rows[bad[0]])}: the box `{shown}` ({what}) has a negative size",
            "correct the row, or `edges` under [boxes] in competition.toml",
        )
    if len(corners) and corners.max() <= 1:
        raise DataError(
            f"{place(rows[0])}: the edges of all boxes lie between 0 and 1, as if they were shares of the image",
            "multiply them by its width and height: boxes are in pixels",
        )
    return rows, corners


def _numbers(series: pd.Series, path: Path) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(series):
        return series.to_numpy(dtype=np.float64)
    strings = series.map(str, na_action="ignore").astype(object)
    try:
        return parse_numbers(strings, file=path, column=str(series.name))
    except DataError as e:
        raise DataError(e.message, "write a number there, or leave all edges empty") from None


def _unpacked(series: pd.Series, place: _Places) -> tuple[np.ndarray, np.ndarray]:
    """Row and edges of the boxes in lists such as "[x, y, w, h]", or of several in "[[x, y, w, h], ...]"."""
    rows: list[int] = []
    edges: list[np.ndarray] = []
    for row, text in enumerate(series):
        if pd.isna(text):
            continue
        try:
            found = np.array(json.loads(str(text)), dtype=np.float64).reshape(-1, 4)
        except (ValueError, TypeError):
            found = np.full((1, 4), np.nan)
        if not np.isfinite(found).all():
            raise DataError(
                f"{place(row)}: `{series.name}` is `{text}`, which is no list of four numbers",
                "write `[x, y, w, h]`, or leave it empty for an image without boxes",
            )
        rows += [row] * len(found)
        edges.append(found)
    return np.array(rows, dtype=np.int64), np.concatenate([np.empty((0, 4)), *edges])


def _labels(table: pd.DataFrame, columns: BoxColumns, rows: np.ndarray, place: _Places) -> np.ndarray:
    """Label of each box, object (n,)."""
    if columns.label is None:
        return np.full(len(rows), columns.labels[0], dtype=object)
    every = table[columns.label].map(str, na_action="ignore").str.strip()
    labels: np.ndarray = every.to_numpy(dtype=object)[rows]
    unlabelled = np.flatnonzero(pd.isna(labels))
    if len(unlabelled):
        raise DataError(
            f"{place(rows[unlabelled[0]])}: `{columns.label}` is missing, and the box is there",
            "fill it in, or leave the edges empty for an image without boxes",
        )
    unknown = np.flatnonzero(~np.isin(labels.astype(str), columns.labels))
    if len(unknown):
        raise DataError(
            f"{place(rows[unknown[0]])}: the label `{labels[unknown[0]]}` is none of {list(columns.labels)}",
            "correct the row, or `labels` under [boxes] in competition.toml",
        )
    return labels


def _check_inside(
    images: pd.DataFrame,
    image: np.ndarray,
    rows: np.ndarray,
    corners: np.ndarray,
    columns: BoxColumns,
    ids: Sequence[str],
    place: _Places,
) -> None:
    """Refuse boxes that leave their image, as far as its size is known."""
    sides = _image_sides(images, columns, ids, place.path.parent)
    if sides is None:
        return
    limit = sides[image[rows]]
    is_outside = (corners[:, :2] < -_BEYOND).any(axis=1) | (corners[:, 2:] > limit + _BEYOND).any(axis=1)
    outside = np.flatnonzero(is_outside)
    if len(outside):
        box, (width, height) = outside[0], limit[outside[0]]
        shown = ", ".join(f"{edge:g}" for edge in corners[box])
        raise DataError(
            f"{place(rows[box])}: the box `{shown}` (left, top, right, bottom) leaves its image of {width:g} x "
            f"{height:g} pixels",
            "correct the row, or `edges` under [boxes] in competition.toml",
        )


def _image_sides(images: pd.DataFrame, columns: BoxColumns, ids: Sequence[str], folder: Path) -> np.ndarray | None:
    """Width and height of each image, (n, 2), NaN where not known: of columns that say it, else of the files."""
    free = {_key(c): c for c in images.columns if c not in columns.columns}
    for names in _SIDES:
        if all(name in free and pd.api.types.is_numeric_dtype(images[free[name]]) for name in names):
            return images[[free[name] for name in names]].to_numpy(dtype=np.float64)
    index = MediaIndex.of(folder)
    found = next((c for c in find_media(images, images, index, bare=ids) if c.kind == "image"), None)
    if found is None:
        return None
    paths = resolved(images[found.name], found.train, index)
    return np.array([(np.nan, np.nan) if pd.isna(p) else image_sides(folder / str(p)) for p in paths])
