"""Teams, their tokens, and the rules that they accepted."""

import hashlib
import re
import secrets
import time
from dataclasses import dataclass

from aicomp.errors import UsageError
from aicomp.host.database import Database

_MOST_CHARACTERS = 64


@dataclass(frozen=True)
class Team:
    """Who submits.

    Attributes:
        id: Number.
        name: For people.
        user_name: Name in addresses: small letters, digits and `-`.
    """

    id: int
    name: str
    user_name: str


def create_team(db: Database, name: str, *, accept_rules: bool = False, token: str | None = None) -> str:
    """Make a team.

    Args:
        db: The host's database.
        name: For people; two teams cannot have the same, whatever its case.
        accept_rules: Whether it accepts the rules of all competitions, those to come included.
        token: A token to give it; None makes a random one.

    Returns:
        The team's token. It cannot be shown again: only its SHA-256 is kept.

    Raises:
        UsageError: The name is empty, too long, not printable, or taken; the token is too short or taken.
    """
    name = name.strip()
    if not name or len(name) > _MOST_CHARACTERS or not name.isprintable():
        raise UsageError(f"`{name}` is no name for a team", f"take 1 to {_MOST_CHARACTERS} printable characters")
    token, digest = _checked_token(token)
    with db.transaction() as connection:
        if connection.execute("SELECT 1 FROM teams WHERE name = ? COLLATE NOCASE", (name,)).fetchone():
            raise UsageError(f"there is a team `{name}` already", "choose another name")
        if connection.execute("SELECT 1 FROM teams WHERE token_sha256 = ?", (digest,)).fetchone():
            raise UsageError("a team has this token already", "leave the token out to get a new one")
        user_name = _free_user_name({row["user_name"] for row in connection.execute("SELECT * FROM teams")}, name)
        connection.execute(
            "INSERT INTO teams (name, user_name, token_sha256, accepts_all, created) VALUES (?, ?, ?, ?, ?)",
            (name, user_name, digest, accept_rules, time.time()),
        )
    return token


def renew_token(db: Database, team: Team, token: str | None = None) -> str:
    """Give a team another token, and forget the one that it had.

    Args:
        db: The host's database.
        team: The team.
        token: The token to give it; None makes a random one.

    Raises:
        UsageError: The token is too short, or another team's.
    """
    token, digest = _checked_token(token)
    with db.transaction() as connection:
        if connection.execute("SELECT 1 FROM teams WHERE token_sha256 = ? AND id != ?", (digest, team.id)).fetchone():
            raise UsageError("another team has this token", "leave the token out to get a new one")
        connection.execute("UPDATE teams SET token_sha256 = ? WHERE id = ?", (digest, team.id))
    return token


def _checked_token(token: str | None) -> tuple[str, str]:
    """A token and its SHA-256."""
    token = secrets.token_urlsafe(32) if token is None else token
    if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("the token is too short, or holds blanks", "give 16 or more letters and digits")
    return token, _sha256(token)


def _free_user_name(taken: set[str], name: str) -> str:
    stem = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") or "team"
    number, found = 1, stem
    while found in taken:
        number += 1
        found = f"{stem}-{number}"
    return found


def team_of_token(db: Database, token: str) -> Team | None:
    """The team that a token belongs to, None if it is nobody's."""
    # A look-up by the hash: how long it takes says nothing about the tokens that there are.
    return _team(db, "token_sha256 = ?", _sha256(token))


def team_by_id(db: Database, team_id: int) -> Team | None:
    """The team with a number, None if there is none."""
    return _team(db, "id = ?", team_id)


def team_of_user(db: Database, user_name: str) -> Team | None:
    """The team with a user name, None if there is none."""
    return _team(db, "user_name = ?", user_name)


def _team(db: Database, condition: str, value: str | int) -> Team | None:
    row = db.read().execute(f"SELECT id, name, user_name FROM teams WHERE {condition}", (value,)).fetchone()
    return None if row is None else Team(**row)


def team_by_name(db: Database, name: str) -> Team | None:
    """The team with a name, whatever its case; None if there is none."""
    return _team(db, "name = ? COLLATE NOCASE", name)


def list_teams(db: Database) -> list[Team]:
    """All teams, by name."""
    return [Team(**row) for row in db.read().execute("SELECT id, name, user_name FROM teams ORDER BY name")]


def accept_rules(db: Database, team: Team, slug: str) -> None:
    """Note that a team accepts a competition's rules; once is enough."""
    with db.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", (team.id, slug, time.time()))


def accept_all_rules(db: Database, team: Team) -> None:
    """Note that a team accepts the rules of all competitions."""
    with db.transaction() as connection:
        connection.execute("UPDATE teams SET accepts_all = 1 WHERE id = ?", (team.id,))


def has_accepted(db: Database, team: Team, slug: str) -> bool:
    """Whether a team accepted a competition's rules."""
    return (
        db.read()
        .execute(
            "SELECT 1 FROM teams WHERE id = ?1 AND accepts_all "
            "UNION ALL SELECT 1 FROM entries WHERE team_id = ?1 AND slug = ?2",
            (team.id, slug),
        )
        .fetchone()
        is not None
    )


def count_teams(db: Database, slug: str) -> int:
    """How many teams have submitted to a competition before its deadline."""
    query = "SELECT COUNT(DISTINCT team_id) FROM submissions WHERE slug = ? AND late = 0"
    return int(db.read().execute(query, (slug,)).fetchone()[0])


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
