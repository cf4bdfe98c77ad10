"""Who looks at a page: sign-in by token, a cookie of the host's own, and tokens against forged forms.

The cookie is random and means nothing elsewhere; the database holds its SHA-256 alone. It ends when it is signed out,
after `SESSION_SECONDS`, and when the team gets another token.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from aicomp.host.database import Database
from aicomp.host.teams import Team, team_of_token

SESSION_COOKIE = "aicomp_session"
FORM_COOKIE = "aicomp_form"
"""Cookie of a browser that is not signed in, which its sign-in form is tied to."""

SESSION_SECONDS = 14 * 24 * 3600
MOST_TRIES = 20
"""Most refused sign-ins of one address within `TRIES_SECONDS`."""

TRIES_SECONDS = 300
_MOST_ADDRESSES = 10_000
_MOST_CHARACTERS = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS web_sessions (
    sha256 TEXT PRIMARY KEY,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    token_sha256 TEXT NOT NULL,
    expires REAL NOT NULL
) WITHOUT ROWID
"""


class Sessions:
    """The sign-ins of all browsers.

    Args:
        db: The host's database.
        now: The clock, in seconds since 1970.
    """

    def __init__(self, db: Database, *, now: Callable[[], float] = time.time) -> None:
        self._db = db
        self._now = now
        db.ensure(_SCHEMA)

    def sign_in(self, token: str) -> str | None:
        """A new cookie for the team that a token belongs to, None if it is nobody's."""
        token = token.strip()
        team = team_of_token(self._db, token) if 0 < len(token) <= _MOST_CHARACTERS else None
        if team is None:
            return None
        cookie = secrets.token_urlsafe(32)
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM web_sessions WHERE expires < ?", (self._now(),))
            connection.execute(
                "INSERT INTO web_sessions VALUES (?, ?, ?, ?)",
                (_sha256(cookie), team.id, _sha256(token), self._now() + SESSION_SECONDS),
            )
        return cookie

    def team(self, cookie: str) -> Team | None:
        """The team that a cookie stands for, None if for none."""
        row = (
            self._db.read()
            .execute(
                "SELECT t.id, t.name, t.user_name FROM web_sessions s JOIN teams t ON t.id = s.team_id "
                "AND t.token_sha256 = s.token_sha256 WHERE s.sha256 = ? AND s.expires >= ?",
                (_sha256(cookie), self._now()),
            )
            .fetchone()
        )
        return None if row is None else Team(**row)

    def sign_out(self, cookie: str) -> None:
        """End a sign-in."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM web_sessions WHERE sha256 = ?", (_sha256(cookie),))


class Throttle:
    """Counts refused sign-ins by address, in memory.

    Args:
        now: A clock that never goes back, in seconds.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def seconds_left(self, address: str) -> int:
        """How long an address has to wait before it may try again, 0 if it may now."""
        with self._lock:
            failures = self._failures.get(address, deque())
            if len(failures) < MOST_TRIES:
                return 0
            return max(0, int(failures[-MOST_TRIES] + TRIES_SECONDS - self._now()) + 1)

    def note_failure(self, address: str) -> None:
        """Count a refused sign-in."""
        with self._lock:
            self._failures.setdefault(address, deque(maxlen=MOST_TRIES)).append(self._now())
            self._failures.move_to_end(address)
            if len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)


def csrf_token(cookie: str) -> str:
    """What a form must send back to prove that it came from a page that this browser was served."""
    return hmac.new(cookie.encode(), b"form", hashlib.sha256).hexdigest()


def is_csrf_token(cookie: str, token: str) -> bool:
    """Whether a form sent the right one; compared in constant time."""
    return bool(cookie) and hmac.compare_digest(csrf_token(cookie).encode(), token.encode())


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
