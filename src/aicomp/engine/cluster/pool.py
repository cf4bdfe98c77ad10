"""An engine whose jobs are tasks on a cluster: a queue here, retries, and results written into the Run here.

What needs the whole Run, such as putting its folds together, is done by a light process of this machine.
"""

import queue
import threading
import time
import traceback
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aicomp.engine.cluster.arrivals import Arrivals
from aicomp.engine.cluster.cluster import Broken, Cluster, Lost, Needs, Node
from aicomp.engine.cluster.messages import decode
from aicomp.engine.cluster.node import ENDS, Order
from aicomp.engine.cluster.parcels import Parcel, Store, project_files, run_files
from aicomp.engine.engine import Said
from aicomp.engine.jobs import Job
from aicomp.engine.pool import Pool
from aicomp.errors import AicompError
from aicomp.files import atomic_write
from aicomp.processes import n_cores
from aicomp.run import Run

_TICK = 0.2
_LOOK = 2.0
"""Seconds after which the nodes are counted anew."""
_PATIENCE = 60.0
"""Seconds for which a job waits for a node that is large enough, where there is none."""


class _Task:
    """A job that was handed to the cluster."""

    def __init__(self, job: Job, arrivals: Arrivals) -> None:
        self.job, self.arrivals = job, arrivals
        self.began = time.monotonic()
        self.node: dict[str, Any] = {}


