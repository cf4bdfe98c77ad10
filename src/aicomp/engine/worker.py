"""A worker process: `python -m aicomp.engine.worker PROJECT [--light] [--ends-with-parent]`.

Reads jobs from standard input and writes events to standard output, one JSON object a line each. It serves any number
of runs of one project, one job after the other. What the project's own code prints goes to standard error, so that it
cannot be taken for an event. A light one trains no folds and imports torch only if something else wants it.
With the last option it ends when its parent does, even in the middle of a fold.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

import msgspec

from aicomp.engine.jobs import Job
from aicomp.errors import AicompError


def main() -> None:
    """Do the jobs that the parent process names, until it closes standard input."""
    # Ctrl-C reaches every process of the terminal; the parent decides what ends and says so once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if "--ends-with-parent" in sys.argv:
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        _work(Path(sys.argv[1]), events, trains="--light" not in sys.argv)
    except BrokenPipeError:
        sys.exit(1)  # the parent is gone: nobody waits for this fold


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(project: Path, events: TextIO, *, trains: bool) -> None:
    from aicomp.engine.budget import TooSlow
    from aicomp.engine.tasks import accelerator, do, use_threads

    _send(events, {"event": "ready", "accelerator": accelerator() if trains else "cpu"})
    for line in sys.stdin:
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
