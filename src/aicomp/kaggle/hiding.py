"""A server that sends our own credentials back, in an error's text or its headers: they are taken out of the answer.

What a server says becomes an error, a line on the terminal, a note in the ledger. None of these may hold a token, so it
is taken out where the answer arrives.
"""

import base64
import binascii
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

if TYPE_CHECKING:
    import requests

HIDDEN = "[hidden]"

_SHORTEST = 8
"""Characters of the shortest text that is looked for: a shorter one is no token, and could be part of any word."""

_MOST_BODY = 64 * 2**10

_sent: set[str] = set()
"""What this process has proved itself with: a server may also send it back where it was not sent, such as a bucket."""

_signed: set[str] = set()
"""What addresses were signed with. It is taken out of refusals alone: other addresses that a host gives share parts of
it, such as the time at which they expire, and would be worth nothing."""

_FIELDS = ("token", "refresh_token", "refreshToken", "access_token", "accessToken")


def hide_sent(response: "requests.Response") -> None:
    """Take what this process has proved itself with out of an answer: out of reason, headers and body.

    Args:
        response: Its body is read.
    """
    _sent.update(sent_secrets(response.request))
    _signed.update(signature_of(response.request))
    known = _sent | _signed if response.status_code >= 400 else _sent
    secrets = sorted(forms(known), key=len, reverse=True)
    if not secrets:
        return
    response.reason = _without(str(response.reason or ""), secrets)
    for name, value in response.headers.items():
        response.headers[name] = _without(value, secrets)
    content = response.content
    for secret in secrets:
        content = content.replace(secret.encode(), HIDDEN.encode())
    response._content = content


def sent_secrets(request: "requests.PreparedRequest") -> set[str]:
    """What a request proves itself with: the Authorization header and its parts, a token in the body."""
    scheme, _, value = str(request.headers.get("Authorization") or "").partition(" ")
    found = {value.strip()}
    if scheme.lower() == "basic":
        found |= _key(value)
    found |= _tokens(request.body)
    return {secret for secret in found if len(secret) >= _SHORTEST}


def signature_of(request: "requests.PreparedRequest") -> set[str]:
    """What a signed address holds behind its `?`, as a whole and in parts."""
    query = urlsplit(str(request.url or "")).query
    found = {query, *(given for _, given in parse_qsl(query))}
    return {secret for secret in found if len(secret) >= _SHORTEST}


def forms(secrets: set[str]) -> set[str]:
    """The ways in which a text may be written in an answer: as it is, in an address, in JSON, in base64.

    Of base64 it is what stays the same whatever stands before and behind the text, for each of the three places that
    its first byte may have in a group.

    >>> sorted(forms({"a/b c/d e"}))
    ['EvYiBjL2QgZ', 'YS9iIGMvZCBl', 'a%2Fb%20c%2Fd%20e', 'a/b c/d e', 'hL2IgYy9kIG']
    """
    found = set()
    for secret in secrets:
        raw = secret.encode()
        found |= {
            secret,
            quote(secret, safe=""),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        }
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found |= {_inner(encode(b"\0" * before + raw).decode(), before, len(raw)) for before in range(3)}
    return found


def _inner(encoded: str, before: int, n_bytes: int) -> str:
    """The characters of a base64 text that hold nothing but bits of the last `n_bytes` bytes."""
    return encoded[-(-before * 8 // 6) : (before + n_bytes) * 8 // 6]


def _key(value: str) -> set[str]:
    try:
        name, _, key = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return set()
    return {key, f"{name}:{key}"}


def _tokens(body: object) -> set[str]:
    if not isinstance(body, bytes | str) or len(body) > _MOST_BODY:
        return set()
    try:
        content = json.loads(body)
    except ValueError:
        return set()
    fields = content if isinstance(content, dict) else {}
    return {value for name, value in fields.items() if name in _FIELDS and isinstance(value, str)}


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
