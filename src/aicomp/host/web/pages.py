"""The addresses of the web pages. `ROUTES` must stand last: what no other part answers is a page that is not there."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from aicomp.host.web import competitions, own_submissions, sign_in
from aicomp.host.web.rendering import static_response
from aicomp.host.web.upload import submit
from aicomp.host.web.visit import Refusal, Visit, page


def _healthz(request: Request) -> Response:
    """Whether the server answers and can read its database."""
    request.app.state.host.database.read().execute("SELECT 1 FROM teams LIMIT 1").fetchone()
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


async def _static(request: Request) -> Response:
    response = static_response(request.path_params["version"], request.path_params["name"])
    return response if response is not None else PlainTextResponse("no such file\n", 404)


def _nothing(visit: Visit) -> Response:
    raise Refusal(404, "This address leads to no page. It may be mistyped, or the page has moved.")


_COMPETITION = "/competitions/{slug}"
_GET = {
    "/": competitions.index,
    "/sign-in": sign_in.sign_in_page,
    _COMPETITION: competitions.overview,
    f"{_COMPETITION}/data": competitions.data,
    f"{_COMPETITION}/data/all": competitions.all_data,
    f"{_COMPETITION}/data/files/{{name:path}}": competitions.data_file,
    f"{_COMPETITION}/leaderboard": competitions.board,
    f"{_COMPETITION}/leaderboard.json": competitions.board_json,
    f"{_COMPETITION}/submissions": own_submissions.submissions_page,
    f"{_COMPETITION}/submissions.json": own_submissions.submissions_json,
    f"{_COMPETITION}/rules": competitions.rules,
}
_POST = {
    "/sign-in": sign_in.sign_in,
    "/sign-out": sign_in.sign_out,
    f"{_COMPETITION}/rules": competitions.accept,
    f"{_COMPETITION}/submissions/{{ref:int}}/selection": own_submissions.select,
}

ROUTES: list[BaseRoute] = [
    Route("/healthz", _healthz),
    Route("/static/{version}/{name}", _static),
    *(Route(path, page(handler), methods=["POST"]) for path, handler in _POST.items()),
    Route(f"{_COMPETITION}/submissions", submit, methods=["POST"]),
    *(Route(path, page(handler), methods=["GET"]) for path, handler in _GET.items()),
    Route("/{path:path}", page(_nothing), methods=["GET"]),
]
