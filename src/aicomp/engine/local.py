"""Folds side by side on this machine: one worker process a core on a CPU, one on a GPU."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aicomp import errors
from aicomp.engine.events import DeviceEvent, EpochEvent, Event, FoldEvent
from aicomp.errors import AicompError
from aicomp.run import Run

if TYPE_CHECKING:
    from aicomp.training.fit import EpochReport


def run_folds(
    run: Run, project: Path, folds: list[int], workers: int | str, device: str, on_event: Callable[[Event], None]
) -> None:
    """Train the folds of a prepared run.

    Args:
        run: A run whose `work/` is ready.
        project: The project's folder.
        folds: Numbers of the folds to train.
        workers: Processes, "auto" for one a core (one on a GPU), 0 for this process.
        device: The config's device.
        on_event: Called with what happens, while it happens.

    Raises:
        AicompError: A fold failed; the other workers are stopped, and folds that were saved stay.
    """
    if workers == 0:
        _run_here(run, project, folds, on_event)
        return
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = count if workers == "auto" else int(workers)
    if workers == "auto" and device in ("cuda", "mps"):
        wanted = 1
    pool = _Pool(run, project, min(wanted, len(folds)), threads=max(1, count // max(1, min(wanted, len(folds)))))
    try:
        pool.train(folds, on_event, share_gpu=workers != "auto")
    finally:
        pool.close()


def _run_here(run: Run, project: Path, folds: list[int], on_event: Callable[[Event], None]) -> None:
    from aicomp.engine.fold_job import run_fold, training_device

    on_event(DeviceEvent(training_device(run.info["config"]), 0))
    for k in folds:

        def report(epoch: "EpochReport", k: int = k) -> None:
            on_event(_epoch(k, epoch))

        run_fold(run, project, k, report)
        on_event(FoldEvent(k))


def _epoch(fold: int, report: "EpochReport") -> EpochEvent:
    return EpochEvent(
        fold, report.epoch, report.n_epochs, report.score, report.best_score, report.train_loss, report.seconds
    )


class _Pool:
    """Worker processes and one queue of what they say."""

    def __init__(self, run: Run, project: Path, size: int, threads: int) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            # Threads that spin while they wait take the core from the other worker; read when torch is imported.
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "aicomp.engine.worker", str(run.folder), str(project)]
        self._said: queue.Queue[tuple[int, dict[str, Any] | None]] = queue.Queue()
        self._logs = [run.folder / f"worker-{i}.log" for i in range(size)]
        self._processes = []
        for i, log in enumerate(self._logs):
            with log.open("w") as stderr:
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
                )
            self._processes.append(process)
            assert process.stdout is not None
            threading.Thread(target=self._listen, args=(i, process.stdout), daemon=True).start()

    def _listen(self, worker: int, stream: IO[str]) -> None:
        for line in stream:
            self._said.put((worker, json.loads(line)))
        self._said.put((worker, None))

    def train(self, folds: list[int], on_event: Callable[[Event], None], *, share_gpu: bool) -> None:
        """Hand out folds as workers become free, and pass on what they say until all are done."""
        waiting, left = list(folds), set(folds)
        announced = False
        while left:
            worker, said = self._said.get()
            if said is None:
                raise self._died(worker)
            match said["event"]:
                case "ready":
                    on_gpu = said["device"] != "cpu" and not share_gpu
                    if not announced:
                        announced = True
                        on_event(DeviceEvent(said["device"], 1 if on_gpu else len(self._processes)))
                    if on_gpu and worker > 0:
                        continue  # one process has the GPU to itself
                    self._give(worker, waiting)
                case "epoch":
                    del said["event"]
                    on_event(EpochEvent(**said))
                case "fold":
                    left.discard(said["fold"])
                    on_event(FoldEvent(said["fold"]))
                    self._give(worker, waiting)
                case "error":
                    raise getattr(errors, said["kind"])(f"fold {said['fold']}: {said['message']}", said["hint"])
                case "crash":
                    raise AicompError(
                        f"fold {said['fold']} failed\n{said['traceback'].rstrip()}",
                        "`aicomp train --set workers=0` runs it in one process, where a debugger works",
                    )

    def _give(self, worker: int, waiting: list[int]) -> None:
        stdin = self._processes[worker].stdin
        assert stdin is not None
        if waiting:
            stdin.write(f"{waiting.pop(0)}\n")
            stdin.flush()

    def _died(self, worker: int) -> AicompError:
        code = self._processes[worker].wait()
        tail = "\n".join(self._logs[worker].read_text(errors="replace").splitlines()[-15:])
        killed = " (killed: perhaps out of memory)" if code == -9 else ""
        return AicompError(
            f"a training process ended with code {code}{killed}\n{tail}".rstrip(),
            "`aicomp train` continues with the folds that are left; `--set workers=1` needs less memory",
        )

    def close(self) -> None:
        """Stop every worker and wait for it; logs that stayed empty are removed."""
        for process in self._processes:
            process.terminate()
        for process, log in zip(self._processes, self._logs, strict=True):
            process.wait()
            if log.exists() and log.stat().st_size == 0:
                log.unlink()
