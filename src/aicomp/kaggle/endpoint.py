"""Which server stands for Kaggle: Kaggle itself, or a host that speaks its protocol."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from aicomp.errors import UsageError

HOST_VARIABLE = "AICOMP_HOST"

KAGGLE = "kaggle"
"""What a contract's `host` says for Kaggle itself."""


@dataclass(frozen=True)
class Endpoint:
    """A server.

    Attributes:
        url: Its address without a slash at the end; None is Kaggle itself.
        is_named_by_user: Whether it was named on the command line or in the environment, not by a project's file
            alone: only then may it see the credentials that are meant for Kaggle.
    """

    url: str | None = None
    is_named_by_user: bool = True

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self.url or "Kaggle"

    @property
    def host(self) -> str:
        """What a contract's `host` says for it."""
        return self.url or KAGGLE

    def page(self, slug: str, *parts: str) -> str:
        """Address of a competition's web page, or of a page below it such as "rules"."""
        base = self.url or "https://www.kaggle.com"
        return "/".join((base, "competitions", slug, *parts))


def find_endpoint(option: str | None = None, contract_host: str = KAGGLE) -> Endpoint:
    """The server to talk to: `--host`, else the variable `AICOMP_HOST`, else what the project's contract says.

    Raises:
        UsageError: The one that counts is no address.
    """
    named = option or os.environ.get(HOST_VARIABLE, "").strip()
    if named:
        source = "--host" if option else HOST_VARIABLE
        return Endpoint(None if named == KAGGLE else checked_url(named, source))
    if contract_host in (KAGGLE, "local"):
        return Endpoint()
    return Endpoint(checked_url(contract_host, "host"), is_named_by_user=False)


def checked_url(text: str, source: str) -> str:
    """An address in the form that `Endpoint.url` has.

    Raises:
        UsageError: It is no http or https address.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username or parts.password:
        # A name and a password that stand in it are not shown.
        shown = f"{parts.scheme}://[hidden]@{parts.netloc.rpartition('@')[2]}" if "@" in text else text
        hint = "write it as `http://127.0.0.1:8000`; a token belongs in `AICOMP_TOKEN`"
        raise UsageError(f"`{source}` is `{shown}`, which is no address", hint)
    return text.rstrip("/")
