"""One of the processes that train a fold together: `python -m aicomp.engine.rank PROJECT RUN FOLD RANK N PORT`.

Writes events to standard output, one JSON object a line, as a worker does; the first rank tells of epochs and saves the
fold. It ends when its standard input is closed: no rank outlives the process that started it, however that ends.
"""

import json
import os
import signal
import sys
import threading
import traceback
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from aicomp.errors import AicompError

if TYPE_CHECKING:
    import torch

    from aicomp.training.fold import EpochReport
    from aicomp.training.share import Share

_PATIENCE = timedelta(hours=2)
"""What a rank waits for the others: one that dies is noticed by the process that started all."""


def main() -> None:
    """Train this rank's share, and say how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    project, run = (Path(argument) for argument in sys.argv[1:3])
    fold, rank, n, port = (int(argument) for argument in sys.argv[3:7])
    try:
        _train(project, run, fold, (rank, n), port, events)
    except AicompError as e:
        _send(events, {"event": "error", "kind": type(e).__name__, "message": e.message, "hint": e.hint})
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    events.flush()
    os._exit(0)  # what torch would do at the end waits for the threads of the others


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _train(project: Path, run: Path, k: int, place: tuple[int, int], port: int, events: TextIO) -> None:
    from aicomp.engine.fold_job import Folds
    from aicomp.run import Run
    from aicomp.training.device import choose_device
    from aicomp.training.share import Share

    folds = Folds(Run(run), project)
    share = Share(*place, kind=folds.config.training.sharding or "fsdp")
    device = choose_device(folds.config.device)
    _join(share, device, port)

    def report(epoch: "EpochReport") -> None:
        if share.rank == 0:
            _send(events, {"event": "epoch", **msgspec.to_builtins(epoch)})

    encoded = folds.encode(k)
    result = folds.fit(k, encoded, report, share)
    if share.rank == 0:
        folds.save(k, encoded, result)


def _join(share: "Share", device: "torch.device", port: int) -> None:
    import torch
    from torch import distributed

    if device.type == "cuda":
        torch.cuda.set_device(share.rank)
    store = distributed.TCPStore(  # type: ignore[attr-defined]
        "127.0.0.1", port, is_master=False, timeout=_PATIENCE
    )
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo", store=store, rank=share.rank, world_size=share.n, timeout=_PATIENCE
    )


def _send(events: TextIO, content: dict[str, Any]) -> None:
    events.write(json.dumps(content) + "\n")
    events.flush()


if __name__ == "__main__":
    main()
