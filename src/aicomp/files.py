"""Write files so that a name that exists is always a whole file, and say in plain words why one cannot be written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from safetensors import SafetensorError

from aicomp.errors import AicompError, DataError


def inside(place: str) -> PurePosixPath:
    """A place in a folder, as another machine names it.

    Raises:
        DataError: It is none, or lies outside.

    >>> str(inside("folds/0/result.json"))
    'folds/0/result.json'
    """
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in place:
        raise DataError(
            f"`{place}` is no place in a folder", "nothing was written; get it from a source that you trust"
        )
    return path


@contextmanager
def partial_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it becomes `path` when the block ends well and is removed when not.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Let the new name survive a loss of power; Windows does that by itself and opens no folders."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure to write inside the block into an error that names `path` and what to do.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    try:
        yield
    except (OSError, SafetensorError) as e:
        reason = getattr(e, "strerror", None) or str(e)
        raise AicompError(f"cannot write `{path}`: {reason}", "free some space, or correct the permissions") from e


def atomic_write(path: Path, content: str | bytes) -> None:
    """Write a whole file, or leave what was there.

    Args:
        path: The file; its folder is made if needed.
        content: Text, written as UTF-8, or bytes.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    raw = content.encode() if isinstance(content, str) else content
    with partial_file(path) as temporary:
        temporary.write_bytes(raw)
