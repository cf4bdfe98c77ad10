"""A node's own folder: parcels unpacked once, mapped by every task of the node."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock

from aicomp.engine.cluster.parcels import PackedFile, Parcel
from aicomp.errors import AicompError, DataError
from aicomp.files import atomic_write, inside, partial_file

Fetch = Callable[[Any], Any]
"""Turns what stands for a piece into its bytes."""

_WHOLE = ".whole"
_FORGOTTEN = 7 * 24 * 3600
"""Seconds after which a folder that a killed command left is removed."""


def scratch_folder(session: str, node: str) -> Path:
    """The folder of a node for one command; `TMPDIR` of the node says where."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    top = Path(tempfile.gettempdir()) / f"aicomp-{user}"
    top.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and top.stat().st_uid != os.getuid():
        raise AicompError(f"`{top}` belongs to another user", "set `TMPDIR` where the node is started")
    folder = top / f"{session}-{node}"
    if not folder.is_dir():
        _remove_forgotten(top)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _remove_forgotten(top: Path) -> None:
    for folder in top.iterdir():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > _FORGOTTEN:
            shutil.rmtree(folder, ignore_errors=True)


def unpack(parcel: Parcel, scratch: Path, pieces: Mapping[str, Sequence[Any]], fetch: Fetch) -> Path:
    """Unpack a parcel, unless this node has; what it shares with earlier ones is not fetched again.

    Args:
        parcel: What to unpack.
        scratch: The node's folder.
        pieces: What stands for the pieces of each file, by hash.
        fetch: Gets the bytes of a piece.

    Raises:
        DataError: A file is not what its hash says, or its place is none.
        AicompError: The disk is full or the folder cannot be written.
    """
    folder = scratch / "folders" / parcel.key[:32]
    os.utime(scratch)
    if (folder / _WHOLE).is_file():
        return folder
    folder.parent.mkdir(exist_ok=True)
    with FileLock(scratch / "lock"):
        if (folder / _WHOLE).is_file():
            return folder  # another task of this node was first
        shutil.rmtree(folder, ignore_errors=True)
        for file in parcel.files:
            _link(_blob(file, scratch, pieces[file.sha256], fetch), folder / inside(file.place))
        _name_media(folder)
        atomic_write(folder / _WHOLE, "")
    return folder


def _blob(file: PackedFile, scratch: Path, pieces: Sequence[Any], fetch: Fetch) -> Path:
    path = scratch / "files" / file.sha256
    if path.is_file():
        return path
    with partial_file(path) as temporary:
        digest = hashlib.sha256()
        with temporary.open("wb") as writer:
            for piece in pieces:
                content = memoryview(fetch(piece))
                digest.update(content)
                writer.write(content)
        if digest.hexdigest() != file.sha256:
            raise DataError(f"`{file.place}` came to this node damaged", "the same command tries again")
    return path


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, target)


def _name_media(folder: Path) -> None:
    """Let the run find decoded files here, and not where they lie at the driver."""
    path = folder / "work" / "media.json"
    if path.is_file():
        named = json.loads(path.read_text(encoding="utf-8"))
        here = {kind: str(folder / "media" / kind / PurePosixPath(there).name) for kind, there in named.items()}
        atomic_write(path, json.dumps(here))


def remove_scratch(session: str, node: str) -> None:
    """Remove what a command unpacked on a node."""
    shutil.rmtree(scratch_folder(session, node), ignore_errors=True)
