"""What the page shows of image and sound files."""

from collections.abc import Iterator, Sequence

import numpy as np

from aicomp.dataset import Dataset
from aicomp.eda.drawings.axes import cut
from aicomp.eda.drawings.media import Sheet, draw_sound, of_pixels, sheet, thumbnails
from aicomp.eda.drawings.overview import draw_sizes
from aicomp.eda.exploration import Exploration
from aicomp.eda.files import FileSet, spread
from aicomp.eda.target import Target
from aicomp.pages.drawing import Drawing
from aicomp.pages.render import number
from aicomp.project import Project

_SIDE, _SIDE_OF_BOXES = 88, 230
_EACH, _ALL = 10, 40
_MOST_CLASSES = 12
_SOUNDS = 8

Table = tuple[str, list[str], list[list[str]], list[int]]
Part = tuple[str, list[str], list[tuple[str, str]], list[Drawing | None], list[Sheet | None], list[Table]]
"""Heading, texts, facts, drawings, sheets and tables of a section."""


def file_parts(project: Project, found: Exploration) -> Iterator[Part]:
    """A section for each column of files, and one for pixels."""
    for k, files in enumerate(found.files):
        yield _images(project, found, files, k) if files.kind == "image" else _sounds(found, files, k)
    images = found.dataset.media.images
    if found.dataset.media.pixels is not None:
        pixels = found.dataset.media.pixels
        sheets = [
            sheet(f"pixels-{i}", of_pixels(images["train"][rows], 56), caption, _EACH)
            for i, (caption, rows) in enumerate(examples(found.target))
        ]
        test = spread([str(i) for i in range(len(images["test"]))], _ALL // 2)
        sheets.append(sheet("pixels-test", of_pixels(images["test"][[int(i) for i in test]], 56), "test", _EACH))
        yield "Images", [f"{pixels.reason}."], [], [], sheets, []


def examples(target: Target) -> list[tuple[str, np.ndarray]]:
    """Rows of train that are shown, with what they are: some of each class, else some from the least target on."""
    if target.form == "classes":
        common = sorted(range(len(target.counts)), key=lambda i: -list(target.counts.values())[i])[:_MOST_CLASSES]
        names = list(target.counts)
        return [(f"train, {cut(names[i], 60)}", _some(np.flatnonzero(target.y == i), _EACH)) for i in sorted(common)]
    if target.form == "values" and target.y.ndim == 1:
        return [("train, from the least to the largest target", _some(np.argsort(target.y, kind="stable"), _ALL))]
    return [("train", _some(np.arange(len(target.y)), _ALL))]


def _some(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many, at equal distances."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int))] if len(rows) else rows


def _images(project: Project, found: Exploration, files: FileSet, k: int) -> Part:
    dataset, boxes = found.dataset, found.boxes is not None
    side = _SIDE_OF_BOXES if boxes else _SIDE
    columns = 3 if boxes else _EACH
    sheets = []
    for i, (caption, rows) in enumerate(examples(found.target)):
        rows = rows[:6] if boxes else rows
        paths = _named(dataset, files.name, "train", rows)
        shown = [str(found.target.y[row]) for row, _ in paths] if boxes else []
        images = thumbnails([dataset.media.root / path for _, path in paths], side, shown)
        sheets.append(sheet(f"images-{k}-{i}", images, f"{caption}, with its boxes" if boxes else caption, columns))
    test = _named(dataset, files.name, "test", _some(np.arange(len(dataset.test)), 6 if boxes else _ALL // 2))
    images = thumbnails([dataset.media.root / path for _, path in test], side)
    sheets.append(sheet(f"images-{k}-test", images, "test", columns))
    drawings: list[Drawing | None] = []
    if len(np.unique(files.widths)) + len(np.unique(files.heights)) > 2:
        for name, values in (("width", files.widths), ("height", files.heights)):
            drawings.append(draw_sizes(f"files-{k}-{name}", values, np.empty(0), f"{name} in pixels", "Images"))
    return f"Images: {files.name}", _said(files), _facts(files), drawings, sheets, _tables(files)


def _sounds(found: Exploration, files: FileSet, k: int) -> Part:
    dataset = found.dataset
    chosen = [(caption, rows[: max(1, -(-_SOUNDS // 10))]) for caption, rows in examples(found.target)]
    if len(chosen) == 1:
        chosen = [(chosen[0][0], _some(chosen[0][1], _SOUNDS))]
    named = [(c, path) for c, rows in chosen[:_SOUNDS] for _, path in _named(dataset, files.name, "train", rows)]
    drawings: list[Drawing | None] = []
    if len(files.seconds):
        drawings.append(draw_sizes(f"files-{k}-seconds", files.seconds, np.empty(0), "seconds", "Sounds"))
    for i, (caption, path) in enumerate(named[:_SOUNDS]):
        drawings.append(draw_sound(dataset.media.root / path, f"sound-{k}-{i}", f"{path}, {caption}"))
    return f"Sounds: {files.name}", _said(files), _facts(files), drawings, [], _tables(files)


def _named(dataset: Dataset, column: str, role: str, rows: np.ndarray) -> list[tuple[int, str]]:
    """Rows that name a file, and its path."""
    values = (dataset.train if role == "train" else dataset.test)[column]
    return [(int(row), str(values.iloc[row])) for row in rows if isinstance(values.iloc[row], str)]


def _said(files: FileSet) -> list[str]:
    if files.looked >= files.n - len(files.absent) and files.decoded >= files.n - len(files.absent):
        return []
    begun = "" if files.decoded == files.looked else f", the beginning of {files.looked:,}"
    return [f"{files.decoded:,} of {files.n:,} files were read to their end{begun}."]


def _facts(files: FileSet) -> list[tuple[str, str]]:
    facts = [
        ("files", f"{files.n:,}"),
        ("missing", f"{len(files.absent):,}"),
        ("damaged", f"{len(files.damaged):,}"),
        ("named by train and test", f"{files.shared:,}"),
    ]
    if len(files.seconds):
        low, middle, high = np.quantile(files.seconds, [0, 0.5, 1])
        facts.append(
            ("seconds", f"{number(float(low), 3)} to {number(float(high), 3)}, median {number(float(middle), 3)}")
        )
    return facts


def _tables(files: FileSet) -> list[Table]:
    rows = [[kinds.what, value, f"{n:,}"] for kinds in files.kinds for value, n in kinds.counts]
    tables: list[Table] = [("What the files are like", ["what", "value", "files"], rows, [2])]
    bad: Sequence[tuple[str, str]] = [*((path, "is missing") for path in files.absent), *files.damaged]
    if bad:
        tables.append(("Files that cannot be read", ["file", "why"], [list(entry) for entry in bad[:20]], []))
    return tables
