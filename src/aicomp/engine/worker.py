"""A worker process: `python -m aicomp.engine.worker PROJECT [--light]`.

Reads jobs from standard input and writes events to standard output, one JSON object a line each. It serves any number
of runs of one project, one job after the other. What the project's own code prints goes to standard error, so that it
cannot be taken for an event. A light one trains no folds and imports torch only if something else wants it.
"""

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import msgspec

from aicomp import stopping
from aicomp.engine.jobs import Job
from aicomp.errors import AicompError


def main() -> None:
    """Do the jobs that the parent process names, until it closes standard input."""
    # Ctrl-C reaches every process of the terminal; the parent decides what ends and says so once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _on_sigterm)
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        _work(Path(sys.argv[1]), events, trains="--light" not in sys.argv)
    except BrokenPipeError:
        sys.exit(1)  # the parent is gone: nobody waits for this fold
    except stopping.Stopped:
        os._exit(128 + signal.SIGTERM)  # its state is kept, and nothing else is worth a second


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    if not stopping.ask():
        os._exit(128 + number)


def _work(project: Path, events: TextIO, *, trains: bool) -> None:
    from aicomp.engine.budget import TooSlow
    from aicomp.engine.tasks import accelerator, do, use_threads

    _send(events, {"event": "ready", "accelerator": accelerator() if trains else "cpu"})
    for line in _lines():
        job = msgspec.json.decode(line, type=Job)
        if trains:
            use_threads(job.threads)

        def tell(content: dict[str, Any]) -> None:
            _send(events, content)

        try:
            result = do(job, project, tell)
        except BrokenPipeError:
            raise
        except TooSlow as e:
            _send(events, {"event": "slow", "rounds": e.rounds, "total": e.total})
        except AicompError as e:
            _send(events, {"event": "error", "kind": type(e).__name__, "message": e.message, "hint": e.hint})
        except Exception:
            _send(events, {"event": "crash", "traceback": traceback.format_exc()})
        else:
            _send(events, {"event": "done", "result": result, "peak": _peak_memory()})


def _lines() -> Iterator[str]:
    """What the parent writes, without end: where it is gone, this process ends at once, in the middle of a job too.

    Else what has no epochs to tell of would train on, beside the processes of the command that is given next.
    """
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield lines.get()


def _peak_memory() -> int:
    """Most memory that this process ever had, in bytes; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # on Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _send(events: TextIO, content: dict[str, Any]) -> None:
    events.write(json.dumps(content) + "\n")
    events.flush()


if __name__ == "__main__":
    main()
