"""What a server says about one competition."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from aicomp.errors import RefusedError, UsageError
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.paging import pages

_MAX_PAGES = 20  # of a search, which is by words and finds more than the slug
_N_NEAR = 3


@dataclass(frozen=True)
class CompetitionInfo:
    """A competition as its server describes it.

    Attributes:
        slug: Its short name.
        title: Its name.
        url: Its page.
        metric: How it scores, in the server's own words; empty if it does not say.
        deadline: Until when it takes submissions, in UTC; None if it does not say.
        max_daily_submissions: How many a team may send a day; 0 if it does not say.
        entered: Whether the user takes part, which needs the rules accepted.
        notebook_only: Whether it takes notebooks and no files.
        submissions_disabled: Whether it takes nothing at all.
        team_count: How many teams take part.
        user_rank: The user's place on the leaderboard, None without one.
        reward: What the winner gets, in the server's own words.
        category: Such as "Featured" or "Getting Started".
        tags: Its subjects.
    """

    slug: str
    title: str
    url: str
    metric: str
    deadline: datetime | None
    max_daily_submissions: int
    entered: bool
    notebook_only: bool
    submissions_disabled: bool
    team_count: int
    user_rank: int | None
    reward: str
    category: str
    tags: tuple[str, ...] = ()

    @property
    def is_simulation(self) -> bool:
        """Whether agents play in it. The API has no field for that; its tags and its metric tell, where they do."""
        return any("simulation" in text.lower() for text in (*self.tags, self.metric, self.category))


def find_competition(connection: Connection, slug: str) -> CompetitionInfo:
    """Ask for one competition.

    It is searched for in the list, and asked for by name only if the search, which goes by words, does not find it.

    Raises:
        UsageError: `slug` is none.
        RefusedError: There is no such competition, or the user may not see it; names that are near are in the hint.
        CredentialsError: The credentials are refused.
        NetworkError: No connection, a time-out, or the server fails.
    """
    check_slug(slug)
    seen = []
    for competition in _search(connection, slug):
        info = _info(connection, competition)
        if info.slug == slug:
            return info
        seen.append(info.slug)
    found = _get(connection, slug)
    if found is not None:
        return found
    near = get_close_matches(slug, dict.fromkeys(seen), n=_N_NEAR, cutoff=0.5) or seen[:_N_NEAR]
    names = ", ".join(f"`{name}`" for name in near or _spelled_alike(connection, slug))
    page = connection.endpoint.page("SLUG")
    raise RefusedError(
        f"{connection.endpoint.name} knows no competition `{slug}`",
        f"did you mean {names}?" if names else f"the slug is the last part of its page's address, {page}",
    )


def _spelled_alike(connection: Connection, slug: str) -> list[str]:
    """Competitions of the first page without a search, which finds no word that is misspelled."""
    listed = [_info(connection, competition).slug for competition in _search(connection, "", most=1)]
    return get_close_matches(slug, listed, n=_N_NEAR, cutoff=0.6)


def check_slug(slug: str) -> str:
    """Return a competition's short name, or refuse what could be none.

    Raises:
        UsageError: It has other signs than letters, digits, `-` and `_`.
    """
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", slug):
        raise UsageError(
            f"`{slug}` is no competition's slug",
            "it is the last part of the address of the competition's page: letters, digits and `-`",
        )
    return slug


def _search(connection: Connection, slug: str, most: int = _MAX_PAGES) -> Iterator[Any]:
    from kagglesdk.competitions.types.competition_api_service import ApiListCompetitionsRequest
    from kagglesdk.competitions.types.competition_enums import CompetitionListTab, CompetitionSortBy, HostSegment

    def fetch(token: str) -> Any:
        request = ApiListCompetitionsRequest()
        request.group = CompetitionListTab.COMPETITION_LIST_TAB_EVERYTHING
        request.category = HostSegment.HOST_SEGMENT_UNSPECIFIED
        request.sort_by = CompetitionSortBy.COMPETITION_SORT_BY_BEST
        if slug:
            request.search = slug
        if token:
            request.page_token = token
        return connection.call(lambda: connection.competitions.list_competitions(request), slug)

    for _, page in zip(range(most), pages(fetch, "list of competitions"), strict=False):
        yield from page.competitions


def _get(connection: Connection, slug: str) -> CompetitionInfo | None:
    """Ask for the competition by its name; None if there is none, or if the server or the client lacks the call."""
    from kagglesdk.competitions.types import competition_api_service as types

    if not hasattr(types, "ApiGetCompetitionRequest"):  # kagglesdk before 0.1.30
        return None
    request = types.ApiGetCompetitionRequest()
    request.competition_name = slug
    try:
        competition = connection.attempt(lambda: connection.competitions.get_competition(request))
    except Fault as fault:
        # What a user may not see, and a call that a server lacks, are refused in several ways.
        if fault.status in (400, 403, 404, 405, 501):
            return None
        raise connection.error(fault, slug) from fault
    info = _info(connection, competition)
    return info if info.slug == slug else None


def _info(connection: Connection, competition: Any) -> CompetitionInfo:
    slug = str(competition.ref or competition.url or "").rstrip("/").rsplit("/", 1)[-1]
    deadline = competition.deadline
    return CompetitionInfo(
        slug=slug,
        title=_line(competition.title or slug),
        url=str(competition.url or connection.endpoint.page(slug)),
        metric=_line(competition.evaluation_metric or ""),
        deadline=None if deadline is None else utc(deadline),
        max_daily_submissions=int(competition.max_daily_submissions or 0),
        entered=bool(competition.user_has_entered),
        notebook_only=bool(competition.is_kernels_submissions_only),
        submissions_disabled=bool(competition.submissions_disabled),
        team_count=int(competition.team_count or 0),
        user_rank=competition.user_rank or None,
        reward=_line(competition.reward or ""),
        category=_line(competition.category or ""),
        tags=tuple(_line(getattr(tag, "name", "") or "") for tag in competition.tags or ()),
    )


def _line(text: object) -> str:
    """A text of the server as one line without signs that a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in str(text)).strip()


def utc(time: datetime) -> datetime:
    """Kaggle's client drops the zone, which is UTC."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
