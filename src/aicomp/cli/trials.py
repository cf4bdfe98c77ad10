"""How tuning goes, while it goes: a table on a terminal, a line per trial elsewhere."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aicomp.cli.output import Output

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from aicomp.models.space import Setting
    from aicomp.tuning.study import Study
    from aicomp.tuning.trials import Trial

_LEAST_ROWS = 5
_OTHER_LINES = 8  # of a terminal: the table's own and those of the shell


class TrialsTable(AbstractContextManager["TrialsTable"]):
    """Shows the trials of a study; a `Watcher`.

    Args:
        output: Where to say it; a table is drawn only if stderr is a terminal.
        metric: Name of the score.
    """

    def __init__(self, output: Output, metric: str) -> None:
        self._output = output
        self._metric = metric
        self._live: Live | None = None
        self._trials: list[Trial] = []
        self._best: Trial | None = None
        self._running: list[str] | None = None

    def on_study(self, study: "Study", space: "tuple[Setting, ...]") -> None:
        """Say what is tuned and what is there already, and begin the table."""
        self._trials, self._best = list(study.trials), study.best
        self._output.say(f"study {study.path.parent.name}: {len(space)} setting{'' if len(space) == 1 else 's'}")
        self._output.say(*(f"  {_range(setting)}" for setting in space))
        if self._trials and self._best is not None:
            self._output.say(
                f"continuing after {len(self._trials)} trials, the best is trial {self._best.number} with "
                f"{self._metric} {self._best.score:.5g}"
            )
        if self._output.is_terminal:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(self._table(), console=Console(stderr=True), refresh_per_second=4)
            self._live.start()

    def on_folds(self, number: int, values: dict[str, Any], n_done: int, n_folds: int) -> None:
        """A trial has so many folds trained."""
        from aicomp.tuning.values import short

        state = f"{n_done} of {n_folds} folds" if n_folds else "begins"
        self._running = [str(number), state, "", "", "", short(values) or "config as it is"]
        self._draw()

    def on_trial(self, trial: "Trial", best: "Trial | None") -> None:
        """A trial has ended."""
        self._trials.append(trial)
        self._best, self._running = best, None
        self._draw()
        if self._live is None:
            self._output.say(self._line(trial))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the table as it stands."""
        if self._live is not None:
            self._running = None
            self._draw()
            self._live.stop()

    def _line(self, trial: "Trial") -> str:
        from aicomp.tuning.values import short

        scored = "failed" if trial.score is None else f"{self._metric} {trial.score:.5g}"
        scored += f", cut after {len(trial.folds)} folds" if trial.state == "cut" else ""
        reason = f" ({trial.reason})" if trial.reason else ""
        best = "" if self._best is None else f", best {self._best.score:.5g} (trial {self._best.number})"
        values = short(trial.values) or "config as it is"
        return f"trial {trial.number}: {scored}{reason}{best}, {trial.seconds:.0f} s; {values}"

    def _draw(self) -> None:
        if self._live is not None:
            self._live.update(self._table())

    def _table(self) -> "Table":
        """The latest trials that fit on the screen, the best one among them."""
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for name in ("trial", "state", self._metric, "best", "seconds", "values"):
            table.add_column(name, no_wrap=name != "values", overflow="ellipsis" if name == "values" else "fold")
        height = self._live.console.height if self._live is not None else 24
        shown = self._trials[-max(_LEAST_ROWS, height - _OTHER_LINES) :]
        if self._best is not None and self._best.number < len(self._trials) - len(shown):
            shown = [self._trials[self._best.number], *shown[1:]]
        for trial in shown:
            is_best = self._best is not None and trial.number == self._best.number
            style = "bold" if is_best else "dim" if trial.state != "done" else None
            table.add_row(*map(escape, self._row(trial, is_best)), style=style)
        if self._running is not None:
            table.add_row(*map(escape, self._running))
        return table

    def _row(self, trial: "Trial", is_best: bool) -> list[str]:
        from aicomp.tuning.values import short

        state = trial.state if trial.state != "cut" else f"cut, {len(trial.folds)} folds"
        score = "" if trial.score is None else f"{trial.score:.5g}"
        values = short(trial.values) or "config as it is"
        return [str(trial.number), state, score, "*" if is_best else "", f"{trial.seconds:.0f}", values]


def _range(setting: "Setting") -> str:
    from aicomp.models.space import Choice
    from aicomp.tuning.values import as_toml

    if isinstance(setting, Choice):
        return f"{setting.key}: " + ", ".join(as_toml(value) for value in setting.values)
    return f"{setting.key}: {setting.low:g} to {setting.high:g}{', log' if setting.log else ''}"
