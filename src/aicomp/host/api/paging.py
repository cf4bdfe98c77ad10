"""Lists in pages, as Kaggle's clients ask for them."""

from collections.abc import Sequence
from typing import TypeVar

from aicomp.host.api import Call
from aicomp.host.wire import ApiError

_T = TypeVar("_T")
MOST_PER_PAGE = 1000


def page_of(call: Call, items: Sequence[_T], default_size: int = 20) -> tuple[list[_T], str]:
    """One page of a list.

    Args:
        call: Its `pageToken` says where to go on; else `page`, from 1; its `pageSize` how many.
        items: All of them.
        default_size: Where `pageSize` is absent.

    Returns:
        The items, and the token of the next page, "" after the last one.

    Raises:
        ApiError: The token is none of this host's.
    """
    size = min(max(1, call.integer("pageSize") or default_size), MOST_PER_PAGE)
    token = call.text("pageToken")
    if token and not (token.isdecimal() and len(token) < 10):
        raise ApiError(400, "`pageToken` is not one of this host's.")
    start = int(token) if token else (max(1, call.integer("page", 1)) - 1) * size
    end = start + size
    return list(items[start:end]), str(end) if end < len(items) else ""
