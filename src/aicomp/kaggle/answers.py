"""What the headers of a bucket's answer say."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aicomp.kaggle.faults import Fault
from aicomp.kaggle.partial import Whole

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True)
class Answer:
    """An answer that brings bytes.

    Attributes:
        start: Position of its first byte.
        whole: What it is a part of.
        is_delimited: Whether a body that is cut short can be told from a whole one.
    """

    start: int
    whole: Whole
    is_delimited: bool


def read_answer(response: "requests.Response") -> Answer:
    """Read the headers of a 200 or 206.

    Raises:
        Fault: They contradict themselves, or the body is packed though that was not asked for.
    """
    headers = response.headers
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Fault(0, f"the bucket packs the file as `{encoding}` though it was asked not to")
    length = _number(headers.get("Content-Length"))
    is_chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
    start, total = 0, None if is_chunked else length
    if response.status_code == 206:
        start, total = _content_range(headers.get("Content-Range", ""))
    whole = Whole(headers.get("ETag", ""), headers.get("Last-Modified", ""), total, _md5(response))
    return Answer(start, whole, is_chunked or length is not None)


def unsatisfied_total(response: "requests.Response") -> int | None:
    """Size of the whole by the headers of a 416, None if they do not tell."""
    found = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", "").strip())
    return int(found[1]) if found else None


def _content_range(text: str) -> tuple[int, int | None]:
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", text.strip())
    if not found:
        raise Fault(0, f"the bucket sends a part of the file and says of which: `{text}`")
    return int(found[1]), None if found[3] == "*" else int(found[3])


def _md5(response: "requests.Response") -> str:
    """MD5 of the whole in hex, "" if the answer has none."""
    headers = response.headers
    for part in headers.get("x-goog-hash", "").split(","):
        kind, _, value = part.strip().partition("=")
        if kind == "md5":
            return _hex(value)
    # Of a part, this header may be the part's own.
    if response.status_code == 200 and headers.get("Content-MD5"):
        return _hex(headers["Content-MD5"])
    # S3 and what is built like it; of an upload in pieces the ETag has a `-` and is no MD5, and so it is where the
    # bucket encrypts with a key of its own.
    etag = headers.get("ETag", "").strip('"')
    is_s3 = any(name.lower().startswith("x-amz-") for name in headers)
    is_encrypted = headers.get("x-amz-server-side-encryption", "AES256") != "AES256"
    if is_s3 and not is_encrypted and re.fullmatch("[0-9a-f]{32}", etag):
        return etag
    return ""


def _hex(value: str) -> str:
    try:
        raw = base64.b64decode(value.strip(), validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != 16:
        raise Fault(0, f"the bucket gives `{value}` as MD5, which is none")
    return raw.hex()


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch("[0-9]+", text.strip()) else None
