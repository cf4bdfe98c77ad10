"""What a node says: one line of JSON, and bytes behind it where a file is sent."""

import json
from typing import Any


def encode(header: dict[str, Any], payload: bytes = b"") -> bytes:
    r"""Put a header and bytes together.

    >>> encode({"event": "file"}, b"\n1")
    b'{"event": "file"}\n\n1'
    """
    return json.dumps(header).encode() + b"\n" + payload


def decode(message: bytes) -> tuple[dict[str, Any], bytes]:
    r"""Take them apart.

    >>> decode(b'{"event": "file"}\n\n1')
    ({'event': 'file'}, b'\n1')
    """
    header, _, payload = message.partition(b"\n")
    return json.loads(header), payload
