"""Everything that a running host holds."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.host.bucket import Bucket
from aicomp.host.database import FILE_NAME, Database
from aicomp.host.downloads import Downloads
from aicomp.host.folder import HostedCompetition
from aicomp.host.grader import Grader
from aicomp.host.kernels import attach_kernels
from aicomp.host.submissions import Submissions, now_utc
from aicomp.host.uploads import Purpose, Uploads

if TYPE_CHECKING:
    from aicomp.host.kernels.runner import Runner


@dataclass(frozen=True)
class Settings:
    """How a host is set up.

    Attributes:
        state: Folder of the database, of uploads and of what teams made.
        max_submission_bytes: Most bytes of one submission.
        max_dataset_bytes: Most bytes of one file of a dataset.
        url_seconds: How long a signed address holds.
        stall_seconds: How long a client may be silent in the middle of a body.
        graders: Most submissions that are graded side by side.
        grade_seconds: Most seconds that one may take.
        grade_bytes: Most memory of one.
    """

    state: Path
    max_submission_bytes: int = 256 * 2**20
    max_dataset_bytes: int = 8 * 2**30
    url_seconds: int = 3600
    stall_seconds: float = 60
    graders: int = 2
    grade_seconds: float = 120
    grade_bytes: int = 4 * 2**30

    @property
    def incoming(self) -> Path:
        """Folder of files that web forms are sending."""
        return self.state / "incoming"


@dataclass
class Host:
    """A host: settings, memory, competitions, and the parts that act on them.

    Attributes:
        settings: How it is set up.
        database: Its memory.
        competitions: By slug.
        submissions: What teams submitted.
        uploads: Files that teams uploaded.
        bucket: Signed addresses of files.
        grader: Grades submissions, once it is started.
        now: The clock.
        kernels: Runs kernels, once it is started; None on a host without them.
        parts: What other parts of the host keep here, by their name.
    """

    settings: Settings
    database: Database
    competitions: Mapping[str, HostedCompetition]
    submissions: Submissions
    uploads: Uploads
    bucket: Bucket
    grader: Grader
    now: Callable[[], datetime] = now_utc
    kernels: "Runner | None" = None
    parts: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        """Start the processes of the host, and queue what is not graded yet."""
        self.uploads.remove_stale()
        if self.settings.incoming.is_dir():  # files of web forms that were cut by the end of the last server
            shutil.rmtree(self.settings.incoming)
        self.grader.start(self.submissions.pending())
        if self.kernels is not None:
            self.kernels.start()

    def stop(self) -> None:
        """Stop them; what is not graded is graded after the next start."""
        if self.kernels is not None:
            self.kernels.stop()
        self.grader.stop()


def open_host(
    settings: Settings, competitions: Mapping[str, HostedCompetition], *, now: Callable[[], datetime] = now_utc
) -> Host:
    """Put a host together; nothing runs before `Host.start`.

    Args:
        settings: How it is set up.
        competitions: By slug.
        now: The clock.

    Raises:
        AicompError: The state folder cannot be used.
    """
    database = Database(settings.state / FILE_NAME)
    submissions = Submissions(database, competitions, now=now)
    limits: dict[Purpose, int] = {
        "submission": settings.max_submission_bytes,
        "dataset": settings.max_dataset_bytes,
    }
    uploads = Uploads(database, settings.state / "uploads", limits)
    grader = Grader(
        competitions,
        submissions,
        uploads,
        n_workers=settings.graders,
        seconds=settings.grade_seconds,
        memory=settings.grade_bytes,
    )
    submissions.on_created = grader.put
    bucket = Bucket(database.secret("bucket"), settings.url_seconds, now=lambda: now().timestamp())
    Downloads(competitions, submissions, uploads, settings.state / "archives").serve_from(bucket)
    host = Host(settings, database, competitions, submissions, uploads, bucket, grader, now)
    attach_kernels(host)
    return host
