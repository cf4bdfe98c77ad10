"""Files that teams upload: bytes that nobody trusts, kept under names of the host's own making."""

import hashlib
import os
import re
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from aicomp.host.database import Database
from aicomp.host.teams import Team
from aicomp.host.wire import ApiError

Purpose = Literal["submission", "dataset"]
MOST_OPEN = 100
"""Most uploads of a team that are begun or received, and not used for anything yet."""

STALE_SECONDS = 24 * 3600
"""Age at which an upload that was not used is removed."""

KEPT_FREE_BYTES = 64 * 2**20
"""Space that uploads leave on the disk, for scores and what else must be written down."""

_MOST_CHARACTERS = 200


@dataclass(frozen=True)
class Blob:
    """An upload.

    Attributes:
        token: Its random name, which the client uses for it.
        team_id: Whose it is.
        purpose: What it is for.
        slug: The competition's, "" for a dataset.
        file_name: As the team calls it; no path.
        size: In bytes, as announced; it is received when it has exactly that size.
        sha256: In hex, "" until it is received.
        is_received: Whether all of it is on the disk.
        path: Where it lies then.
    """

    token: str
    team_id: int
    purpose: Purpose
    slug: str
    file_name: str
    size: int
    sha256: str
    is_received: bool
    path: Path


class Uploads:
    """The uploads of all teams.

    Args:
        db: The host's database.
        folder: Where they lie.
        max_bytes: Most bytes of one, by purpose.
    """

    def __init__(self, db: Database, folder: Path, max_bytes: dict[Purpose, int]) -> None:
        self._db = db
        self._folder = folder
        self._max_bytes = max_bytes
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def start(self, team: Team, purpose: Purpose, file_name: str, size: int, slug: str = "") -> Blob:
        """Announce an upload.

        Raises:
            ApiError: It is too large, the disk is nearly full, or the team has too many that are not used.
        """
        if not 0 <= size <= self._max_bytes[purpose]:
            raise ApiError(400, f"The file has {size} bytes; the most allowed is {self._max_bytes[purpose]}.")
        if size > shutil.disk_usage(self._folder).free - KEPT_FREE_BYTES:
            raise ApiError(507, "The disk of this host is nearly full: tell whoever runs it.")
        self.remove_stale()
        token = secrets.token_urlsafe(24)
        with self._db.transaction() as connection:
            n_open = connection.execute(
                "SELECT COUNT(*) FROM blobs WHERE team_id = ? AND used IS NULL", (team.id,)
            ).fetchone()[0]
            if n_open >= MOST_OPEN:
                raise ApiError(429, f"Your team has {n_open} uploads that it did not submit. Try again tomorrow.")
            connection.execute(
                "INSERT INTO blobs (token, team_id, purpose, slug, file_name, size, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (token, team.id, purpose, slug, plain_name(file_name), size, time.time()),
            )
        return self.get(token)

    def store(self, team: Team, purpose: Purpose, file_name: str, source: Path, slug: str = "") -> Blob:
        """Take a file of the host itself, such as a kernel's output or the body of a web form, as an upload.

        Raises:
            ApiError: It is too large.
        """
        blob = self.start(team, purpose, file_name, source.stat().st_size, slug)
        with self.receiving(blob) as file, source.open("rb") as reader:
            shutil.copyfileobj(reader, file, 2**20)
            file.flush()
            return self.finish(blob)

    def get(self, token: str) -> Blob:
        """An upload by its token.

        Raises:
            ApiError: There is none (404).
        """
        row = self._db.read().execute("SELECT * FROM blobs WHERE token = ?", (token,)).fetchone()
        if row is None:
            raise ApiError(404, "No such upload: start the upload of the file again.")
        return self._blob(row)

    def partial(self, blob: Blob) -> Path:
        """Where the bytes lie that have come so far."""
        return self._folder / f"{blob.token}.part"

    @contextmanager
    def receiving(self, blob: Blob) -> Iterator[BinaryIO]:
        """Yield the file that the bytes of an upload go to, open for writing at its end; one writer at a time.

        Raises:
            ApiError: Another request writes it at this moment, or has written all of it (409).
        """
        with self._lock:
            if blob.token in self._busy:
                raise ApiError(409, "The file is being uploaded by another request.")
            self._busy.add(blob.token)
        try:
            if self.get(blob.token).is_received:
                raise ApiError(409, "The file has arrived already.")
            with self.partial(blob).open("ab") as file:
                yield file
        finally:
            with self._lock:
                self._busy.discard(blob.token)

    def finish(self, blob: Blob) -> Blob:
        """Take what has come for the whole; it is on the disk when this returns.

        Raises:
            ApiError: Its size is not the announced one.
        """
        partial = self.partial(blob)
        size = partial.stat().st_size
        if size != blob.size:
            partial.unlink()
            raise ApiError(400, f"The file has {size} bytes, but {blob.size} were announced.")
        with partial.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        partial.chmod(0o400)
        partial.replace(blob.path)
        _sync_folder(self._folder)
        with self._db.transaction() as connection:
            connection.execute(
                "UPDATE blobs SET received = ?, sha256 = ? WHERE token = ?", (time.time(), digest, blob.token)
            )
        return self.get(blob.token)

    def mark_used(self, token: str) -> None:
        """Keep an upload for good."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE blobs SET used = ? WHERE token = ?", (time.time(), token))

    def remove_stale(self) -> int:
        """Remove the uploads that were not used within `STALE_SECONDS`, and return how many they were."""
        before = time.time() - STALE_SECONDS
        if not self._db.read().execute("SELECT 1 FROM blobs WHERE used IS NULL AND created < ?", (before,)).fetchone():
            return 0
        with self._db.transaction() as connection:
            query = "DELETE FROM blobs WHERE used IS NULL AND created < ? RETURNING token"
            tokens = [row["token"] for row in connection.execute(query, (before,)).fetchall()]
        for token in tokens:
            (self._folder / token).unlink(missing_ok=True)
            (self._folder / f"{token}.part").unlink(missing_ok=True)
        return len(tokens)

    def _blob(self, row: sqlite3.Row) -> Blob:
        return Blob(
            token=row["token"],
            team_id=row["team_id"],
            purpose=row["purpose"],
            slug=row["slug"],
            file_name=row["file_name"],
            size=row["size"],
            sha256=row["sha256"],
            is_received=row["received"] is not None,
            path=self._folder / row["token"],
        )


def plain_name(file_name: str) -> str:
    r"""A client's name for a file without folders and without characters that could do harm.

    >>> plain_name("../a b.csv"), plain_name(r"C:\x\ü.csv"), plain_name("..")
    ('a b.csv', 'ü.csv', 'file')
    """
    name = PurePosixPath(file_name.replace("\\", "/")).name
    name = re.sub(r"[^\w .()+=@-]", "_", name).strip(". ")[-_MOST_CHARACTERS:]
    return name or "file"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
