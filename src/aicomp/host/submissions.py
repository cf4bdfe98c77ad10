"""What teams submitted: taken exactly once, never above the daily limit, on the disk before it is acknowledged."""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from aicomp.host.database import Database
from aicomp.host.folder import HostedCompetition
from aicomp.host.submission import Limits, Status, Submission
from aicomp.host.teams import Team, has_accepted
from aicomp.host.wire import ApiError

__all__ = ["MOST_SELECTED", "Limits", "Status", "Submission", "Submissions", "now_utc"]

MOST_SELECTED = 2
"""Most submissions that a team may choose to count in the end."""

_QUERY = "SELECT s.*, t.name AS team_name FROM submissions s JOIN teams t ON t.id = s.team_id"
_MOST_CHARACTERS = 1000


def now_utc() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Submissions:
    """The submissions of all competitions.

    Args:
        db: The host's database.
        competitions: By slug.
        now: The clock.
        on_created: Told of each new one, after it is on the disk.
    """

    def __init__(
        self,
        db: Database,
        competitions: Mapping[str, HostedCompetition],
        *,
        now: Callable[[], datetime] = now_utc,
        on_created: Callable[[int], None] = lambda ref: None,
    ) -> None:
        self._db = db
        self._competitions = competitions
        self._now = now
        self.on_created = on_created

    def create(
        self, team: Team, slug: str, blob_token: str, description: str = "", *, from_kernel: bool = False
    ) -> int:
        """Take an upload for a submission. It is on the disk before this returns, and queued to be graded.

        The same token brings the same submission, however often it is asked.

        Args:
            team: Who submits.
            slug: To which competition.
            blob_token: Of an upload of the same team for the same competition.
            description: The team's own words.
            from_kernel: Whether a kernel made it, as notebook competitions want it.

        Returns:
            The submission's number.

        Raises:
            ApiError: No such competition or upload, the rules are not accepted, or the daily limit is reached.
        """
        competition = self._need_entry(team, slug, from_kernel)
        with self._db.transaction() as connection:
            known = connection.execute(
                "SELECT ref FROM submissions WHERE blob_token = ? AND team_id = ? AND slug = ?",
                (blob_token, team.id, slug),
            ).fetchone()
            if known is not None:
                return int(known["ref"])
            blob = _find_blob(connection, team, slug, blob_token)
            now = self._now()
            self._check_limit(connection, team, competition, now)
            ref = _insert(connection, team, competition, blob, description[:_MOST_CHARACTERS], now)
        self.on_created(ref)
        return ref

    def check_allowed(self, team: Team, slug: str, *, from_kernel: bool = False) -> None:
        """Refuse what `create` would refuse, before a file is uploaded.

        Raises:
            ApiError: As `create`.
        """
        self._check_limit(self._db.read(), team, self._need_entry(team, slug, from_kernel), self._now())

    def of_team(self, team: Team, slug: str) -> list[Submission]:
        """A team's submissions to a competition, newest first."""
        rows = self._db.read().execute(
            f"{_QUERY} WHERE s.team_id = ? AND s.slug = ? ORDER BY s.ref DESC", (team.id, slug)
        )
        return [_submission(row) for row in rows]

    def get(self, ref: int) -> Submission | None:
        """A submission by its number, None if there is none."""
        if not 0 < ref < 2**63:
            return None
        row = self._db.read().execute(f"{_QUERY} WHERE s.ref = ?", (ref,)).fetchone()
        return None if row is None else _submission(row)

    def pending(self) -> list[int]:
        """Numbers of all submissions that are not graded yet, oldest first."""
        rows = self._db.read().execute("SELECT ref FROM submissions WHERE status = 'PENDING' ORDER BY ref")
        return [int(row["ref"]) for row in rows]

    def record_scores(self, ref: int, public: float, private: float) -> None:
        """Write down the scores of a pending submission; one that has its scores keeps them."""
        self._record(ref, "COMPLETE", public, private, "")

    def record_error(self, ref: int, error: str) -> None:
        """Write down why a pending submission cannot be graded."""
        self._record(ref, "ERROR", None, None, error)

    def _record(self, ref: int, status: Status, public: float | None, private: float | None, error: str) -> None:
        with self._db.transaction() as connection:
            connection.execute(
                "UPDATE submissions SET status = ?, public = ?, private = ?, error = ? "
                "WHERE ref = ? AND status = 'PENDING'",
                (status, public, private, error, ref),
            )

    def limits(self, team: Team, slug: str) -> Limits:
        """How much a team may still submit today.

        Raises:
            ApiError: No such competition.
        """
        competition = self.competition(slug)
        total, today = _counts(self._db.read(), team, slug, self._now())
        return Limits(today, total, max(0, competition.max_daily_submissions - today))

    def select(self, team: Team, slug: str, ref: int, on: bool) -> None:
        """Choose a submission to count in the end, or take the choice back.

        Raises:
            ApiError: It is not the team's, is late or not graded, the deadline has passed, the competition counts the
                best one, or `MOST_SELECTED` are chosen already.
        """
        competition = self.competition(slug)
        if competition.selection != "selected":
            raise ApiError(400, "This competition counts the best of all your submissions.")
        if competition.is_over(self._now()):
            raise ApiError(400, "The deadline has passed: final submissions can no longer be selected.")
        if not 0 < ref < 2**63:
            raise ApiError(404, f"Your team has no submission {str(ref)[:20]}.")
        with self._db.transaction() as connection:
            row = connection.execute(
                "SELECT status FROM submissions WHERE ref = ? AND team_id = ? AND slug = ? AND late = 0",
                (ref, team.id, slug),
            ).fetchone()
            if row is None:
                raise ApiError(404, f"Your team has no submission {ref}.")
            if on and row["status"] != "COMPLETE":
                raise ApiError(400, f"Submission {ref} has no score.")
            others = connection.execute(
                "SELECT COUNT(*) FROM submissions WHERE team_id = ? AND slug = ? AND selected AND ref != ?",
                (team.id, slug, ref),
            ).fetchone()[0]
            if on and others >= MOST_SELECTED:
                raise ApiError(400, f"You may select up to {MOST_SELECTED} submissions; deselect one first.")
            connection.execute("UPDATE submissions SET selected = ? WHERE ref = ?", (on, ref))

    def competition(self, slug: str) -> HostedCompetition:
        """A competition by its slug.

        Raises:
            ApiError: There is none.
        """
        if slug not in self._competitions:
            raise ApiError(404, f"Competition not found: {slug[:100]}")
        return self._competitions[slug]

    def _need_entry(self, team: Team, slug: str, from_kernel: bool) -> HostedCompetition:
        competition = self.competition(slug)
        if not has_accepted(self._db, team, slug):
            raise ApiError(403, "You must accept this competition's rules before you can make submissions.")
        if competition.notebook_only and not from_kernel:
            raise ApiError(400, "Submission not allowed: This competition only accepts Submissions from Notebooks.")
        return competition

    def _check_limit(
        self, connection: sqlite3.Connection, team: Team, competition: HostedCompetition, now: datetime
    ) -> None:
        _, today = _counts(connection, team, competition.slug, now)
        if today < competition.max_daily_submissions:
            return
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        hours, minutes = divmod(int((midnight - now).total_seconds()) // 60, 60)
        left = f"{hours} hours" if hours else f"{minutes} minutes"
        raise ApiError(
            400,
            f"Submission not allowed: Your team has used its daily Submission allowance ({today}) today, "
            f"please try again tomorrow UTC ({left} from now).",
        )


def _find_blob(connection: sqlite3.Connection, team: Team, slug: str, token: str) -> sqlite3.Row:
    blob: sqlite3.Row | None = connection.execute(
        "SELECT * FROM blobs WHERE token = ? AND team_id = ? AND purpose = 'submission' AND slug = ?",
        (token, team.id, slug),
    ).fetchone()
    if blob is None:
        raise ApiError(404, "No such upload: start the upload of the file again.")
    if blob["received"] is None:
        raise ApiError(400, "The upload of the file is not complete.")
    return blob


def _counts(connection: sqlite3.Connection, team: Team, slug: str, now: datetime) -> tuple[int, int]:
    """How many submissions a team has made, ever and today."""
    row = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(day = ?), 0) FROM submissions WHERE team_id = ? AND slug = ?",
        (_day(now), team.id, slug),
    ).fetchone()
    return int(row[0]), int(row[1])


def _insert(
    connection: sqlite3.Connection,
    team: Team,
    competition: HostedCompetition,
    blob: sqlite3.Row,
    description: str,
    now: datetime,
) -> int:
    connection.execute("UPDATE blobs SET used = ? WHERE token = ?", (now.timestamp(), blob["token"]))
    content = {
        "team_id": team.id,
        "slug": competition.slug,
        "blob_token": blob["token"],
        "file_name": blob["file_name"],
        "size": blob["size"],
        "sha256": blob["sha256"],
        "description": description,
        "submitted": now.timestamp(),
        "day": _day(now),
        "late": competition.is_over(now),
    }
    marks = ", ".join(f":{name}" for name in content)
    cursor = connection.execute(f"INSERT INTO submissions ({', '.join(content)}) VALUES ({marks})", content)
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _submission(row: sqlite3.Row) -> Submission:
    content = {key: row[key] for key in row.keys() if key != "day"}  # noqa: SIM118 - a Row iterates over its values
    return Submission(
        **{
            **content,
            "submitted": datetime.fromtimestamp(row["submitted"], UTC),
            "late": bool(row["late"]),
            "selected": bool(row["selected"]),
        }
    )
