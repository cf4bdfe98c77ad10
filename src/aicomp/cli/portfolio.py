"""`aicomp train --time-limit`: what is tried, how it goes, and what came of it, for people and programs."""

from typing import TYPE_CHECKING, Any

from aicomp.cli.began import began
from aicomp.cli.output import Output
from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.layout import Layout
    from aicomp.portfolio.attempt import Attempt
    from aicomp.portfolio.clock import Clock
    from aicomp.portfolio.training import Outcome
    from aicomp.project import Project


def train_portfolio(
    project: "Project", output: Output, *, time_limit: str, overrides: list[str], fresh: bool = False
) -> None:
    """Train many models within a time limit, blend them, and say which run is the one to submit.

    Args:
        project: The project.
        output: Where to say it.
        time_limit: As it was written.
        overrides: `key=value` entries with which the project was opened.
        fresh: Refused: finished runs are always reused, and cut ones never continued.
    """
    from aicomp.portfolio.clock import Clock
    from aicomp.portfolio.training import Observer, train_within
    from aicomp.tuning.time_limit import parse_time_limit

    if fresh:
        raise UsageError("`--fresh` has no effect with `--time-limit`", "leave out one of them")
    clock = Clock(parse_time_limit(time_limit), began())
    keys = [entry.partition("=")[0].strip() for entry in overrides]
    is_one = any(key == "model" or key.startswith("model.") for key in keys)
    only = project.config.model.name if is_one else None
    told = _Told(output, project.competition.metric, clock)
    observer = Observer(told.data, told.plan, told.attempt, told.stage)
    outcome = train_within(project, clock, overrides=overrides, only=only, observer=observer)
    content = _content(outcome, clock)
    output.result(content, *_lines(outcome, content))


class _Told:
    """What is said while it goes.

    Args:
        output: Where to say it.
        metric: Name of the score.
        clock: The time limit.
    """

    def __init__(self, output: Output, metric: str, clock: "Clock") -> None:
        self._output, self._metric, self._clock = output, metric, clock

    def data(self, layout: "Layout") -> None:
        """Rows, columns and folds."""
        from collections import Counter

        train, test = layout.tables
        kinds = Counter(column.kind for column in layout.columns)
        counted = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
        folds = f"{len(layout.made.folds)} folds by `{layout.splitter}`"
        self._say(f"{train.n_rows} train rows, {test.n_rows} test rows; columns: {counted}; {folds}")
        self._output.say(*(f"note: {note}" for note in layout.made.notes))

    def plan(self, attempts: "list[Attempt]") -> None:
        """What is tried, and what is not."""
        tried = [a.name for a in attempts if a.status == "waiting"]
        self._output.say(f"plan: {', '.join(tried)}; then further seeds and parameters")
        for a in attempts:
            if a.status == "dropped":
                self._output.say(f"not tried: {a.name} ({a.reason})")

    def attempt(self, attempt: "Attempt") -> None:
        """A member has changed."""
        if attempt.is_finished:
            how = "reused" if attempt.status == "reused" else f"{attempt.seconds:.1f} s of its folds together"
            self._say(f"{attempt.name}: {self._metric} {attempt.cv:.5g}, {how}")
        elif attempt.status == "training":
            self._say(f"{attempt.name}: begun once more, so that it fits into its share of the time")
        else:
            self._say(f"{attempt.name}: {attempt.status}, {attempt.reason}")

    def stage(self, sentence: str) -> None:
        """Something else begins."""
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        self._output.say(f"[{self._clock.used:4.0f} s] {sentence}")


def _content(outcome: "Outcome", clock: "Clock") -> dict[str, Any]:
    """For programs; the keys are in the help of `aicomp train`."""
    from aicomp.cli.train import summary

    return {
        **summary(outcome.run),
        "time_limit": clock.limit,
        "seconds_used": round(clock.used, 2),
        "kind": outcome.kind,
        "method": outcome.method,
        "gain": outcome.gain,
        "plan": [attempt.to_dict() for attempt in outcome.attempts],
    }


def _lines(outcome: "Outcome", content: dict[str, Any]) -> list[str]:
    """For people."""
    from aicomp.cli.table import table_lines

    better = "higher" if content["greater_is_better"] else "lower"
    sign = -1 if content["greater_is_better"] else 1
    finished = [a for a in outcome.attempts if a.is_finished]
    finished.sort(key=lambda a: (-abs(a.weight or 0.0), sign * (a.cv or 0.0)))
    lines = []
    if finished:
        rows = [
            [a.name, f"{a.cv:.5g}", f"{a.seconds:.1f}", "" if a.weight is None else f"{a.weight:.3f}", _run_id(a)]
            for a in finished
        ]
        lines += [*table_lines(["member", content["metric"], "seconds", "weight", "run"], rows), ""]
    by_reason: dict[str, list[str]] = {}
    for a in outcome.attempts:
        if not a.is_finished:
            by_reason.setdefault(f"{a.status} ({a.reason})", []).append(a.name)
    lines += [f"{reason}: {', '.join(names)}" for reason, names in by_reason.items()]
    late = content["seconds_used"] - content["time_limit"]
    return [
        *lines,
        f"{content['metric']} {content['mean']:.5g} ± {content['std']:.2g}, {_what(outcome)} ({better} is better)",
        f"run {content['run']} in `{content['folder']}`: `aicomp submit` takes it",
        f"{content['seconds_used']:.1f} s of {content['time_limit']:g} s"
        + (f", {late:.1f} s late: it is too short for this data" if late > 0.05 * content["time_limit"] else ""),
        "next: aicomp submit --dry-run",
    ]


def _run_id(attempt: "Attempt") -> str:
    return attempt.run.id if attempt.run is not None else ""


def _what(outcome: "Outcome") -> str:
    """Which run it is, in a few words."""
    if outcome.kind == "floor":
        return "the prior of the targets: no model was ready in time"
    if outcome.kind == "blend":
        gain = f"{outcome.gain:.2g} better than the member that the other folds choose"
        return f"blend by {outcome.method}, nested; {gain}"
    if outcome.note:
        return f"the best member; {outcome.note}"
    return "the best member: a blend is no better"
