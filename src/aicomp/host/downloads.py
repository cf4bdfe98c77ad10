"""The files of competitions and submissions behind the bucket's addresses."""

import hashlib
import os
import shutil
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

from aicomp.files import partial_file
from aicomp.host.bucket import Bucket
from aicomp.host.folder import HostedCompetition
from aicomp.host.submissions import Submissions
from aicomp.host.uploads import Uploads
from aicomp.host.wire import ApiError

_CHUNK = 2**20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold: archives of the same files are the same bytes


class Downloads:
    """Finds the files, and builds the archives of all files of a competition.

    Args:
        competitions: By slug.
        submissions: What teams submitted.
        uploads: Where that lies.
        folder: Where archives are kept.
    """

    def __init__(
        self,
        competitions: Mapping[str, HostedCompetition],
        submissions: Submissions,
        uploads: Uploads,
        folder: Path,
    ) -> None:
        self._competitions = competitions
        self._submissions = submissions
        self._uploads = uploads
        self._folder = folder
        self._lock = threading.Lock()

    def serve_from(self, bucket: Bucket) -> None:
        """Register the kinds "data", "archives" and "submissions"."""
        bucket.add("data", self.data_file)
        bucket.add("archives", self.archive)
        bucket.add("submissions", self.submission)

    def data_file(self, rest: str) -> Path:
        """The file for "{slug}/{name}": only a name that is listed is ever joined to a folder."""
        slug, _, name = rest.partition("/")
        competition = self._competition(slug)
        if name not in {file.name for file in competition.files}:
            raise ApiError(404, "No such file.")
        return competition.folder / name

    def archive(self, rest: str) -> Path:
        """The archive for "{slug}/{slug}.zip", built when it is first asked for."""
        slug = rest.partition("/")[0]
        competition = self._competition(slug)
        path = self._folder / f"{slug}-{_fingerprint(competition)}.zip"
        with self._lock:
            if not path.is_file():
                for old in self._folder.glob(f"{slug}-{'?' * 16}.zip"):
                    old.unlink()
                _build(competition, path)
        return path

    def submission(self, rest: str) -> Path:
        """The file for "{ref}/{file name}"."""
        number = rest.partition("/")[0]
        submission = self._submissions.get(int(number)) if number.isdecimal() and len(number) < 19 else None
        if submission is None:
            raise ApiError(404, "No such submission.")
        return self._uploads.get(submission.blob_token).path

    def _competition(self, slug: str) -> HostedCompetition:
        if slug not in self._competitions:
            raise ApiError(404, "No such competition.")
        return self._competitions[slug]


def _fingerprint(competition: HostedCompetition) -> str:
    digest = hashlib.sha256()
    for file in competition.files:
        status = (competition.folder / file.name).stat()
        digest.update(f"{file.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:16]


def _build(competition: HostedCompetition, path: Path) -> None:
    """Store the files in a zip, one piece at a time; its date is that of the newest of them."""
    with partial_file(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for file in competition.files:
                info = zipfile.ZipInfo(file.name, _EPOCH)
                info.external_attr = 0o644 << 16
                info.file_size = (competition.folder / file.name).stat().st_size
                with (competition.folder / file.name).open("rb") as reader, archive.open(info, "w") as writer:
                    shutil.copyfileobj(reader, writer, _CHUNK)
        newest = max((file.mtime.timestamp() for file in competition.files), default=0.0)
        os.utime(temporary, (newest, newest))
