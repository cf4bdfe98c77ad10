"""Where Kaggle's credentials lie on this machine, in the order of Kaggle's own client. Nothing is sent here."""

import functools
import json
import logging
import os
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from aicomp.errors import CredentialsError
from aicomp.kaggle.endpoint import Endpoint

TOKEN_VARIABLE = "AICOMP_TOKEN"
"""Holds the token of a host that is not Kaggle."""

_LOG = logging.getLogger(__name__)  # unless a program sets it up otherwise, its warnings go to stderr

_HOW_TO = (
    "make a token at https://www.kaggle.com/settings (API), then `export KAGGLE_API_TOKEN=...`, or save it as "
    "`~/.kaggle/access_token`; an older `kaggle.json` belongs in `~/.kaggle/`"
)

_HOW_TO_ON_HOST = f"set `{TOKEN_VARIABLE}` to your token of that host, which whoever runs it hands out"


@dataclass(frozen=True)
class Credentials:
    """Who sends; the secrets are left out of its text.

    Attributes:
        source: Where they come from, for messages.
        token: Access token, None if there is a key instead.
        username: Name that belongs to the key.
        key: API key, None if there is a token instead.
        login_file: File of `kaggle auth login`, from which a token is still to be had.
        server: Whom they are shown to: "Kaggle", or the address of a host.
    """

    source: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    key: str | None = field(default=None, repr=False)
    login_file: Path | None = None
    server: str = "Kaggle"

    def refused(self, why: str) -> CredentialsError:
        """The error for credentials that the server does not accept."""
        message = f"{self.server} does not accept the credentials of {self.source}: {why}"
        if self.server != "Kaggle":
            return CredentialsError(message, _HOW_TO_ON_HOST)
        return CredentialsError(
            message,
            "make a new token at https://www.kaggle.com/settings (API) and put it there; a token comes before a "
            "`kaggle.json`, even if it has expired",
        )


def find_credentials(endpoint: Endpoint | None = None) -> Credentials:
    """Look for a token or a key, as Kaggle's own client does.

    For another host than Kaggle, `AICOMP_TOKEN` comes first. In this order: `KAGGLE_API_TOKEN` (the token, or a file
    that holds it), `~/.kaggle/access_token`,
    `KAGGLE_USERNAME` with `KAGGLE_KEY`, `kaggle.json` in `KAGGLE_CONFIG_DIR`, `~/.kaggle` or `$XDG_CONFIG_HOME/kaggle`,
    and the file of `kaggle auth login`.

    Args:
        endpoint: The server that they are for; None is Kaggle itself.

    Raises:
        CredentialsError: There are none, a file cannot be read, or they are Kaggle's and the server is one that only a
            project's file names: whoever wrote that file must not be sent them.
    """
    if endpoint is not None and endpoint.url is not None:
        own = _own_token()
        if own is not None:
            return replace(own, server=endpoint.url)
        if not endpoint.is_named_by_user:
            raise CredentialsError(
                f"the project names the host {endpoint.url}, and `{TOKEN_VARIABLE}` is not set",
                f"set `{TOKEN_VARIABLE}` to your token of that host, or name it yourself with `--host {endpoint.url}` "
                "to let it have your Kaggle credentials",
            )
    found = next(filter(None, (look() for look in _PLACES)), None)
    server = (endpoint or Endpoint()).name
    if found is None:
        if server != "Kaggle":
            raise CredentialsError(f"there are no credentials for {server}", _HOW_TO_ON_HOST)
        raise CredentialsError("there are no Kaggle credentials", _HOW_TO)
    return replace(found, server=server)


def list_credentials(endpoint: Endpoint | None = None) -> list["Credentials | CredentialsError"]:
    """All credentials that there are, in the order in which they are looked for; an error for one that is broken.

    Args:
        endpoint: The server that they are for; None is Kaggle itself.
    """
    server = (endpoint or Endpoint()).name
    found: list[Credentials | CredentialsError] = []
    own = _own_token() if endpoint is not None and endpoint.url is not None else None
    if own is not None:
        found.append(replace(own, server=server))
    if endpoint is None or endpoint.is_named_by_user:
        for look in _PLACES:
            try:
                credentials = look()
            except CredentialsError as e:
                found.append(e)
                continue
            if credentials is not None:
                found.append(replace(credentials, server=server))
    return found


