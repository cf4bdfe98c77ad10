"""What was submitted: the project's ledger beside what the host lists, joined by number or by tag."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from aicomp.submission.ledger import Attempt

Scoring = Literal["pending", "complete", "error"]

_LONGEST_DESCRIPTION = 500
_TAG = re.compile(r"\[aicomp ([0-9a-f]{12})\]")


@dataclass(frozen=True)
class Posted:
    """A submission as the host lists it.

    Attributes:
        ref: The host's number for it.
        date: When it arrived, UTC; None if the host does not say.
        description: What was written beside it.
        file: The file's name.
        status: Whether it has its score.
        public_score: Score on the public part, None as long as it has none.
        private_score: Score on the private part, None until the host shows it.
        error: Why it could not be scored; empty if it could.
        team: Name of the team.
    """

    ref: int
    date: datetime | None = None
    description: str = ""
    file: str = ""
    status: Scoring = "pending"
    public_score: float | None = None
    private_score: float | None = None
    error: str = ""
    team: str = ""

    @property
    def tag(self) -> str:
        """The beginning of the file's SHA-256, 12 hex digits, that `describe_file` wrote; empty without one."""
        found = _TAG.findall(self.description)
        return found[-1] if found else ""


@dataclass(frozen=True)
class Record:
    """One line of the table: what the host says, what the project knows, or both.

    Attributes:
        posted: The host's part; None if the host does not list it or was not asked.
        attempt: The ledger's part; None if it was not sent from this project.
    """

    posted: Posted | None
    attempt: Attempt | None

    @property
    def ref(self) -> int | None:
        """The host's number."""
        return self.posted.ref if self.posted is not None else self.attempt.ref if self.attempt is not None else None

    @property
    def file_hash(self) -> str:
        """The beginning of the file's SHA-256: lines that have it in common are one file; empty if unknown."""
        if self.attempt is not None:
            return self.attempt.sha256[:12]
        return self.posted.tag if self.posted is not None else ""

    @property
    def runs(self) -> tuple[str, ...]:
        """The run, or the runs of a blend, that the file comes from."""
        return self.attempt.runs if self.attempt is not None else ()

    @property
    def cv(self) -> float | None:
        """Mean score in cross-validation."""
        return None if self.attempt is None or self.attempt.cv is None else self.attempt.cv["mean"]

    @property
    def cv_std(self) -> float | None:
        """Deviation of that score over the folds."""
        return None if self.attempt is None or self.attempt.cv is None else self.attempt.cv["std"]

    @property
    def public_score(self) -> float | None:
        """Score on the public part, or on the hidden part of an embedded competition."""
        if self.posted is not None:
            return self.posted.public_score
        return self.attempt.score if self.attempt is not None else None

    @property
    def private_score(self) -> float | None:
        """Score on the private part."""
        return self.posted.private_score if self.posted is not None else None

    @property
    def status(self) -> str:
        """What the host says, else what the ledger does."""
        if self.posted is not None:
            return self.posted.status
        assert self.attempt is not None
        return self.attempt.status

    @property
    def description(self) -> str:
        """The user's words."""
        text = self.posted.description if self.posted is not None else self.attempt.message if self.attempt else ""
        return _TAG.sub("", text).strip()

    @property
    def error(self) -> str:
        """Why it has no score; empty if nothing went wrong."""
        if self.posted is not None:
            return self.posted.error
        return self.attempt.error if self.attempt is not None else ""

    @property
    def date(self) -> datetime | None:
        """When it arrived, or when it was sent."""
        if self.posted is not None and self.posted.date is not None:
            return self.posted.date
        return self.attempt.time if self.attempt is not None else None


def describe_file(message: str, sha256: str) -> str:
    """A description that names its file, so that a submission can be found again: the message, then the tag.

    Args:
        message: The user's words; cut where the description would grow past 500 characters.
        sha256: Of the file, in hex.

    >>> describe_file("first try", "1a2b3c4d5e6f7890")
    'first try [aicomp 1a2b3c4d5e6f]'
    """
    tag = f"[aicomp {sha256[:12]}]"
    room = _LONGEST_DESCRIPTION - len(tag) - 1
    text = " ".join(_TAG.sub("", message).split())
    if len(text) > room:
        text = text[: room - 1] + "…"
    return f"{text} {tag}".strip()


def with_tag(posted: Sequence[Posted], sha256: str) -> list[Posted]:
    """The submissions of one file, oldest first."""
    return sorted((p for p in posted if p.tag == sha256[:12]), key=lambda p: p.ref)


def join(posted: Sequence[Posted], attempts: Sequence[Attempt]) -> list[Record]:
    """Put each submission of the host beside the attempt that made it, newest first.

    They belong together by the host's number; an attempt whose number nobody learned, by the tag. Attempts that the
    host does not list stay, as they are: failed, unknown, or graded here.
    """
    by_ref = {a.ref: a for a in attempts if a.ref is not None}
    nameless = [a for a in attempts if a.ref is None and a.is_unsettled]
    records = []
    for p in sorted(posted, key=lambda p: p.ref):
        attempt = by_ref.pop(p.ref, None)
        if attempt is None:
            attempt = next((a for a in nameless if a.may_be(p.ref) and a.sha256[:12] == p.tag), None)
            if attempt is not None:
                nameless.remove(attempt)
                attempt = replace(attempt, ref=p.ref)
        records.append(Record(p, attempt or _same_file(p, attempts)))
    taken = {r.attempt.id for r in records if r.attempt is not None}
    records += [Record(None, a) for a in attempts if a.id not in taken]
    return sorted(records, key=_age, reverse=True)


def _same_file(posted: Posted, attempts: Sequence[Attempt]) -> Attempt | None:
    """The file's score in cross-validation is known, though this sending of it is not in the ledger."""
    known = [a for a in attempts if a.sha256[:12] == posted.tag]
    return replace(known[-1], ref=posted.ref) if known else None


def _age(record: Record) -> tuple[float, int]:
    return (record.date.timestamp() if record.date is not None else 0.0, record.ref or 0)
