"""Competitions of boxes: train has a row per box, and the sample asks for a string per image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.boxes import ONE_LABEL, Form
from aicomp.competition import BoxColumns
from aicomp.contract.inquiry import Inquiry, listing
from aicomp.contract.tables import RawTable, Tables
from aicomp.data.box_tables import Edges, find_box_columns, find_label_column, form_of, gather_boxes
from aicomp.data.media_files import MediaIndex
from aicomp.data.reading import check_finite, read_table
from aicomp.errors import DataError
from aicomp.labels import order_labels
from aicomp.metrics import BOX_METRICS, canonical_name

_MOST_LABELS = 1000


class GatheredTable(RawTable):
    """A table of boxes as a table of images, see `gather_boxes`.

    Args:
        raw: The table of boxes.
        columns: Where they stand.
        ids: Columns that name an image.
        target: Name of the column of strings.
    """

    def __init__(self, raw: RawTable, columns: BoxColumns, ids: Sequence[str], target: str) -> None:
        super().__init__(raw.path, raw.encoding)
        # The class that it is one of is frozen.
        object.__setattr__(self, "_given", (columns, tuple(ids), target))

    _given: tuple[BoxColumns, tuple[str, ...], str]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The images; ids are strings."""
        columns, ids, target = self._given
        exact = [*ids, *([columns.label] if columns.label else [])]
        table = read_table(self.path, strings=exact, encoding=self.encoding)
        check_finite(table.drop(columns=list(ids), errors="ignore"), self.path)
        return gather_boxes(table, self.path, columns, ids, target).frame

    def strings(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns as strings."""
        return self.frame[list(columns)].map(str, na_action="ignore").astype(object)


@dataclass(frozen=True)
class FoundBoxes:
    """A competition of boxes.

    Attributes:
        columns: Where in train they stand.
        tables: The tables with a row per image.
    """

    columns: BoxColumns
    tables: Tables


def find_boxes(tables: Tables, folder: Path, inquiry: Inquiry) -> FoundBoxes | None:
    """Boxes in train and one string to predict for each image; None where it is no such competition.

    Args:
        tables: The competition's tables.
        folder: Where its images lie.
        inquiry: Told the reasons.

    Raises:
        DataError: A box or a label is wrong.
    """
    train, test, sample = tables.train, tables.test, tables.sample
    own = [c for c in train.columns if c not in test.columns and c not in sample.columns]
    found = find_box_columns(own)
    ids = [c for c in sample.columns if c in test.columns and c in train.columns]
    asked = [c for c in sample.columns if c not in ids]
    if found is None or not ids or len(asked) != 1 or not _is_of_boxes(inquiry) or not MediaIndex.of(folder).paths:
        return None
    columns, edges = found
    label = find_label_column([c for c in own if c not in columns])
    labels = _labels(train, columns, label) if label is not None else (ONE_LABEL,)
    what = "left, top, right, bottom" if edges == "corners" else "left, top, width, height"
    inquiry.found("boxes", ", ".join(columns), f"{train.name} has a row per box: {what} in pixels")
    why = f"in `{label}`" if label is not None else f"{train.name} has no column that names what is in a box"
    inquiry.found("labels of boxes", listing(labels, most=12), why)
    form, reason = _form(tables, asked[0], edges, has_label=label is not None)
    inquiry.found("form of a box", form, reason)
    boxes = BoxColumns(columns=columns, edges=edges, label=label, labels=labels, form=form)
    return FoundBoxes(boxes, replace(tables, train=GatheredTable(train, boxes, ids, asked[0])))


def _is_of_boxes(inquiry: Inquiry) -> bool:
    """Whether what the user says leaves room for boxes."""
    given = inquiry.given
    metric = canonical_name(given.metric) if given.metric is not None else None
    return (
        (given.metric is None or metric in BOX_METRICS) and not given.target and given.problem_type in (None, "string")
    )


def _labels(train: RawTable, columns: Sequence[str], label: str) -> tuple[str, ...]:
    """The labels of all boxes in their order.

    Raises:
        DataError: There are none or too many, a box has none, or one has a blank in it.
    """
    table = read_table(train.path, strings=[label], encoding=train.encoding)
    has_box = table[list(columns)].notna().any(axis=1)
    values = table.loc[has_box, label]
    if values.isna().any() or not len(values):
        raise DataError(
            f"`{train.name}`: `{label}` is missing in {int(values.isna().sum())} of {len(values)} rows with a box",
            "fill it in",
        )
    labels, _ = order_labels(values.str.strip())
    if len(labels) > _MOST_LABELS:
        raise DataError(f"`{train.name}`: `{label}` has {len(labels)} values", f"up to {_MOST_LABELS} can be learned")
    spaced = next((name for name in labels if len(name.split()) != 1), None)
    if spaced is not None:
        raise DataError(
            f"`{train.name}`: the label `{spaced}` has a blank in it, and blanks divide the parts of a prediction",
            "write the labels with `_` in its place",
        )
    return tuple(labels)


def _form(tables: Tables, target: str, edges: Edges, *, has_label: bool) -> tuple[Form, str]:
    """How the submission writes a box, and why: the sample tells its parts, train how it gives edges."""
    filled = tables.sample.strings([target])[target].dropna().str.split()
    n_parts = np.array([len(parts) for parts in filled], dtype=np.int64)
    reason = f"as {tables.train.name} gives them; correct `form` under [boxes] if the competition's page says otherwise"
    if len(n_parts) and (n_parts % 6 == 0).all() != (n_parts % 5 == 0).all():
        has_label = bool((n_parts % 6 == 0).all())
        reason = f"{tables.sample.name} has {6 if has_label else 5} parts per box; edges {reason}"
    return form_of(has_label=has_label, edges=edges), reason
