"""The page of a team's submissions, its data for scripts, and the choice for the private board."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from aicomp.host.folder import HostedCompetition
from aicomp.host.submissions import MOST_SELECTED, Submission
from aicomp.host.teams import Team
from aicomp.host.web.chart import score_chart
from aicomp.host.web.competitions import competition_page
from aicomp.host.web.formats import iso
from aicomp.host.web.visit import Refusal, Visit, redirect
from aicomp.host.wire import ApiError


@dataclass(frozen=True)
class _State:
    """What the page shows of a team: its submissions, how many it may still send today, and a hash of all that."""

    submissions: list[Submission]
    left: int
    version: str


def submissions_page(visit: Visit) -> Response:
    """A team's submissions and the upload form; for others the way to sign in."""
    competition = visit.competition()
    if visit.team is None:
        return competition_page(visit, "submissions.html", competition, "submissions")
    state = _state(visit, competition, visit.team)
    midnight = visit.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return competition_page(
        visit,
        "submissions.html",
        competition,
        "submissions",
        submissions=state.submissions,
        left=state.left,
        version=state.version,
        chart=score_chart(state.submissions, competition.metric),
        show_private=competition.is_over(visit.now),
        selectable=competition.selection == "selected",
        n_selected=sum(s.selected for s in state.submissions),
        most_selected=MOST_SELECTED,
        midnight=midnight,
        max_bytes=visit.host.settings.max_submission_bytes,
    )


def submissions_json(visit: Visit) -> Response:
    """A team's submissions for scripts, newest first.

    The keys are: version (differs when anything else does), leftToday, and submissions, each with ref, fileName, size,
    description, submitted, status, publicScore, privateScore (null before the deadline), error, late and selected.
    """
    competition = visit.competition()
    state = _state(visit, competition, visit.need_team())
    is_over = competition.is_over(visit.now)
    rows = [_row(s, is_over) for s in state.submissions]
    return visit.json({"version": state.version, "leftToday": state.left, "submissions": rows}, state.version)


def select(visit: Visit) -> Response:
    """Choose a submission for the private board, or take the choice back."""
    competition, team = visit.competition(), visit.need_team()
    ref, address = visit.request.path_params["ref"], f"/competitions/{competition.slug}/submissions"
    try:
        visit.host.submissions.select(team, competition.slug, ref, visit.form.get("on") == "1")
    except ApiError as e:
        raise Refusal(e.status, e.message, way_out=(address, "Back to the submissions")) from e
    return redirect(f"{address}#submission-{ref}")


def _state(visit: Visit, competition: HostedCompetition, team: Team) -> _State:
    found = visit.host.submissions.of_team(team, competition.slug)
    left = visit.host.submissions.limits(team, competition.slug).num_allowed_now
    shown = [(s.ref, s.status, s.public, s.error, s.selected) for s in found]
    state = (team.id, left, competition.is_over(visit.now), visit.has_accepted(competition), shown)
    return _State(found, left, hashlib.sha256(repr(state).encode()).hexdigest()[:16])


def _row(s: Submission, is_over: bool) -> dict[str, Any]:
    return {
        "ref": s.ref,
        "fileName": s.file_name,
        "size": s.size,
        "description": s.description,
        "submitted": iso(s.submitted),
        "status": s.status,
        "publicScore": s.public,
        "privateScore": s.private if is_over else None,
        "error": s.error,
        "late": s.late,
        "selected": s.selected,
    }
