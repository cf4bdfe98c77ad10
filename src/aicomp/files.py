"""Write files so that a name that exists is always a whole file, and say in plain words why one cannot be written."""

import errno
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from safetensors import SafetensorError

from aicomp.errors import AicompError, DataError, UsageError
from aicomp.processes import is_gone, process_mark

_TEMPORARY = re.compile(r"\..+\.([^.]+\.\d+)\.\d+\.part")
"""Name of a temporary file: that of the file, the process (`process_mark`), a number, and `.part`."""


def is_temporary(name: str) -> bool:
    """Whether this is the name of a file that is being written, or that a process left when it was killed.

    >>> is_temporary(".train.csv.host.123.456.part"), is_temporary("train.csv.part")
    (True, False)
    """
    return _TEMPORARY.fullmatch(name) is not None


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


def check_name(name: str) -> None:
    """Refuse what no path can be called, before the system is asked for it.

    Raises:
        UsageError: A part of it is longer than any file system takes, or it holds a NUL or half a character.
    """
    try:
        parts = os.fsencode(name).split(b"/")
    except UnicodeEncodeError:
        parts = [b"\0"]
    if len(name) > _LONGEST_PATH or any(len(part) > _LONGEST_PART or b"\0" in part for part in parts):
        shown = name if len(name) <= 40 else f"{name[:40]}..."
        raise UsageError(f"`{shown}` is no name that a file can have", "name a file or folder")


_LONGEST_PATH, _LONGEST_PART = 4000, 255


@contextmanager
def partial_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it becomes `path` when the block ends well and is removed when not.

    When this returns, file and name are on the disk. What an earlier process that wrote the same file left when it was
    killed is removed.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{process_mark()}.{threading.get_ident()}.part")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_over(path)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            flush_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _remove_left_over(path: Path) -> None:
    """Remove temporary files of `path` whose processes are gone."""
    prefix = f".{path.name}."
    with os.scandir(path.parent) as found:
        names = [entry.name for entry in found if entry.name.startswith(prefix) and entry.name.endswith(".part")]
    for name in names:
        matched = _TEMPORARY.fullmatch(name)
        if matched and is_gone(matched[1]):
            path.with_name(name).unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: after a loss of power a renamed file has its new name."""
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    except OSError as e:
        if e.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system whose folders cannot be flushed
            raise
    finally:
        os.close(file)


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


@contextmanager
def reading(path: Path, hint: str = "train again, or put back what stood there") -> Iterator[None]:
    """Turn a failure to understand a file that was written here into an error that names it.

    Args:
        path: The file: JSON, or safetensors, which hold no code that could be run.
        hint: What to do.

    Raises:
        DataError: It is damaged, or something else stands in its place.
    """
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"`{path}` is gone", hint) from None
    except (SafetensorError, ValueError, KeyError, TypeError, IndexError, AttributeError) as e:
        raise DataError(f"`{path}` is damaged: {e}", hint) from e


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
