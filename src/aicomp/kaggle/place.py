"""The user's place on the leaderboard."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aicomp.errors import NetworkError
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.paging import pages

if TYPE_CHECKING:
    from aicomp.kaggle.competitions import CompetitionInfo

_PAGE_SIZE = 200
_MAX_PAGES = 20


@dataclass(frozen=True)
class Place:
    """A place on the leaderboard.

    Attributes:
        rank: From 1 for the best; None if it is not known, or the team stands on no leaderboard yet.
        teams: How many teams take part, None if it is not known.
    """

    rank: int | None = None
    teams: int | None = None


def find_place(connection: Connection, slug: str, info: "CompetitionInfo | None", team: str = "") -> Place:
    """What the host says of the user's place, else where the team's name stands on the leaderboard.

    Nothing hangs on it, so that a leaderboard that cannot be had is a place that is not known.

    Args:
        connection: To the host.
        slug: The competition.
        info: Facts about it, asked for just now; None without.
        team: The team's name as the host writes it beside its submissions; empty if unknown.
    """
    teams = info.team_count or None if info is not None else None
    if info is not None and info.user_rank:
        return Place(info.user_rank, teams)
    return Place(_search(connection, slug, team) if team else None, teams)


def _search(connection: Connection, slug: str, team: str) -> int | None:
    """Place of the only team of that name among the first ones; None without, or if two have the name."""
    from kagglesdk.competitions.types.competition_api_service import ApiGetLeaderboardRequest

    def fetch(token: str) -> Any:
        request = ApiGetLeaderboardRequest()
        request.competition_name = slug
        request.page_size = _PAGE_SIZE
        if token:
            request.page_token = token
        return connection.attempt(lambda: connection.competitions.get_leaderboard(request))

    names: list[str] = []
    try:
        for _, page in zip(range(_MAX_PAGES), pages(fetch, "leaderboard"), strict=False):
            names += [entry.team_name for entry in page.submissions or []]
    except (Fault, NetworkError):
        return None
    return names.index(team) + 1 if names.count(team) == 1 else None
