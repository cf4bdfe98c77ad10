"""The files of a competition: their list, and the signed addresses to get them from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from aicomp.errors import DataError, NetworkError, RefusedError
from aicomp.kaggle.competitions import check_slug, utc
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.paging import pages

_PAGE_SIZE = 200
_MAX_PART = 255  # most bytes of one part of a file's name that file systems take


class NoSingleFileError(RefusedError):
    """A file is in the list and cannot be had alone (exit code 5)."""


@dataclass(frozen=True)
class RemoteFile:
    """A file as the server lists it.

    Attributes:
        name: Its name; it may lie in folders, divided by `/`.
        bytes: Its size; 0 also if the server does not say.
        created: When it was put there, in UTC; None if the server does not say.
    """

    name: str
    bytes: int
    created: datetime | None


def list_files(connection: Connection, slug: str) -> list[RemoteFile]:
    """List all files of a competition.

    Raises:
        DataError: A name is no plain relative path, comes twice, or is another file's folder.
        RefusedError: No such competition, or it may not be seen.
        CredentialsError: The credentials are refused.
        NetworkError: No connection, a time-out, the server fails, or its pages run in a circle.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiListDataFilesRequest

    def fetch(token: str) -> Any:
        request = ApiListDataFilesRequest()
        request.competition_name = slug
        request.page_size = _PAGE_SIZE
        if token:
            request.page_token = token
        return connection.call(lambda: connection.competitions.list_data_files(request), slug)

    check_slug(slug)
    found = [file for page in pages(fetch, "list of files") for file in page.files]
    files = [_remote_file(file) for file in found]
    _check_places([file.name for file in files])
    return files


def sign(connection: Connection, slug: str, name: str | None = None) -> str:
    """Ask for the address of a file, or of one archive with all of them; it is good for a short time.

    Args:
        connection: The connection.
        slug: The competition.
        name: The file as the list has it; None for the archive.

    Raises:
        NoSingleFileError: There is no such file, or it cannot be had alone.
        RefusedError: The rules are not accepted, or there is no such competition.
        CredentialsError: The credentials are refused.
        NetworkError: No connection, a time-out, the server fails, or names no address.
    """
    try:
        return connection.attempt(lambda: _sign(connection, slug, name))
    except Fault as fault:
        if fault.status == 404 and name is not None:
            message = f"{connection.endpoint.name} lists `{name}` of `{slug}` and does not give it: {fault.message}"
            raise NoSingleFileError(message, f"see {connection.endpoint.page(slug, 'data')}") from fault
        raise connection.error(fault, slug) from fault


def rules_accepted(connection: Connection, slug: str, files: Sequence[RemoteFile]) -> bool:
    """Ask whether the rules are accepted: only then is a file's address given out. Nothing is downloaded.

    Args:
        connection: The connection.
        slug: The competition.
        files: What `list_files` returned.

    Raises:
        RefusedError: It is refused for another reason than the rules.
        CredentialsError: The credentials are refused.
        NetworkError: No connection, a time-out, or the server fails.
    """
    smallest = min(files, key=lambda file: file.bytes, default=None)
    try:
        connection.attempt(lambda: _sign(connection, slug, None if smallest is None else smallest.name))
    except Fault as fault:
        if fault.status == 403 and re.search(r"\brules?\b", fault.message, re.IGNORECASE):
            return False
        raise connection.error(fault, slug) from fault
    return True


def name_in_address(url: str) -> str:
    """The file's name that a signed address ends in.

    >>> name_in_address("https://bucket/a/train%20set.csv.zip?signature=x")
    'train set.csv.zip'
    """
    return unquote(urlsplit(url).path).rsplit("/", 1)[-1]


def _sign(connection: Connection, slug: str, name: str | None) -> str:
    from kagglesdk.competitions.types.competition_api_service import (
        ApiDownloadDataFileRequest,
        ApiDownloadDataFilesRequest,
    )

    api = connection.competitions
    if name is None:
        whole = ApiDownloadDataFilesRequest()
        whole.competition_name = slug
        response = api.download_data_files(whole)
    else:
        request = ApiDownloadDataFileRequest()
        request.competition_name, request.file_name = slug, name
        response = api.download_data_file(request)
    with response:
        location = response.headers.get("Location", "").strip()
        url = str(urljoin(response.url, location))
    # What was asked for over https is not fetched in the clear.
    schemes = ("https",) if urlsplit(response.url).scheme == "https" else ("https", "http")
    if not (location and response.is_redirect and urlsplit(url).scheme in schemes and urlsplit(url).hostname):
        raise NetworkError(
            f"{connection.endpoint.name} answers {response.status_code} and names no address to get `{name or slug}` "
            "from",
            "try again in a while",
        )
    return url


def _remote_file(file: Any) -> RemoteFile:
    name = str(file.name or file.ref or "")
    fault = _fault(name)
    if fault is not None:
        raise DataError(
            f"the list of files names `{repr(name)[1:-1]}`, which {fault}",
            "nothing was downloaded; get the data from a host that you trust",
        )
    created = file.creation_date
    return RemoteFile(name, int(file.total_bytes or 0), None if created is None else utc(created))


def _fault(name: str) -> str | None:
    """What is wrong with a file's name as the end of a sentence, None if nothing is."""
    parts = name.split("/")
    if not name or any(part in ("", ".") for part in parts[1:]) or parts[0] == ".":
        return "is no file's name"
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "is an absolute path"
    if ".." in parts or "\\" in name:
        return "climbs out of the folder"
    if re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", name):
        return "holds signs that cannot be shown"
    if any(len(part.encode()) > _MAX_PART for part in parts):
        return f"is longer than {_MAX_PART} bytes"
    return None


def _check_places(names: list[str]) -> None:
    """Refuse names of which one would overwrite another."""
    taken: set[str] = set()
    for name in names:
        if name in taken:
            raise DataError(f"the list of files names `{name}` twice", _AT_FAULT)
        taken.add(name)
    for name in names:
        for folder in PurePosixPath(name).parents:
            if str(folder) in taken:
                raise DataError(
                    f"the list of files names `{folder}` as a file and as the folder of `{name}`", _AT_FAULT
                )


_AT_FAULT = "the server is at fault; nothing was downloaded"
