"""One request to a page: who makes it, what it sends, and how its handler's refusals become pages."""

import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aicomp.host.folder import HostedCompetition
from aicomp.host.teams import Team, has_accepted
from aicomp.host.web.rendering import HEADERS, as_json, render
from aicomp.host.web.session import FORM_COOKIE, SESSION_COOKIE, Sessions, Throttle, csrf_token, is_csrf_token
from aicomp.host.wire import ApiError

if TYPE_CHECKING:
    from aicomp.host.host import Host

Handler = Callable[["Visit"], Response]
MOST_FORM_BYTES = 2**16
_TITLES = {
    400: "That did not work",
    401: "Sign in first",
    403: "Not allowed",
    404: "Nothing here",
    405: "That is not done here",
    413: "Too large",
    429: "Too many tries",
}
_lock = threading.Lock()


class Refusal(ApiError):  # noqa: N818 - a refusal, not a failure
    """A request that gets an error page.

    Args:
        status: HTTP status.
        message: What is wrong and what to do.
        title: Headline; by default that of the status.
        way_out: Address that helps, with its words.
        headers: More headers.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        title: str = "",
        way_out: tuple[str, str] = ("/", "All competitions"),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message)
        self.title = title or _TITLES.get(status, "That did not work")
        self.way_out = way_out
        self.headers = headers or {}


class SignInNeeded(Exception):  # noqa: N818 - no error: the visitor is led to the sign-in page
    """The page is for teams, and nobody is signed in."""


@dataclass(frozen=True)
class Visit:
    """A request under way.

    Attributes:
        request: The request.
        host: The host.
        cookie: That of the sign-in, or of the sign-in form; "" without one.
        team: Who is signed in.
        form: What was posted.
        now: UTC; one clock for the whole page.
    """

    request: Request
    host: "Host"
    cookie: str
    team: Team | None
    form: Mapping[str, str]
    now: datetime

    @property
    def wants_json(self) -> bool:
        """Whether a script asks, and not a browser for a page."""
        accepted = self.request.headers.get("accept", "")
        return "application/json" in accepted or self.request.url.path.endswith(".json")

    @property
    def origin(self) -> str:
        """How this host is reached, such as "http://127.0.0.1:8000"."""
        return str(self.request.base_url).rstrip("/")

    def need_team(self) -> Team:
        """Who is signed in.

        Raises:
            SignInNeeded: Nobody.
        """
        if self.team is None:
            raise SignInNeeded
        return self.team

    def competition(self) -> HostedCompetition:
        """The competition that the address names.

        Raises:
            Refusal: There is none (404).
        """
        found = self.host.competitions.get(self.request.path_params["slug"])
        if found is None:
            raise Refusal(404, "There is no such competition on this server.")
        return found

    def has_accepted(self, competition: HostedCompetition) -> bool:
        """Whether a team is signed in that has accepted the rules."""
        return self.team is not None and has_accepted(self.host.database, self.team, competition.slug)

    def need_entry(self, competition: HostedCompetition, refusal: str) -> Team:
        """Who is signed in and has accepted the rules.

        Raises:
            SignInNeeded: Nobody is.
            Refusal: The rules are not accepted (403).
        """
        team = self.need_team()
        if not self.has_accepted(competition):
            way_out = (f"/competitions/{competition.slug}/rules", "Read the rules")
            raise Refusal(403, refusal, title="Accept the rules first", way_out=way_out)
        return team

    def check_form(self, token: str | None = None) -> None:
        """Make sure that what was posted comes from a page that this browser was served.

        Raises:
            Refusal: It does not (403).
        """
        if not is_csrf_token(self.cookie, self.form.get("csrf", "") if token is None else token):
            raise Refusal(
                403,
                "The form was opened before you signed in or out, or it came from another site. Go back, reload the "
                "page and send it again.",
                title="The form is out of date",
                way_out=(self.request.url.path if self.request.method == "GET" else "/", "Start again"),
            )

    def json(self, content: dict[str, Any], version: str) -> Response:
        """Data for scripts, whose ETag is its version; 304 for who has it already."""
        tag = f'"{version}"'
        if self.request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={**HEADERS, "ETag": tag})
        response = as_json(content)
        response.headers["ETag"] = tag
        return response

    def page(self, template: str, code: int = 200, /, **values: Any) -> Response:
        """Render a page with what all pages need."""
        path = self.request.url.path + (f"?{self.request.url.query}" if self.request.url.query else "")
        common = {
            "team": self.team,
            "csrf": csrf_token(self.cookie) if self.cookie else "",
            "path": path,
            "origin": self.origin,
            "now": self.now,
        }
        return render(template, {**common, **values}, code)


def web_part(host: "Host") -> tuple[Sessions, Throttle]:
    """The sign-ins and the count of refused ones, made when first asked for."""
    with _lock:
        if "web" not in host.parts:
            host.parts["web"] = (Sessions(host.database, now=lambda: host.now().timestamp()), Throttle())
        part: tuple[Sessions, Throttle] = host.parts["web"]
        return part


def open_visit(request: Request, form: Mapping[str, str]) -> Visit:
    """Find out who makes a request."""
    host: Host = request.app.state.host
    cookie = request.cookies.get(SESSION_COOKIE, "")
    team = web_part(host)[0].team(cookie) if cookie else None
    if team is None:
        cookie = request.cookies.get(FORM_COOKIE, "")
    return Visit(request, host, cookie, team, form, host.now())


def page(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint: the handler runs in a thread, forms are checked, refusals become pages."""

    async def endpoint(request: Request) -> Response:
        form = await _read_form(request) if request.method == "POST" else {}
        return await run_in_threadpool(_answer, request, handler, form)

    return endpoint


def _answer(request: Request, handler: Handler, form: Mapping[str, str] | None) -> Response:
    visit = open_visit(request, form or {})
    try:
        if form is None:
            raise Refusal(413, "The form is too large.")
        if request.method == "POST":
            visit.check_form()
        return handler(visit)
    except (ApiError, SignInNeeded) as e:
        return refusal(visit, e)


async def _read_form(request: Request) -> dict[str, str] | None:
    """The fields of a small form, None if it is not small."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            return None
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def refusal(visit: Visit, error: ApiError | SignInNeeded) -> Response:
    """The answer to a request that is refused: a page, or JSON for a script."""
    if isinstance(error, SignInNeeded):
        if visit.wants_json:
            return as_json({"message": "You are signed out: sign in and try again."}, 401)
        return redirect(f"/sign-in?next={quote(visit.request.url.path)}")
    known = error if isinstance(error, Refusal) else Refusal(error.status, error.message)
    if visit.wants_json:
        return as_json({"message": known.message}, known.status)
    address, words = known.way_out
    values = {"status": known.status, "title": known.title, "text": known.message}
    response = visit.page("error.html", known.status, **values, way_out=address, way_out_label=words)
    response.headers.update(known.headers)
    return response


def failure(request: Request) -> Response:
    """The page for a fault of the host's own; it asks nothing of the database, which may be what failed."""
    host: Host = request.app.state.host
    visit = Visit(request, host, "", None, {}, host.now())
    text = "The server could not answer. Try again in a moment; whoever runs it finds the reason in its log."
    values = {"status": 500, "title": "That went wrong here", "text": text, "way_out": "/"}
    return visit.page("error.html", 500, **values, way_out_label="All competitions")


def redirect(address: str) -> Response:
    """Lead the browser to another page by GET."""
    return RedirectResponse(address, 303, HEADERS)
