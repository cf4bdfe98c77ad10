"""A submission by the form on the web page, with or without JavaScript."""

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from aicomp.host.folder import HostedCompetition
from aicomp.host.teams import Team
from aicomp.host.web.multipart import Posted, drain, receive_form
from aicomp.host.web.rendering import as_json
from aicomp.host.web.visit import Refusal, SignInNeeded, Visit, open_visit, redirect, refusal
from aicomp.host.wire import ApiError

_RULES = "You must accept this competition's rules before you can make submissions."


async def submit(request: Request) -> Response:
    """Take the posted file, and lead to the list of submissions or, for a script, tell the number."""
    visit = await run_in_threadpool(open_visit, request, {})
    body = request.stream()
    try:
        try:
            return await _submit(visit, body)
        except (ApiError, SignInNeeded) as e:
            await drain(body, visit.host.settings.max_submission_bytes)
            return refusal(visit, _with_way_out(request, e))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it


async def _submit(visit: Visit, body: AsyncIterator[bytes]) -> Response:
    competition, team = await run_in_threadpool(_check_entry, visit)

    def check_before_file(fields: Mapping[str, str]) -> None:
        visit.check_form(fields.get("csrf", ""))

    header, settings = visit.request.headers.get("content-type"), visit.host.settings
    with _scratch_file(settings.incoming) as path:
        posted = await receive_form(header, body, path, settings.max_submission_bytes, check_before_file)
        ref = await run_in_threadpool(_create, visit, competition, team, posted, path)
    address = f"/competitions/{competition.slug}/submissions"
    if visit.wants_json:
        return as_json({"ref": ref, "url": f"{address}#submission-{ref}"}, 201)
    return redirect(f"{address}?done=submitted#submission-{ref}")


def _check_entry(visit: Visit) -> tuple[HostedCompetition, Team]:
    """Refuse what cannot become a submission before its file is taken."""
    competition = visit.competition()
    team = visit.need_entry(competition, _RULES)
    visit.host.submissions.check_allowed(team, competition.slug)
    return competition, team


def _create(visit: Visit, competition: HostedCompetition, team: Team, posted: Posted, path: Path) -> int:
    if not posted.file_name:
        raise ApiError(400, "No file came with the form: choose one first.")
    blob = visit.host.uploads.store(team, "submission", posted.file_name, path, competition.slug)
    description = posted.fields.get("description", "").strip()
    return visit.host.submissions.create(team, competition.slug, blob.token, description)


@contextmanager
def _scratch_file(folder: Path) -> Iterator[Path]:
    """A file of its own beside the uploads, gone when the block ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as own:
        yield Path(own) / "file"


def _with_way_out(request: Request, error: ApiError | SignInNeeded) -> ApiError | SignInNeeded:
    if isinstance(error, SignInNeeded | Refusal):
        return error
    return Refusal(error.status, error.message, way_out=(request.url.path, "Back to the submissions"))
