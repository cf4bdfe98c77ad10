"""Text from elsewhere that is shown on a terminal: names, values and answers of servers may hold more than letters."""

import re

# Control characters but tab and line feed, C1 controls, and what changes the direction of all that follows.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""The text with its control characters written out, so that none of them reaches a terminal.

    An escape sequence could clear the screen, rename the window, write to the clipboard, or draw a line that says
    something else than the file does.

    >>> printable("a\x1b[31mb\r\n\tc\u202ed")
    'a\\x1b[31mb\\x0d\n\tc\\u202ed'
    """
    return _UNSEEN.sub(_written_out, text)


def _written_out(found: "re.Match[str]") -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
