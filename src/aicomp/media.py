"""Files that a project's columns name: found, resolved to paths, and decoded for every process that trains."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aicomp.config import DataConfig
from aicomp.data.columns import Column
from aicomp.data.images import ImageDecoding
from aicomp.data.media_cache import (
    Decoded,
    Decoding,
    decode_files,
    described,
    keep_array,
    names_of,
    open_decoded,
    open_sides,
)
from aicomp.data.media_files import MediaColumn, MediaIndex, find_media, listed, resolved
from aicomp.data.pixels import COLUMN, PixelColumns, find_pixels
from aicomp.data.sounds import SoundDecoding
from aicomp.data.table import Table
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.project import Project

CACHE = Path("data", "cache")
"""Where decoded files lie in a project."""


@dataclass(frozen=True)
class FoundMedia:
    """What of a project's columns are images and sounds.

    Attributes:
        columns: Columns that name files.
        root: Folder that the paths of the files are relative to.
        tops: Names at its top that the files lie below.
        pixels: Columns of pixels, if they are taken as an image.
        images: What they show, (n, channels, size, size), of train and of test.
    """

    columns: tuple[MediaColumn, ...] = ()
    root: Path = Path()
    tops: tuple[str, ...] = ()
    pixels: PixelColumns | None = None
    images: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def kinds(self) -> list[Column]:
        """How the columns are taken."""
        found = [Column(c.name, c.kind, c.reason) for c in self.columns]
        return found if self.pixels is None else [*found, Column(COLUMN, "image", self.pixels.reason)]

    def to_json(self) -> dict[str, Any]:
        """What it takes to find those of other rows."""
        pixels = None if self.pixels is None else asdict(self.pixels)
        return {"columns": list(listed(self.columns)), "tops": list(self.tops), "pixels": pixels}


def naming_files(ids: pd.DataFrame, test_ids: pd.DataFrame, index: MediaIndex) -> set[str]:
    """Id columns that name files, and so are more than the name of a row.

    Args:
        ids: Those of train, as strings.
        test_ids: Those of test.
        index: Files of `data/raw/`.
    """
    return {c.name for c in find_media(ids, test_ids, index, bare=set(ids.columns))}


def take_media(
    project: Project, train: pd.DataFrame, test: pd.DataFrame, index: MediaIndex
) -> tuple[FoundMedia, pd.DataFrame, pd.DataFrame]:
    """Find the columns of files and of pixels, and put paths and one column in their place.

    Args:
        project: The project.
        train: Features of train.
        test: Features of test.
        index: Files of `data/raw/`.

    Raises:
        UsageError: A feature has the name of the column that pixels become.
    """
    overrides = project.config.columns
    columns = find_media(train, test, index, bare=set(project.competition.id), overrides=overrides)
    tops: set[str] = set()
    for column in columns:
        train = train.assign(**{column.name: resolved(train[column.name], column.train, index)})
        test = test.assign(**{column.name: resolved(test[column.name], column.test, index)})
        tops |= column.tops(train[column.name], test[column.name])
    found = FoundMedia(tuple(columns), project.raw, tuple(sorted(tops)))
    pixels = find_pixels(train, test) if project.config.data.pixels == "auto" else None
    if pixels is None:
        return found, train, test
    images = {"train": pixels.images(train), "test": pixels.images(test)}
    found = replace(found, pixels=pixels, images=images)
    return found, _with_pixels(train, pixels, "train"), _with_pixels(test, pixels, "test")


def take_other_media(
    project: Project, reading: Mapping[str, Any], table: pd.DataFrame, folder: Path
) -> tuple[FoundMedia, pd.DataFrame]:
    """The same for other rows than a run was trained on.

    Args:
        project: The project.
        reading: `FoundMedia.to_json` of the run.
        table: Features of the rows.
        folder: Where their files lie, unless they lie in the project's `data/raw/`.

    Raises:
        DataError: The table lacks a column of pixels.
    """
    columns = [MediaColumn(c["name"], c["kind"], c["train"], c["test"], "") for c in reading["columns"]]
    root, index = folder, MediaIndex.of(folder, reading["tops"])
    if not index.paths:
        root, index = project.raw, MediaIndex.of(project.raw, reading["tops"])
    for column in columns:
        if column.name in table.columns:
            table = table.assign(**{column.name: resolved(table[column.name], column.test, index)})
    found = FoundMedia(tuple(columns), root, tuple(reading["tops"]))
    if reading["pixels"] is None:
        return found, table
    pixels = PixelColumns(**{**reading["pixels"], "names": tuple(reading["pixels"]["names"])})
    absent = [name for name in pixels.names if name not in table.columns]
    if absent:
        raise DataError(f"the table has no column `{absent[0]}`, a pixel", "give it the columns of test")
    found = replace(found, pixels=pixels, images={"test": pixels.images(table)})
    return found, _with_pixels(table, pixels, "test")


def _with_pixels(table: pd.DataFrame, pixels: PixelColumns, role: str) -> pd.DataFrame:
    left = table.drop(columns=list(pixels.names))
    if COLUMN in left.columns:
        raise UsageError(
            f"there is a column `{COLUMN}`, the name that columns of pixels get together", "rename it in features.py"
        )
    return left.assign(**{COLUMN: [f"{role} {i:09}" for i in range(len(left))]})


@dataclass(frozen=True)
class DecodedMedia:
    """Decoded files of a project.

    Attributes:
        files: By kind.
        decodings: How they were decoded, by kind.
        notes: Sentences about those that could not be.
    """

    files: dict[str, Decoded]
    decodings: dict[str, Decoding]
    notes: list[str]


def decode_media(
    project: Project,
    media: FoundMedia,
    columns: Sequence[Column],
    levels: Mapping[str, Sequence[str]],
    where: Callable[[str, str], str],
    decodings: Mapping[str, Decoding] | None = None,
) -> DecodedMedia:
    """Decode the files of all columns, or find them in the project's cache.

    Args:
        project: The project.
        media: Its columns of files.
        columns: How columns are taken; those that are dropped are not decoded.
        levels: Paths by column.
        where: Says in which file and line a column names a path, such as "`train.csv` line 3".
        decodings: How to decode; None chooses by the files.

    Raises:
        DataError: A file is missing or corrupt, unless the config says to count such files.
        UsageError: A package is missing, or pixels and files of images are both there.
    """
    cache = _cache(project)
    found = DecodedMedia({}, {}, [])
    for kind in ("image", "audio"):
        names = [c.name for c in columns if c.kind == kind]
        if not names:
            continue
        if media.pixels is not None and COLUMN in names:
            if len(names) > 1:
                raise UsageError(
                    f"`{names[0]}` names images, and the columns `{media.pixels.names[0]}` to "
                    f"`{media.pixels.names[-1]}` are pixels: images of one kind can be read",
                    'write `pixels = "none"` under [data] in aicomp.toml, or drop the other under [columns]',
                )
            stacked = np.concatenate([media.images[role] for role in sorted(media.images)])
            found.decodings[kind] = media.pixels.decoding
            found.files[kind] = keep_array(stacked, media.pixels.decoding, cache)
            continue
        files = names_of(levels[name] for name in names)
        paths = [media.root / file for file in files]
        decoding = decodings[kind] if decodings is not None else _choose(kind, paths, project)

        def on_bad(file: str, reason: str, names: Sequence[str] = tuple(names)) -> AicompError:
            name = next(n for n in names if file in levels[n])
            return DataError(
                f"{where(name, file)}: `{name}` names `{file}`, which {reason}",
                'put the file there, or write `on_bad_file = "count"` under [data] to take a blank one instead',
            )

        is_strict = project.config.data.on_bad_file == "stop"
        found.decodings[kind] = decoding
        found.files[kind] = decode_files(files, media.root, decoding, cache, on_bad=on_bad if is_strict else None)
        found.notes.extend(_notes(kind, len(files), found.files[kind].bad))
    return found


def _cache(project: Project) -> Path:
    """Where decoded files lie: a notebook may find the project where nothing can be written."""
    if os.access(project.folder, os.W_OK):
        return project.folder / CACHE
    return Path(tempfile.gettempdir()) / "aicomp-cache"


def _notes(kind: str, n_files: int, bad: Mapping[str, str]) -> list[str]:
    if not bad:
        return []
    what = "image" if kind == "image" else "sound"
    first, reason = next(iter(bad.items()))
    return [f"{len(bad)} of {n_files} {what} files are blank: the first, `{first}`, {reason}"]


def _choose(kind: str, paths: Sequence[Path], project: Project) -> Decoding:
    data: DataConfig = project.config.data
    has_boxes = project.competition.boxes is not None
    if kind == "image" and has_boxes and data.image_fit == "crop":
        raise UsageError(
            "`data.image_fit` is `crop`, which would cut boxes off", "leave it out: the whole image is seen"
        )
    if kind == "image":
        if isinstance(data.image_size, int) and data.image_size < 1:
            raise UsageError(f"`data.image_size` is {data.image_size}, it must be above 0", "leave it out for `auto`")
        return ImageDecoding.choose(paths, data.image_size, data.image_fit, for_boxes=has_boxes)
    for name in ("sample_rate", "seconds", "n_mels"):
        value = getattr(data, name)
        if value != "auto" and not value > 0:
            raise UsageError(f"`data.{name}` is {value}, it must be above 0", "leave it out")
    is_string = project.competition.problem_type == "string"
    return SoundDecoding.choose(paths, rate=data.sample_rate, seconds=data.seconds, n_mels=data.n_mels, whole=is_string)


def decodings_from(described_by_kind: Mapping[str, Mapping[str, Any]]) -> dict[str, Decoding]:
    """What `described_decodings` gave, as decodings by kind."""
    classes: dict[str, Any] = {"image": ImageDecoding, "audio": SoundDecoding}
    return {
        kind: classes[kind](**{name: value for name, value in entry.items() if name != "kind"})
        for kind, entry in described_by_kind.items()
    }


def described_decodings(decoded: DecodedMedia) -> dict[str, dict[str, Any]]:
    """Decodings by kind as JSON."""
    return {kind: described(decoding) for kind, decoding in decoded.decodings.items()}


def with_files(table: Table, files: Mapping[str, Path]) -> Table:
    """A table with the decoded files that its columns name.

    Args:
        table: The table.
        files: File of the arrays, by kind.

    Raises:
        DataError: A file is gone.
    """
    media = {kind: open_decoded(path) for kind, path in files.items()}
    return replace(table, media=media, sides={kind: open_sides(path) for kind, path in files.items()})
