"""The noun Finding: what a check found, how bad it is, and what to do about it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from aicomp.pages.drawing import Drawing

Severity = Literal["high", "medium", "low", "ok"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low", "ok")
"""From the worst on. High: the score cannot be believed, or the target leaks. Medium: worth a change before more is
trained. Low: good to know. Ok: looked for and not found."""

MOST_ROWS = 50
"""Rows that a finding names at most."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: What was looked for, such as "twins-across-folds".
        severity: See `SEVERITIES`.
        title: The finding, in a few words.
        evidence: The numbers that it follows from, as sentences.
        advice: What to do; where that is a command or an entry of the config, as it is typed.
        numbers: The same numbers, for programs.
        columns: Columns that are concerned.
        rows: Ids of the rows that are concerned, the worst first, `MOST_ROWS` at most; without ids, their numbers.
    """

    name: str
    severity: Severity
    title: str
    evidence: str
    advice: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        rounded = {key: float(f"{value:.6g}") for key, value in self.numbers.items()}
        return {**asdict(self), "numbers": rounded}


@dataclass(frozen=True)
class Outcome:
    """What a check gives.

    Attributes:
        findings: At least one.
        drawings: Functions that draw what there is to see, for the page.
        notes: Sentences about what it could not look at, such as rows that were left out of a sample.
    """

    findings: list[Finding]
    drawings: "Sequence[Callable[[], Drawing]]" = ()
    notes: Sequence[str] = ()


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, otherwise in their order.

    >>> a, b = Finding("a", "ok", "fine", ""), Finding("b", "high", "bad", "")
    >>> [f.name for f in by_severity([a, b])]
    ['b', 'a']
    """
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def listed(names: Iterable[str], most: int = 5) -> str:
    """Names in backticks, as a part of a sentence.

    >>> listed(["a", "b"]), listed("abcdefg")
    ('`a`, `b`', '`a`, `b`, `c`, `d`, `e` and 2 more')
    """
    known = [f"`{name}`" for name in names]
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def counted(n: int, one: str, many: str = "") -> str:
    """A number and its noun.

    >>> counted(1, "row"), counted(12345, "row")
    ('1 row', '12,345 rows')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"
