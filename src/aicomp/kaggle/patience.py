"""Calls that are tried again: with time-outs, a limited number of tries, and pauses that grow."""

import logging
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from aicomp.kaggle.faults import Fault, fault_of
from aicomp.kaggle.hiding import hide_sent

if TYPE_CHECKING:
    import requests

TIMEOUT = (10.0, 60.0)
"""Seconds to wait for a connection, and for the next byte of an answer."""

TRIES = 5
"""How often a call that can be repeated without harm is made before it counts as failed."""

FIRST_PAUSE = 1.0
"""Seconds before the second try; each further pause is twice as long, and every one is drawn from its upper half."""

LONGEST_PAUSE = 60.0
"""Most seconds to wait for one try; a server that asks for more is reported instead."""

_LOG = logging.getLogger(__name__)  # unless a program sets it up otherwise, its warnings go to stderr

_T = TypeVar("_T")


def patiently(call: Callable[[], _T]) -> _T:
    """Make a call that can be repeated without harm, again if the network or the server fails.

    Raises:
        Fault: It is refused, or failed each time.
    """
    for number in range(1, TRIES + 1):
        try:
            return once(call)
        except Fault as fault:
            if fault.is_refusal or number == TRIES or fault.retry_after > LONGEST_PAUSE:
                raise
            pause = fault.retry_after or pause_before(number + 1)
            _LOG.warning("%s: try %d of %d in %.0f s", fault.message, number + 1, TRIES, pause)
            time.sleep(pause)
    raise AssertionError("unreachable")


def pause_before(number: int) -> float:
    """Seconds to wait before the try of that number, the second being 2: doubling, drawn at random, bounded."""
    longest = min(FIRST_PAUSE * 2.0 ** (number - 2), LONGEST_PAUSE)
    return longest * (0.5 + random.random() / 2)


def once(call: Callable[[], _T]) -> _T:
    """Make a call one time.

    Raises:
        Fault: It did not succeed; the text never holds an address, which could hold a signature.
    """
    import requests
    import urllib3

    try:
        return call()
    # ValueError and the like: an answer that is not of Kaggle's protocol, such as a login page of a hotel's network.
    except (
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as e:
        raise fault_of(e) from None


def be_careful(session: "requests.Session") -> None:
    """Let every request of a session end after `TIMEOUT`, and no answer repeat what the request proved itself with."""
    from requests.adapters import HTTPAdapter

    class _Careful(HTTPAdapter):
        def send(self, request: Any, stream: Any = False, timeout: Any = None, *rest: Any, **more: Any) -> Any:
            response = super().send(request, stream, timeout or TIMEOUT, *rest, **more)
            if not stream or response.status_code >= 400:
                hide_sent(response)
            return response

    for scheme in ("https://", "http://"):
        session.mount(scheme, _Careful())


def bucket_session() -> "requests.Session":
    """A session for signed addresses, which must never see the credentials.

    It looks for no password in `~/.netrc`, not after a redirect either; the proxies of the environment are honoured.
    """
    import requests

    session = requests.Session()
    session.auth = lambda request: request
    session.rebuild_auth = lambda prepared_request, response: None  # type: ignore[method-assign]
    be_careful(session)
    return session
