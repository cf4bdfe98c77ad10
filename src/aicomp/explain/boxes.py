"""Validated images with the true boxes and those that the model of the other folds predicted."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from aicomp.boxes import Boxes, overlaps, parse_boxes
from aicomp.dataset import load_dataset
from aicomp.errors import DataError, UsageError
from aicomp.explain.choice import Choice, choose_rows
from aicomp.metrics.detection import match
from aicomp.project import Project
from aicomp.raw_data import data_hash
from aicomp.run import Run

_OVERLAP = 0.5
_SIDE = 960
"""Pixels of the longer side of a picture on the page."""


@dataclass(frozen=True)
class BoxRow:
    """An image and its boxes.

    Attributes:
        row: Its number in train, from 0, counted by image.
        id: Its id.
        fold: The fold that validated it.
        n_true: True boxes.
        n_found: True boxes that a shown box of their label overlaps by half or more.
        n_wrong: Shown boxes that overlap none.
        loss: One less the mean average precision of this image alone.
        is_worst: Whether it was chosen for its loss.
        file: The image, relative to `data/raw/`.
        truth: The true boxes.
        predicted: The predicted boxes that are shown.
    """

    row: int
    id: str
    fold: int
    n_true: int
    n_found: int
    n_wrong: int
    loss: float
    is_worst: bool
    file: str
    truth: Boxes
    predicted: Boxes

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "truth": _listed(self.truth), "predicted": _listed(self.predicted)}


@dataclass(frozen=True)
class Picture:
    """An image as it stands on a page.

    Attributes:
        width: Of the image itself, in pixels, in which its boxes are.
        height: As width.
        data: A JPEG of at most 960 pixels as a data URI.
    """

    width: int
    height: int
    data: str


def explain_boxes(project: Project, run: Run, *, n_rows: int) -> tuple[list[BoxRow], float]:
    """Choose some validated images of a run: one half the worst, others of those that it gets right.

    Args:
        project: A project whose contract has boxes.
        run: A run that is done.
        n_rows: How many images.

    Returns:
        The images, and the confidence from which on boxes are shown: the one with the highest F1 over all of them.

    Raises:
        UsageError: The data has changed since the run.
    """
    if data_hash(project.folder) != run.info["data_hash"]:
        raise UsageError(
            f"the files in `data/raw/` are not those of run `{run.id}`",
            "`aicomp train` makes a run with them as they are",
        )
    dataset = load_dataset(project)
    names = [column.name for column in dataset.media.columns if column.kind == "image"]
    if not names:
        raise UsageError("no column names images", "`aicomp train` lists how columns are taken")
    folds = [run.predictions(k) for k in range(len(run.scores["folds"]))]
    cut = best_cut(dataset.y, folds)
    ids = dataset.train_ids
    found = []
    for choice in choose_rows(dataset.y, folds, project.task, n_rows):
        name = ", ".join(str(value) for value in ids.iloc[choice.row])
        found.append(_row(choice, name, str(dataset.train[names[0]].iloc[choice.row]), dataset.y, cut))
    return found, cut


def _row(choice: Choice, name: str, file: str, y: np.ndarray, cut: float) -> BoxRow:
    truth, predicted = parse_boxes(y[choice.row]), parse_boxes(str(choice.prediction)).ranked()
    shown = predicted.take(predicted.scores >= cut)
    n_found = int(_hits(truth, shown).sum())
    return BoxRow(
        choice.row, name, choice.fold, len(truth), n_found, len(shown) - n_found, choice.loss, choice.is_worst, file,
        truth, shown,
    )  # fmt: skip


def _hits(truth: Boxes, ranked: Boxes) -> np.ndarray:
    """Whether each predicted box, the surest first, overlaps a true one of its label that is still free, bool (n,)."""
    overlap = overlaps(ranked.corners, truth.corners) * (ranked.labels[:, None] == truth.labels[None, :])
    return match(overlap, _OVERLAP) >= 0


def best_cut(y: np.ndarray, folds: Sequence[dict[str, np.ndarray]]) -> float:
    """The confidence from which on predicted boxes have the highest F1, all labels together; 1 where none is right."""
    scores, hits, n_true = [np.empty(0)], [np.empty(0, dtype=bool)], 0
    for fold in folds:
        for row, text in zip(fold["valid_rows"], fold["valid"], strict=True):
            truth, ranked = parse_boxes(y[row]), parse_boxes(text).ranked()
            n_true += len(truth)
            scores.append(ranked.scores)
            hits.append(_hits(truth, ranked))
    of_all, is_hit = np.concatenate(scores), np.concatenate(hits)
    if not is_hit.any():
        return 1.0
    order = np.argsort(-of_all, kind="stable")
    f1 = 2 * is_hit[order].cumsum() / (np.arange(1, len(order) + 1) + n_true)
    return float(of_all[order][f1.argmax()])


def _listed(boxes: Boxes) -> list[dict[str, Any]]:
    return [
        {"label": str(label), "confidence": float(score), "corners": corners.tolist()}
        for label, score, corners in zip(boxes.labels, boxes.scores, boxes.corners, strict=True)
    ]


def draw(path: Path) -> Picture:
    """An image for a page.

    Raises:
        DataError: It cannot be read.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as e:
        raise DataError(f"`{path}` cannot be read as an image: {e}", "bring the file back") from None
    width, height = image.size
    image.thumbnail((_SIDE, _SIDE))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=85)
    encoded = base64.b64encode(written.getvalue()).decode("ascii")
    return Picture(width, height, f"data:image/jpeg;base64,{encoded}")
