"""A text cut into the parts that are taken away one at a time."""

import re
from collections.abc import Sequence

from aicomp.data.text import is_written_without_blanks

MOST_SPANS = 48
"""Parts of one text: each costs a prediction, and more of them are no easier to read."""

_WORD = re.compile(r"\S+\s*")


def spans_of(text: str, most: int = MOST_SPANS) -> list[str]:
    """Parts that together are the text: words, characters where blanks do not divide words, or runs of these.

    Args:
        text: The text.
        most: Parts that there may be; neighbours are joined until they fit.

    >>> spans_of("free entry, win!")
    ['free ', 'entry, ', 'win!']
    >>> spans_of("a b c d e", most=3)
    ['a b ', 'c d ', 'e']
    """
    if is_written_without_blanks([text]):
        return _joined(list(text), most)
    start = len(text) - len(text.lstrip())
    words = _WORD.findall(text)
    if words:
        words[0] = text[:start] + words[0]
    return _joined(words, most)


def _joined(parts: Sequence[str], most: int) -> list[str]:
    size = -(-len(parts) // most) if parts else 1
    return ["".join(parts[i : i + size]) for i in range(0, len(parts), size)]


def without(spans: Sequence[str], k: int) -> str:
    """The text without its part `k`.

    >>> without(["free ", "entry, ", "win!"], 1)
    'free win!'
    """
    return "".join(span for i, span in enumerate(spans) if i != k)
