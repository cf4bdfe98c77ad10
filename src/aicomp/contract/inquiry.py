"""What the user says about a competition, who can be asked, and what is found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aicomp.errors import UsageError
from aicomp.suggest import unknown_name

Ask = Callable[[str, Sequence[str]], str]
"""Puts a question with its candidates to a person and returns the answer."""


@dataclass(frozen=True)
class Given:
    """What the user says; whatever is left out is inferred.

    Attributes:
        metric: Name of the metric, in any usual spelling.
        id: Id columns.
        target: Target columns.
        problem_type: See `Competition.problem_type`.
        train: Name of the train file; likewise `test` and `sample`, the sample submission.
        group: Column whose rows belong together.
        time: Column that orders rows in time.
        series: Columns that tell series apart.
        slug: Short name of the competition.
        encoding: Of the files' text.
        stated_metric: How the competition's page names the metric; it counts where `metric` is None.
        stated_by: Whose page that is.
    """

    metric: str | None = None
    id: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    problem_type: str | None = None
    train: str | None = None
    test: str | None = None
    sample: str | None = None
    group: str | None = None
    time: str | None = None
    series: tuple[str, ...] = ()
    slug: str | None = None
    encoding: str = "utf-8"
    stated_metric: str = ""
    stated_by: str = "Kaggle"


@dataclass(frozen=True)
class Finding:
    """One thing about a competition, and how it is known.

    Attributes:
        what: Such as "target".
        value: Such as "Survived".
        because: The reason, for people.
    """

    what: str
    value: str
    because: str


@dataclass
class Inquiry:
    """An inference under way.

    Attributes:
        given: What the user says.
        ask: Asks a person; None where nobody can be asked.
        findings: What is known so far, in order.
    """

    given: Given
    ask: Ask | None = None
    findings: list[Finding] = field(default_factory=list)

    def found(self, what: str, value: str, because: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(what, value, because))

    def choose(self, flag: str, question: str, candidates: Sequence[str]) -> str:
        """Have a person choose, or refuse with the flag that says it.

        Args:
            flag: Such as "--target".
            question: What is not known, lowercase, without a question mark, such as "which column is the target".
            candidates: What it may be.

        Raises:
            UsageError: Nobody can be asked, or the answer is none of the candidates.
        """
        if self.ask is None:
            raise UsageError(
                f"the files do not say {question}: {listing(candidates, most=12)}",
                f"add `{flag} {shell_word(candidates[0])}`, or another of them",
            )
        answer = self.ask(f"{question[:1].upper()}{question[1:]}?", candidates)
        if answer not in candidates:
            raise unknown_name("answer", answer, candidates)
        return answer


def shell_word(text: str) -> str:
    """A text as it is typed on a command line."""
    import shlex

    return shlex.quote(text)


def listing(names: Sequence[str], most: int = 8) -> str:
    """Names for a message, in backticks, cut short if there are many."""
    shown = ", ".join(f"`{n}`" for n in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
