"""`competitions.CompetitionApiService`: what there is to enter, its data, and its leaderboard."""

from typing import Any

from starlette.responses import RedirectResponse, Response

from aicomp.host.api import Call, Handler
from aicomp.host.api.paging import page_of
from aicomp.host.api.submissions import CALLS as SUBMISSION_CALLS
from aicomp.host.api.submissions import entered_competition
from aicomp.host.folder import HostedCompetition
from aicomp.host.leaderboard import Row, leaderboard, leaderboard_zip
from aicomp.host.teams import Team, count_teams, has_accepted
from aicomp.host.wire import ApiError, wire_date, wire_score

_SERVICE = "competitions.CompetitionApiService"
_DOWNLOAD = "You must accept this competition's rules before you'll be able to download files."


def list_competitions(call: Call) -> dict[str, Any]:
    """All competitions whose title or slug holds `search`, of a category, and of those entered if asked so."""
    team = call.need_team()
    words = call.text("search").casefold()
    category = call.text("category").removeprefix("HOST_SEGMENT_").replace("_", " ").casefold()
    found = [
        c
        for c in call.host.competitions.values()
        if words in f"{c.slug} {c.title}".casefold()
        and category in ("", "unspecified", c.category.casefold())
        and (not call.text("group").endswith("_ENTERED") or has_accepted(call.host.database, team, c.slug))
    ]
    page, token = page_of(call, found)
    return {"competitions": [_competition(call, team, c) for c in page], "nextPageToken": token}


def get_competition(call: Call) -> dict[str, Any]:
    """One competition."""
    return _competition(call, call.need_team(), _hosted(call))


def _competition(call: Call, team: Team, c: HostedCompetition) -> dict[str, Any]:
    """A competition as the wire has it."""
    rank = next((row.rank for row in _board(call, c) if row.team_id == team.id), None)
    url = f"{call.base_url}/competitions/{c.slug}"
    return {
        "id": c.id,
        "ref": url,
        "url": url,
        "title": c.title,
        "description": c.description.strip().partition("\n")[0],
        "category": c.category,
        "reward": c.reward,
        "deadline": wire_date(c.deadline) if c.deadline is not None else None,
        "teamCount": count_teams(call.host.database, c.slug),
        "userHasEntered": has_accepted(call.host.database, team, c.slug),
        "userRank": rank,
        "maxDailySubmissions": c.max_daily_submissions,
        "evaluationMetric": c.metric_name,
        "isKernelsSubmissionsOnly": c.notebook_only,
    }


def list_pages(call: Call) -> dict[str, Any]:
    """The texts about a competition."""
    call.need_team()
    c = _hosted(call)
    better = "higher" if c.metric.greater_is_better else "lower"
    texts = {
        "description": c.description,
        "evaluation": f"Submissions are scored by `{c.metric_name}`; {better} is better.",
        "rules": c.rules,
    }
    asked = call.text("pageName")
    pages = [{"name": name, "content": text} for name, text in texts.items() if asked in ("", name)]
    return {"pages": pages}


def list_data_files(call: Call) -> dict[str, Any]:
    """The files that can be downloaded."""
    call.need_team()
    page, token = page_of(call, _hosted(call).files)
    files = [
        {"ref": file.name, "name": file.name, "totalBytes": file.size, "creationDate": wire_date(file.mtime)}
        for file in page
    ]
    return {"files": files, "nextPageToken": token}


def download_data_file(call: Call) -> Response:
    """Where to get one file."""
    c = entered_competition(call, _DOWNLOAD)
    name = call.text("fileName")
    if name not in {file.name for file in c.files}:
        raise ApiError(404, f"File not found: {name[:200]}")
    return RedirectResponse(call.host.bucket.url(call.base_url, "data", f"{c.slug}/{name}"), 302)


def download_data_files(call: Call) -> Response:
    """Where to get all files in one zip."""
    c = entered_competition(call, _DOWNLOAD)
    return RedirectResponse(call.host.bucket.url(call.base_url, "archives", f"{c.slug}/{c.slug}.zip"), 302)


def get_leaderboard(call: Call) -> dict[str, Any]:
    """The ranking: the public one, and after the deadline the private one unless `overridePublic` is set."""
    call.need_team()
    page, token = page_of(call, _board(call, _hosted(call)))
    rows = [
        {
            "teamId": row.team_id,
            "teamName": row.team_name,
            "submissionDate": wire_date(row.submitted),
            "score": wire_score(row.score),
        }
        for row in page
    ]
    return {"submissions": rows, "nextPageToken": token}


def download_leaderboard(call: Call) -> Response:
    """The ranking as a zip that holds one CSV."""
    call.need_team()
    c = _hosted(call)
    private = _is_private(call, c)
    content = leaderboard_zip(c, _board(call, c), private, call.host.now())
    headers = {"Content-Disposition": f'attachment; filename="{c.slug}.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


def _board(call: Call, c: HostedCompetition) -> list[Row]:
    return leaderboard(call.host.database, c, _is_private(call, c), now=call.host.now())


def _is_private(call: Call, c: HostedCompetition) -> bool:
    return c.is_over(call.host.now()) and not call.body.get("overridePublic")


def _hosted(call: Call) -> HostedCompetition:
    return call.host.submissions.competition(call.text("competitionName"))


CALLS: dict[tuple[str, str], Handler] = {
    (_SERVICE, "ListCompetitions"): list_competitions,
    (_SERVICE, "GetCompetition"): get_competition,
    (_SERVICE, "ListCompetitionPages"): list_pages,
    (_SERVICE, "ListDataFiles"): list_data_files,
    (_SERVICE, "DownloadDataFile"): download_data_file,
    (_SERVICE, "DownloadDataFiles"): download_data_files,
    (_SERVICE, "GetLeaderboard"): get_leaderboard,
    (_SERVICE, "DownloadLeaderboard"): download_leaderboard,
    **SUBMISSION_CALLS,
}
