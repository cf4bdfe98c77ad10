"""A worker process: `python -m aicomp.engine.worker RUN PROJECT`.

Reads fold numbers from standard input, one a line, and writes events to standard output, one JSON object a line.
What the project's own code prints goes to standard error, so that it cannot be taken for an event.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

import msgspec

from aicomp.errors import AicompError
from aicomp.run import Run


def main() -> None:
    """Train the folds that the parent process names, until it closes standard input."""
    # Ctrl-C reaches every process of the terminal; the parent decides what ends and says so once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    run, project = Run(Path(sys.argv[1])), Path(sys.argv[2])
    try:
        _work(run, project, events)
    except BrokenPipeError:
        sys.exit(1)  # the parent is gone: nobody waits for this fold


def _work(run: Run, project: Path, events: TextIO) -> None:
    import torch

    from aicomp.engine.fold_job import run_fold, training_device
    from aicomp.training.fit import EpochReport

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    _send(events, {"event": "ready", "device": training_device(run.info["config"])})
    for line in sys.stdin:
        k = int(line)

        def report(epoch: EpochReport, k: int = k) -> None:
            _send(events, {"event": "epoch", "fold": k, **msgspec.to_builtins(epoch)})

        try:
            run_fold(run, project, k, report)
        except BrokenPipeError:
            raise
        except AicompError as e:
            _send(events, {"event": "error", "fold": k, "kind": type(e).__name__, "message": e.message, "hint": e.hint})
        except Exception:
            _send(events, {"event": "crash", "fold": k, "traceback": traceback.format_exc()})
        else:
            _send(events, {"event": "fold", "fold": k})


def _send(events: TextIO, content: dict[str, Any]) -> None:
    events.write(json.dumps(content) + "\n")
    events.flush()


if __name__ == "__main__":
    main()
