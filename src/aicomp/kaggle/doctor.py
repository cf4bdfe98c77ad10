"""What can be told about a competition before work on it begins: the checks of `aicomp doctor`.

Nothing is downloaded and nothing is changed. `preflight.py` has the few of them that a command runs first, as errors.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from aicomp.checkup import Check, check_device, check_disk, check_versions, size_text
from aicomp.errors import AicompError, NetworkError
from aicomp.kaggle.cache import cache_root
from aicomp.kaggle.competitions import CompetitionInfo, find_competition
from aicomp.kaggle.connection import Connection, connect
from aicomp.kaggle.endpoint import Endpoint
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.files import RemoteFile, list_files, rules_accepted
from aicomp.kaggle.inventory import check_credentials
from aicomp.kaggle.patience import bucket_session, once
from aicomp.kaggle.preflight import check_room_for, listing
from aicomp.kaggle.submissions import read_limits
from aicomp.metrics import nearest_metrics, read_statement
from aicomp.metrics.statement import UNKNOWN


def examine(endpoint: Endpoint, slug: str | None) -> Iterator[Check]:
    """Look at everything, in the order in which one thing needs the other; what cannot be asked is left out.

    Args:
        endpoint: The server.
        slug: A competition; None looks at this machine, the network and the credentials alone.
    """
    yield check_versions()
    yield check_device()
    network = check_network(endpoint)
    yield network
    is_reachable = network.status != "failed"
    credentials = list(check_credentials(endpoint, is_reachable=is_reachable))
    yield from credentials
    if slug is None or not is_reachable or any(c.status == "failed" for c in credentials):
        yield check_disk(cache_root())
        return
    with connect(endpoint) as connection:
        yield from check_competition(connection, slug)


def check_network(endpoint: Endpoint) -> Check:
    """Whether the server answers at all, and by which proxy; any answer counts, and one try tells."""
    address = _address(endpoint)
    proxy = proxy_of(address)
    by = f" by the proxy {proxy}" if proxy else ""

    def knock() -> int:
        with bucket_session() as session, session.get(address, allow_redirects=False, stream=True) as response:
            return int(response.status_code)

    try:
        once(knock)
    except Fault as fault:
        message = f"{address} cannot be reached{by}: {fault.message}"
        hint = "check the connection; a proxy goes to `https_proxy`"
        if proxy:
            hint = "check `https_proxy` and `http_proxy`"
        elif endpoint.url is not None:
            hint = "check that the host runs at this address, and the connection"
        return Check.failed("network", NetworkError(message, hint))
    return Check("network", "ok", f"{address} answers{by}")


def _address(endpoint: Endpoint) -> str:
    """Where the typed client sends its calls."""
    if endpoint.url is not None:
        return endpoint.url
    from kagglesdk.kaggle_env import get_endpoint, get_env

    return str(get_endpoint(get_env()))


def proxy_of(address: str) -> str:
    """Host and port of the proxy that the environment names for an address; empty if there is none.

    The user and the password that may stand before them are left out.
    """
    from requests.utils import get_environ_proxies, select_proxy

    named = select_proxy(address, get_environ_proxies(address, no_proxy=None))
    if not named:
        return ""
    return urlsplit(named if "://" in named else f"//{named}").netloc.rpartition("@")[2]


def check_competition(connection: Connection, slug: str) -> Iterator[Check]:
    """Everything that the server says about a competition, as checks.

    Args:
        connection: To the server.
        slug: The competition.
    """
    try:
        info = find_competition(connection, slug)
    except AicompError as e:
        yield Check.failed("competition", e)
        return
    yield Check("competition", "ok", f"{info.title}, {info.url}")
    files: list[RemoteFile] | AicompError
    try:
        files = list_files(connection, slug)
    except AicompError as e:
        files = e
    yield _check_rules(connection, info, files)
    yield check_deadline(info)
    yield _check_submissions(connection, info)
    yield _check_kind(info)
    yield check_metric(info)
    if isinstance(files, AicompError):
        yield Check.failed("files", files)
        return
    yield _check_files(files)
    yield check_room_for(connection.endpoint, slug, files)


def _check_rules(connection: Connection, info: CompetitionInfo, files: list[RemoteFile] | AicompError) -> Check:
    """Whether the rules are accepted, which is what a download asks for, and whether the user takes part."""
    page = connection.endpoint.page(info.slug, "rules")
    try:
        accepted = rules_accepted(connection, info.slug, [] if isinstance(files, AicompError) else files)
    except AicompError as e:
        return Check.failed("rules", e)
    if not accepted:
        return Check("rules", "failed", "not accepted: no file may be downloaded", f"open {page} and accept them", 5)
    if not info.entered:
        return Check("rules", "warning", "accepted, and the competition is not entered", f"open {page} to join it")
    return Check("rules", "ok", "accepted, and the competition is entered")


def check_deadline(info: CompetitionInfo, now: datetime | None = None) -> Check:
    """Until when submissions count.

    Args:
        info: The competition.
        now: The time, in UTC; None takes the clock's.
    """
    if info.deadline is None:
        return Check("deadline", "ok", "none is said")
    left = info.deadline - (now or datetime.now(UTC))
    time = f"{info.deadline:%Y-%m-%d %H:%M} UTC"
    if left < timedelta():
        return Check("deadline", "warning", f"{time}, {_duration(-left)} ago", "what is sent now does not rank")
    status: Any = "warning" if left < timedelta(days=1) else "ok"
    return Check("deadline", status, f"{time}, {_duration(left)} left")


def _duration(time: timedelta) -> str:
    """A time in its largest unit, rounded down.

    >>> _duration(timedelta(days=2, hours=5)), _duration(timedelta(minutes=90)), _duration(timedelta(seconds=59))
    ('2 days', '1 hour', '0 minutes')
    """
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        n = time // length
        if n or unit == "minute":
            return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
    raise AssertionError("unreachable")


def _check_submissions(connection: Connection, info: CompetitionInfo) -> Check:
    """How many submissions are left today."""
    name = "submissions"
    if info.submissions_disabled:
        return Check(name, "warning", "the competition takes none", f"see {info.url}")
    try:
        limits = read_limits(connection, info.slug)
    except AicompError as e:
        # Who has not joined yet is refused here, which the rules' own check says better.
        return Check(name, "warning", e.message, e.hint)
    if limits is None or not limits.is_known:
        return Check(name, "ok", f"{info.max_daily_submissions or 'an unknown number'} a day, none sent yet")
    if limits.is_exhausted:
        which = "in all" if limits.is_limited_by_total else "today"
        hint = "" if limits.is_limited_by_total else "the day ends at midnight UTC"
        return Check(name, "warning", f"none is left {which}", hint)
    return Check(name, "ok", f"{limits.allowed_now} left today, {limits.today} sent")


def _check_kind(info: CompetitionInfo) -> Check:
    if info.notebook_only:
        return Check("takes", "ok", "notebooks, and no files: `aicomp submit --notebook`")
    return Check("takes", "ok", "files: `aicomp submit`")


def check_metric(info: CompetitionInfo) -> Check:
    """What the metric that the server names is called here."""
    if not info.metric:
        return Check("metric", "warning", "the server does not name it", "`aicomp init` takes it with `--metric NAME`")
    reading = read_statement(info.metric)
    hint = "read how submissions are scored, and give `aicomp init` the one that fits with `--metric NAME`"
    if reading.name is not None:
        return Check("metric", "ok", f"`{info.metric}`, here {reading.name}")
    if reading.names:
        what = f"`{info.metric}` may be {' or '.join(reading.names)} here: {reading.because}"
        return Check("metric", "warning", what, hint)
    why = f" ({reading.because})" if reading.because != UNKNOWN else ""
    near = ", ".join(nearest_metrics(info.metric))
    return Check("metric", "warning", f"`{info.metric}` is no metric of aicomp{why}; the nearest names: {near}", hint)


def _check_files(files: Sequence[RemoteFile]) -> Check:
    if not files:
        return Check("files", "warning", "none are listed")
    return Check("files", "ok", f"{len(files)}, {size_text(sum(f.bytes for f in files))}: {listing(files)}")
