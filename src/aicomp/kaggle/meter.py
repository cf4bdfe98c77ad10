"""How fast a download goes, and how long it still takes."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

SECONDS_BETWEEN_REPORTS = 0.1
_WINDOW = 10.0  # seconds that the rate is taken over


@dataclass(frozen=True)
class Progress:
    """How a download goes.

    Attributes:
        done: Bytes that are here.
        total: Bytes in all, None if the server does not say.
        n_done: Files that are here and checked.
        n_files: Files in all.
        rate: Bytes per second of late.
        seconds_left: At that rate; None if it cannot be said.
        note: What it is about: a file's name, or what it waits for.
    """

    done: int
    total: int | None
    n_done: int
    n_files: int
    rate: float
    seconds_left: float | None
    note: str


class Meter:
    """Counts bytes of several threads and reports them, not too often and one at a time.

    Args:
        on_progress: Told.
        total: Bytes in all, 0 if that is not known.
        n_files: Files in all.
    """

    def __init__(self, on_progress: Callable[[Progress], None], total: int, n_files: int) -> None:
        self._on_progress = on_progress
        self._total, self._n_files = total, n_files
        self._done = self._n_done = self._received = 0
        self._lock = threading.Lock()
        self._reported_at = 0.0
        self._samples = deque([(time.monotonic(), 0)])

    def here(self, n_bytes: int, n_files: int = 0) -> None:
        """Count what was here before, or take it back if it is negative."""
        with self._lock:
            self._done += n_bytes
            self._n_done += n_files

    def received(self, n_bytes: int, name: str) -> None:
        """Count what has come over the line; a negative number is what has to come again."""
        with self._lock:
            self._done += n_bytes
            self._received += max(0, n_bytes)
            if time.monotonic() - self._reported_at >= SECONDS_BETWEEN_REPORTS:
                self._report(name)

    def finished(self, name: str) -> None:
        """Count a file as here and checked."""
        with self._lock:
            self._n_done += 1
            self._report(name)

    def say(self, note: str) -> None:
        """Report how it goes by now."""
        with self._lock:
            self._report(note)

    def _report(self, note: str) -> None:
        now = self._reported_at = time.monotonic()
        self._samples.append((now, self._received))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()
        then, before = self._samples[0]
        rate = (self._received - before) / max(now - then, 1e-6)
        left = max(0, self._total - self._done) / rate if self._total and rate > 0 else None
        total = max(self._total, self._done) if self._total else None
        self._on_progress(Progress(self._done, total, self._n_done, self._n_files, rate, left, note))
