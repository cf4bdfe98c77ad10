"""The host's memory: one SQLite file in WAL mode, one connection per thread, short transactions.

A committed transaction is on the disk (`synchronous=FULL`): what was acknowledged outlives a cut of power. Several
processes may use the file at once, such as a running server and `aicomp host team`.
"""

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aicomp.errors import AicompError

FILE_NAME = "host.sqlite3"
"""Name of the file in the state folder."""

_VERSION = 1
_WAIT_MS = 30_000

# Moments are seconds since 1970 (UTC). Tokens of teams are stored as SHA-256 alone.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS teams (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    user_name TEXT NOT NULL UNIQUE,
    token_sha256 TEXT NOT NULL UNIQUE,
    accepts_all INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS entries (
    team_id INTEGER NOT NULL REFERENCES teams(id),
    slug TEXT NOT NULL,
    accepted REAL NOT NULL,
    PRIMARY KEY (team_id, slug)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
    token TEXT PRIMARY KEY,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    purpose TEXT NOT NULL,
    slug TEXT NOT NULL DEFAULT '',
    file_name TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    received REAL,
    used REAL
);
CREATE INDEX IF NOT EXISTS open_blobs ON blobs (team_id, created) WHERE used IS NULL;
CREATE TABLE IF NOT EXISTS submissions (
    ref INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    slug TEXT NOT NULL,
    blob_token TEXT NOT NULL UNIQUE REFERENCES blobs(token),
    file_name TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    description TEXT NOT NULL,
    submitted REAL NOT NULL,
    day TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'PENDING',
    public REAL,
    private REAL,
    error TEXT NOT NULL DEFAULT '',
    late INTEGER NOT NULL,
    selected INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS submissions_of_team ON submissions (team_id, slug, day);
CREATE INDEX IF NOT EXISTS ranked_submissions
    ON submissions (slug, team_id, public, submitted, ref, private, selected) WHERE status = 'COMPLETE' AND late = 0;
CREATE INDEX IF NOT EXISTS counted_submissions ON submissions (slug, team_id) WHERE late = 0;
CREATE INDEX IF NOT EXISTS pending_submissions ON submissions (ref) WHERE status = 'PENDING';
CREATE TABLE IF NOT EXISTS secrets (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""


class Database:
    """The connections to one file.

    Args:
        path: The file; it is made, with its folder, if it does not exist.

    Raises:
        AicompError: The file cannot be opened, is no database, or was written by a newer aicomp.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Its owner's alone from its first byte on; -wal and -shm beside it take its mode when they are made.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)
            version = int(self.read().execute("PRAGMA user_version").fetchone()[0])
            if version > _VERSION:
                raise AicompError(
                    f"`{path}` was written by a newer aicomp", "upgrade aicomp, or name another `--state`"
                )
            self.ensure(_SCHEMA)
            self.read().execute(f"PRAGMA user_version = {_VERSION}")
        except (OSError, sqlite3.Error) as e:
            raise AicompError(f"cannot open the database `{path}`: {e}", "name another folder with `--state`") from e

    def read(self) -> sqlite3.Connection:
        """This thread's connection, for queries; rows can be read by column name."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=_WAIT_MS / 1000, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction (BEGIN IMMEDIATE): on the disk when the block ends well, undone when not."""
        connection = self.read()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def ensure(self, script: str) -> None:
        """Run CREATE ... IF NOT EXISTS statements, for the tables of a part of the host."""
        with self.transaction() as connection:
            for statement in script.split(";\n"):
                connection.execute(statement)

    def secret(self, name: str) -> bytes:
        """A random key, made when first asked for and the same ever after."""
        with self.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", (name, secrets.token_hex(32)))
            row = connection.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
        return bytes.fromhex(row["value"])

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None
