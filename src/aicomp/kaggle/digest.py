"""Checksums of a file that is still growing."""

import hashlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path

FAST_LINE = 150e6
"""Bytes per second, 1.2 Gbit/s, above which checksums that nobody waits for are put off."""

SAMPLE = 32 * 2**20

_CHUNK = 2**20


class GrowingDigest:
    """Computes checksums in a thread of its own, which reads the file close behind the one who writes it.

    It reads what lies in the file rather than what came over the line, so that what it vouches for is what is there.

    Args:
        path: The file.
        required: Names of hashlib that somebody waits for.
        optional: Names that are given up where the first `SAMPLE` bytes come faster than `FAST_LINE`: on such a line
            hashing is no longer hidden behind the waiting, and would slow the download down.
        begun: How long the file is already.
    """

    def __init__(self, path: Path, required: Sequence[str], optional: Sequence[str] = (), begun: int = 0) -> None:
        self._path = path
        self._optional = tuple(optional)
        names = dict.fromkeys((*required, *optional))
        self._hashes = {name: hashlib.new(name, usedforsecurity=name != "md5") for name in names}
        self._condition = threading.Condition()
        self._end, self._position = begun, 0
        self._sample_end = begun + SAMPLE
        self._began_at = time.monotonic()
        self._is_final = False
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def advance(self, end: int) -> None:
        """Say how long the file is by now."""
        with self._condition:
            self._end = end
            if end >= self._sample_end and self._optional:
                if FAST_LINE * (time.monotonic() - self._began_at) < SAMPLE:
                    for name in self._optional:
                        self._hashes.pop(name, None)
                self._optional = ()
            if end - self._position >= _CHUNK:
                self._condition.notify()

    def result(self) -> dict[str, str]:
        """Wait for the file's end as last told, and return each checksum in hex that was not given up.

        Raises:
            OSError: The file could not be read.
        """
        self._finish()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return {name: each.hexdigest() for name, each in self._hashes.items()}

    def stop(self) -> None:
        """End without a result."""
        with self._condition:
            self._end = 0
        self._finish()
        self._thread.join()

    def _finish(self) -> None:
        with self._condition:
            self._is_final = True
            self._condition.notify()

    def _next_end(self) -> int:
        """Wait until there is a chunk, or no more comes: a thread that wakes up for less costs more than it does."""
        with self._condition:
            while not self._is_final and self._end - self._position < _CHUNK:
                self._condition.wait()
            return self._end

    def _run(self) -> None:
        buffer = memoryview(bytearray(_CHUNK))
        try:
            with self._path.open("rb", buffering=0) as file:
                while True:
                    end = self._next_end()
                    hashes = list(self._hashes.values())
                    if self._position >= end or not hashes:
                        return
                    n = file.readinto(buffer[: min(_CHUNK, end - self._position)])
                    if not n:
                        raise OSError(f"ends after {self._position} of {end} bytes")
                    for each in hashes:
                        each.update(buffer[:n])
                    self._position += n
        except OSError as e:
            self._error = e


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
