"""Lists that come in pages."""

from collections.abc import Callable, Iterator
from typing import Any

from aicomp.errors import NetworkError

MAX_PAGES = 10_000
"""Most pages of one list; a server that has more of them does not end."""


def pages(fetch: Callable[[str], Any], what: str) -> Iterator[Any]:
    """Yield the pages of a list, each only when it is asked for.

    Args:
        fetch: Gets the page that a token stands for, "" being the first; its answer has a `next_page_token`.
        what: What the list is, for messages, such as "list of files".

    Raises:
        NetworkError: The pages run in a circle, or do not end.
    """
    token, seen = "", {""}
    for _ in range(MAX_PAGES):
        page = fetch(token)
        yield page
        token = page.next_page_token or ""
        if not token:
            return
        if token in seen:
            raise NetworkError(f"the {what} does not end: page {len(seen)} names an earlier one as the next", _HINT)
        seen.add(token)
    raise NetworkError(f"the {what} has more than {MAX_PAGES:,} pages", _HINT)


_HINT = "the server is at fault; try again in a while"
