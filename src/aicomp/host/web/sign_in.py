"""Sign-in by a team's token, and sign-out."""

import re
import secrets

from starlette.responses import Response

from aicomp.host.web.rendering import HEADERS
from aicomp.host.web.session import FORM_COOKIE, SESSION_COOKIE, SESSION_SECONDS, csrf_token
from aicomp.host.web.visit import Refusal, Visit, redirect, web_part


def sign_in_page(visit: Visit) -> Response:
    """The form."""
    return _form(visit, visit.request.query_params.get("next", "/"))


def sign_in(visit: Visit) -> Response:
    """Start a session for the team whose token was posted."""
    sessions, throttle = web_part(visit.host)
    address = visit.request.client.host if visit.request.client is not None else ""
    if seconds := throttle.seconds_left(address):
        raise Refusal(
            429,
            f"Too many tokens were refused. Wait {-(-seconds // 60)} minutes, then try again.",
            way_out=("/sign-in", "Sign in"),
            headers={"Retry-After": str(seconds)},
        )
    cookie = sessions.sign_in(visit.form.get("token", ""))
    if cookie is None:
        throttle.note_failure(address)
        problem = "No team has this token. Copy it whole, without blanks; whoever runs the server can make another."
        return _form(visit, visit.form.get("next", "/"), problem, 403)
    if visit.team is not None:
        sessions.sign_out(visit.cookie)
    response = redirect(local_path(visit.form.get("next", "/")))
    _set(visit, response, SESSION_COOKIE, cookie, SESSION_SECONDS)
    response.delete_cookie(FORM_COOKIE, path="/sign-in")
    return response


def sign_out(visit: Visit) -> Response:
    """End the session."""
    web_part(visit.host)[0].sign_out(visit.cookie)
    response = redirect("/")
    response.delete_cookie(SESSION_COOKIE)
    return response


def local_path(address: str) -> str:
    r"""An address of this host, or its first page for all others.

    >>> [local_path(a) for a in ("/competitions/x?a=1", "//evil.example", "https://evil.example", "/\\evil.example")]
    ['/competitions/x?a=1', '/', '/', '/']
    """
    return address if re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", address) else "/"


def _form(visit: Visit, address: str, problem: str = "", status: int = 200) -> Response:
    cookie = visit.cookie or secrets.token_urlsafe(32)
    values = {"csrf": csrf_token(cookie), "next": local_path(address), "problem": problem}
    response = visit.page("sign_in.html", status, **values)
    response.headers.update(HEADERS | {"Cache-Control": "no-store"})
    if not visit.cookie:
        _set(visit, response, FORM_COOKIE, cookie, None, path="/sign-in")
    return response


def _set(visit: Visit, response: Response, name: str, value: str, seconds: int | None, *, path: str = "/") -> None:
    secure = visit.request.url.scheme == "https"
    response.set_cookie(name, value, seconds, path=path, secure=secure, httponly=True, samesite="strict")
