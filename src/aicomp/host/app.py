"""The ASGI application: the bucket, the web pages and the calls of Kaggle's protocol."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from aicomp.host import api, bucket
from aicomp.host.host import Host
from aicomp.host.stalls import StallLimit
from aicomp.host.web import pages

_ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


class AbsoluteTargets:
    """Takes `POST http://localhost/api/v1/... HTTP/1.1` for `POST /api/v1/...`.

    A client that reaches this host as its `http_proxy`, as the official one must, sends whole addresses. Requests
    without a usable Host header are refused: signed addresses are built from it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Correct the path and pass the request on."""
        if scope["type"] == "http":
            raw = scope.get("raw_path") or b""
            if match := _ABSOLUTE.match(raw):
                scope = {**scope, "raw_path": raw[match.end() :] or b"/"}
                scope["path"] = scope["path"][len(match[0].decode("ascii", "replace")) :] or "/"
            host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            if not _HOST.fullmatch(host):
                await PlainTextResponse("The Host header is missing or no host.", 400)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def create_app(host: Host) -> Starlette:
    """The application of a host; its processes start and stop with it. The host is `app.state.host`."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(host.start)
        try:
            yield
        finally:
            await run_in_threadpool(host.stop)

    app = Starlette(
        routes=[*bucket.ROUTES, *api.ROUTES, *pages.ROUTES],  # the pages answer whatever is left
        lifespan=lifespan,
        middleware=[Middleware(AbsoluteTargets), Middleware(StallLimit, seconds=host.settings.stall_seconds)],
        exception_handlers={ClientDisconnect: _hung_up, Exception: _internal_error},
    )
    app.state.host = host
    return app


async def _hung_up(request: Request, error: Exception) -> Response:
    """The client is gone, or silent for too long: hardly anybody reads this."""
    return PlainTextResponse("The request did not arrive in whole.", 408, {"Connection": "close"})


async def _internal_error(request: Request, error: Exception) -> Response:
    """The traceback goes to the log alone."""
    response: Response = JSONResponse({"code": 500, "message": "Internal error."}, 500)
    if "text/html" in request.headers.get("accept", ""):
        from aicomp.host.web.visit import failure

        response = failure(request)
    response.headers["Connection"] = "close"  # the server does that after a fault: a client must not send more on it
    return response
