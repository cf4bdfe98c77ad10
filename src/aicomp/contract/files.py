"""Columns that name image or sound files, and who is heard or seen in them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aicomp.contract.columns import Ids, Targets
from aicomp.contract.inquiry import Inquiry
from aicomp.contract.tables import Tables
from aicomp.data.media_files import MediaColumn, MediaIndex, find_media, resolved

_WHO = re.compile(
    r"speaker|singer|patient|subject|person|people|participant|author|user|student|animal|individual|device|camera|site"
    r"|location|session|recording|slide|group"
)
_FEWEST_ROWS = 3
"""Rows that a group has on average, else its rows need not be kept together."""


@dataclass(frozen=True)
class FilesFound:
    """Columns that name files.

    Attributes:
        columns: The columns.
        tops: See `Files.media`.
    """

    columns: tuple[MediaColumn, ...] = ()
    tops: tuple[str, ...] = ()


def find_files(ids: Ids, targets: Targets, tables: Tables, folder: Path) -> FilesFound:
    """Columns of train and test, ids included, that name image or sound files of a folder."""
    index = MediaIndex.of(folder)
    if not index.paths:
        return FilesFound()
    frames = []
    for table in (tables.train, tables.test):
        named = [c for c in ids.columns if c in table.columns]
        frame = table.frame.drop(columns=[c for c in targets.columns if c in table.columns])
        frames.append(frame.assign(**{c: table.strings(named)[c] for c in named}))
    train, test = frames
    found = find_media(train, test, index, bare=set(ids.columns))
    tops: set[str] = set()
    for column in found:
        paths = resolved(train[column.name], column.train, index), resolved(test[column.name], column.test, index)
        tops |= column.tops(*paths)
    return FilesFound(tuple(found), tuple(sorted(tops)))


def find_group(media: Sequence[MediaColumn], lacking: Sequence[str], tables: Tables, inquiry: Inquiry) -> str | None:
    """The column that says who is heard or seen, where train alone has it: test then holds others.

    Args:
        media: Columns that name files; without any, nothing is proposed.
        lacking: Columns that test lacks.
        tables: The tables.
        inquiry: Told the reason.
    """
    train = tables.train.frame
    for name in lacking if media else ():
        n_distinct = train[name].nunique()
        if _WHO.search(name.lower()) and 2 <= n_distinct <= len(train) / _FEWEST_ROWS and train[name].notna().all():
            inquiry.found(
                "group",
                name,
                f"{n_distinct} of them, which {tables.test.name} does not name: folds are of whole groups",
            )
            return name
    return None
