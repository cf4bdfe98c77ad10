"""Tables of kernels and their versions; a version's text never changes, its status does."""

import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aicomp.host.database import Database
from aicomp.host.teams import Team
from aicomp.host.wire import ApiError

Status = Literal["QUEUED", "RUNNING", "COMPLETE", "ERROR", "NEW_SCRIPT"]
"""NEW_SCRIPT was saved and not run."""

KernelType = Literal["script", "notebook"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kernels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    UNIQUE (team_id, slug)
);
CREATE TABLE IF NOT EXISTS kernel_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kernel_id INTEGER NOT NULL REFERENCES kernels(id),
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    kernel_type TEXT NOT NULL,
    competitions TEXT NOT NULL,
    datasets TEXT NOT NULL,
    kernels TEXT NOT NULL,
    seconds REAL,
    status TEXT NOT NULL,
    failure TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    ended REAL,
    UNIQUE (kernel_id, number)
);
CREATE INDEX IF NOT EXISTS waiting_kernels ON kernel_versions (id) WHERE status IN ('QUEUED', 'RUNNING');
"""
_SELECT = """
SELECT v.*, k.slug, k.title, k.team_id, t.user_name FROM kernel_versions v
JOIN kernels k ON k.id = v.kernel_id JOIN teams t ON t.id = k.team_id
"""
MOST_WAITING = 5
"""Most versions of a team's kernels that wait or run at one time."""

MOST_KERNELS = 200
"""Most kernels of a team."""


@dataclass(frozen=True)
class Sources:
    """What a kernel reads.

    Attributes:
        competitions: Slugs.
        datasets: OWNER/SLUG, the newest version, or OWNER/SLUG/NUMBER.
        kernels: OWNER/SLUG, the output of the newest version.
    """

    competitions: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """One version of a kernel.

    Attributes:
        id: Number of the version, over all kernels; they run in this order.
        kernel_id: Number of the kernel.
        team_id: Whose it is.
        owner: User name of its team.
        slug: Its name in addresses.
        title: For people.
        version: Number, from 1.
        text: Python of a script, JSON of a notebook.
        kernel_type: Which of the two it is.
        sources: What it reads.
        seconds: Wall time that its team wants for it, None for the host's limit.
        status: What became of it.
        failure: Why it ended in ERROR, for its team.
        created: When it was pushed, in seconds since 1970.
        ended: When it ended, in seconds since 1970.
    """

    id: int
    kernel_id: int
    team_id: int
    owner: str
    slug: str
    title: str
    version: int
    text: str
    kernel_type: KernelType
    sources: Sources
    seconds: float | None
    status: Status
    failure: str
    created: float
    ended: float | None


