"""The nouns Submission and Limits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Status = Literal["PENDING", "COMPLETE", "ERROR"]


@dataclass(frozen=True)
class Submission:
    """One submission.

    Attributes:
        ref: Its number.
        team_id: Whose it is.
        team_name: The team's name.
        slug: The competition's.
        file_name: As the team called it.
        size: In bytes.
        sha256: Of its content, in hex.
        description: The team's own words.
        submitted: UTC.
        status: PENDING until it is graded.
        public: Score on the public rows, None unless COMPLETE.
        private: Score on the private rows, None unless COMPLETE; to be shown only after the deadline.
        error: Why it could not be graded.
        late: Whether it came after the deadline: it is graded and never ranks.
        selected: Whether the team chose it to count in the end.
        blob_token: Of the upload that holds its content.
    """

    ref: int
    team_id: int
    team_name: str
    slug: str
    file_name: str
    size: int
    sha256: str
    description: str
    submitted: datetime
    status: Status
    public: float | None
    private: float | None
    error: str
    late: bool
    selected: bool
    blob_token: str


@dataclass(frozen=True)
class Limits:
    """How much a team has submitted to a competition, and how much it still may.

    Attributes:
        num_today: Since midnight UTC.
        num_total: Ever.
        num_allowed_now: Until midnight UTC.
    """

    num_today: int
    num_total: int
    num_allowed_now: int
