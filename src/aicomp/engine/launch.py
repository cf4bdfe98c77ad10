"""Processes that `torchrun` started, on any number of machines, train one fold after the other together.

Each runs the same `aicomp train`. The first one does all that such a command does; the others wait until it names a
fold, take their share of it, and end when it says so. They meet by the variables that torchrun sets (`RANK`,
`WORLD_SIZE`, `LOCAL_RANK`, `MASTER_ADDR`, `MASTER_PORT`), and all see the project's folder.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.errors import AicompError, UsageError
from aicomp.run import Run

if TYPE_CHECKING:
    from aicomp.config import Config
    from aicomp.training.fold import EpochReport
    from aicomp.training.share import Share

_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_PATIENCE = timedelta(hours=2)
"""What a process waits for the others; torchrun ends all of them when one has failed."""

_MESSAGE_BYTES = 1024
_VISIBLE_SECONDS = 60.0
"""What a file needs at most to be seen on other machines."""


def launched_place() -> tuple[int, int] | None:
    """Number of this process and of all that torchrun started; None where it started no others.

    Raises:
        UsageError: The variables hold no numbers.
    """
    if not all(os.environ.get(name) for name in _VARIABLES):
        return None
    try:
        rank, n = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except ValueError as e:
        raise UsageError(f"`RANK` and `WORLD_SIZE` are to be numbers: {e}", "start it by `torchrun`") from None
    return (rank, n) if n > 1 else None


@contextmanager
def joined(config: "Config") -> Iterator["Share"]:
    """Meet the other processes; inside, this process has its share.

    Raises:
        UsageError: The config trains folds by single processes.
        AicompError: The others cannot be reached.
    """
    place = launched_place()
    assert place is not None
    if not config.training.sharding:
        raise UsageError(
            f"torchrun started {place[1]} processes, and `training.shard` is off: each would train all",
            'write `--set training.shard="ddp"`, or start `aicomp train` without torchrun',
        )
    import torch
    from torch import distributed

    from aicomp.training.device import choose_device
    from aicomp.training.share import Share

    device = choose_device(config.device)
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    with _telling_of_others():
        backend = "nccl" if device.type == "cuda" else "gloo"
        distributed.init_process_group(backend, init_method="env://", timeout=_PATIENCE)
    try:
        yield Share(*place, kind=config.training.sharding)
    finally:
        distributed.destroy_process_group()


def train_launched(run: Run, project: Path, k: int, report: Callable[["EpochReport"], None]) -> None:
    """Name fold `k` to the other processes, train it with them, and save it; called by the first one.

    Raises:
        AicompError: Another process has ended.
    """
    _tell({"run": run.id, "fold": k})
    _train(run, project, k, report)


def follow(share: "Share", runs: Path, project: Path) -> None:
    """Take this process's share of each fold that the first one names, until that says that it was the last.

    Raises:
        AicompError: Another process has ended, or the run is not seen here.
    """
    while (told := _tell(None))["run"]:
        run = Run(runs / told["run"])
        waited_since = time.monotonic()
        while not (run.work / "READY").is_file():
            if time.monotonic() - waited_since > _VISIBLE_SECONDS:
                raise AicompError(
                    f"process {share.rank} of {share.n} does not see `{run.folder}`",
                    "put the project into a folder that all machines share",
                )
            time.sleep(0.2)
        _train(run, project, told["fold"], lambda epoch: None)


def end_launched() -> None:
    """Tell the other processes that there are no more folds."""
    _tell({"run": "", "fold": -1})


def _train(run: Run, project: Path, k: int, report: Callable[["EpochReport"], None]) -> None:
    from aicomp.engine.fold_job import Folds
    from aicomp.training.share import Share

    place = launched_place()
    assert place is not None
    folds = Folds(run, project)
    share = Share(*place, kind=folds.config.training.sharding or "fsdp")
    with _telling_of_others():
        encoded = folds.encode(k)
        result = folds.fit(k, encoded, report, share)
        if share.rank == 0:
            folds.save(k, encoded, result)


def _tell(content: dict[str, Any] | None) -> dict[str, Any]:
    """Send a message from the first process to all, which is what each gets back."""
    import torch
    from torch import distributed

    raw = b"" if content is None else json.dumps(content).encode()
    message = torch.zeros(_MESSAGE_BYTES, dtype=torch.uint8)
    message[: len(raw)] = torch.frombuffer(bytearray(raw), dtype=torch.uint8) if raw else message[:0]
    if distributed.get_backend() == "nccl":
        message = message.cuda()
    with _telling_of_others():
        distributed.broadcast(message, 0)
    received: dict[str, Any] = json.loads(bytes(message.cpu().tolist()).rstrip(b"\0"))
    return received


@contextmanager
def _telling_of_others() -> Iterator[None]:
    """Turn the end of another process, which this one cannot go on without, into an error in words.

    Raises:
        AicompError: It has ended.
    """
    from torch import distributed

    try:
        yield
    except distributed.DistError as e:
        raise _another(e) from e
    except RuntimeError as e:
        if "gloo" not in str(e).lower():
            raise
        raise _another(e) from e


def _another(error: Exception) -> AicompError:
    reason = str(error).strip().splitlines()[0]
    return AicompError(
        f"another process of this training has ended, or cannot be reached: {reason}",
        "its own words say why; the same command continues with the folds that are left",
    )