class Kernels:
    """The kernels of all teams.

    Args:
        db: The host's database.
        folder: Where what they write lies.
    """

    def __init__(self, db: Database, folder: Path) -> None:
        self._db = db
        self._folder = folder
        db.ensure(_SCHEMA)

    def save(
        self,
        team: Team,
        slug: str,
        title: str,
        text: str,
        kernel_type: KernelType,
        sources: Sources,
        *,
        seconds: float | None = None,
        run: bool = True,
    ) -> Kernel:
        """Keep a new version, of a new kernel if there is none of that slug; on the disk when this returns.

        Raises:
            ApiError: Too many kernels of the team wait, or it has too many.
        """
        with self._db.transaction() as connection:
            if run:
                query = f"SELECT COUNT(*) FROM ({_SELECT} WHERE team_id = ? AND status IN ('QUEUED', 'RUNNING'))"
                if connection.execute(query, (team.id,)).fetchone()[0] >= MOST_WAITING:
                    raise ApiError(400, f"{MOST_WAITING} of your notebooks wait or run, which is the most allowed.")
            kernel_id = _kernel_id(connection, team, slug, title)
            query = "SELECT COALESCE(MAX(number), 0) + 1 FROM kernel_versions WHERE kernel_id = ?"
            number = connection.execute(query, (kernel_id,)).fetchone()[0]
            lists = [json.dumps(names) for names in (sources.competitions, sources.datasets, sources.kernels)]
            connection.execute(
                "INSERT INTO kernel_versions (kernel_id, number, text, kernel_type, competitions, datasets, kernels, "
                "seconds, status, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (kernel_id, number, text, kernel_type, *lists, seconds, "QUEUED" if run else "NEW_SCRIPT", time.time()),
            )
        return self.get(team, team.user_name, slug, number)

    def get(self, team: Team, owner: str, slug: str, version: int = 0) -> Kernel:
        """A version of one of the team's own kernels; 0 is the newest.

        Raises:
            ApiError: There is none that the team may see (404).
        """
        found = self.find(owner, slug, version) if owner == team.user_name else None
        if found is None:
            raise ApiError(404, f"Notebook not found: {owner[:80]}/{slug[:80]}")
        return found

    def find(self, owner: str, slug: str, version: int = 0) -> Kernel | None:
        """A version of anybody's kernel; 0 is the newest."""
        query = f"{_SELECT} WHERE user_name = ? AND slug = ? AND (number = ? OR ? = 0) ORDER BY number DESC LIMIT 1"
        return _kernel(self._db.read().execute(query, (owner, slug, version, version)).fetchone())

    def of_team(self, team: Team) -> list[Kernel]:
        """The newest version of each of a team's kernels, the last pushed first."""
        query = (
            f"{_SELECT} WHERE team_id = ? AND number = (SELECT MAX(number) FROM kernel_versions w "
            "WHERE w.kernel_id = v.kernel_id) ORDER BY v.id DESC"
        )
        rows = self._db.read().execute(query, (team.id,)).fetchall()
        return [k for k in map(_kernel, rows) if k is not None]

    def requeue(self) -> None:
        """Queue again what ran when the host was ended."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE kernel_versions SET status = 'QUEUED' WHERE status = 'RUNNING'")

    def take(self) -> Kernel | None:
        """The oldest version that waits, which runs from now on; None if none waits."""
        with self._db.transaction() as connection:
            row = connection.execute(f"{_SELECT} WHERE status = 'QUEUED' ORDER BY v.id LIMIT 1").fetchone()
            if row is not None:
                connection.execute("UPDATE kernel_versions SET status = 'RUNNING' WHERE id = ?", (row["id"],))
        return _kernel(row)

    def end(self, kernel: Kernel, failure: str) -> None:
        """Note that a version ended; an empty failure is success."""
        status = "ERROR" if failure else "COMPLETE"
        with self._db.transaction() as connection:
            query = "UPDATE kernel_versions SET status = ?, failure = ?, ended = ? WHERE id = ?"
            connection.execute(query, (status, failure, time.time(), kernel.id))

    def folder(self, kernel: Kernel) -> Path:
        """Where a version's files lie: `working` with its output, `log.txt`, and what is removed after it."""
        return self._folder / str(kernel.kernel_id) / str(kernel.version)

    def log(self, kernel: Kernel) -> str:
        """What a version has printed so far."""
        path = self.folder(kernel) / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def outputs(self, kernel: Kernel) -> dict[str, Path]:
        """The files that a finished version wrote, by their path in its working folder."""
        working = self.folder(kernel) / "working"
        if kernel.status not in ("COMPLETE", "ERROR") or not working.is_dir():
            return {}
        files = (p for p in working.rglob("*") if p.is_file() and not p.is_symlink())
        return {path.relative_to(working).as_posix(): path for path in sorted(files)}

    def resolve(self, rest: str) -> Path:
        """The file behind the rest of a signed address: number of the kernel, version and path.

        Raises:
            ApiError: There is none (404).
        """
        kernel_id, version, name = [*rest.split("/", 2), "", ""][:3]
        query = f"{_SELECT} WHERE kernel_id = ? AND number = ?"
        kernel = _kernel(self._db.read().execute(query, (kernel_id, version)).fetchone())
        path = self.outputs(kernel).get(name) if kernel is not None else None
        if path is None:
            raise ApiError(404, "No such file.")
        return path


def _kernel_id(connection: sqlite3.Connection, team: Team, slug: str, title: str) -> int:
    row = connection.execute("SELECT id FROM kernels WHERE team_id = ? AND slug = ?", (team.id, slug)).fetchone()
    if row is not None:
        connection.execute("UPDATE kernels SET title = ? WHERE id = ?", (title, row["id"]))
        return int(row["id"])
    n = connection.execute("SELECT COUNT(*) FROM kernels WHERE team_id = ?", (team.id,)).fetchone()[0]
    if n >= MOST_KERNELS:
        raise ApiError(400, f"Your team has {n} notebooks, which is the most allowed.")
    query = "INSERT INTO kernels (team_id, slug, title) VALUES (?, ?, ?) RETURNING id"
    return int(connection.execute(query, (team.id, slug, title)).fetchone()["id"])


def _kernel(row: sqlite3.Row | None) -> Kernel | None:
    if row is None:
        return None
    lists = (tuple(json.loads(row[name])) for name in ("competitions", "datasets", "kernels"))
    return Kernel(
        id=row["id"],
        kernel_id=row["kernel_id"],
        team_id=row["team_id"],
        owner=row["user_name"],
        slug=row["slug"],
        title=row["title"],
        version=row["number"],
        text=row["text"],
        kernel_type=row["kernel_type"],
        sources=Sources(*lists),
        seconds=row["seconds"],
        status=row["status"],
        failure=row["failure"],
        created=row["created"],
        ended=row["ended"],
    )
