"""How training goes, while it goes: bars on a terminal, a line per finished fold elsewhere."""

import math
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING

from aicomp.cli.output import Output
from aicomp.engine.events import (
    DeviceEvent,
    EpochEvent,
    Event,
    FoldEvent,
    LayoutEvent,
    NoteEvent,
    PlaceEvent,
    RetryEvent,
)
from aicomp.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class Progress(AbstractContextManager["Progress"]):
    """Shows folds and epochs with score and time left.

    Args:
        output: Where to say it; bars are drawn only if stderr is a terminal.
        metric: Name of the score.
        part: What is trained one by one: folds, or the seeds of an agent.
    """

    def __init__(self, output: Output, metric: str, part: str = "fold") -> None:
        self._output = output
        self._part = part
        self._metric = metric
        self._bars: Bars | None = None
        self._rows: dict[int, TaskID] = {}
        self._last: dict[int, EpochEvent] = {}
        self._folds_left: set[int] = set()
        self._n_folds = 0
        self._workers = 1
        self._started = time.monotonic()

    def begin(self, n_folds: int, folds_left: list[int]) -> None:
        """Say how many folds there are and which are to be trained."""
        self._n_folds, self._folds_left = n_folds, set(folds_left)
        self._started = time.monotonic()
        if not self._output.is_terminal or not folds_left:
            return
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self._bars.start()
        self._rows[-1] = self._bars.add_task(f"{self._part}s", total=len(folds_left), note="")

    def on_event(self, event: Event) -> None:
        """Take note of what an engine says."""
        match event:
            case DeviceEvent():
                self._workers = max(1, event.workers)
                where = f"{event.workers} processes" if event.workers > 1 else "1 process"
                self._output.say(f"device: {event.device}, {where}")
            case EpochEvent():
                self._last[event.fold] = event
                if event.note:
                    self._output.say(f"note: {self._part} {event.fold}: {event.note}")
                self._draw_epoch(event)
            case LayoutEvent():
                which = ", ".join(str(k) for k in event.folds)
                how = f"folds {which} as one network" if event.stacked else "folds one by one"
                self._output.say(f"layout: {how} ({event.reason})")
            case NoteEvent():
                place = "" if event.fold is None else f"{self._part} {event.fold}: "
                self._output.say(f"note: {place}{event.sentence}")
            case FoldEvent():
                self._end_fold(event.fold)
            case NoteEvent():
                self._say(f"note: {event.sentence}")
            case PlaceEvent():
                self._say(f"{self._part} {event.fold}: begun on {event.node}")
            case RetryEvent():
                self._say(f"{self._part} {event.fold}: {event.reason}")

    def _draw_epoch(self, event: EpochEvent) -> None:
        if self._bars is None:
            return
        if event.fold not in self._rows:
            name = f"  {self._part} {event.fold}"
            self._rows[event.fold] = self._bars.add_task(name, total=event.n_epochs, note="")
        has_score = not math.isnan(event.score)
        note = f"{self._metric} {event.score:.5g}, best {event.best_score:.5g}" if has_score else ""
        self._bars.update(self._rows[event.fold], completed=event.epoch, note=note)
        self._bars.update(self._rows[-1], note=self._time_left())

    def _end_fold(self, fold: int) -> None:
        self._folds_left.discard(fold)
        last = self._last.get(fold)
        n_done = self._n_folds - len(self._folds_left)
        if self._bars is not None:
            self._bars.update(self._rows[-1], advance=1, note=self._time_left())
            if fold in self._rows:
                self._bars.remove_task(self._rows.pop(fold))
        if last is not None:
            line = (
                f"{self._part} {fold}: {self._metric} {last.best_score:.5g}, {last.epoch} of at most {last.n_epochs} "
                f"{last.unit}, {last.seconds:.0f} s; {n_done} of {self._n_folds} {self._part}s done"
                f"{self._time_left(', ')}"
            )
            self._say(line)

    def _say(self, line: str) -> None:
        """Above the bars, where there are some."""
        if self._bars is None:
            self._output.say(line)
        else:
            self._bars.console.print(printable(line), markup=False, highlight=False)

    def _time_left(self, before: str = "") -> str:
        """An estimate from the epochs so far: each fold that is left costs what the folds seen cost at most."""
        if not self._folds_left or not self._last:
            return ""
        seconds_per_fold = [e.seconds / e.epoch * e.n_epochs for e in self._last.values()]
        cost = sum(seconds_per_fold) / len(seconds_per_fold)
        begun = [e.epoch / e.n_epochs for k, e in self._last.items() if k in self._folds_left]
        seconds = (len(self._folds_left) - sum(begun)) * cost / min(self._workers, len(self._folds_left))
        return f"{before}at most {_duration(seconds)} left"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bars away."""
        if self._bars is not None:
            self._bars.stop()


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
