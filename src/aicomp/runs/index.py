"""A list of 10,000 runs in a fraction of the time: what was read of them before, as long as it is still true.

`runs/.index.sqlite` holds the facts of runs that are done, each beside the times, sizes and numbers of the files that
they were read from. It is a cache: it may be removed at any time, and what does not fit a run's folder any more, or is
damaged, is read anew. The file is never changed in place: a new one takes its name, so that two processes cannot hurt
each other and no lock is held. Whichever writes last wins; what it does not know is read again the next time.
"""

import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec

from aicomp.errors import AicompError, DataError
from aicomp.files import partial_file
from aicomp.run import Run
from aicomp.runs import notes
from aicomp.runs.facts import Facts, read_facts

FILE = ".index.sqlite"
"""In the folder of the runs."""

_FORMAT = 1
"""To be raised whenever `Facts` or the table changes: an index of another format is none."""

_FILES = ("", "run.json", "scores.json")
"""What an entry hangs on. The first is the folder itself, whose time changes when a file in it is made, replaced or
removed. Results of folds are not among them: nothing writes them when the run is done."""

_OPTIONAL_FILES = ("submission.json", notes.FILE)
"""Those that a run has or has not; that one appears is seen by the folder's time."""

_UNSURE_NS = 2_000_000_000
"""A file that was changed this long ago may be changed once more within the resolution of its time: nothing that was
read from it is kept."""


@dataclass(frozen=True)
class _Entry:
    """What the index holds of a run.

    Attributes:
        files: Names of the files it hangs on, with "/" between them.
        stamp: Their times, sizes and numbers.
        content: The facts, as JSON.
    """

    files: str
    stamp: str
    content: bytes


def list_facts(runs: Path, note: Callable[[str], None] = lambda sentence: None) -> list[Facts]:
    """The facts of all runs of a project, oldest first; a folder without `run.json` is none.

    Args:
        runs: Folder of the runs.
        note: Told why the index could not be kept, if so; the facts are right all the same.

    Raises:
        DataError: A run is damaged.
    """
    if not runs.is_dir():
        return []
    path = runs / FILE
    known = _read(path)
    facts, entries, n_kept = [], {}, 0
    decoder = msgspec.json.Decoder(Facts)
    for name in _folders(runs):
        found, entry = _take(f"{runs}{os.sep}{name}", known.get(name), decoder)
        n_kept += found is not None
        if found is None:
            if not (runs / name / "run.json").is_file():
                continue
            try:
                found, entry = _read_anew(Run(runs / name))
            except DataError:
                if not (runs / name / "run.json").is_file():
                    continue  # removed just now, by another process
                raise
        facts.append(found)
        if entry is not None:
            entries[name] = entry
    if len(entries) > n_kept or n_kept < len(known):
        try:
            _write(path, entries)
        except (AicompError, sqlite3.Error) as e:
            note(f"`{path}` cannot be written, so that long lists take longer: {e}")
    return facts


def _folders(runs: Path) -> list[str]:
    with os.scandir(runs) as found:
        return sorted(entry.name for entry in found if entry.is_dir())


def _take(
    folder: str, entry: _Entry | None, decoder: "msgspec.json.Decoder[Facts]"
) -> tuple[Facts | None, _Entry | None]:
    """The facts of an entry that still fits its run's folder, else none."""
    if entry is None or _stamp(folder, entry.files.split("/"))[0] != entry.stamp:
        return None, None
    try:
        return decoder.decode(entry.content), entry
    except msgspec.DecodeError:
        return None, None  # of another version, or by another program: it is read anew


def _read_anew(run: Run) -> tuple[Facts, _Entry | None]:
    """The facts of a run, and an entry if they may be kept: those of one that is unfinished change all the time."""
    folder = str(run.folder)
    files = [*_FILES, *(name for name in _OPTIONAL_FILES if (run.folder / name).is_file())]
    before, newest = _stamp(folder, files)
    facts = read_facts(run)
    if not facts.is_done or newest > time.time_ns() - _UNSURE_NS or _stamp(folder, files)[0] != before:
        return facts, None
    return facts, _Entry("/".join(files), before, msgspec.json.encode(facts))


def _stamp(folder: str, files: Iterable[str]) -> tuple[str, int]:
    """Time, size and number of each file, and the newest of the times; an empty stamp if one is not there."""
    parts, newest = [], 0
    for name in files:
        try:
            found = os.stat(f"{folder}{os.sep}{name}")  # noqa: PTH116 - a Path takes longer than the call itself
        except OSError:
            return "", time.time_ns()
        parts.append(f"{found.st_mtime_ns} {found.st_size} {found.st_ino}")
        newest = max(newest, found.st_mtime_ns)
    return ";".join(parts), newest


def _read(path: Path) -> dict[str, _Entry]:
    """The entries of an index by run; none where it is absent, damaged or of another format."""
    if not path.is_file():
        return {}
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
        try:
            if connection.execute("PRAGMA user_version").fetchone() != (_FORMAT,):
                return {}
            rows = connection.execute("SELECT run, files, stamp, content, checksum FROM runs").fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        return {}  # a cache that cannot be read: all runs are read anew, and it is written anew
    return {
        run: _Entry(files, stamp, content)
        for run, files, stamp, content, checksum in rows
        if isinstance(content, bytes) and checksum == _checksum(run, files, stamp, content)
    }


def _write(path: Path, entries: dict[str, _Entry]) -> None:
    with partial_file(path) as temporary:
        temporary.unlink(missing_ok=True)  # of a process that had the same number and was killed
        connection = sqlite3.connect(temporary)
        try:
            # Nobody sees this file before it is whole: it needs no journal.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
            connection.execute(
                "CREATE TABLE runs (run TEXT PRIMARY KEY, files TEXT NOT NULL, stamp TEXT NOT NULL, "
                "content BLOB NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID"
            )
            connection.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", _rows(entries))
            connection.commit()
        finally:
            connection.close()


def _rows(entries: dict[str, _Entry]) -> Sequence[tuple[str, str, str, bytes, int]]:
    return [
        (run, e.files, e.stamp, e.content, _checksum(run, e.files, e.stamp, e.content)) for run, e in entries.items()
    ]


def _checksum(run: str, files: str, stamp: str, content: bytes) -> int:
    """SQLite finds a damaged page, not a damaged number on it."""
    return zlib.crc32(content, zlib.crc32(f"{run}\0{files}\0{stamp}".encode()))
