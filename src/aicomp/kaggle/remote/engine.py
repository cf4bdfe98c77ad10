"""Train a project on Kaggle's machines: push it, wait, and bring back what came of it.

All that is known lies in `runs/.kaggle/<hash>/`: the hash is that of code, config, contract, hashes of the data, this
program and what was asked, so that the same command finds what an earlier one has begun, however that ended.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from filelock import FileLock, Timeout

from aicomp.cross_validation import check
from aicomp.errors import AicompError, UsageError
from aicomp.kaggle.connection import Connection, connect
from aicomp.kaggle.endpoint import Endpoint
from aicomp.kaggle.notebook.dataset import ensure_dataset
from aicomp.kaggle.notebook.pack import check_packed, title_of
from aicomp.kaggle.notebook.push import Kernel, Wanted, ensure_pushed, status_of
from aicomp.kaggle.notebook.state import State
from aicomp.kaggle.remote.arrival import check_origin, fetch_runs, place_runs
from aicomp.kaggle.remote.job import Job, Wish, make_job
from aicomp.kaggle.remote.refusals import refused_machine
from aicomp.kaggle.remote.source import UTC_OFFSET
from aicomp.kaggle.remote.waiting import AGAIN, Log, wait
from aicomp.project import Project
from aicomp.run import Run


@dataclass(frozen=True)
class Remote:
    """What came of a training elsewhere.

    Attributes:
        runs: The runs, oldest first; the last one is that of the command.
        outcome: What `aicomp train --json` printed there.
        where: Host, kernel, version, address.
        notes: Sentences about what differed there.
    """

    runs: list[Run]
    outcome: dict[str, Any]
    where: dict[str, Any]
    notes: list[str]


def kernel_settings(job: Job, owner: str, attempt: int) -> dict[str, Any]:
    """Everything that is sent to make the notebook, but its text."""
    settings = {
        "slug": f"{owner}/{job.kernel_slug(attempt)}",
        "new_title": title_of(job.kernel_slug(attempt)),
        "language": "python",
        "kernel_type": "script",
        "is_private": True,
        "enable_internet": job.wish.internet,
        "enable_gpu": job.wish.gpu,
        "competition_data_sources": [job.competition],
        "dataset_data_sources": [f"{owner}/{job.dataset_slug}"],
        "session_timeout_seconds": int(job.wish.hours * 3600),
    }
    return {**settings, "machine_shape": job.wish.machine} if job.wish.machine else settings


def train_remotely(
    project: Project,
    endpoint: Endpoint,
    wish: Wish,
    *,
    fresh: bool = False,
    is_alone: bool = True,
    say: Callable[[str], None] = lambda line: None,
    on_log: Callable[[str], None] = lambda line: None,
) -> Remote:
    """Train a project on a host's machines; the same call after a cut goes on where that was.

    Args:
        project: The project.
        endpoint: Kaggle, or a host in its place.
        wish: What is asked of the machine.
        fresh: Push a new notebook even if one is there.
        is_alone: Whether one run with the project's own config is expected.
        say: Told what happens.
        on_log: Told each line of the notebook's log as it comes.

    Raises:
        UsageError: The project cannot be packed.
        DataError: Its data is damaged, or what came back is.
        CredentialsError: There are none, or they are refused.
        RefusedError: Rules, quota, or a phone that is not verified.
        NetworkError: The host cannot be reached, or has no machine now.
        AicompError: The training failed there, or another command waits for it.
    """
    if not 0 < wish.hours <= 24:
        raise UsageError(f"`notebook.hours` is {wish.hours:g}", "write for example `--set notebook.hours=9`")
    expected: dict[str, Any] = json.loads(json.dumps(check(project)))  # as `run.json` holds it
    job = make_job(project, wish)
    job.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(job.folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AicompError("another command waits for this very notebook", "wait for that one to end") from None
    try:
        with connect(endpoint) as connection:
            return _train(connection, project, job, expected, fresh=fresh, is_alone=is_alone, say=say, on_log=on_log)
    finally:
        lock.release()


def _train(
    connection: Connection,
    project: Project,
    job: Job,
    expected: dict[str, Any],
    *,
    fresh: bool,
    is_alone: bool,
    say: Callable[[str], None],
    on_log: Callable[[str], None],
) -> Remote:
    owner = connection.check_credentials()
    state = State.at(job.folder / "state.json", job.sha256)
    known = state.host(connection.endpoint.host)
    while fresh and status_of(connection, owner, job.kernel_slug(known["attempt"])) is not None:
        known.update(attempt=known["attempt"] + 1, reported=False, version=None, arrived=None)
        state.save()
    arrived = known.get("arrived")
    if arrived and all(Run(project.runs / name).is_done for name in arrived["runs"]):
        say(f"trained before, by {arrived['where']['kernel']}; `--fresh` trains anew")
        return Remote([Run(project.runs / name) for name in arrived["runs"]], arrived["outcome"], arrived["where"], [])
    kernel = _pushed(connection, owner, job, state, say)
    page = f"{connection.endpoint.url or 'https://www.kaggle.com'}/code/{kernel.owner}/{kernel.slug}"
    say(f"waiting for {page}")
    try:
        wait(
            connection,
            kernel,
            state,
            Log(on_log, job.folder / "kernel.log"),
            job.wish.hours,
            lambda status, seconds: say(f"the notebook is {status.lower()}, after {seconds:.0f} s"),
        )
    except KeyboardInterrupt:
        say(AGAIN)
        raise
    arrival = fetch_runs(connection, kernel, job)
    where = {
        "host": connection.endpoint.host,
        "kernel": f"{kernel.owner}/{kernel.slug}",
        "version": kernel.version,
        "url": page,
        "accelerator": "gpu" if job.wish.gpu else "none",
    }
    notes = [note for name in arrival.runs for note in _checked(Run(arrival.folder / name), expected, is_alone)]
    runs = place_runs(project, arrival, where)
    known["arrived"] = {"runs": [run.id for run in runs], "outcome": arrival.outcome, "where": where}
    state.save()
    for left in ("pack", "incoming"):
        shutil.rmtree(job.folder / left)
    return Remote(runs, arrival.outcome, where, list(dict.fromkeys(notes)))


def _checked(run: Run, expected: dict[str, Any], is_alone: bool) -> list[str]:
    if run.kind != "train":  # a blend knows its members, which are checked
        return []
    return check_origin(run, expected, is_alone=is_alone)


def _pushed(connection: Connection, owner: str, job: Job, state: State, say: Callable[[str], None]) -> Kernel:
    check_packed(job.files)
    ensure_dataset(connection, owner, job, state, say)
    wanted = Wanted(
        owner,
        job.competition,
        job.kernel_slug,
        lambda attempt: kernel_settings(job, owner, attempt),
        job.kernel_text.replace(UTC_OFFSET, str(time.localtime().tm_gmtoff)),
        lambda reason: refused_machine(connection.endpoint, reason),
    )
    return ensure_pushed(connection, wanted, state, say)


def check_possible(project: Project, endpoint: Endpoint) -> None:
    """Refuse what Kaggle's machines could not find.

    Raises:
        UsageError: The competition is not on the host, or pseudo-labels hang on a run that is here.
    """
    if project.competition.host == "local" and endpoint.url is None:
        raise UsageError(
            f"`{project.competition.slug}` is graded here, and Kaggle does not have its files",
            "leave out `--engine`, or name a host that has them: `AICOMP_HOST=http://...`",
        )
    if project.config.pseudo.run:
        raise UsageError(
            "pseudo-labels do not go with `--engine kaggle`: the run that labels is here", "leave out one of them"
        )
