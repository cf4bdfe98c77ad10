"""The downloaded files of a competition, shared by all projects of a user.

<cache>/hosts/<host>/<slug>/
  files/           the files under the names of the list
  manifest.json    name, size, SHA-256 and ETag of each, written last: as long as it stands, nothing is in motion
  received.jsonl   the same, a line per file, while a download runs or after it was cut
  parts/           files that are not whole yet
  lock             held by the process that downloads
"""

import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from aicomp.files import atomic_write, writing
from aicomp.kaggle.competitions import check_slug
from aicomp.kaggle.digest import file_sha256
from aicomp.kaggle.endpoint import KAGGLE, Endpoint
from aicomp.kaggle.files import RemoteFile
from aicomp.kaggle.partial import boot

CACHE_VARIABLE = "AICOMP_CACHE"
"""Names another folder for the cache."""


@dataclass(frozen=True)
class Downloaded:
    """A file in the cache.

    Attributes:
        name: Its name in the list.
        size: Its bytes.
        sha256: Their SHA-256 in hex. "" if they came too fast to be hashed on the way: it is computed when they are
            next asked for; if that is after a reboot, they are fetched again, which is as fast as it was.
        etag: The bucket's ETag of what was sent, "" if it gave none.
        listed: Size and date in the list: where they change, the file is another.
        mtime_ns: When it was written, in nanoseconds since 1970: where that changes, its SHA-256 is computed again.
        boot: Boot in which its SHA-256 was last computed: after another one the disk may show other bytes than were
            written, so it is computed again. "" if the bytes were flushed.
    """

    name: str
    size: int
    sha256: str
    etag: str
    listed: str
    mtime_ns: int
    boot: str


def cache_root() -> Path:
    """The folder of all that may be downloaded again: `AICOMP_CACHE`, else the user's cache folder."""
    import platformdirs

    named = os.environ.get(CACHE_VARIABLE, "").strip()
    return Path(named).expanduser() if named else platformdirs.user_cache_path("aicomp", appauthor=False)


def cache_folder(endpoint: Endpoint, slug: str) -> Path:
    """Where the files of a competition of a server lie, or would lie."""
    host = KAGGLE if endpoint.url is None else re.sub("[^A-Za-z0-9.-]+", "_", endpoint.url.split("://", 1)[1])
    return cache_root() / "hosts" / host / check_slug(slug)


def stamp_of(file: RemoteFile) -> str:
    """What the list says of a file, as a text that changes when the file does."""
    return f"{file.bytes} {file.created.isoformat() if file.created else ''}".strip()


class Cache:
    """The cache of one competition of one server."""

    def __init__(self, endpoint: Endpoint, slug: str) -> None:
        self.folder = cache_folder(endpoint, slug)
        self.files = self.folder / "files"
        self.parts = self.folder / "parts"
        self.manifest = self.folder / "manifest.json"
        self._journal = self.folder / "received.jsonl"
        self._writes = threading.Lock()

    @contextmanager
    def lock(self, on_wait: Any) -> Iterator[None]:
        """Hold the cache alone; `on_wait()` is called once if another process holds it."""
        from filelock import FileLock, Timeout

        with writing(self.folder):
            # Data of a competition is for those who accepted its rules: not for every user of this machine.
            cache_root().mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                on_wait()
                lock.acquire(poll_interval=0.2)
        try:
            yield
        finally:
            lock.release()

    def sound(self, listed: Iterable[RemoteFile]) -> dict[str, Downloaded]:
        """Files that are here, are what the list has now, and were not changed since they came; by name."""
        stamps = {file.name: stamp_of(file) for file in listed}
        found = {}
        for entry in self._entries():
            if stamps.get(entry.name) == entry.listed:
                checked = self._check(entry)
                if checked is not None:
                    found[entry.name] = checked
        return found

    def is_current(self, entries: Iterable[Downloaded]) -> bool:
        """Whether the manifest says just this."""
        return self.manifest.is_file() and self._entries() == sorted(entries, key=lambda entry: entry.name)

    def begin(self, entries: Iterable[Downloaded]) -> None:
        """Take the manifest away and keep what it said of these files; files that it says nothing of are removed."""
        kept = list(entries)
        atomic_write(self._journal, "".join(_line(entry) for entry in kept))
        self.manifest.unlink(missing_ok=True)
        names = {entry.name for entry in kept}
        for path in self.files.rglob("*") if self.files.is_dir() else ():
            if not path.is_dir() and path.relative_to(self.files).as_posix() not in names:
                path.unlink()

    def record(self, entry: Downloaded) -> None:
        """Take note of a file that is whole, checked and in its place."""
        with self._writes, writing(self._journal), self._journal.open("a", encoding="utf-8") as file:
            file.write(_line(entry))

    def finish(self, entries: Iterable[Downloaded], *, is_whole: bool) -> None:
        """Write the manifest, and remove what only an unfinished download needs."""
        ordered = sorted(entries, key=lambda entry: entry.name)
        content = {"whole": is_whole, "files": [asdict(entry) for entry in ordered]}
        atomic_write(self.manifest, json.dumps(content, indent=1) + "\n")
        self._journal.unlink(missing_ok=True)
        if is_whole:
            shutil.rmtree(self.parts, ignore_errors=True)

    def receipt(self, name: str, sha256: str, etag: str, listed: str) -> Downloaded:
        """The entry of a file that lies in its place."""
        stat = (self.files / name).stat()
        return Downloaded(name, stat.st_size, sha256, etag, listed, stat.st_mtime_ns, boot())

    def _check(self, entry: Downloaded) -> Downloaded | None:
        path = self.files / entry.name
        if path.is_symlink() or not path.is_file():
            return None
        stat = path.stat()
        if stat.st_size != entry.size:
            return None
        is_untouched = stat.st_mtime_ns == entry.mtime_ns and entry.boot in ("", boot())
        if entry.sha256 and is_untouched:
            return entry
        sha256 = file_sha256(path)
        if not (is_untouched or sha256 == entry.sha256):
            return None
        return replace(entry, sha256=sha256, mtime_ns=stat.st_mtime_ns, boot=entry.boot and boot())

    def _entries(self) -> list[Downloaded]:
        """What is written of files that came; a line or a file that a cut left unfinished says nothing."""
        try:
            content = json.loads(self.manifest.read_text(encoding="utf-8"))
            rows = [*content["files"]]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            rows = []
        try:
            text = self._journal.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            text = ""
        return [entry for entry in (*map(_entry, rows), *map(_parsed, text.splitlines())) if entry is not None]


def _line(entry: Downloaded) -> str:
    return json.dumps(asdict(entry)) + "\n"


def _parsed(line: str) -> Downloaded | None:
    try:
        return _entry(json.loads(line))
    except ValueError:
        return None


def _entry(row: Any) -> Downloaded | None:
    try:
        return Downloaded(**row)
    except TypeError:
        return None
