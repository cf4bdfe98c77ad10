"""Send a submission to Kaggle with Kaggle's typed client, `kagglesdk`.

`import kaggle` authenticates at once, may print a help page on stdout and may end the process; `kagglesdk`, which it is
built on, does none of that. It has no time-outs and no retries of its own: both are added here.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aicomp import __version__
from aicomp.errors import AicompError, NetworkError, RefusedError, UsageError
from aicomp.kaggle.credentials import Credentials, find_credentials
from aicomp.kaggle.faults import Fault, fault_of, refusal

if TYPE_CHECKING:
    import requests

TIMEOUT = (10.0, 60.0)
"""Seconds to wait for a connection, and for the next byte of an answer."""

PAUSES = (1.0, 4.0)
"""Seconds between tries of a call that can be repeated without harm; one try more than there are pauses."""

_LONGEST_PAUSE = 30.0
_USER_AGENT = f"aicomp/{__version__}"
_ENVIRONMENTS = ("PROD", "LOCALHOST", "TEST")

_T = TypeVar("_T")


@dataclass(frozen=True)
class Sent:
    """A submission that Kaggle has taken.

    Attributes:
        ref: Kaggle's number for it.
        url: Page where its score will stand.
        message: What Kaggle said.
    """

    ref: int
    url: str
    message: str


class UncertainError(NetworkError):
    """The line broke after the submission was handed over: it may have arrived (exit code 6)."""


def send_submission(slug: str, path: Path, message: str, credentials: Credentials | None = None) -> Sent:
    """Upload a file and submit it to a competition.

    Credentials and the daily limit are checked first; nothing is uploaded if they do not allow it. The last step, which
    counts against the limit, is never tried twice.

    Args:
        slug: The competition.
        path: The file.
        message: Description that stands beside it on Kaggle.
        credentials: Who sends; None looks for them.

    Raises:
        CredentialsError: They are missing or refused.
        RefusedError: Kaggle refuses: rules not accepted, deadline, daily limit, no such competition.
        NetworkError: No connection, a time-out, or Kaggle's servers fail.
        UncertainError: As `NetworkError`, but the submission may have arrived.
    """
    with _session(credentials or find_credentials()) as session:
        session.check_credentials()
        session.check_limit(slug)
        token = session.upload(slug, path)
        return session.create(slug, token, message)


@contextmanager
def _session(credentials: Credentials) -> "Iterator[_Session]":
    from kagglesdk import KaggleClient

    environment = os.environ.get("KAGGLE_API_ENVIRONMENT") or "PROD"
    if environment not in _ENVIRONMENTS:
        raise UsageError(
            f"`KAGGLE_API_ENVIRONMENT` is `{environment}`", f"unset it, or set one of {', '.join(_ENVIRONMENTS)}"
        )
    if credentials.login_file is not None:
        with KaggleClient(user_agent=_USER_AGENT) as anonymous:
            limit_time(anonymous.http_client()._session)
            credentials = _logged_in(credentials, anonymous)
    client = KaggleClient(
        username=credentials.username,
        password=credentials.key,
        api_token=credentials.token,
        user_agent=_USER_AGENT,
    )
    with client:
        # The client offers no way to set a time-out; its session of `requests` does.
        limit_time(client.http_client()._session)
        yield _Session(client, credentials)


def _logged_in(credentials: Credentials, client: Any) -> Credentials:
    """The access token of `kaggle auth login`, renewed if it has expired."""
    from kagglesdk import KaggleCredentials

    try:
        login = KaggleCredentials.load(client, str(credentials.login_file))
    except (ValueError, AttributeError, OSError):
        login = None
    if login is None:
        raise credentials.refused("it is not what `kaggle auth login` writes")
    try:
        token = _patiently(login.get_access_token)
    except Fault as fault:
        raise (credentials.refused(fault.message) if fault.is_refusal else fault.as_error()) from fault
    if not token:
        raise credentials.refused("it holds no token")
    return Credentials(credentials.source, token=token)


def limit_time(session: "requests.Session") -> None:
    """Let every request of a session end after `TIMEOUT`."""
    from requests.adapters import HTTPAdapter

    class _Impatient(HTTPAdapter):
        def send(self, request: Any, stream: Any = False, timeout: Any = None, *rest: Any, **more: Any) -> Any:
            return super().send(request, stream, timeout or TIMEOUT, *rest, **more)

    for scheme in ("https://", "http://"):
        session.mount(scheme, _Impatient())


class _Session:
    """The calls that a submission takes, each as one method."""

    def __init__(self, client: Any, credentials: Credentials) -> None:
        self._client = client
        self._credentials = credentials
        self._api = client.competitions.competition_api_client

    def check_credentials(self) -> None:
        """Ask Kaggle whether a token is alive; a key has no such call and is checked by the next one."""
        if self._credentials.token is None:
            return
        from kagglesdk.security.types.oauth_service import IntrospectTokenRequest

        request = IntrospectTokenRequest()
        request.token = self._credentials.token
        try:
            response = _patiently(lambda: self._client.security.oauth_client.introspect_token(request))
        except Fault as fault:
            # As Kaggle's own client reads them: the call is open to all, so a refusal speaks of the token.
            if fault.status in (400, 401, 403, 404):
                raise self._credentials.refused(fault.message) from fault
            raise fault.as_error() from fault
        if not response.active:
            raise self._credentials.refused("the token has expired or was revoked")

    def check_limit(self, slug: str) -> None:
        """Refuse before uploading where no submission is left today."""
        from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionLimitsRequest

        request = ApiGetSubmissionLimitsRequest()
        request.competition_name = slug
        try:
            limits = _patiently(lambda: self._api.get_submission_limits(request))
        except Fault as fault:
            if fault.status == 404:
                return  # no such competition, or a server without this call: the next one tells
            raise self._error(fault, slug) from fault
        # Without a team yet, all counts are zero though submitting is allowed.
        if limits.num_allowed_now == 0 and (limits.num_today or limits.limited_by_total):
            which = "in all" if limits.limited_by_total else "today"
            count = limits.num_total if limits.limited_by_total else limits.num_today
            raise RefusedError(
                f"no submission to `{slug}` is left: {count} {which}",
                "the day of Kaggle ends at midnight UTC" if which == "today" else "this competition takes no more",
            )

    def upload(self, slug: str, path: Path) -> str:
        """Upload a file and return the token that stands for it."""
        from kagglesdk.competitions.types.competition_api_service import ApiStartSubmissionUploadRequest

        request = ApiStartSubmissionUploadRequest()
        request.competition_name = slug
        request.file_name = path.name
        request.content_length = path.stat().st_size
        request.last_modified_epoch_seconds = int(path.stat().st_mtime)
        try:
            started = _patiently(lambda: self._api.start_submission_upload(request))
        except Fault as fault:
            raise self._error(fault, slug) from fault
        if not started.create_url or not started.token:
            raise NetworkError("Kaggle's answer names no place to upload to", "try again later")
        try:
            _patiently(lambda: _put(started.create_url, path))
        except Fault as fault:
            raise NetworkError(f"`{path.name}` was not uploaded: {fault.message}", "try again") from fault
        return str(started.token)

    def create(self, slug: str, token: str, message: str) -> Sent:
        """Submit an uploaded file: one try only, as a second would count as a second submission."""
        from kagglesdk.competitions.types.competition_api_service import ApiCreateSubmissionRequest

        request = ApiCreateSubmissionRequest()
        request.competition_name = slug
        request.blob_file_tokens = token
        request.submission_description = message
        url = f"https://www.kaggle.com/competitions/{slug}/submissions"
        try:
            response = _once(lambda: self._api.create_submission(request))
        except Fault as fault:
            if fault.is_refusal or fault.status == 429:
                raise self._error(fault, slug) from fault
            raise UncertainError(
                f"the submission may or may not have arrived: {fault.message}", f"look at {url} before sending it again"
            ) from fault
        if not response.ref:
            raise RefusedError(f"Kaggle did not take the submission: {response.message or 'no reason given'}", url)
        return Sent(int(response.ref), url, str(response.message))

    def _error(self, fault: Fault, slug: str) -> AicompError:
        return refusal(fault, slug, self._credentials) if fault.is_refusal else fault.as_error()


def _put(url: str, path: Path) -> None:
    """Upload to a signed address, which must not see the credentials."""
    import requests

    with requests.Session() as session, path.open("rb") as file:
        limit_time(session)
        session.auth = lambda request: request  # else requests would look for a password in ~/.netrc
        response = session.put(url, data=file)
        response.raise_for_status()


def _patiently(call: Callable[[], _T]) -> _T:
    """Make a call that can be repeated without harm, a few times if the network or the server fails.

    Raises:
        Fault: It is refused, or failed each time.
    """
    for pause in PAUSES:
        try:
            return _once(call)
        except Fault as fault:
            if fault.is_refusal:
                raise
            time.sleep(min(fault.retry_after or pause, _LONGEST_PAUSE))
    return _once(call)


def _once(call: Callable[[], _T]) -> _T:
    import requests

    try:
        return call()
    # ValueError and the like: an answer that is not of Kaggle's protocol, such as a login page of a hotel's network.
    except (requests.exceptions.RequestException, ValueError, KeyError, TypeError, AttributeError) as e:
        raise fault_of(e) from None
