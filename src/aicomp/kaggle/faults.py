"""What went wrong with a call to Kaggle, and the error that a user should see."""

import json
from typing import TYPE_CHECKING, Any

from aicomp.errors import AicompError, NetworkError, RefusedError
from aicomp.kaggle.credentials import Credentials
from aicomp.kaggle.endpoint import Endpoint
from aicomp.printable import printable

if TYPE_CHECKING:
    import requests


class Fault(Exception):  # noqa: N818 - it never leaves this package
    """A call that did not succeed.

    Args:
        status: HTTP status; 0 if there was no answer.
        message: What Kaggle or the network says.
        retry_after: Seconds that Kaggle asks to wait, 0 if it does not.
    """

    def __init__(self, status: int, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = printable(message)
        self.retry_after = retry_after

    @property
    def is_refusal(self) -> bool:
        """Whether the answer is final: trying again brings the same."""
        return 400 <= self.status < 500 and self.status not in (408, 429)

    def as_error(self, endpoint: Endpoint) -> NetworkError:
        """The error for a fault that another time may not have."""
        if self.status:
            when = f"in {self.retry_after:.0f} s" if self.retry_after else "in a while"
            return NetworkError(f"{endpoint.name} answers {self.status}: {self.message}", f"try again {when}")
        hint = "check the connection and try again"
        if endpoint.url is not None:
            hint = "check that the host runs at this address, and the connection, and try again"
        return NetworkError(f"{endpoint.name} cannot be reached: {self.message}", hint)


def refusal(fault: Fault, slug: str, credentials: Credentials, endpoint: Endpoint) -> AicompError:
    """The error for an answer that is final."""
    page = endpoint.page(slug)
    if fault.status == 401:
        return credentials.refused(fault.message)
    if fault.status == 404:
        return RefusedError(f"{endpoint.name} knows no competition `{slug}`: {fault.message}", f"check `slug`: {page}")
    text = fault.message.casefold()
    if "only" in text and ("notebook" in text or "kernel" in text):
        hint = "it takes submissions from notebooks alone: run `aicomp submit --notebook`"
    elif "deadline" in text or "closed" in text or "ended" in text:
        hint = f"the competition takes no submissions now: {page}"
    elif "daily" in text or "allowance" in text or "limit" in text:
        hint = "the day ends at midnight UTC"
    elif fault.status == 403:
        hint = f"open {page}/rules in a browser and accept the rules; some competitions also want a verified phone"
    else:
        hint = f"see {page}"
    return RefusedError(f"{endpoint.name} refuses: {fault.message}", hint)


def fault_of(error: Exception) -> Fault:
    """What a failed call means; the texts of requests, which quote addresses with their secrets, are not kept."""
    import requests
    import urllib3

    response = getattr(error, "response", None)
    if response is not None:
        status, message = _read_error(response)
        return Fault(status, message or f"HTTP {status}", _seconds(response.headers.get("Retry-After")))
    if isinstance(error, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)):
        return Fault(0, "no answer in time")
    if isinstance(error, requests.exceptions.SSLError):
        return Fault(0, "the server's certificate is not trusted")
    if isinstance(error, requests.exceptions.ProxyError):
        return Fault(0, "the proxy does not answer")
    if isinstance(error, requests.exceptions.ConnectionError):
        return Fault(0, "no connection")
    if isinstance(error, urllib3.exceptions.HTTPError):
        return Fault(0, "the connection was cut")
    return Fault(0, "the answer is not of Kaggle's protocol")


def fault_of_status(response: "requests.Response") -> Fault:
    """What an answer that is not read further means, by its status and headers alone."""
    status = int(response.status_code)
    return Fault(status, str(response.reason or f"HTTP {status}"), _seconds(response.headers.get("Retry-After")))


def _read_error(response: Any) -> tuple[int, str]:
    """Status and message of an error; Kaggle writes bodies in two shapes, and status 200 with a code in the body."""
    try:
        body = json.loads(response.text)
    except ValueError:
        return int(response.status_code), str(response.reason or "")
    inner = body.get("error") if isinstance(body, dict) else None
    content = inner if isinstance(inner, dict) else body if isinstance(body, dict) else {}
    code = content.get("code")
    status = int(response.status_code)
    if status < 400 and isinstance(code, int):
        status = code
    return status, str(content.get("message") or response.reason or "")


def _seconds(value: str | None) -> float:
    try:
        return max(0.0, float(value or 0))
    except ValueError:
        return 0.0  # a date: the usual pause will do
