"""`competitions.CompetitionApiService`: what a team submits, and what became of it."""

from typing import Any

from starlette.responses import RedirectResponse, Response

from aicomp.host.api import Call, Handler
from aicomp.host.api.paging import page_of
from aicomp.host.folder import HostedCompetition
from aicomp.host.submissions import Submission
from aicomp.host.teams import Team, has_accepted
from aicomp.host.wire import ApiError, wire_date, wire_score

_SERVICE = "competitions.CompetitionApiService"
_SUBMIT = "You must accept this competition's rules before you can make submissions."


def entered_competition(call: Call, refusal: str) -> HostedCompetition:
    """The competition that a call names, if its team has accepted the rules.

    Raises:
        ApiError: Nobody calls (401), there is no such competition (404), or the rules are not accepted (403).
    """
    team = call.need_team()
    competition = call.host.submissions.competition(call.text("competitionName"))
    if not has_accepted(call.host.database, team, competition.slug):
        raise ApiError(403, refusal)
    return competition


def start_submission_upload(call: Call) -> dict[str, Any]:
    """Where to PUT a file, and the token by which it can be submitted then."""
    team = call.need_team()
    competition = entered_competition(call, _SUBMIT)
    call.host.submissions.check_allowed(team, competition.slug)
    size = call.integer("contentLength")
    blob = call.host.uploads.start(team, "submission", call.text("fileName"), size, competition.slug)
    return {"token": blob.token, "createUrl": call.host.bucket.url(call.base_url, "upload", blob.token, method="PUT")}


def create_submission(call: Call) -> dict[str, Any]:
    """Submit what was uploaded; it is on the disk when this answers."""
    slug = call.text("competitionName")
    token, description = call.text("blobFileTokens"), call.text("submissionDescription")
    ref = call.host.submissions.create(call.need_team(), slug, token, description)
    return _submitted(call, slug, ref)


def create_code_submission(call: Call) -> dict[str, Any]:
    """Submit the output file of a finished kernel of the team's own."""
    team = call.need_team()
    competition = entered_competition(call, _SUBMIT)
    if call.host.kernels is None:
        raise ApiError(400, "This host runs no kernels.")
    if call.text("kernelOwner") != team.user_name:
        raise ApiError(404, "Notebook not found.")
    call.host.submissions.check_allowed(team, competition.slug, from_kernel=True)
    name = call.text("fileName") or "submission.csv"
    version = call.integer("kernelVersion")
    path = call.host.kernels.output_file(team.user_name, call.text("kernelSlug"), version, name)
    blob = call.host.uploads.store(team, "submission", name, path, competition.slug)
    description = call.text("submissionDescription")
    ref = call.host.submissions.create(team, competition.slug, blob.token, description, from_kernel=True)
    return _submitted(call, competition.slug, ref)


def _submitted(call: Call, slug: str, ref: int) -> dict[str, Any]:
    return {"message": f"Successfully submitted to {call.host.submissions.competition(slug).title}", "ref": ref}


def get_submission_limits(call: Call) -> dict[str, Any]:
    """How much the team may still submit today."""
    limits = call.host.submissions.limits(call.need_team(), call.text("competitionName"))
    return {
        "numToday": limits.num_today,
        "numTotal": limits.num_total,
        "numAllowedNow": limits.num_allowed_now,
    }


def list_submissions(call: Call) -> dict[str, Any]:
    """The team's submissions, newest first: all, or those that are selected or have a score if `group` says so."""
    team = call.need_team()
    competition = call.host.submissions.competition(call.text("competitionName"))
    group = call.text("group")
    found = [
        s
        for s in call.host.submissions.of_team(team, competition.slug)
        if not (group.endswith("_SUCCESSFUL") and s.status != "COMPLETE")
        and not (group.endswith("_SELECTED") and not s.selected)
    ]
    page, token = page_of(call, found)
    return {"submissions": [_submission(call, team, s) for s in page], "nextPageToken": token}


def get_submission(call: Call) -> dict[str, Any]:
    """One of the team's submissions."""
    team = call.need_team()
    return _submission(call, team, _own(call, team, call.integer("ref")))


def download_submission(call: Call) -> Response:
    """Where to get what the team submitted."""
    found = _own(call, call.need_team(), call.integer("submissionId"))
    url = call.host.bucket.url(call.base_url, "submissions", f"{found.ref}/{found.file_name}")
    return RedirectResponse(url, 302)


def _own(call: Call, team: Team, ref: int) -> Submission:
    found = call.host.submissions.get(ref)
    if found is None or found.team_id != team.id:
        raise ApiError(404, f"Submission not found: {ref}")
    return found


def _submission(call: Call, team: Team, s: Submission) -> dict[str, Any]:
    """A submission as the wire has it; the private score stays hidden until the deadline."""
    competition = call.host.competitions.get(s.slug)
    is_over = competition is not None and competition.is_over(call.host.now())
    return {
        "ref": s.ref,
        "totalBytes": s.size,
        "date": wire_date(s.submitted),
        "description": s.description,
        "errorDescription": s.error,
        "fileName": s.file_name,
        "publicScore": wire_score(s.public),
        "privateScore": wire_score(s.private) if is_over else "",
        "status": "" if s.status == "PENDING" else s.status,  # the default, which the wire leaves out
        "submittedBy": team.user_name,
        "submittedByRef": team.user_name,
        "teamName": s.team_name,
        "url": f"{call.base_url}/competitions/{s.slug}/submissions",
    }


CALLS: dict[tuple[str, str], Handler] = {
    (_SERVICE, "StartSubmissionUpload"): start_submission_upload,
    (_SERVICE, "CreateSubmission"): create_submission,
    (_SERVICE, "CreateCodeSubmission"): create_code_submission,
    (_SERVICE, "GetSubmissionLimits"): get_submission_limits,
    (_SERVICE, "ListSubmissions"): list_submissions,
    (_SERVICE, "GetSubmission"): get_submission,
    (_SERVICE, "DownloadSubmission"): download_submission,
}
