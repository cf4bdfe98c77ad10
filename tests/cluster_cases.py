"""Clusters for tests: one that says what it is told to, and one whose nodes are threads of this process."""

import hashlib
import json
import queue
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from aicomp.engine.cluster.cluster import Lost, Needs, Node
from aicomp.engine.cluster.messages import encode
from aicomp.engine.cluster.node import Order, Place, perform
from aicomp.engine.cluster.pool import ClusterPool
from aicomp.engine.engine import Said
from aicomp.run import Run

NODES = [Node("a", "host-a", 1, 0), Node("b", "host-b", 1, 0)]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def placed(node: str) -> bytes:
    return encode({"event": "placed", "node": f"host-{node}", "key": node, "pid": 1})


def files_of(k: int, contents: dict[str, bytes]) -> list[bytes]:
    """What a node says when it sends the files of fold `k`."""
    places = {f"folds/{k}/{name}": content for name, content in contents.items()}
    sent = [encode({"event": "file", "place": place}, content) for place, content in places.items()]
    return [*sent, encode({"event": "files", "fold": k, "files": {p: sha(c) for p, c in places.items()}})]


def whole_fold(k: int, node: str = "a", word: bytes = b"weights") -> list[bytes]:
    """All that is said of a fold that is trained."""
    contents = {"weights.safetensors": word, "result.json": b"{}"}
    return [placed(node), *files_of(k, contents), encode({"event": "done", "result": {}, "peak": 1})]


class ScriptedCluster:
    """Each task that is started says what the next script holds, then nothing."""

    def __init__(self, *scripts: list[Any], nodes: list[Node] | None = None) -> None:
        self.scripts = [list(script) for script in scripts]
        self.alive = NODES if nodes is None else nodes
        self.started: list[tuple[Order, Needs]] = []
        self.put_bytes: list[bytes] = []
        self.ended: list[int] = []
        self.is_closed = False
        self._left: dict[int, list[Any]] = {}

    def nodes(self) -> list[Node]:
        return self.alive

    def put(self, piece: Any) -> bytes:
        self.put_bytes.append(piece.tobytes())
        return self.put_bytes[-1]

    def start(self, order: Order, pieces: Any, needs: Needs) -> int:
        self.started.append((order, needs))
        handle = len(self.started)
        self._left[handle] = self.scripts.pop(0)
        return handle

    def poll(self, tasks: Any, timeout: float) -> list[Any]:
        for task in tasks:
            if self._left[task]:
                return [(task, self._left[task].pop(0))]
        time.sleep(0.01)
        return []

    def end(self, task: int) -> None:
        self.ended.append(task)

    def close(self) -> None:
        self.is_closed = True


class ThreadCluster(ScriptedCluster):
    """Runs what a node runs, in a thread for each task; `lose` says after which event the first task is lost."""

    def __init__(self, lose: str | None = None) -> None:
        super().__init__()
        self._lose = lose
        self._free = {node.key: threading.Lock() for node in NODES}  # one CPU each
        self._said: queue.Queue[Any] = queue.Queue()

    def start(self, order: Order, pieces: Any, needs: Needs) -> int:
        self.started.append((order, needs))
        handle = len(self.started)
        node = NODES[handle % 2] if needs.node is None else next(n for n in NODES if n.key == needs.node)
        said = perform(order, pieces, lambda piece: piece, Place(node.key, node.name))
        threading.Thread(target=self._follow, args=(handle, said, self._free[node.key]), daemon=True).start()
        return handle

    def _follow(self, handle: int, said: Generator[bytes, None, None], free: threading.Lock) -> None:
        with free:
            self._hear(handle, said)

    def _hear(self, handle: int, said: Generator[bytes, None, None]) -> None:
        for message in said:
            self._said.put((handle, message))
            if self._lose and json.loads(message.partition(b"\n")[0])["event"] == self._lose:
                self._lose = None
                said.close()
                self._said.put((handle, Lost("the test says so")))
                return

    def poll(self, tasks: Any, timeout: float) -> list[Any]:
        try:
            return [self._said.get(timeout=timeout)]
        except queue.Empty:
            return []


def laid_out_run(folder: Path) -> Run:
    """As much of a run as an engine looks at, in a project with one file of code."""
    (folder / "model.py").write_text("x = 1\n")
    run = Run(folder / "runs" / "1")
    run.work.mkdir(parents=True)
    run.write("run.json", {"versions": {}, "config": {"device": "cpu", "model": {"name": "tabm"}, "training": {}}})
    run.write("work/media.json", {})
    (run.work / "train.safetensors").write_bytes(b"train")
    (run.work / "checkpoint-0.safetensors").write_bytes(b"half a fold")
    return run


def said_until(pool: ClusterPool, *ends: str, seconds: float = 20.0) -> list[Said]:
    """What an engine says, until one of these events; what a light worker says beside it is left out."""
    heard: list[Said] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        said = pool.get(0.5)
        if said is None or said.job is None:
            continue
        heard.append(said)
        if said.event in ends:
            return heard
    raise AssertionError(f"none of {ends} in {[s.event for s in heard]}")
