"""What is wanted of a new competition, and what is chosen for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aicomp.contract import Ask, Finding
from aicomp.errors import UsageError
from aicomp.suggest import unknown_name


@dataclass(frozen=True)
class Wishes:
    """What the organizer says.

    Attributes:
        slug: The competition's.
        train: The one labelled table.
        target: Columns to predict; none if they are to be asked for.
        metric: Scores submissions; None takes a usual one.
        problem_type: See `Competition.problem_type`; None takes the likeliest.
        id: Column that names a row, which is numbered anew; None looks for one.
        group: Column whose rows lie together in train, public or private.
        time: Column by which test is later than train.
        test_share: Share of the rows whose targets are hidden.
        public_share: Share of those that count for the public score.
        seed: Of which rows go where.
        encoding: Of the table's text.
    """

    slug: str
    train: Path
    target: tuple[str, ...] = ()
    metric: str | None = None
    problem_type: str | None = None
    id: str | None = None
    group: str | None = None
    time: str | None = None
    test_share: float = 0.3
    public_share: float = 0.3
    seed: int = 1
    encoding: str = "utf-8"


@dataclass
class Choosing:
    """Choices under way.

    Attributes:
        wishes: What the organizer says.
        ask: Asks a person; None where nobody can be asked.
        choices: What was chosen so far, in order.
    """

    wishes: Wishes
    ask: Ask | None = None
    choices: list[Finding] = field(default_factory=list)

    def chose(self, what: str, value: str, because: str) -> None:
        """Note a choice."""
        self.choices.append(Finding(what, value, because))

    def target(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The columns to predict.

        Raises:
            UsageError: They are not said and nobody can be asked, or are none of the table.
        """
        given = self.wishes.target
        if given:
            for column in given:
                self.need(column, "target", columns)
            self.chose("target", ", ".join(given), "given with --target")
            return given
        if self.ask is None:
            shown = ", ".join(f"`{c}`" for c in columns[:12])
            more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
            raise UsageError(
                f"`{self.wishes.train.name}` does not say which column is the target: {shown}{more}",
                f"add `--target {columns[-1]}`, or another of them",
            )
        answer = self.ask("Which column is the target?", columns)
        if answer not in columns:
            raise unknown_name("column", answer, columns)
        self.chose("target", answer, "as answered")
        return (answer,)

    def need(self, column: str, flag: str, columns: Sequence[str]) -> None:
        """Refuse a column that the table has not.

        Raises:
            UsageError: With the nearest one.
        """
        if column not in columns:
            raise unknown_name(f"column of `{self.wishes.train.name}`, given with `--{flag}`:", column, columns)
