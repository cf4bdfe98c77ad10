"""A connection to Kaggle, or to a host that speaks its protocol, by Kaggle's typed client `kagglesdk`.

`import kaggle` authenticates at once, may print a help page on stdout and may end the process; `kagglesdk`, which it is
built on, does none of that. It has no time-outs and no retries, follows redirects with whatever it sends, and knows no
other host: all of that is added here.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from aicomp import __version__
from aicomp.errors import AicompError, UsageError
from aicomp.kaggle.credentials import Credentials, find_credentials
from aicomp.kaggle.endpoint import Endpoint
from aicomp.kaggle.faults import Fault, refusal
from aicomp.kaggle.patience import be_careful, once, patiently

_USER_AGENT = f"aicomp/{__version__}"
_ENVIRONMENTS = ("PROD", "LOCALHOST", "TEST")

_T = TypeVar("_T")


class Connection:
    """An open connection; made by `connect`.

    Attributes:
        endpoint: The server.
        credentials: Who asks.
        client: The `kagglesdk.KaggleClient`, for calls that go through `call`.
    """

    def __init__(self, endpoint: Endpoint, credentials: Credentials, client: Any) -> None:
        self.endpoint = endpoint
        self.credentials = credentials
        self.client = client

    @property
    def competitions(self) -> Any:
        """The typed client's calls about competitions."""
        return self.client.competitions.competition_api_client

    def call(self, method: Callable[[], _T], slug: str = "", *, repeatable: bool = True) -> _T:
        """Make a call and turn a failure into the error that a user should see.

        Args:
            method: Makes it.
            slug: The competition that it is about, for messages.
            repeatable: Whether it may be made again without harm if the network or the server fails.

        Raises:
            CredentialsError: The credentials are refused.
            RefusedError: Rules, deadline, daily limit, no such competition.
            NetworkError: No connection, a time-out, or the server fails.
        """
        try:
            return self.attempt(method, repeatable=repeatable)
        except Fault as fault:
            raise self.error(fault, slug) from fault

    def attempt(self, method: Callable[[], _T], *, repeatable: bool = True) -> _T:
        """As `call`, for a caller that reads the fault itself.

        Raises:
            Fault: It is refused, or failed each time.
        """
        return patiently(method) if repeatable else once(method)

    def error(self, fault: Fault, slug: str = "") -> AicompError:
        """The error that a user should see for a fault."""
        if fault.is_refusal:
            return refusal(fault, slug, self.credentials, self.endpoint)
        return fault.as_error(self.endpoint)

    def check_credentials(self) -> str:
        """Ask whether a token is alive, and return the user's name.

        A key has no such call and is checked by the call that comes next: its own name is returned.

        Raises:
            CredentialsError: The token is refused, has expired or was revoked.
            NetworkError: The server cannot be asked.
        """
        if self.credentials.token is None:
            return self.credentials.username or ""
        from kagglesdk.security.types.oauth_service import IntrospectTokenRequest

        request = IntrospectTokenRequest()
        request.token = self.credentials.token
        try:
            response = patiently(lambda: self.client.security.oauth_client.introspect_token(request))
        except Fault as fault:
            # As Kaggle's own client reads them: the call is open to all, so a refusal speaks of the token.
            if fault.status in (400, 401, 403, 404):
                raise self.credentials.refused(fault.message) from fault
            raise fault.as_error(self.endpoint) from fault
        if not response.active:
            raise self.credentials.refused("the token has expired or was revoked")
        return str(response.username or "")


@contextmanager
def connect(endpoint: Endpoint | None = None, credentials: Credentials | None = None) -> Iterator[Connection]:
    """Open a connection; nothing is sent yet, except to renew the token of `kaggle auth login`.

    Args:
        endpoint: The server; None is Kaggle itself.
        credentials: Who asks; None looks for them.

    Raises:
        CredentialsError: There are no credentials, or their file cannot be used.
        UsageError: `KAGGLE_API_ENVIRONMENT` names an environment that is not for users.
    """
    endpoint = endpoint or Endpoint()
    credentials = credentials or find_credentials(endpoint)
    if credentials.login_file is not None:
        with _client(endpoint) as anonymous:
            credentials = _logged_in(credentials, anonymous, endpoint)
    with _client(
        endpoint, username=credentials.username, password=credentials.key, api_token=credentials.token
    ) as client:
        yield Connection(endpoint, credentials, client)


@contextmanager
def _client(endpoint: Endpoint, **identity: str | None) -> Iterator[Any]:
    from kagglesdk import KaggleClient
    from kagglesdk.kaggle_env import KaggleEnv

    environment = os.environ.get("KAGGLE_API_ENVIRONMENT") or "PROD"
    if environment not in _ENVIRONMENTS:
        raise UsageError(
            f"`KAGGLE_API_ENVIRONMENT` is `{environment}`", f"unset it, or set one of {', '.join(_ENVIRONMENTS)}"
        )
    env = None if endpoint.url is None else KaggleEnv.LOCAL
    # Without a token, the client would look for one of its own, and send that instead of what it is given.
    identity["api_token"] = identity.get("api_token") or "none"
    with KaggleClient(env=env, user_agent=_USER_AGENT, **identity) as client:
        # The client offers no way to set a host, a time-out, or what becomes of a redirect; its parts do.
        http = client.http_client()
        if identity["api_token"] == "none":
            http._session.auth = _basic_or_nobody(identity.get("username"), identity.get("password"))
        if endpoint.url is not None:
            http._endpoint = endpoint.url
        be_careful(http._session)
        http._session.get_redirect_target = lambda response: None
        yield client


def _basic_or_nobody(username: str | None, key: str | None) -> Any:
    """What a session sends for a key, or for nobody: with None it would look for a password in `~/.netrc`."""
    return (username, key) if username and key else lambda request: request


def _logged_in(credentials: Credentials, client: Any, endpoint: Endpoint) -> Credentials:
    """The access token of `kaggle auth login`, renewed if it has expired."""
    from kagglesdk import KaggleCredentials

    try:
        login = KaggleCredentials.load(client, str(credentials.login_file))
    except (ValueError, AttributeError, OSError):
        login = None
    if login is None:
        raise credentials.refused("it is not what `kaggle auth login` writes")
    try:
        token = patiently(login.get_access_token)
    except Fault as fault:
        raise (credentials.refused(fault.message) if fault.is_refusal else fault.as_error(endpoint)) from fault
    if not token:
        raise credentials.refused("it holds no token")
    return Credentials(credentials.source, token=token, server=credentials.server)
