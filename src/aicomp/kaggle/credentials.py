"""Where Kaggle's credentials lie on this machine, in the order of Kaggle's own client. Nothing is sent here."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from aicomp.errors import CredentialsError

_HOW_TO = (
    "make a token at https://www.kaggle.com/settings (API), then `export KAGGLE_API_TOKEN=...`, or save it as "
    "`~/.kaggle/access_token`; an older `kaggle.json` belongs in `~/.kaggle/`"
)


@dataclass(frozen=True)
class Credentials:
    """Who sends; the secrets are left out of its text.

    Attributes:
        source: Where they come from, for messages.
        token: Access token, None if there is a key instead.
        username: Name that belongs to the key.
        key: API key, None if there is a token instead.
        login_file: File of `kaggle auth login`, from which a token is still to be had.
    """

    source: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    key: str | None = field(default=None, repr=False)
    login_file: Path | None = None

    def refused(self, why: str) -> CredentialsError:
        """The error for credentials that Kaggle does not accept."""
        return CredentialsError(
            f"Kaggle does not accept the credentials of {self.source}: {why}",
            "make a new token at https://www.kaggle.com/settings (API) and put it there; a token comes before a "
            "`kaggle.json`, even if it has expired",
        )


def find_credentials() -> Credentials:
    """Look for a token or a key, as Kaggle's own client does.

    In this order: `KAGGLE_API_TOKEN` (the token, or a file that holds it), `~/.kaggle/access_token`,
    `KAGGLE_USERNAME` with `KAGGLE_KEY`, `kaggle.json` in `KAGGLE_CONFIG_DIR`, `~/.kaggle` or `$XDG_CONFIG_HOME/kaggle`,
    and the file of `kaggle auth login`.

    Raises:
        CredentialsError: There are none, or a file cannot be read.
    """
    found = _token() or _key() or _login()
    if found is None:
        raise CredentialsError("there are no Kaggle credentials", _HOW_TO)
    return found


def _token() -> Credentials | None:
    value = os.environ.get("KAGGLE_API_TOKEN", "").strip()
    if value:
        text = _read(Path(value)) if _is_file(value) else value
        if not text:
            raise CredentialsError("`KAGGLE_API_TOKEN` names an empty file", _HOW_TO)
        return Credentials("`KAGGLE_API_TOKEN`", token=text)
    for name in ("access_token", "access_token.txt"):
        path = Path.home() / ".kaggle" / name
        text = _read(path) if path.is_file() else ""
        if text:
            return Credentials(f"`{path}`", token=text)
    return None


def _key() -> Credentials | None:
    username, key = (os.environ.get(name, "").strip() for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"))
    if username and key:
        return Credentials("`KAGGLE_USERNAME` and `KAGGLE_KEY`", username=username, key=key)
    path = _config_folder() / "kaggle.json"
    if not path.is_file():
        if username or key:
            there, absent = ("KAGGLE_USERNAME", "KAGGLE_KEY") if username else ("KAGGLE_KEY", "KAGGLE_USERNAME")
            raise CredentialsError(f"`{there}` is set and `{absent}` is not", f"set `{absent}` too")
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
    path = Path.home() / ".kaggle" / "credentials.json"
    return Credentials(f"`{path}`", login_file=path) if path.is_file() else None


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


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not text"
        raise CredentialsError(f"cannot read `{path}`: {reason}", f"correct it, or run `chmod 600 {path}`") from None
