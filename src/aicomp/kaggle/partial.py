"""A file that is not whole yet, and a record beside it that says what it is a part of.

<name>.part   the bytes so far
<name>.json   ETag, Last-Modified and size of the whole, and how many of the bytes are flushed to disk

The record never claims more than the disk holds: bytes are flushed before it is written. After a reboot the file is cut
to the length of the record, as what lies behind it may be zeros. If only the process was killed, what it wrote stands.

A whole file is not flushed where the system tells one boot from the next: after a reboot, whoever relies on it compares
its SHA-256 (`cache.py`), which finds more than a flush prevents and does not wait for the disk.
"""

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from aicomp.files import atomic_write, writing

SECONDS_BETWEEN_RECORDS = 5.0

SMALL = 2**20
"""Files of fewer bytes get no record: to get them again costs less than to write it."""


@dataclass(frozen=True)
class Whole:
    """What a part belongs to, as the bucket describes it.

    Attributes:
        etag: Its ETag, "" if there is none.
        last_modified: Its Last-Modified, "" if there is none.
        total: Bytes in all, None if the bucket does not say.
        md5: MD5 in hex that the bucket gives, "" if there is none.
    """

    etag: str = ""
    last_modified: str = ""
    total: int | None = None
    md5: str = ""

    @property
    def validator(self) -> str:
        """What `If-Range` may hold: a strong ETag, else the date; "" if there is neither."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


class Partial:
    """A part; used as a context, which opens it where an earlier one stopped.

    Args:
        folder: Where it lies.
        name: What it is a part of: any text.
        stamp: What the list says of the whole (size, date): another stamp starts anew.
    """

    def __init__(self, folder: Path, name: str, stamp: str = "") -> None:
        key = hashlib.sha256(name.encode()).hexdigest()[:32]
        self.path = folder / f"{key}.part"
        self.whole = Whole()
        self.size = 0
        self._record = folder / f"{key}.json"
        self._name, self._stamp = name, stamp
        self._recorded_at = time.monotonic()

    def __enter__(self) -> Self:
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.whole, size = self._resume()
            self._file = self.path.open("ab", buffering=0)
            self._file.truncate(size)
        self.size = size
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, data: bytes) -> None:
        """Write bytes behind those that are there.

        Raises:
            AicompError: The disk is full or fails; what is there is kept.
        """
        with writing(self.path), memoryview(data) as view:
            done = 0
            while done < len(view):
                n = self._file.write(view[done:])
                done += n
                self.size += n
        if time.monotonic() - self._recorded_at > SECONDS_BETWEEN_RECORDS:
            self.record()

    def begin(self, whole: Whole) -> None:
        """Drop what is there and begin a new whole."""
        with writing(self.path):
            self._file.truncate(0)  # before the record: bytes of one whole must never lie under the name of another
        self.size, self.whole = 0, whole
        self.record()

    def record(self) -> None:
        """Flush the bytes, then say how many they are."""
        with writing(self.path):
            os.fsync(self._file.fileno())
        self._recorded_at = time.monotonic()
        if self.whole.total is not None and self.whole.total < SMALL:
            self._record.unlink(missing_ok=True)
            return
        content = {
            "name": self._name,
            "stamp": self._stamp,
            "boot": boot(),
            "flushed": self.size,
            "whole": asdict(self.whole),
        }
        atomic_write(self._record, json.dumps(content) + "\n")

    def take(self, target: Path) -> None:
        """Give the part, which is whole, its final name."""
        self._file.close()
        move(self.path, target)
        self._record.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove the part and its record."""
        self._file.close()
        self.path.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    def _resume(self) -> tuple[Whole, int]:
        """What an earlier process left: the whole, and how many bytes of it are sound."""
        try:
            content = json.loads(self._record.read_text(encoding="utf-8"))
            whole, flushed = Whole(**content["whole"]), int(content["flushed"])
            same = content["stamp"] == self._stamp and content["name"] == self._name
            size = self.path.stat().st_size
            rebooted = not content["boot"] or content["boot"] != boot()
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return Whole(), 0
        # Shorter than its record: somebody else wrote to it.
        if not same or size < flushed:
            return Whole(), 0
        size = flushed if rebooted else size
        return (Whole(), 0) if whole.total is not None and size > whole.total else (whole, size)


def move(path: Path, target: Path) -> None:
    """Give a whole file its final name; flushed first where no later boot would be noticed.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    with writing(target):
        if not boot():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def boot() -> str:
    """Names the time since the machine was started; "" where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
