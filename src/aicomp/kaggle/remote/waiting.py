"""Wait for a notebook that trains, and tell its log as it grows."""

import time
from collections.abc import Callable
from pathlib import Path

from aicomp.errors import AicompError, NetworkError
from aicomp.files import atomic_write
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.notebook.push import FAILED, QUEUE_SECONDS, Kernel, output_of, session_of
from aicomp.kaggle.notebook.state import State

FIRST_POLL = 5.0
LONGEST_POLL = 30.0
OUTAGE_SECONDS = 3600.0
"""How long a host may give no answer before the wait ends; the notebook does not notice."""

LAST_LINES = 15
AGAIN = "the notebook goes on; the same command waits for it again"


class Log:
    """A log of which the new part is told each time.

    Args:
        say: Told each new line.
        path: Where all of it is kept.
    """

    def __init__(self, say: Callable[[str], None], path: Path) -> None:
        self._say, self._path = say, path
        self.text = ""
        self._told = 0

    def update(self, text: str, *, is_whole: bool = False) -> None:
        """Tell what is new; of a last line that is not whole yet nothing is told."""
        if len(text) > len(self.text):
            self.text = text
            atomic_write(self._path, text)
        end = len(self.text) if is_whole else self.text.rfind("\n") + 1
        for line in self.text[self._told : end].splitlines():
            self._say(line)
        self._told = max(self._told, end)


def wait(
    connection: Connection,
    kernel: Kernel,
    state: State,
    log: Log,
    hours: float,
    on_status: Callable[[str, float], None],
) -> None:
    """Look at the notebook with growing pauses until it has run; what the host does meanwhile is borne with patience.

    Args:
        connection: To the host.
        kernel: The notebook.
        state: Takes that a failure was reported.
        log: Tells and keeps what the notebook says.
        hours: After which the notebook is ended.
        on_status: Told each new status, and the seconds waited.

    Raises:
        AicompError: It failed; with the end of its log.
        NetworkError: The host gives no answer for an hour, or the notebook has not ended in time.
    """
    started = answered = time.monotonic()
    pause, last = FIRST_POLL, ""
    while True:
        try:
            status, message = session_of(connection, kernel.owner, kernel.slug)
            if status != "QUEUED":
                log.update(_log_of(connection, kernel, status), is_whole=status != "RUNNING")
            answered = time.monotonic()
        except (Fault, NetworkError) as fault:
            _bear(connection, fault, time.monotonic() - answered)
            time.sleep(pause)
            continue
        waited = time.monotonic() - started
        if status != last:
            last, pause = status, FIRST_POLL
            on_status(status, waited)
        if status == "COMPLETE":
            return
        if status in FAILED:
            raise _failed(connection, kernel, state, log, status, message)
        if waited > hours * 3600 + QUEUE_SECONDS:
            raise NetworkError(
                f"the notebook {kernel.owner}/{kernel.slug} is {status} after {waited / 3600:.1f} hours", AGAIN
            )
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)


def _log_of(connection: Connection, kernel: Kernel, status: str) -> str:
    """What the notebook has said so far; "" where the host does not tell before the end."""
    try:
        return output_of(connection, kernel)[0]
    except NetworkError:
        raise
    except AicompError:
        if status != "RUNNING":
            raise
        return ""


def _bear(connection: Connection, fault: Fault | NetworkError, seconds: float) -> None:
    """Go on where another look may help, and for an hour at most.

    Raises:
        AicompError: It will not help.
    """
    error = connection.error(fault) if isinstance(fault, Fault) else fault
    if not isinstance(error, NetworkError):
        raise error
    if seconds > OUTAGE_SECONDS:
        raise NetworkError(f"{error.message} ({seconds / 60:.0f} minutes without an answer)", AGAIN) from fault


def _failed(connection: Connection, kernel: Kernel, state: State, log: Log, status: str, message: str) -> AicompError:
    state.host(connection.endpoint.host)["reported"] = True
    state.save()
    end = "\n".join(log.text.rstrip().splitlines()[-LAST_LINES:])
    path = state.path.parent / "kernel.log"
    seen = f"its log is `{path}`; " if path.is_file() else ""
    again = "the same command pushes it anew"
    if any(word in f"{message} {status}".casefold() for word in ("longer than", "time limit", "timeout", "timed out")):
        again = "give it more hours: `--set notebook.hours=12`, or train less"
    why = f": {message}" if message else ""
    ended = f"the notebook {kernel.owner}/{kernel.slug} ended as {status}{why}"
    return AicompError(f"{ended}\n{end}".rstrip(), f"{seen}{again}")
