"""How a download goes, while it goes: a bar on a terminal, a line now and then elsewhere."""

import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING

from aicomp.cli.output import Output

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from aicomp.kaggle.meter import Progress

SECONDS_BETWEEN_LINES = 10.0


class Transfer(AbstractContextManager["Transfer"]):
    """Shows bytes, files, rate and time left.

    Args:
        output: Where to say it; a bar is drawn only if stderr is a terminal.
        what: What is downloaded, for people.
    """

    def __init__(self, output: Output, what: str) -> None:
        self._output = output
        self._what = what
        self._bars: Bars | None = None
        self._row: TaskID | None = None
        self._said = 0.0
        self._last: Progress | None = None

    def on_progress(self, progress: "Progress") -> None:
        """Show where the download is."""
        first, self._last = self._last is None, progress
        if self._output.is_terminal:
            self._draw(progress)
            return
        now = time.monotonic()
        if first:
            self._said = now
            size = f", {_size(progress.total)}" if progress.total else ""
            doing = "downloading" if progress.n_done < progress.n_files else "downloaded already:"
            self._output.say(f"{doing} {self._what}: {_files(progress.n_files)}{size}")
        elif now - self._said >= SECONDS_BETWEEN_LINES:
            self._said = now
            self._output.say(f"  {_state(progress)}")

    def _draw(self, progress: "Progress") -> None:
        if self._bars is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bars

            self._bars = Bars(
                TextColumn("downloading"),
                BarColumn(),
                TextColumn("{task.fields[state]}", markup=False),
                console=Console(stderr=True),
            )
            self._bars.start()
            self._row = self._bars.add_task("", total=progress.total, state="")
        assert self._row is not None
        self._bars.update(self._row, completed=progress.done, total=progress.total, state=_state(progress))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away; say what becomes of a download that was interrupted."""
        if self._bars is not None:
            self._bars.stop()
        if kind is KeyboardInterrupt and self._last is not None:
            self._output.say(f"{_size(self._last.done)} are kept: the same command continues there")


def _state(progress: "Progress") -> str:
    total = f" of {_size(progress.total)}" if progress.total else ""
    left = "" if progress.seconds_left is None else f", {_duration(progress.seconds_left)} left"
    note = f"; {progress.note}" if progress.note else ""
    files = f"{progress.n_done} of {_files(progress.n_files)}"
    return f"{_size(progress.done)}{total}, {files}, {_size(progress.rate)}/s{left}{note}"


def _files(n: int) -> str:
    return f"{n} file" if n == 1 else f"{n} files"


def _size(n_bytes: float | None) -> str:
    from aicomp.checkup import size_text

    return size_text(n_bytes or 0)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
