"""Image and sound files of a folder, and which columns name them."""

import os
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

import pandas as pd

from aicomp.data.values import as_strings

MediaKind = Literal["image", "audio"]

SUFFIXES: dict[MediaKind, tuple[str, ...]] = {
    "image": (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    "audio": (".wav", ".flac", ".ogg", ".mp3"),
}
"""Endings of files that are decoded, in small letters."""

_KIND_OF: dict[str, MediaKind] = {suffix: kind for kind, suffixes in SUFFIXES.items() for suffix in suffixes}
_TRIED = 200
_NAMED = 0.5
"""Share of the values with such an ending whose file must be there; what is done about the others is a setting."""
_BARE = 0.9
"""The same for values without one, which could be anything."""


def media_kind(name: str) -> MediaKind | None:
    """What a file is by the ending of its name, None for others.

    >>> media_kind("images/0.JPG"), media_kind("0.wav"), media_kind("train.csv")
    ('image', 'audio', None)
    """
    return _KIND_OF.get(PurePosixPath(name).suffix.lower())


def zip_place(archive: Path, members: Sequence[str]) -> str:
    """Folder that the members of an archive are unpacked to, relative to the archive's: its stem, unless they say it.

    >>> zip_place(Path("images.zip"), ["0.jpg"]), zip_place(Path("images.zip"), ["images/0.jpg"])
    ('images/', '')
    """
    prefix = f"{archive.stem}/"
    return "" if members and all(name.startswith(prefix) for name in members) else prefix


def media_members(archive: Path) -> list[str]:
    """Names of the image and sound files in a .zip; none if it is no .zip."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [info.filename for info in opened.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError):
        return []
    return [n for n in names if media_kind(n) and not n.startswith("__MACOSX/")]


@dataclass(frozen=True)
class MediaIndex:
    """Image and sound files of a folder, in folders of any depth and in archives at its top.

    Attributes:
        paths: Their places, relative to the folder, with `/` between names, sorted.
        archives: Name of the archive by the first folder of the files that it holds, see `top_of`.
    """

    paths: tuple[str, ...]
    archives: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path, below: Collection[str] | None = None) -> "MediaIndex":
        """Look through a folder; archives are listed and not unpacked.

        Args:
            folder: The folder.
            below: Names at its top that are looked at, "." for its own files; None for all.
        """
        found: set[str] = set()
        archives: dict[str, str] = {}
        for place, folders, names in os.walk(folder, followlinks=True):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
            inside = Path(place).relative_to(folder).as_posix()
            if inside == "." and below is not None:
                folders[:] = [name for name in folders if name in below]
                names = names if "." in below else []
            prefix = "" if inside == "." else f"{inside}/"
            found.update(prefix + name for name in names if media_kind(name) and not name.startswith("."))
        for archive in sorted(folder.glob("*.zip")):
            members = media_members(archive)
            unpacked = [zip_place(archive, members) + name for name in members]
            if below is not None:
                unpacked = [path for path in unpacked if top_of(path) in below]
            if unpacked and not found.issuperset(unpacked):
                found.update(unpacked)
                archives |= dict.fromkeys({top_of(path) for path in unpacked}, archive.name)
        return cls(tuple(sorted(found)), archives)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.paths)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for path in self.paths:
            stems.setdefault(path[: -len(PurePosixPath(path).suffix)], []).append(path)
        return stems

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Every folder that a file lies in or below, "" for the top."""
        found = {""}
        for parent in {path.rpartition("/")[0] for path in self.paths}:
            while parent:
                found.add(parent)
                parent = parent.rpartition("/")[0]
        return tuple(sorted(found, key=lambda folder: (folder.count("/"), folder)))

    def find(self, value: str, folder: str) -> str | None:
        """The one file that a value names in a folder, with its ending or without; None if there is none."""
        path = f"{folder}/{value}" if folder else value
        if path in self._known:
            return path
        alike = self._by_stem.get(path, ())
        return alike[0] if len(alike) == 1 else None


def top_of(path: str) -> str:
    """The first folder of a path, "." for a file at the top."""
    first, slash, _ = path.partition("/")
    return first if slash else "."


@dataclass(frozen=True)
class MediaColumn:
    """A column whose values name files.

    Attributes:
        name: The column.
        kind: What the files are.
        train: Folder that its values in train are relative to; likewise `test`.
        reason: How that is known, for people.
    """

    name: str
    kind: MediaKind
    train: str
    test: str
    reason: str

    def tops(self, train: pd.Series, test: pd.Series) -> set[str]:
        """First folders of the files that resolved values name."""
        return {top_of(str(path)) for values in (train, test) for path in values.dropna().unique()}


def find_media(
    train: pd.DataFrame,
    test: pd.DataFrame,
    index: MediaIndex,
    *,
    bare: Collection[str] = (),
    overrides: Mapping[str, str] | None = None,
) -> list[MediaColumn]:
    """Columns of both tables whose values name files of a folder.

    Args:
        train: Some columns of train, as strings or numbers.
        test: The same of test.
        index: The files.
        bare: Columns that may name files without an ending even where they hold whole numbers, such as ids.
        overrides: Column -> kind, as in `[columns]`: one that is to be taken as something else names no files.
    """
    found = []
    for name in train.columns:
        asked = (overrides or {}).get(name)
        if name not in test.columns or (asked is not None and asked not in SUFFIXES):
            continue
        is_bare = name in bare or asked is not None
        column = _find_column(name, train[name], test[name], index, is_bare=is_bare) if index.paths else None
        if column is not None:
            found.append(column if asked is None else replace(column, reason="set in [columns]"))
    return found


def _find_column(
    name: str, train: pd.Series, test: pd.Series, index: MediaIndex, *, is_bare: bool
) -> MediaColumn | None:
    if pd.api.types.is_float_dtype(train) or (pd.api.types.is_numeric_dtype(train) and not is_bare):
        return None
    strings = {"train": _distinct(train), "test": _distinct(test)}
    sample = strings["train"][:: max(1, len(strings["train"]) // _TRIED)]
    is_named = bool(sample) and sum(media_kind(v) is not None for v in sample) > _NAMED * len(sample)
    if not sample or not (is_named or any(index.find(v, f) for v in sample[:5] for f in index.folders)):
        return None
    folders = {role: _folder(values, index, role) for role, values in strings.items()}
    files = [path for v in strings["train"] if (path := index.find(v, folders["train"]))]
    if len(files) < (_NAMED if is_named else _BARE) * len(strings["train"]) or not files:
        return None
    kinds = [media_kind(path) for path in files]
    kind: MediaKind = "image" if kinds.count("image") >= len(kinds) / 2 else "audio"
    places = " and ".join(dict.fromkeys(f"`{f or '.'}/`" for f in folders.values()))
    what = "image" if kind == "image" else "sound"
    return MediaColumn(
        name, kind, folders["train"], folders["test"], f"names {len(files)} {what} files, relative to {places}"
    )


def _distinct(values: pd.Series) -> list[str]:
    return [str(v) for v in as_strings(values).dropna().unique()]


def _folder(values: Sequence[str], index: MediaIndex, role: str) -> str:
    """The folder in which most values name files; of several, one named after the table, else the first."""
    sample = values[:: max(1, len(values) // _TRIED)]
    hits = {folder: sum(index.find(v, folder) is not None for v in sample) for folder in index.folders}
    most = max(hits.values(), default=0)
    best = [folder for folder, n in hits.items() if n == most]
    return next((folder for folder in best if role in folder.lower()), best[0])


def resolved(values: pd.Series, folder: str, index: MediaIndex) -> pd.Series:
    """Values as paths of files; one that names none becomes the path at which it was looked for."""
    strings = as_strings(values)
    paths = {v: index.find(v, folder) or (f"{folder}/{v}" if folder else v) for v in strings.dropna().unique()}
    return strings.map(paths).astype(object)


def listed(columns: Sequence[MediaColumn]) -> Iterator[dict[str, str]]:
    """Columns as JSON."""
    for column in columns:
        yield {"name": column.name, "kind": column.kind, "train": column.train, "test": column.test}
