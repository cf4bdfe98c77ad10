"""Datasets: files that a team uploads for its kernels, in numbered versions; nobody else sees them."""

import os
import re
import sqlite3
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicomp.host.database import Database
from aicomp.host.teams import Team
from aicomp.host.uploads import Blob, Uploads, plain_name
from aicomp.host.wire import ApiError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS datasets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    license TEXT NOT NULL,
    UNIQUE (team_id, slug)
);
CREATE TABLE IF NOT EXISTS dataset_versions (
    dataset_id INTEGER NOT NULL REFERENCES datasets(id),
    number INTEGER NOT NULL,
    notes TEXT NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (dataset_id, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dataset_files (
    dataset_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    blob_token TEXT NOT NULL UNIQUE REFERENCES blobs(token),
    PRIMARY KEY (dataset_id, number, name),
    FOREIGN KEY (dataset_id, number) REFERENCES dataset_versions(dataset_id, number)
) WITHOUT ROWID;
"""
MOST_FILES = 100
"""Most files of one version."""

MOST_DATASETS = 100
"""Most datasets of a team."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Dataset:
    """One version of a dataset.

    Attributes:
        id: Number of the dataset.
        owner: User name of its team.
        slug: Its name in addresses.
        title: For people.
        license: As its team calls it.
        version: Number, from 1.
        created: When the version was made, in seconds since 1970.
        files: Upload of each file by its path in the dataset.
    """

    id: int
    owner: str
    slug: str
    title: str
    license: str
    version: int
    created: float
    files: Mapping[str, Blob]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(blob.size for blob in self.files.values())


class Datasets:
    """The datasets of all teams.

    Args:
        db: The host's database.
        uploads: Where their files lie.
        archives: Folder for zips of whole datasets.
    """

    def __init__(self, db: Database, uploads: Uploads, archives: Path) -> None:
        self._db = db
        self._uploads = uploads
        self._archives = archives
        db.ensure(_SCHEMA)

    def create(self, team: Team, slug: str, title: str, license_name: str, files: Mapping[str, str]) -> Dataset:
        """Make a dataset of uploaded files, its first version.

        Args:
            team: Whose it is.
            slug: Its name in addresses; "" makes one of the title.
            title: For people.
            license_name: As the team calls it.
            files: Token of each upload by path, see `paths_of`.

        Raises:
            ApiError: The slug is none or taken, or a file is not an upload of the team.
        """
        slug = slug or re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")
        if not _SLUG.fullmatch(slug) or len(slug) > 50:
            raise ApiError(400, f'"{slug[:80]}" is no slug: take small letters, digits and hyphens.')
        self._check(team, files)
        with self._db.transaction() as connection:
            n = connection.execute("SELECT COUNT(*) FROM datasets WHERE team_id = ?", (team.id,)).fetchone()[0]
            if n >= MOST_DATASETS:
                raise ApiError(429, f"Your team has {n} datasets, which is the most allowed.")
            try:
                row = connection.execute(
                    "INSERT INTO datasets (team_id, slug, title, license) VALUES (?, ?, ?, ?) RETURNING id",
                    (team.id, slug, title[:200] or slug, license_name[:100]),
                ).fetchone()
            except sqlite3.IntegrityError:
                raise ApiError(409, f'The slug "{slug}" is in use by another of your datasets.') from None
            _add_version(connection, row["id"], 1, "", files)
        return self.get(team, team.user_name, slug)

    def add_version(self, team: Team, owner: str, slug: str, notes: str, files: Mapping[str, str]) -> Dataset:
        """Make the next version of uploaded files.

        Raises:
            ApiError: There is no such dataset (404), or a file is not an upload of the team.
        """
        newest = self.get(team, owner, slug)
        self._check(team, files)
        with self._db.transaction() as connection:
            query = "SELECT MAX(number) FROM dataset_versions WHERE dataset_id = ?"
            number = connection.execute(query, (newest.id,)).fetchone()[0] + 1
            _add_version(connection, newest.id, number, notes[:1000], files)
        return self.get(team, owner, slug)

    def get(self, team: Team, owner: str, slug: str, version: int = 0) -> Dataset:
        """A version of one of the team's own datasets; 0 is the newest.

        Raises:
            ApiError: There is none that the team may see (404).
        """
        row = None
        if owner == team.user_name:
            query = "SELECT * FROM datasets WHERE team_id = ? AND slug = ?"
            row = self._db.read().execute(query, (team.id, slug)).fetchone()
        found = None if row is None else self._version(row, team.user_name, version)
        if found is None:
            raise ApiError(404, f"Dataset not found: {owner[:80]}/{slug[:80]}")
        return found

    def of_team(self, team: Team) -> list[Dataset]:
        """The newest version of each of a team's datasets, by slug."""
        rows = self._db.read().execute("SELECT * FROM datasets WHERE team_id = ? ORDER BY slug", (team.id,)).fetchall()
        versions = [self._version(row, team.user_name, 0) for row in rows]
        return [v for v in versions if v is not None]

    def resolve(self, rest: str) -> Path:
        """The file behind the rest of a signed address: number of the dataset, version and path.

        Raises:
            ApiError: There is none (404).
        """
        dataset_id, version, name = [*rest.split("/", 2), "", ""][:3]
        query = "SELECT blob_token FROM dataset_files WHERE dataset_id = ? AND number = ? AND name = ?"
        row = self._db.read().execute(query, (dataset_id, version, name)).fetchone()
        if row is None:
            raise ApiError(404, "No such file.")
        return self._uploads.get(row["blob_token"]).path

    def resolve_archive(self, rest: str) -> Path:
        """The zip of a version, made when first asked for: number of the dataset, version and any name.

        Raises:
            ApiError: There is none (404).
        """
        dataset_id, version, _ = [*rest.split("/", 2), "", ""][:3]
        query = "SELECT name, blob_token FROM dataset_files WHERE dataset_id = ? AND number = ? ORDER BY name"
        rows = self._db.read().execute(query, (dataset_id, version)).fetchall()
        if not rows:
            raise ApiError(404, "No such file.")
        path = self._archives / f"{int(dataset_id)}-{int(version)}.zip"
        if not path.is_file():
            self._archives.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}.part")
            with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
                for row in rows:
                    archive.write(self._uploads.get(row["blob_token"]).path, row["name"])
            temporary.replace(path)
        return path

    def _version(self, row: sqlite3.Row, owner: str, version: int) -> Dataset | None:
        query = "SELECT * FROM dataset_versions WHERE dataset_id = ? AND (number = ? OR ? = 0) ORDER BY number DESC"
        found = self._db.read().execute(query, (row["id"], version, version)).fetchone()
        if found is None:
            return None
        query = "SELECT name, blob_token FROM dataset_files WHERE dataset_id = ? AND number = ? ORDER BY name"
        rows = self._db.read().execute(query, (row["id"], found["number"])).fetchall()
        return Dataset(
            id=row["id"],
            owner=owner,
            slug=row["slug"],
            title=row["title"],
            license=row["license"],
            version=found["number"],
            created=found["created"],
            files={r["name"]: self._uploads.get(r["blob_token"]) for r in rows},
        )

    def _check(self, team: Team, files: Mapping[str, str]) -> None:
        if not 0 < len(files) <= MOST_FILES:
            raise ApiError(400, f"A dataset holds 1 to {MOST_FILES} files, this one {len(files)}.")
        for path, token in files.items():
            blob = self._uploads.get(token)
            if blob.team_id != team.id or blob.purpose != "dataset":
                raise ApiError(404, "No such upload: start the upload of the file again.")
            if not blob.is_received:
                raise ApiError(400, f"The upload of `{path}` is not complete.")

    def paths_of(self, files: Any, directories: Any, above: str = "") -> dict[str, str]:
        """Token of each upload by its path in the dataset, as the calls hand them over.

        Args:
            files: List of {token}.
            directories: List of {name, files, directories}.
            above: Path of the folder that they lie in, ending in `/`.

        Raises:
            ApiError: The lists are none, or two files have one path.
        """
        found: dict[str, str] = {}
        if above.count("/") > 20:
            raise ApiError(400, "The folders are nested too deeply.")
        for file in _objects(files):
            token = str(file.get("token", ""))
            path = above + self._uploads.get(token).file_name
            if path in found:
                raise ApiError(400, f"Two files are called `{path}`.")
            found[path] = token
        for folder in _objects(directories):
            name = plain_name(str(folder.get("name", "")))
            below = self.paths_of(folder.get("files"), folder.get("directories"), f"{above}{name}/")
            if below.keys() & found.keys() or above + name in found:
                raise ApiError(400, f"`{above}{name}` is there twice.")
            found |= below
        return found


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise ApiError(400, "`files` and `directories` must be lists of objects.")
    return value


def _add_version(
    connection: sqlite3.Connection, dataset_id: int, number: int, notes: str, files: Mapping[str, str]
) -> None:
    now = time.time()
    connection.execute("INSERT INTO dataset_versions VALUES (?, ?, ?, ?)", (dataset_id, number, notes, now))
    for path, token in files.items():
        used = connection.execute("UPDATE blobs SET used = ? WHERE token = ? AND used IS NULL", (now, token))
        if used.rowcount != 1:
            raise ApiError(400, f"The upload of `{path}` was used before: upload the file again.")
        connection.execute("INSERT INTO dataset_files VALUES (?, ?, ?, ?)", (dataset_id, number, path, token))
