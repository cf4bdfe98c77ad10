"""The pages that anybody may read: the list, a competition's description, data, rules and leaderboard."""

import hashlib
from dataclasses import astuple
from typing import Any

from starlette.responses import Response

from aicomp.host.folder import HostedCompetition
from aicomp.host.leaderboard import Row, leaderboard
from aicomp.host.teams import accept_rules, count_teams
from aicomp.host.web.formats import iso
from aicomp.host.web.markdown import render_markdown, summary
from aicomp.host.web.visit import Refusal, Visit, redirect

LIVE_SECONDS = 4
"""How often a page asks whether something changed."""

_NOTICES = {
    "accepted": "Your team has accepted the rules: data and submissions are open.",
    "submitted": "Your file arrived; its score appears below.",
}
_DOWNLOAD = "You must accept this competition's rules before you'll be able to download files."


def index(visit: Visit) -> Response:
    """All competitions: those that are open first, the next deadline first."""
    cards = [
        {
            "competition": c,
            "n_teams": count_teams(visit.host.database, c.slug),
            "closed": c.is_over(visit.now),
            "summary": summary(c.description),
        }
        for c in sorted(visit.host.competitions.values(), key=lambda c: _order(visit, c))
    ]
    return visit.page("index.html", cards=cards)


def _order(visit: Visit, competition: HostedCompetition) -> tuple[bool, float, str]:
    deadline = competition.deadline.timestamp() if competition.deadline is not None else float("inf")
    return competition.is_over(visit.now), deadline, competition.title


def competition_page(visit: Visit, template: str, competition: HostedCompetition, tab: str, **values: Any) -> Response:
    """Render a page of a competition with the frame that they share."""
    common = {
        "competition": competition,
        "base": f"/competitions/{competition.slug}",
        "tab": tab,
        "closed": competition.is_over(visit.now),
        "n_teams": count_teams(visit.host.database, competition.slug),
        "accepted": visit.has_accepted(competition),
        "notice": _NOTICES.get(visit.request.query_params.get("done", ""), ""),
        "every": LIVE_SECONDS,
    }
    return visit.page(template, **{**common, **values})


def overview(visit: Visit) -> Response:
    """What the task is."""
    competition = visit.competition()
    description = render_markdown(competition.description) if competition.description.strip() else ""
    return competition_page(visit, "overview.html", competition, "", description=description)


def data(visit: Visit) -> Response:
    """The files."""
    competition = visit.competition()
    values = {"may_download": visit.has_accepted(competition), "total": sum(f.size for f in competition.files)}
    return competition_page(visit, "data.html", competition, "data", **values)


def data_file(visit: Visit) -> Response:
    """Lead to a signed address of one file."""
    competition = visit.competition()
    visit.need_entry(competition, _DOWNLOAD)
    name = visit.request.path_params["name"]
    if name not in {file.name for file in competition.files}:
        raise Refusal(
            404,
            f"{competition.title} has no file of that name.",
            way_out=(f"/competitions/{competition.slug}/data", "All files"),
        )
    return redirect(visit.host.bucket.url("", "data", f"{competition.slug}/{name}"))


def all_data(visit: Visit) -> Response:
    """Lead to a signed address of one archive with all files."""
    competition = visit.competition()
    visit.need_entry(competition, _DOWNLOAD)
    return redirect(visit.host.bucket.url("", "archives", f"{competition.slug}/{competition.slug}.zip"))


def rules(visit: Visit) -> Response:
    """What teams accept."""
    competition = visit.competition()
    return competition_page(visit, "rules.html", competition, "rules", rules=render_markdown(competition.rules))


def accept(visit: Visit) -> Response:
    """Note that the team accepts the rules."""
    competition = visit.competition()
    accept_rules(visit.host.database, visit.need_team(), competition.slug)
    return redirect(f"/competitions/{competition.slug}/rules?done=accepted")


def board(visit: Visit) -> Response:
    """The leaderboard; the private one first once it is open."""
    competition = visit.competition()
    private, rows = _board(visit, competition)
    own = next((r for r in rows if visit.team is not None and r.team_id == visit.team.id), None)
    values = {
        "private": private,
        "rows": rows,
        "own": own,
        "moves": _moves(visit, competition, rows) if private else {},
        "version": _version(visit, competition, rows),
    }
    return competition_page(visit, "leaderboard.html", competition, "leaderboard", **values)


def board_json(visit: Visit) -> Response:
    """The leaderboard for scripts.

    The keys are: board ("public" or "private"), version (differs when anything else does), greaterIsBetter, and rows,
    each with rank, teamId, team, score, submitted, entries, medal ("" for none) and own.
    """
    competition = visit.competition()
    private, rows = _board(visit, competition)
    version = _version(visit, competition, rows)
    content = {
        "board": "private" if private else "public",
        "version": version,
        "greaterIsBetter": competition.metric.greater_is_better,
        "rows": [_row(visit, row) for row in rows],
    }
    return visit.json(content, version)


def _board(visit: Visit, competition: HostedCompetition) -> tuple[bool, list[Row]]:
    asked = visit.request.query_params.get("board", "private" if competition.is_over(visit.now) else "public")
    private = asked == "private"
    if private and not competition.is_over(visit.now):
        raise Refusal(
            403,
            "The private board opens after the deadline.",
            title="Not open yet",
            way_out=(f"/competitions/{competition.slug}/leaderboard", "Public board"),
        )
    return private, leaderboard(visit.host.database, competition, private, now=visit.now)


def _moves(visit: Visit, competition: HostedCompetition, rows: list[Row]) -> dict[int, int]:
    """How many places each team went up from the public board to the private one."""
    public = {row.team_id: row.rank for row in leaderboard(visit.host.database, competition, now=visit.now)}
    return {row.team_id: public[row.team_id] - row.rank for row in rows}


def _row(visit: Visit, row: Row) -> dict[str, Any]:
    return {
        "rank": row.rank,
        "teamId": row.team_id,
        "team": row.team_name,
        "score": row.score,
        "submitted": iso(row.submitted),
        "entries": row.n_submissions,
        "medal": row.medal,
        "own": visit.team is not None and row.team_id == visit.team.id,
    }


def _version(visit: Visit, competition: HostedCompetition, rows: list[Row]) -> str:
    state = (visit.team, competition.is_over(visit.now), [astuple(row) for row in rows])
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]
