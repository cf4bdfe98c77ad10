"""What has to hold before a download begins, checked in a few calls and refused with the page to open."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from aicomp.checkup import Check, check_disk, size_text
from aicomp.errors import AicompError, DataError, RefusedError, UsageError
from aicomp.kaggle.cache import Cache
from aicomp.kaggle.competitions import CompetitionInfo, find_competition
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.download import select_files
from aicomp.kaggle.endpoint import Endpoint
from aicomp.kaggle.files import RemoteFile, list_files, rules_accepted
from aicomp.raw_data import table_suffix

_SHOWN_FILES = 8


@dataclass(frozen=True)
class Clearance:
    """A download that nothing stands against.

    Attributes:
        info: The competition.
        files: What is to be downloaded.
        left_out: What is not, since a project has no use for it.
    """

    info: CompetitionInfo
    files: tuple[RemoteFile, ...]
    left_out: tuple[RemoteFile, ...]

    @property
    def folder(self) -> str:
        """The folder that all the files lie in, such as "data"; "." if they lie in several or in none."""
        parents = {str(PurePosixPath(f.name).parent) for f in self.files}
        return parents.pop() if len(parents) == 1 else "."

    @property
    def patterns(self) -> tuple[str, ...]:
        """The files as patterns that match them and nothing else; empty if they are all that there are."""
        return tuple(re.sub(r"([*?\[])", r"[\1]", f.name) for f in self.files) if self.left_out else ()


def check_before_download(connection: Connection, slug: str, patterns: Sequence[str] = ()) -> Clearance:
    """Check credentials, the competition, its rules, its files and the disk; nothing is downloaded.

    Args:
        connection: To the server.
        slug: The competition.
        patterns: Which files are wanted, such as "*.csv"; empty takes the tables of the outermost folder that
            has some.

    Raises:
        CredentialsError: They are refused.
        RefusedError: No such competition, or its rules are not accepted.
        UsageError: A pattern matches no file.
        DataError: There is no table among the files.
        NetworkError: No connection, a time-out, or the server fails.
        AicompError: The disk has no room.
    """
    connection.check_credentials()
    info = find_competition(connection, slug)
    if info.is_simulation and not patterns:
        raise UsageError(
            f"`{slug}` is a simulation, as {connection.endpoint.name} says: it takes agents, and has no tables",
            f"`aicomp init {slug} --template simulation --environment NAME` makes a project; `--file PATTERN` takes "
            "files all the same",
        )
    files = list_files(connection, slug)
    check_rules(connection, slug, files)
    chosen = choose_files(files, patterns, slug)
    disk = check_room_for(connection.endpoint, slug, chosen)
    if disk.status == "failed":
        raise AicompError(disk.detail, disk.hint)
    names = {f.name for f in chosen}
    return Clearance(info, tuple(chosen), tuple(f for f in files if f.name not in names))


def check_room_for(endpoint: Endpoint, slug: str, files: Sequence[RemoteFile]) -> Check:
    """Whether the disk has room for those files that are not in the cache yet."""
    cache = Cache(endpoint, slug)
    here = cache.sound(files)
    return check_disk(cache.folder, sum(f.bytes for f in files if f.name not in here))


def check_rules(connection: Connection, slug: str, files: Sequence[RemoteFile]) -> None:
    """Refuse a competition whose rules are not accepted, which a download would tell late and in other words.

    Args:
        connection: To the server.
        slug: The competition.
        files: Its files.

    Raises:
        RefusedError: They are not accepted.
        CredentialsError: The credentials are refused.
        NetworkError: No connection, a time-out, or the server fails.
    """
    if not rules_accepted(connection, slug, files):
        raise RefusedError(
            f"the rules of `{slug}` are not accepted, and {connection.endpoint.name} gives no file without",
            f"open {connection.endpoint.page(slug, 'rules')} in a browser, accept them, and run this again",
        )


def choose_files(files: Sequence[RemoteFile], patterns: Sequence[str], slug: str) -> list[RemoteFile]:
    """Those that a project needs, or that are asked for.

    Args:
        files: All files of the competition.
        patterns: What is asked for; empty takes the tables of the outermost folder that has some.
        slug: The competition, for messages.

    Raises:
        UsageError: A pattern matches no file.
        DataError: There is no table, or there are some in several folders side by side.
    """
    if patterns:
        return select_files(files, patterns)
    tables = [f for f in files if table_suffix(f.name) is not None]
    depth = min((f.name.count("/") for f in tables), default=0)
    tables = [f for f in tables if f.name.count("/") == depth]
    if len({PurePosixPath(f.name).parent for f in tables}) != 1:
        raise DataError(
            f"`{slug}` has no table to make a project of; its files: {listing(files)}",
            f"`kaggle competitions download {slug}` gets all; lay out train, test and sample submission as tables in a "
            "folder, and run `aicomp init FOLDER --metric NAME`",
        )
    return tables


def listing(files: Sequence[RemoteFile]) -> str:
    """Files with their sizes for a message: the first ones, and of what kinds the others are.

    >>> listing([RemoteFile("train.csv", 2_000, None), RemoteFile("images/1.png", 500, None)])
    'train.csv (2 kB), images/1.png (500 B)'
    """
    shown = ", ".join(f"{f.name} ({size_text(f.bytes)})" for f in files[:_SHOWN_FILES])
    rest = files[_SHOWN_FILES:]
    if not rest:
        return shown or "none"
    kinds = sorted({PurePosixPath(f.name).suffix or "without an ending" for f in rest})
    return f"{shown} and {len(rest)} more ({', '.join(kinds[:5])}, {size_text(sum(f.bytes for f in rest))})"
