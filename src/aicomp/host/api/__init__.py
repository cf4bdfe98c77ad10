"""The calls of Kaggle's protocol: `POST {"", /api/v1 or /v1}/{service}/{Method}` with a JSON body."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aicomp.host.teams import Team, team_of_token
from aicomp.host.wire import ApiError, without_defaults

if TYPE_CHECKING:
    from aicomp.host.host import Host

__all__ = ["ROUTES", "ApiError", "Call", "Handler", "all_calls", "team_of_header"]

MAX_BODY_BYTES = 16 * 2**20
"""Most bytes of a call's JSON; the text of a kernel is the largest thing in one."""

MAX_STRANGERS_BYTES = 64 * 2**10
"""Most bytes of it where nobody is known to call: parsed, JSON can take twenty times its size in memory."""

_MOST_INTEGER = 2**63 - 1  # of SQLite


@dataclass(frozen=True)
class Call:
    """A call under way.

    Attributes:
        host: The host.
        authorization: The header of that name, "" without credentials.
        body: The JSON object that came.
        base_url: How the client reaches this host, such as "http://127.0.0.1:8000": from its Host header.
    """

    host: "Host"
    authorization: str
    body: Mapping[str, Any]
    base_url: str

    def need_team(self) -> Team:
        """Who calls.

        Raises:
            ApiError: Nobody, or the credentials are nobody's (401).
        """
        team = team_of_header(self.host, self.authorization)
        if team is None:
            raise ApiError(401, "Unauthenticated: send the team's token.")
        return team

    def text(self, name: str) -> str:
        """A field that holds text, "" if it is absent.

        Raises:
            ApiError: It holds something else.
        """
        value = self.body.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ApiError(400, f"`{name}` must be a string.")
        return value

    def integer(self, name: str, default: int = 0) -> int:
        """A field that holds a whole number of at most 64 bits; Kaggle's clients send large ones as text.

        Raises:
            ApiError: It holds something else.
        """
        value = self.body.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _MOST_INTEGER:
            raise ApiError(400, f"`{name}` must be an integer.")
        return value


Handler = Callable[[Call], "dict[str, Any] | Response"]
"""Answers a call with a JSON object, whose fields at their default value are left out, or with a response.

It runs in a thread of its own, may block, and refuses by raising `ApiError`.
"""


@cache
def all_calls() -> dict[tuple[str, str], Handler]:
    """Every call by service and method."""
    from aicomp.host.api import blobs, competitions, datasets, kernels, security

    return {**competitions.CALLS, **security.CALLS, **blobs.CALLS, **datasets.CALLS, **kernels.CALLS}


async def _dispatch(request: Request) -> Response:
    host: Host = request.app.state.host
    try:
        handler = all_calls().get((request.path_params["service"], request.path_params["method"]))
        if handler is None:
            raise ApiError(404, "This host does not know the call.")
        most_bytes = await run_in_threadpool(_most_bytes, host, request.headers.get("Authorization", ""))
        raw = await _read_body(request, most_bytes)
        return await run_in_threadpool(_answer, handler, host, request, raw)
    except ApiError as e:
        return JSONResponse(e.body, e.status)


def _answer(handler: Handler, host: "Host", request: Request, raw: bytes) -> Response:
    authorization, base_url = request.headers.get("Authorization", ""), str(request.base_url).rstrip("/")
    answer = handler(Call(host, authorization, _parse_body(raw), base_url))
    return answer if isinstance(answer, Response) else JSONResponse(without_defaults(answer))


def team_of_header(host: "Host", authorization: str) -> Team | None:
    """Who sends an Authorization header, None if it is empty.

    Raises:
        ApiError: There are credentials, and they are nobody's (401).
    """
    scheme, _, value = authorization.partition(" ")
    if not scheme:
        return None
    user_name, token = "", value.strip()
    if scheme.lower() == "basic":
        user_name, token = _basic(token)
    elif scheme.lower() != "bearer":
        raise ApiError(401, "Unauthenticated: send `Authorization: Bearer TOKEN`.")
    team = team_of_token(host.database, token)
    if team is None or (user_name and user_name.lower() != team.user_name):
        raise ApiError(401, "Unauthenticated: the token is not known here.")
    return team


def _basic(value: str) -> tuple[str, str]:
    try:
        user_name, _, token = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise ApiError(401, "Unauthenticated: the Authorization header cannot be read.") from None
    return user_name, token


def _most_bytes(host: "Host", authorization: str) -> int:
    try:
        return MAX_STRANGERS_BYTES if team_of_header(host, authorization) is None else MAX_BODY_BYTES
    except ApiError:  # the call itself says what is wrong with the credentials, if it needs any
        return MAX_STRANGERS_BYTES


async def _read_body(request: Request, most_bytes: int) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > most_bytes:
            raise ApiError(413, f"The request has more than {most_bytes} bytes.")
    return bytes(raw)


def _parse_body(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw) if raw.strip() else {}
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair can be neither stored nor sent back
    except (ValueError, RecursionError):
        raise ApiError(400, "The request is no JSON.") from None
    if not isinstance(body, dict):
        raise ApiError(400, "The request must be a JSON object.")
    return body


class _Service(StringConvertor):
    """A service has a point in its name, and so takes no address of a web page away."""

    regex = r"[a-z]+\.[A-Za-z]+"


register_url_convertor("service", _Service())

ROUTES = [
    Route(f"{prefix}/{{service:service}}/{{method}}", _dispatch, methods=["POST"]) for prefix in ("/api/v1", "/v1", "")
]
