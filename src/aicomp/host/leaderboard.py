"""The ranking of the teams, public and private, with medals."""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from aicomp.host.database import Database
from aicomp.host.folder import HostedCompetition
from aicomp.host.submissions import MOST_SELECTED, now_utc
from aicomp.host.wire import ApiError, wire_score

Medal = Literal["", "gold", "silver", "bronze"]


@dataclass(frozen=True)
class Row:
    """A team's place.

    Attributes:
        rank: From 1.
        team_id: The team's number.
        team_name: Its name.
        score: Of the submission that counts, in the metric's unit.
        submitted: When that submission came, UTC.
        n_submissions: How many the team made before the deadline.
        medal: "" for none.
    """

    rank: int
    team_id: int
    team_name: str
    score: float
    submitted: datetime
    n_submissions: int
    medal: Medal


def leaderboard(
    db: Database, competition: HostedCompetition, private: bool = False, *, now: datetime | None = None
) -> list[Row]:
    """Rank the teams of a competition. Of equal scores, the one that came first is better.

    Args:
        db: The host's database.
        competition: The competition.
        private: Whether by the private rows. What counts there is the best private score: of all submissions, or with
            `selection = "selected"` of those that the team chose, or of its two best public ones if it chose none.
        now: The time; None asks the clock.

    Raises:
        ApiError: The private board is asked for before the deadline.
    """
    if private and not competition.is_over(now or now_utc()):
        raise ApiError(403, "The private leaderboard opens after the deadline.")
    rows = db.read().execute(_query(competition, private), {"slug": competition.slug}).fetchall()
    return [
        Row(
            rank,
            row["team_id"],
            row["name"],
            row["score"],
            datetime.fromtimestamp(row["submitted"], UTC),
            row["n_submissions"],
            medal(rank, len(rows)),
        )
        for rank, row in enumerate(rows, start=1)
    ]


_RANKED = "submissions INDEXED BY ranked_submissions WHERE slug = :slug AND status = 'COMPLETE' AND late = 0"


def _query(competition: HostedCompetition, private: bool) -> str:
    """Each team with the submission that counts, from the best; indexes hold all that is read of the many rows."""
    score = "private" if private else "public"
    direction = "DESC" if competition.metric.greater_is_better else "ASC"
    chosen = _chosen(direction) if private and competition.selection == "selected" else _best(score, direction)
    return (
        f"SELECT s.team_id, s.{score} AS score, s.submitted, n_submissions, name FROM ({chosen}) c "
        "JOIN submissions s ON s.ref = c.ref JOIN teams t ON t.id = s.team_id "
        "JOIN (SELECT team_id, COUNT(*) AS n_submissions FROM submissions INDEXED BY counted_submissions "
        "WHERE slug = :slug AND late = 0 GROUP BY team_id) n ON n.team_id = s.team_id "
        f"ORDER BY score {direction}, s.submitted, s.ref"
    )


def _best(score: str, direction: str) -> str:
    """The first of each team's best submissions."""
    best = "MAX" if direction == "DESC" else "MIN"
    return (
        f"SELECT (SELECT ref FROM {_RANKED} AND team_id = b.team_id AND {score} = b.score "
        "ORDER BY submitted, ref LIMIT 1) AS ref "
        f"FROM (SELECT team_id, {best}({score}) AS score FROM {_RANKED} GROUP BY team_id) b"
    )


def _chosen(direction: str) -> str:
    """The best by the private score of what each team chose, or of its best public ones."""
    return (
        "SELECT ref FROM (SELECT ref, ROW_NUMBER() OVER (PARTITION BY team_id "
        f"ORDER BY private {direction}, submitted, ref) AS place FROM (SELECT *, "
        f"ROW_NUMBER() OVER (PARTITION BY team_id ORDER BY public {direction}, submitted, ref) AS choice, "
        "SUM(selected) OVER (PARTITION BY team_id) AS n_selected "
        f"FROM (SELECT team_id, public, private, submitted, ref, selected FROM {_RANKED})) "
        f"WHERE selected OR (n_selected = 0 AND choice <= {MOST_SELECTED})) WHERE place = 1"
    )


def leaderboard_zip(competition: HostedCompetition, rows: Sequence[Row], private: bool, now: datetime) -> bytes:
    """A ranking as Kaggle lets it be downloaded: a zip that holds one CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Rank", "TeamId", "TeamName", "LastSubmissionDate", "Score", "SubmissionCount"])
    for r in rows:
        moment = f"{r.submitted:%Y-%m-%d %H:%M:%S}"
        writer.writerow([r.rank, r.team_id, r.team_name, moment, wire_score(r.score), r.n_submissions])
    content = io.BytesIO()
    kind = "private" if private else "public"
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{competition.slug}-{kind}leaderboard-{now:%Y-%m-%dT%H%M%S}.csv", text.getvalue())
    return content.getvalue()


def medal(rank: int, n_teams: int) -> Medal:
    """The medal of a rank among `n_teams`, by the progression rule of Kaggle's competitions.

    >>> [medal(rank, 10) for rank in (1, 2, 3, 4, 5)]
    ['gold', 'silver', 'bronze', 'bronze', '']
    >>> medal(12, 1000), medal(13, 1000), medal(50, 1000), medal(100, 1000), medal(101, 1000)
    ('gold', 'silver', 'silver', 'bronze', '')
    """
    gold: float
    if n_teams < 100:
        gold, silver, bronze = 0.1 * n_teams, 0.2 * n_teams, 0.4 * n_teams
    elif n_teams < 250:
        gold, silver, bronze = 10, 0.2 * n_teams, 0.4 * n_teams
    elif n_teams < 1000:
        gold, silver, bronze = 10 + 0.002 * n_teams, 50, 100
    else:
        gold, silver, bronze = 10 + 0.002 * n_teams, 0.05 * n_teams, 0.1 * n_teams
    # Ten teams win one gold medal; a rank counts if it lies within the share, however the share is rounded by floats.
    for name, last in (("gold", gold), ("silver", silver), ("bronze", bronze)):
        if rank <= last + 1e-9:
            return name  # type: ignore[return-value]
    return ""
