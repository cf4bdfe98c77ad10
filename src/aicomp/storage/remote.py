"""A folder in a store that fsspec knows: objects are whole or absent, and nothing else is asked of the store."""

import hashlib
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from aicomp.errors import DataError, NetworkError, UsageError

T = TypeVar("T")


class Remote:
    """A folder.

    Args:
        url: As fsspec writes it, such as "s3://bucket/titanic"; credentials are those of its own configuration.

    Raises:
        UsageError: fsspec, or what it needs for this kind of store, is not installed.
        NetworkError: The store cannot be reached.
    """

    def __init__(self, url: str) -> None:
        if "://" not in url:
            raise UsageError(
                f"`{url}` is no address of a store", "write for example `s3://bucket/folder` or `file:///folder`"
            )
        if find_spec("fsspec") is None:
            raise UsageError(
                "a store needs the package `fsspec`, which is not installed", "pip install 'aicomp[storage]'"
            )
        import fsspec

        self.url = url.rstrip("/")
        try:
            self._files, self._root = _reached(self.url, lambda: fsspec.core.url_to_fs(self.url))
        except ImportError as e:
            raise UsageError(f"`{url}`: {e}", "install what fsspec names") from e
        except ValueError as e:
            raise UsageError(f"`{url}`: {e}", "write for example `s3://bucket/folder` or `file:///folder`") from e

    def send(self, path: Path, place: str) -> dict[str, Any]:
        """Copy a file there; returns its size and SHA-256."""
        target = f"{self._root}/{place}"

        def send() -> None:
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(path), target)

        _reached(f"{self.url}/{place}", send)
        return {"size": path.stat().st_size, "sha256": hash_of(path)}

    def fetch(self, place: str, path: Path, expected: dict[str, Any]) -> None:
        """Copy a file here.

        Raises:
            DataError: It is gone, or not what was sent.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _reached(
                f"{self.url}/{place}", lambda: self._files.get_file(f"{self._root}/{place}", str(path)), may_lack=True
            )
        except FileNotFoundError:
            raise DataError(f"`{self.url}/{place}` is gone", "push the run again from where it is whole") from None
        if hash_of(path) != expected["sha256"]:
            raise DataError(
                f"`{self.url}/{place}` is damaged: its SHA-256 is not that of the file that was sent",
                "push the run again from where it is whole",
            )

    def write(self, place: str, content: object) -> None:
        """Write a JSON file there."""
        target = f"{self._root}/{place}"

        def write() -> None:
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(target, json.dumps(content, indent=1).encode())

        _reached(f"{self.url}/{place}", write)

    def read(self, place: str) -> Any:
        """A JSON file from there, None if there is none.

        Raises:
            DataError: It is damaged.
        """
        try:
            content = _reached(
                f"{self.url}/{place}", lambda: self._files.cat_file(f"{self._root}/{place}"), may_lack=True
            )
            return json.loads(content)
        except FileNotFoundError:
            return None
        except ValueError as e:
            raise DataError(f"`{self.url}/{place}` is damaged: {e}", "push the run again from where it is whole") from e

    def names(self, place: str = "") -> list[str]:
        """Names in a folder there, sorted; none if there is no such folder."""
        folder = f"{self._root}/{place}".rstrip("/")
        try:
            found = _reached(f"{self.url}/{place}", lambda: self._files.ls(folder, detail=False), may_lack=True)
        except FileNotFoundError:
            return []
        return sorted({str(name).rstrip("/").rpartition("/")[2] for name in found})

    def remove(self, place: str) -> None:
        """Remove a file or a folder there, if it is there."""
        target = f"{self._root}/{place}"

        def remove() -> None:
            if self._files.exists(target):
                self._files.rm(target, recursive=True)

        _reached(f"{self.url}/{place}", remove)


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reached(place: str, act: Callable[[], T], *, may_lack: bool = False) -> T:
    """Turn what a store says into one error; each kind of store has exceptions of its own."""
    try:
        return act()
    except (ImportError, ValueError):
        raise
    except Exception as e:
        if may_lack and isinstance(e, FileNotFoundError):
            raise
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise NetworkError(
            f"`{place}` cannot be reached: {reason[:200]}", "check the address and the credentials"
        ) from e
