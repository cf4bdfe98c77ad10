"""The noun Problem: something about a hosted folder that whoever runs the competition should know."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Problem:
    """What is wrong, or could be.

    Attributes:
        severity: "error" spoils the competition, "warning" may, "note" is worth a look.
        what: One sentence, lowercase, without a final full stop.
        evidence: The numbers or values that say so, "" if the sentence does.
        hint: What to do.
    """

    severity: Severity
    what: str
    evidence: str
    hint: str

    @property
    def is_error(self) -> bool:
        """Whether the competition should not be hosted as it is."""
        return self.severity == "error"

    @property
    def content(self) -> dict[str, str]:
        """The problem for programs."""
        return {"severity": self.severity, "what": self.what, "evidence": self.evidence, "hint": self.hint}

    @property
    def lines(self) -> list[str]:
        """The problem for people."""
        more = [f"  {name}: {text}" for name, text in (("evidence", self.evidence), ("hint", self.hint)) if text]
        return [f"{self.severity}: {self.what}", *more]


def lines(problems: Iterable[Problem]) -> list[str]:
    """All problems for people, the worst first."""
    order: tuple[Severity, ...] = ("error", "warning", "note")
    return [line for p in sorted(problems, key=lambda p: order.index(p.severity)) for line in p.lines]
