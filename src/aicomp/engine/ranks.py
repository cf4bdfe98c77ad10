"""Start the processes that train one fold together, listen to them, and leave none behind."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from aicomp import errors
from aicomp.config import Config
from aicomp.engine.launch import launched_place, train_launched
from aicomp.errors import AicompError, UsageError
from aicomp.processes import child_environment, n_cores, python_module
from aicomp.run import Run

if TYPE_CHECKING:
    import torch

    from aicomp.training.fold import EpochReport

_LOOPBACK = {"linux": "lo", "darwin": "lo0"}
_LAST_WORDS = 1.0
"""Seconds in which the others' ends are waited for, so that the rank that died first can be told from them."""


def n_ranks(config: Config, device: "torch.device") -> int:
    """Processes that train a fold together: those of torchrun, else one for each GPU, or on a CPU `workers`.

    Raises:
        UsageError: Fewer than two.
    """
    place = launched_place()
    if place is not None:
        return place[1]
    if device.type == "cuda":
        import torch

        n, reason = torch.cuda.device_count(), "there is one GPU"
    else:
        n = n_cores() if config.workers == "auto" else config.workers
        reason = f"`workers` is {config.workers}" if config.workers != "auto" else "there is one core"
    if device.type == "mps" or n < 2:
        raise UsageError(
            f"`training.shard` is {str(config.training.shard).lower()}, but "
            + ("it takes CUDA or a CPU" if device.type == "mps" else f"{reason}: a fold cannot be divided"),
            "write `--set training.shard=false`",
        )
    return n


class _Rank:
    """One process.

    Args:
        arguments: Of `aicomp.engine.rank`.
        threads: Threads that it may use.
        hear: Called with each event, from a thread.
    """

    def __init__(self, arguments: list[str], threads: int, hear: Callable[[dict[str, Any]], None]) -> None:
        variables = child_environment(
            OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OMP_WAIT_POLICY="PASSIVE", PYTHONUNBUFFERED="1"
        )
        if sys.platform in _LOOPBACK:
            variables.setdefault("GLOO_SOCKET_IFNAME", _LOOPBACK[sys.platform])
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process lives
        self.process = subprocess.Popen(
            python_module("aicomp.engine.rank", *arguments),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=variables,
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(hear,), daemon=True).start()

    def _listen(self, hear: Callable[[dict[str, Any]], None]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            hear(json.loads(line))

    def end(self) -> None:
        """Stop it now."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            assert self.process.stdin is not None
            self.process.stdin.close()
        self.log.close()

    def words(self) -> str:
        """The last lines that it wrote to standard error."""
        self.log.seek(0)
        return "\n".join(self.log.read().decode(errors="replace").splitlines()[-15:])


def train_fold_together(
    run: Run, project: Path, k: int, config: Config, report: Callable[["EpochReport"], None]
) -> None:
    """Train fold `k` by several processes and save it; it ends when all of them have.

    Args:
        run: A run whose `work/` is ready.
        project: The project's folder.
        k: Number of the fold.
        config: The run's config.
        report: Called after each epoch.

    Raises:
        UsageError: There is nothing to divide it by.
        AicompError: A rank failed, or died.
        BrokenPipeError: The process that asked for the fold is gone.
    """
    if launched_place() is not None:
        train_launched(run, project, k, report)
        return
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    from aicomp.training.device import choose_device
    from aicomp.training.fold import EpochReport

    n = n_ranks(config, choose_device(config.device))
    # The ranks meet in a store of this process, whose port is free because it is taken.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    places = [[str(project), str(run.folder), str(k), str(rank), str(n), str(store.port)] for rank in range(n)]
    ranks: list[_Rank] = []
    parent = os.getppid()
    try:
        for place in places:
            ranks.append(_Rank(place, max(1, n_cores() // n), heard.put))
        while any(rank.process.poll() is None for rank in ranks) or not heard.empty():
            with contextlib.suppress(queue.Empty):
                event = heard.get(timeout=0.1)
                if event.pop("event") == "error":
                    failure: AicompError = getattr(errors, event["kind"])(event["message"], event["hint"])
                    raise failure
                report(msgspec.convert(event, EpochReport))
                continue
            _check(ranks, heard, k)
            if os.getppid() != parent:
                raise BrokenPipeError  # nobody waits for this fold any more
    finally:
        for rank in ranks:
            rank.end()


def _check(ranks: list[_Rank], heard: "queue.Queue[dict[str, Any]]", k: int) -> None:
    """Refuse to go on without a rank."""
    if not any(rank.process.poll() for rank in ranks):
        return
    time.sleep(_LAST_WORDS)
    if not heard.empty():
        return  # it has said why
    codes = {i: rank.process.poll() for i, rank in enumerate(ranks)}
    dead = {i: code for i, code in codes.items() if code}
    # The others fail because one is gone: who was killed, by a signal, was the first.
    first = min(dead, key=lambda i: (dead[i] or 0) > 0)
    killed = " (killed: perhaps out of memory)" if dead[first] == -9 else ""
    end = f"rank {first} of {len(ranks)} ended with code {dead[first]}{killed}"
    raise AicompError(
        f"fold {k}: {end}\n{ranks[first].words()}".rstrip(),
        "`aicomp train` continues with the folds that are left; `aicomp train --plan` tells the memory that they take",
    )
