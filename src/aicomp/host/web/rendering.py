"""From a template and its values to a response; what stands beside the pages: style sheets and scripts."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse, JSONResponse, Response

from aicomp.host.web import formats

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie",
}
"""Headers of every page: it loads from here alone, runs no script that it holds itself, and is framed by nobody."""


@cache
def static_files() -> dict[str, bytes]:
    """Style sheets, scripts and the icon, by name."""
    folder = files("aicomp.host.web") / "static"
    return {f.name: f.read_bytes() for f in folder.iterdir() if f.name.rpartition(".")[2] in _TYPES}


@cache
def static_version() -> str:
    """A hash of all static files: an address that holds it can be cached for good."""
    digest = hashlib.sha256()
    for name, content in sorted(static_files().items()):
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:12]


def static_response(version: str, name: str) -> Response | None:
    """A static file, None if there is none of that name."""
    content = static_files().get(name)
    if content is None:
        return None
    caching = "public, max-age=31536000, immutable" if version == static_version() else "no-cache"
    headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type=_TYPES[name.rpartition(".")[2]])


def render(template: str, values: dict[str, Any], status: int = 200) -> Response:
    """A page."""
    text = _environment().get_template(template).render(static=f"/static/{static_version()}", **values)
    return HTMLResponse(text, status, HEADERS)


def as_json(content: dict[str, Any], status: int = 200) -> Response:
    """Data for the pages' scripts."""
    return JSONResponse(content, status, HEADERS)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("aicomp.host.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    names = ("size", "count", "ordinal", "percent", "iso", "absolute", "score", "status_words", "spoken")
    environment.filters |= {name: getattr(formats, name) for name in names}
    environment.filters["relative"] = _relative
    return environment


@pass_context
def _relative(context: Context, moment: Any) -> str:
    return formats.relative(moment, context["now"])