def credential_files() -> list[Path]:
    """Files of this machine that hold credentials."""
    value = os.environ.get("KAGGLE_API_TOKEN", "").strip()
    files = [*([Path(value)] if value and _is_file(value) else []), *_token_files(), _key_path(), _login_path()]
    return [path for path in files if path.is_file()]


def _own_token() -> Credentials | None:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    return Credentials(f"`{TOKEN_VARIABLE}`", token=token) if token else None


def _token_of_variable() -> Credentials | None:
    value = os.environ.get("KAGGLE_API_TOKEN", "").strip()
    if not value:
        return None
    text = _read(Path(value)) if _is_file(value) else value
    if not text:
        raise CredentialsError("`KAGGLE_API_TOKEN` names an empty file", _HOW_TO)
    return Credentials("`KAGGLE_API_TOKEN`", token=text)


def _token_of_file() -> Credentials | None:
    for path in _token_files():
        text = _read(path) if path.is_file() else ""
        if text:
            return Credentials(f"`{path}`", token=text)
    return None


def _key_of_variables() -> Credentials | None:
    username, key = (os.environ.get(name, "").strip() for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"))
    if username and key:
        return Credentials("`KAGGLE_USERNAME` and `KAGGLE_KEY`", username=username, key=key)
    if (username or key) and not _key_path().is_file():
        there, absent = ("KAGGLE_USERNAME", "KAGGLE_KEY") if username else ("KAGGLE_KEY", "KAGGLE_USERNAME")
        raise CredentialsError(f"`{there}` is set and `{absent}` is not", f"set `{absent}` too")
    return None


def _key_of_file() -> Credentials | None:
    path = _key_path()
    if not path.is_file():
        return None
    try:
        content = json.loads(_read(path))
        return Credentials(f"`{path}`", username=str(content["username"]), key=str(content["key"]))
    except (ValueError, KeyError, TypeError):
        # The parser's own message would quote the file, and with it the key.
        raise CredentialsError(
            f'`{path}` is not of the form {{"username": "...", "key": "..."}}', "download it again from Kaggle"
        ) from None


def _login() -> Credentials | None:
    path = _login_path()
    return Credentials(f"`{path}`", login_file=path) if path.is_file() else None


_PLACES = (_token_of_variable, _token_of_file, _key_of_variables, _key_of_file, _login)
"""Where Kaggle's own client looks, in its order; the first that holds something counts."""


def _token_files() -> list[Path]:
    return [Path.home() / ".kaggle" / name for name in ("access_token", "access_token.txt")]


def _key_path() -> Path:
    return _config_folder() / "kaggle.json"


def _login_path() -> Path:
    return Path.home() / ".kaggle" / "credentials.json"


def _config_folder() -> Path:
    asked = os.environ.get("KAGGLE_CONFIG_DIR")
    if asked:
        return Path(asked)
    home = Path.home() / ".kaggle"
    other = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"
    return home if home.is_dir() or not other.is_dir() else other


def _is_file(value: str) -> bool:
    try:
        return Path(value).is_file()
    except OSError:  # a token may be longer than a file's name can be
        return False


def open_mode(path: Path) -> str:
    """The mode of a file of credentials that other users of this machine can read, such as "644"; else ""."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:03o}" if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO) else ""


@functools.cache
def _warn_of_mode(path: Path, mode: str) -> None:
    """Say once that a file is open to others, as Kaggle's own client does."""
    _LOG.warning("`%s` is open to other users (mode %s): run `chmod 600 %s`", path, mode, path)


def _read(path: Path) -> str:
    try:
        if mode := open_mode(path):
            _warn_of_mode(path, mode)
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not text"
        raise CredentialsError(f"cannot read `{path}`: {reason}", f"correct it, or run `chmod 600 {path}`") from None
