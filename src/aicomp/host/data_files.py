"""The files of a hosted folder that teams may download, and those that nobody may."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aicomp.errors import UsageError

_WITHHELD = ("host.toml", "competition.toml", "description.md")


@dataclass(frozen=True)
class DataFile:
    """A file that teams may download.

    Attributes:
        name: Its path in the folder, with `/`.
        size: In bytes.
        mtime: When it was last changed, UTC.
    """

    name: str
    size: int
    mtime: datetime


def is_withheld(name: str) -> bool:
    """Whether a file or folder is never served, by its own name: the solution, the settings, and what is hidden.

    >>> is_withheld("Solution.csv.bak"), is_withheld(".git"), is_withheld("train.csv")
    (True, True, False)
    """
    folded = name.casefold()
    return folded.startswith((".", "solution")) or folded in _WITHHELD or folded.startswith("__pycache__")


def list_data_files(folder: Path) -> tuple[DataFile, ...]:
    """What teams may download, by name; nothing else is ever looked up.

    Raises:
        UsageError: A link leads to a folder, to nothing, or to a file that is withheld.
    """
    found = []
    withheld: set[tuple[int, int]] = set()
    for root, folders, names in os.walk(folder):
        for name in folders:
            if not is_withheld(name) and (Path(root) / name).is_symlink():
                raise UsageError(f"`{Path(root) / name}` is a link to a folder", "put the folder itself there")
        withheld |= {_identity(Path(root) / n) for n in names if is_withheld(n) and (Path(root) / n).is_file()}
        folders[:] = [n for n in folders if not is_withheld(n)]
        found += [Path(root) / n for n in names if not is_withheld(n)]
    for path in found:
        if not path.is_file():
            raise UsageError(f"`{path}` is no file", "remove it")
        if _identity(path) in withheld:
            raise UsageError(f"`{path}` is a link to a file that is withheld", "remove it")
    return tuple(sorted((_data_file(folder, p) for p in found), key=lambda f: f.name))


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _data_file(folder: Path, path: Path) -> DataFile:
    status = path.stat()
    mtime = datetime.fromtimestamp(int(status.st_mtime), UTC)
    return DataFile(path.relative_to(folder).as_posix(), status.st_size, mtime)
