"""From the results of `tabular.py` to its table: ranks, totals, and the goals, each computed from the results alone."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

DEFAULTS, LIMITED = "aicomp", "aicomp-limit"
LAST = math.inf


@dataclass(frozen=True)
class Result:
    """One system on one set.

    Attributes:
        slug: The set.
        system: The system.
        metric: Name of the metric.
        greater_is_better: Its direction.
        cv: Mean score of the folds as the system tells it; None if it tells none.
        hidden: Score on the hidden part; None if there is none.
        seconds: Wall time of the training command.
        peak_mb: Largest memory of its processes together.
        problem: Why there is no score; "" if there is one.
        stopped: Whether it was stopped when patience was at its end.
        time_limit: Limit that it was given, in seconds; None if none.
        patience: Seconds after which it is stopped; None if never.
        code: Hash of what was run.
        data: Hash of the set's files.
        commit: Commit of the checkout, for people.
    """

    slug: str
    system: str
    metric: str
    greater_is_better: bool
    cv: float | None
    hidden: float | None
    seconds: float
    peak_mb: float
    problem: str = ""
    stopped: bool = False
    time_limit: float | None = None
    patience: float | None = None
    code: str = ""
    data: str = ""
    commit: str = ""

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Result":
        """Read a line of the results' file."""
        return cls(**{f.name: content[f.name] for f in fields(cls) if f.name in content})

    def to_json(self) -> dict[str, Any]:
        """A line of the results' file."""
        return asdict(self)

    @property
    def error(self) -> float:
        """The score as an error, lower is better: 1 - score where higher is better; infinite without a score."""
        if self.hidden is None:
            return LAST
        return 1 - self.hidden if self.greater_is_better else self.hidden


class Board:
    """The newest result of each system on each set."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.cells = {(r.slug, r.system): r for r in results}
        self.slugs = list(dict.fromkeys(r.slug for r in results))
        self.systems = list(dict.fromkeys(r.system for r in results))

    def complete(self, systems: Sequence[str]) -> list[str]:
        """Sets on which each of the systems was run, to whatever end."""
        return [slug for slug in self.slugs if all((slug, system) in self.cells for system in systems)]

    def ranks(self, slug: str, systems: Sequence[str]) -> dict[str, float]:
        """Ranks on one set, 1 is the best.

        Equal scores share the mean of their ranks; so do those without a score, which come last.
        """
        errors = {s: self.cells[slug, s].error for s in systems if (slug, s) in self.cells}
        return {s: mean_rank_of(error, list(errors.values())) for s, error in errors.items()}

    def mean_ranks(self, systems: Sequence[str]) -> dict[str, float]:
        """Mean over the sets on which each of the systems was run; empty if there is none."""
        ranks = [self.ranks(slug, systems) for slug in self.complete(systems)]
        return {s: sum(r[s] for r in ranks) / len(ranks) for s in systems} if ranks else {}

    def total_seconds(self, system: str, slugs: Sequence[str]) -> float:
        """Wall time on the sets together."""
        return sum(self.cells[slug, system].seconds for slug in slugs)


def mean_rank_of(error: float, errors: list[float]) -> float:
    """Rank of one error among all, itself included."""
    equal = [e for e in errors if e == error or math.isclose(e, error, rel_tol=1e-12)]
    better = sum(e < error for e in errors if e not in equal)
    return better + (len(equal) + 1) / 2


def as_table(board: Board) -> str:
    """Markdown: three lines for each set (score and rank, seconds, memory), the means and totals below."""
    lines = ["| | | " + " | ".join(board.systems) + " |", "|---" * (len(board.systems) + 2) + "|"]
    for slug in board.slugs:
        ranks = board.ranks(slug, board.systems)
        cells = [board.cells.get((slug, system)) for system in board.systems]
        known = next(r for r in cells if r is not None)
        best = min(r.error for r in cells if r is not None)
        rows = [
            [slug, f"{known.metric} (rank)", *(score_cell(r, ranks, best) for r in cells)],
            ["", "s", *("" if r is None else f"{'>' * r.stopped}{r.seconds:.0f}" for r in cells)],
            ["", "MB", *("" if r is None else f"{r.peak_mb:.0f}" for r in cells)],
        ]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, *totals(board), *problems(board)])


def score_cell(result: Result | None, ranks: dict[str, float], best: float) -> str:
    if result is None:
        return ""
    if result.stopped:
        return f"not finished in {result.seconds:.0f} s"
    if result.hidden is None:
        return "failed"
    digits = f"{result.hidden:.4f}" if abs(result.hidden) < 100 else f"{result.hidden:.0f}"
    mark = "**" if result.error == best else ""
    return f"{mark}{digits}{mark} ({ranks[result.system]:g})"


def totals(board: Board) -> list[str]:
    slugs = board.complete(board.systems)
    if not slugs:
        return ["", "No set was run by all of them: no mean ranks yet."]
    ranks = board.mean_ranks(board.systems)
    cells = {s: [board.cells[slug, s] for slug in slugs] for s in board.systems}
    seconds = [f"{'>' * any(r.stopped for r in cells[s])}{sum(r.seconds for r in cells[s]):.0f}" for s in board.systems]
    named = "all" if len(slugs) == len(board.slugs) else f"the {len(slugs)} that all ran"
    rows = [
        [named, "mean rank", *(f"{ranks[s]:.2f}" for s in board.systems)],
        ["", "s", *seconds],
        ["", "MB", *(f"{max(r.peak_mb for r in cells[s]):.0f}" for s in board.systems)],
    ]
    return ["| " + " | ".join(row) + " |" for row in rows]


def problems(board: Board) -> list[str]:
    failed = [r for r in board.cells.values() if r.hidden is None and not r.stopped]
    return ["", *(f"- {r.slug}, {r.system}: {r.problem}" for r in failed)] if failed else []
