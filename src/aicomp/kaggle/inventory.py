"""Which credentials there are, which one is used, whether it is alive, and who else can read them."""

from collections.abc import Iterator, Sequence

from aicomp.checkup import Check
from aicomp.errors import AicompError, CredentialsError
from aicomp.kaggle.connection import Connection, connect
from aicomp.kaggle.credentials import (
    Credentials,
    credential_files,
    find_credentials,
    list_credentials,
    open_mode,
)
from aicomp.kaggle.endpoint import Endpoint

_NAME = "credentials"


def check_credentials(endpoint: Endpoint, *, is_reachable: bool = True) -> Iterator[Check]:
    """A check per credential, in the order in which they are looked for: the first one is used.

    Where it is dead, those behind it are tried too: a good key is of no use as long as a dead token comes first.

    Args:
        endpoint: The server that they are for.
        is_reachable: Whether the server can be asked if they are alive.
    """
    found = list_credentials(endpoint)
    if not found:
        yield _nothing(endpoint)
        return
    first, others = found[0], found[1:]
    used = _check_used(first, endpoint, is_reachable)
    works: dict[str, bool | None] = {}
    if used.status == "failed" and is_reachable:
        works = {c.source: _is_alive(c, endpoint) for c in others if isinstance(c, Credentials)}
    yield _shadowing(used, first, [source for source, alive in works.items() if alive])
    for other in others:
        if isinstance(other, CredentialsError):
            yield Check(_NAME, "warning", f"not used: {other.message}", other.hint)
        else:
            alive = works.get(other.source)
            state = "" if alive is None else ", which works" if alive else ", which is not accepted either"
            yield Check(_NAME, "ok", f"not used: {other.source} ({_kind(other)}){state}; another one comes first")
    yield from _check_modes()


def _nothing(endpoint: Endpoint) -> Check:
    try:
        find_credentials(endpoint)
    except CredentialsError as e:
        return Check.failed(_NAME, e)
    raise AssertionError("there are credentials, and they were not listed")


def _check_used(first: Credentials | CredentialsError, endpoint: Endpoint, is_reachable: bool) -> Check:
    if isinstance(first, CredentialsError):
        return Check.failed(_NAME, first)
    if not is_reachable:
        return Check(_NAME, "ok", f"used: {first.source} ({_kind(first)}), not tried")
    try:
        user = _user_of(first, endpoint)
    except AicompError as e:
        return Check.failed(_NAME, e)
    return Check(_NAME, "ok", f"used: {first.source} ({_kind(first)}{f' of {user}' if user else ''})")


def _shadowing(used: Check, first: Credentials | CredentialsError, alive: Sequence[str]) -> Check:
    """The check of the first one; if it is dead and another one is not, what to remove."""
    if not alive or isinstance(first, CredentialsError):
        return used
    return Check(
        _NAME,
        "failed",
        f"{used.detail}; it comes before {alive[0]}, which works",
        f"unset or remove {first.source}, or put a new token there",
        used.exit_code,
    )


def _user_of(credentials: Credentials, endpoint: Endpoint) -> str:
    """Name of the user that credentials belong to.

    Raises:
        CredentialsError: They are refused.
        NetworkError: The server cannot be asked.
    """
    with connect(endpoint, credentials) as connection:
        user = connection.check_credentials()
        if credentials.key is not None:
            _try_key(connection)
        return user


def _try_key(connection: Connection) -> None:
    """Make a call that needs a key: there is none that only checks it."""
    from kagglesdk.competitions.types.competition_api_service import ApiListCompetitionsRequest

    request = ApiListCompetitionsRequest()
    request.page = 1
    connection.call(lambda: connection.competitions.list_competitions(request))


def _is_alive(credentials: Credentials, endpoint: Endpoint) -> bool | None:
    """Whether they are accepted; None if that cannot be told now."""
    try:
        _user_of(credentials, endpoint)
    except CredentialsError:
        return False
    except AicompError:
        return None
    return True


def _kind(credentials: Credentials) -> str:
    if credentials.login_file is not None:
        return "of `kaggle auth login`"
    return "a token" if credentials.token is not None else "a key"


def _check_modes() -> Iterator[Check]:
    """Warn of files that other users of this machine can read."""
    for path in credential_files():
        if mode := open_mode(path):
            yield Check(_NAME, "warning", f"`{path}` is open to other users (mode {mode})", f"chmod 600 {path}")