class ClusterPool:
    """Jobs of one project on a cluster.

    Args:
        project: The project's folder.
        cluster: The cluster.
        n_local: Processes that this machine would train with, which decides how many threads a job has.
        device: Of the config.
        retries: How often a job is begun anew when what does it dies.
    """

    is_here = False
    shares_gpu = True

    def __init__(self, project: Path, cluster: Cluster, *, n_local: int, device: str = "cpu", retries: int = 2) -> None:
        self._project, self._cluster, self._n_local = project, cluster, n_local
        self._device, self._retries = device, retries
        self._start_threads = max(1, n_cores() // n_local)
        self._most: int | None = None
        self._session = uuid.uuid4().hex[:12]
        self._store = Store(cluster.put)
        self._code: Parcel | None = None
        self._lock = threading.RLock()
        self._said: queue.Queue[Said] = queue.Queue()
        self._waiting: deque[Job] = deque()
        self._tasks: dict[Any, _Task] = {}
        self._tries: dict[Job, list[str]] = defaultdict(list)
        self._saved: dict[Job, set[int]] = defaultdict(set)
        self._told: dict[Job, set[int]] = defaultdict(set)
        self._words: dict[str, str] = defaultdict(str)
        self._nodes = cluster.nodes()
        self._looked = self._fitted = time.monotonic()
        self._error: AicompError | None = None
        self._closed = False
        self._wake = threading.Event()
        self._here = Pool(project, 1, trains=False, said=self._said)
        self._thread = threading.Thread(target=self._attend, daemon=True)
        self._thread.start()

    @property
    def size(self) -> int:
        """Jobs of one thread that the nodes have room for."""
        return max(1, self._room(1, 0))

    @property
    def accelerator(self) -> str:
        """As in `Engine`."""
        return "cuda" if self._takes_gpu else "cpu"

    @property
    def _takes_gpu(self) -> bool:
        return self._device == "cuda" or (self._device == "auto" and any(node.gpus for node in self._nodes))

    def n_at_once(self, *, on_cpu: bool) -> int:
        """As in `Engine`."""
        return self.size if on_cpu or not self._takes_gpu else max(1, self._room(1, 1))

    @property
    def n_local(self) -> int:
        """As in `Engine`."""
        return self._n_local

    @property
    def start_threads(self) -> int:
        """As in `Engine`."""
        return self._start_threads

    def begin_with(self, threads: int) -> None:
        """As in `Engine`; the tasks that are begun from now on."""
        self._start_threads = threads

    def shrink(self, size: int) -> None:
        """As in `Engine`."""
        self._most = size

    @property
    def n_waiting(self) -> int:
        """As in `Engine`."""
        with self._lock:
            return len(self._waiting) + self._here.n_waiting

    @property
    def running(self) -> list[tuple[Job, float]]:
        """As in `Engine`."""
        with self._lock:
            now = time.monotonic()
            return [(task.job, now - task.began) for task in self._tasks.values()] + self._here.running

    @property
    def pids(self) -> list[int]:
        """None: what trains takes no memory of this machine."""
        return []

    def put(self, jobs: Iterable[Job], *, first: bool = False) -> None:
        """As in `Engine`."""
        listed = list(jobs)
        self._here.put([job for job in listed if not _goes_away(job)], first=first)
        away = [job for job in listed if _goes_away(job)]
        with self._lock:
            if first:
                self._waiting.extendleft(reversed(away))
            else:
                self._waiting.extend(away)
        self._wake.set()

    def get(self, timeout: float | None = None) -> Said | None:
        """As in `Engine`.

        Raises:
            AicompError: The cluster is gone.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while self._error is None:
            left = _TICK if until is None else min(_TICK, until - time.monotonic())
            try:
                return self._said.get(timeout=max(0.0, left))
            except queue.Empty:
                if until is not None and time.monotonic() >= until:
                    return None
        raise self._error

    def get_now(self) -> Said | None:
        """As in `Engine`."""
        return self.get(0.0)

    def cancel(self, belongs: Callable[[Job], bool]) -> None:
        """As in `Engine`."""
        self.forget(belongs)
        self._here.cancel(belongs)
        with self._lock:
            for handle, task in [pair for pair in self._tasks.items() if belongs(pair[1].job)]:
                del self._tasks[handle]
                self._cluster.end(handle)
                task.arrivals.drop()

    def forget(self, belongs: Callable[[Job], bool]) -> None:
        """As in `Engine`."""
        self._here.forget(belongs)
        with self._lock:
            self._waiting = deque(job for job in self._waiting if not belongs(job))

    def close(self, folder: Path | None = None) -> None:
        """As in `Engine`; what a node's workers wrote is one file for each node."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        self._thread.join()
        with self._lock:
            self._waiting.clear()
            for handle, task in self._tasks.items():
                self._cluster.end(handle)
                task.arrivals.drop()
            self._tasks.clear()
        self._here.close(folder)
        self._cluster.close()
        if folder is not None and folder.is_dir():
            for node, words in self._words.items():
                atomic_write(folder / f"worker-{node.replace('/', '-')}.log", words)

    def _attend(self) -> None:
        """Hand out jobs and hear what is said, until the engine is closed."""
        try:
            while not self._closed:
                self._feed()
                with self._lock:
                    handles = list(self._tasks)
                if not handles:
                    self._wake.wait(_TICK)
                    self._wake.clear()
                    continue
                for handle, what in self._cluster.poll(handles, _TICK):
                    with self._lock:
                        self._hear(handle, what)
        except AicompError as e:
            self._error = e
        except Exception:
            self._error = AicompError(
                f"the cluster failed\n{traceback.format_exc().rstrip()}", "`aicomp train` continues"
            )

    def _feed(self) -> None:
        """Begin as many waiting jobs as the nodes have room for."""
        with self._lock:
            if time.monotonic() - self._looked > _LOOK:
                self._nodes, self._looked = self._cluster.nodes(), time.monotonic()
            if not self._waiting or self._tasks:
                self._fitted = time.monotonic()
            while self._waiting:
                job = next((job for job in self._waiting if self._fits(job)), None)
                if job is None:
                    self._wait_for_room(self._waiting[0])
                    return
                self._waiting.remove(job)
                try:
                    self._begin(job)
                except AicompError as e:
                    said = {"kind": type(e).__name__, "message": e.message, "hint": e.hint, "seconds": 0.0}
                    self._said.put(Said(job, "error", said))

    def _gpus(self, job: Job) -> int:
        return int(self._takes_gpu and not job.on_cpu)

    def _fits(self, job: Job) -> bool:
        """Whether the nodes have room for one job more."""
        running = [task.job for task in self._tasks.values()]
        n_on_gpu = sum(self._gpus(other) for other in running)
        if len(running) >= min(self._room(job.threads, 0), self._most or 2**31):
            return False
        return not self._gpus(job) or n_on_gpu < self._room(job.threads, 1)

    def _room(self, cpus: int, gpus: int) -> int:
        """Tasks of this kind that all nodes together have room for."""
        of_nodes = (min(int(n.cpus // cpus), int(n.gpus // gpus) if gpus else 2**31) for n in self._nodes)
        return sum(of_nodes)

    def _wait_for_room(self, job: Job) -> None:
        if time.monotonic() - self._fitted > _PATIENCE:
            wanted = f"{job.threads} CPUs" + (" and a GPU" if self._gpus(job) else "")
            has = ", ".join(f"{n.name}: {n.cpus:g} CPUs, {n.gpus:g} GPUs" for n in self._nodes) or "it has no node"
            raise AicompError(
                f"no node of the cluster has {wanted}, which a job takes ({has})",
                "a job has as many threads as on this machine: `--set workers=N` divides its cores among N",
            )

    def _begin(self, job: Job) -> None:
        self._fitted = time.monotonic()
        run = Run(Path(job.run))
        if self._code is None:
            self._code = self._store.parcel("project", project_files(self._project))
        parcel = self._store.parcel(run.id, run_files(run))
        order = Order(self._session, job, self._start_threads, self._code, parcel, run.info["versions"])
        needs = Needs(job.threads, self._gpus(job), self._other_node(job))
        handle = self._cluster.start(order, self._store.pieces(self._code, parcel), needs)
        self._tasks[handle] = _Task(job, Arrivals(run.folder, f"{job.fold}-{len(self._tries[job])}"))

    def _other_node(self, job: Job) -> str | None:
        """A node on which this job was not lost before, the one with the least to do; None for a first try."""
        failed = self._tries[job]
        others = [node for node in self._nodes if node.key not in failed and node.cpus >= job.threads]
        if not failed or not others:
            return None
        return min(others, key=lambda node: self._n_tasks(node) / node.cpus).key

    def _n_tasks(self, node: Node) -> int:
        return sum(task.node.get("key") == node.key for task in self._tasks.values())

    def _hear(self, handle: Any, what: bytes | Lost | Broken) -> None:
        task = self._tasks.get(handle)
        if task is None:
            return  # it was cancelled
        if isinstance(what, Lost):
            self._retry(handle, task, what.reason, {"code": -9, "tail": what.reason})
            return
        if isinstance(what, Broken):
            self._end(handle, task, "crash", {"traceback": what.traceback})
            return
        content, payload = decode(what)
        event = content.pop("event")
        try:
            self._take(handle, task, event, content, payload)
        except AicompError as e:
            self._end(handle, task, "error", {"kind": type(e).__name__, "message": e.message, "hint": e.hint})
            self._cluster.end(handle)

    def _take(self, handle: Any, task: _Task, event: str, content: dict[str, Any], payload: bytes) -> None:
        name = task.node.get("node", "")
        if words := content.pop("words", ""):
            self._words[name] += words
        match event:
            case "placed":
                task.node, task.began = content, time.monotonic()
                self._said.put(Said(task.job, event, content))
            case "file":
                task.arrivals.take(content["place"], payload)
            case "files":
                if content["fold"] not in self._saved[task.job]:
                    task.arrivals.finish(content["files"])
                    self._saved[task.job].add(content["fold"])
            case "fold" if content["fold"] in self._told[task.job]:
                pass  # an attempt before this one said so
            case "fold":
                self._told[task.job].add(content["fold"])
                self._said.put(Said(task.job, event, content))
            case "died":
                self._retry(handle, task, f"its process ended with code {content['code']}", content)
            case _ if event in ENDS:
                self._end(handle, task, event, content)
            case _:
                self._said.put(Said(task.job, event, content))

    def _end(self, handle: Any, task: _Task, event: str, content: dict[str, Any]) -> None:
        del self._tasks[handle]
        task.arrivals.drop()
        content["seconds"] = time.monotonic() - task.began
        self._said.put(Said(task.job, event, content))

    def _retry(self, handle: Any, task: _Task, reason: str, last: dict[str, Any]) -> None:
        """Begin a job anew at the head of the queue, or give it up."""
        failed = self._tries[task.job]
        failed.append(task.node.get("key", ""))
        where = task.node.get("node", "the cluster")
        if len(failed) > self._retries:
            self._end(handle, task, "died", last)
            return
        del self._tasks[handle]
        task.arrivals.drop()
        self._waiting.appendleft(task.job)
        self._looked = 0.0  # the nodes may be others now
        told = f"lost on {where}, as {reason}; begun anew ({len(failed)} of at most {self._retries} times)"
        self._said.put(Said(task.job, "retry", {"reason": told}))


def _goes_away(job: Job) -> bool:
    return job.task in ("fold", "stack")
