"""What an engine costs beside the training: per task, per byte, per fold; and what that makes of 1 to 1,000 nodes.

    python benchmarks/engine_overhead.py PROJECT [--address HOST:PORT]

PROJECT is a project with data and a run that is done. Without an address the Ray half is left out. The first table is
measured here; the second is computed from it by the formulas of docs/scale.md.
"""

import argparse
import json
import math
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aicomp.cross_validation import fingerprinted, lay_out
from aicomp.engine.cluster.arrivals import Arrivals
from aicomp.engine.cluster.parcels import Store, project_files, run_files
from aicomp.engine.cluster.scratch import unpack
from aicomp.engine.engine import Engine
from aicomp.engine.jobs import Job
from aicomp.engine.pool import Pool
from aicomp.project import Project
from aicomp.run import Run, find_run

N_TASKS = 30
PIECE = 4 * 2**20


@dataclass(frozen=True)
class Case:
    """A data set: bytes of `work/`, bytes back from a fold, seconds of a fold on one core, tasks in all."""

    name: str
    work: float
    back: float
    train: float
    tasks: int


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("--address", default="")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    project = Project.open(arguments.project, ["device=cpu", 'training.layout="processes"'])
    measured: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        info, source = fingerprinted(project)
        run = lay_out(project, Path(folder), info, source)
        measured |= of_bytes(project, run, find_run(project.runs))
        measured |= {f"local: {k}": v for k, v in of_tasks(run, lambda: Pool(project.folder, 2)).items()}
        if arguments.address:
            from aicomp.engine.cluster.on_ray import RayCluster
            from aicomp.engine.cluster.pool import ClusterPool

            def on_ray() -> ClusterPool:
                return ClusterPool(project.folder, RayCluster(arguments.address), n_local=2)

            measured |= {f"ray: {k}": v for k, v in of_tasks(run, on_ray).items()}
            measured |= of_bare_tasks(arguments.address)
    for name, value in measured.items():
        print(f"| {name} | {value:.4g} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=1))
    if arguments.address:
        print_arithmetic(measured)


def of_tasks(run: Run, start: Callable[[], Engine]) -> dict[str, float]:
    """Seconds of a task that ends at once: of a fold that there is none of."""
    began = time.perf_counter()
    engine = start()
    try:
        ask(engine, run, 1)
        first = time.perf_counter() - began
        spent = []
        for _ in range(3):
            began = time.perf_counter()
            ask(engine, run, N_TASKS)
            spent.append((time.perf_counter() - began) / N_TASKS)
        each = min(spent)
    finally:
        engine.close()
    return {"seconds until the first task has ended": first, "seconds per task, all workers together": each}


def ask(engine: Engine, run: Run, n: int) -> None:
    engine.put(Job("fold", str(run.folder), fold=10_000 + k) for k in range(n))
    while n:
        said = engine.get(300)
        assert said is not None
        n -= said.event in ("crash", "error")


def of_bare_tasks(address: str) -> dict[str, float]:
    """What Ray itself takes for a task that says two things, seen from the driver; all at once."""
    import ray

    ray.init(address=address, log_to_driver=False, configure_logging=False)

    def say() -> Any:
        yield b"a"
        yield b"b"

    task = ray.remote(say).options(num_returns="streaming", num_cpus=1)
    list(task.remote())
    n = 4 * N_TASKS
    best = min(_hear_all(ray, task, n) for _ in range(3))
    ray.shutdown()
    return {"ray: tasks per second at the driver": n / best}


def _hear_all(ray: Any, task: Any, n: int) -> float:
    began = time.perf_counter()
    left = [task.remote() for _ in range(n)]
    while left:
        ready, _ = ray.wait(left, num_returns=1, timeout=10, fetch_local=False)
        for one in ready:
            try:
                ray.get(next(one))
            except StopIteration:
                left.remove(one)
    return time.perf_counter() - began


def of_bytes(project: Project, run: Run, done: Run) -> dict[str, float]:
    """Bytes that travel, and how fast they are packed, unpacked and written."""
    store = Store(lambda piece: piece.tobytes())
    code = store.parcel("project", project_files(project.folder))
    parcel = store.parcel(run.id, run_files(run))
    files = (*code.files, *parcel.files)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for part in (code, parcel):
            unpack(part, Path(folder), store.pieces(part), lambda piece: piece)
        each = (time.perf_counter() - began) / len(files)
    folds = [sum(p.stat().st_size for p in f.rglob("*")) for f in (done.folder / "folds").iterdir()]
    return {
        "bytes to each node, once": sum(file.size for file in files),
        "files to each node, once": len(files),
        "seconds per small file that a node unpacks": each,
        "bytes back from each fold": float(np.mean(folds)),
        **of_large_files(),
        **of_writing(),
    }


def of_large_files(size: int = 256 * 2**20) -> dict[str, float]:
    """How fast one large file is hashed and packed here, and unpacked on a node; the best of three."""
    packing, unpacking = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.safetensors"
        path.write_bytes(np.random.default_rng(0).bytes(size))
        for i in range(3):
            store = Store(lambda piece: piece.copy())
            began = time.perf_counter()
            parcel = store.parcel("1", {"work/train.safetensors": path})
            packing.append(time.perf_counter() - began)
            node = Path(folder) / str(i)
            node.mkdir()
            began = time.perf_counter()
            unpack(parcel, node, store.pieces(parcel), lambda piece: piece)
            unpacking.append(time.perf_counter() - began)
    return {"MB/s packed": size / min(packing) / 1e6, "MB/s unpacked": size / min(unpacking) / 1e6}


def of_writing(size: int = 256 * 2**20) -> dict[str, float]:
    """How fast files that arrive are hashed, written and moved into the Run, and the memory that it takes."""
    piece = np.random.default_rng(0).bytes(PIECE)
    with tempfile.TemporaryDirectory() as folder:
        arrivals = Arrivals(Path(folder), "0")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        for _ in range(size // PIECE):
            arrivals.take("folds/0/weights.safetensors", piece)
        digest = arrivals.digest("folds/0/weights.safetensors")
        arrivals.finish({"folds/0/weights.safetensors": digest})
        seconds = time.perf_counter() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"MB/s written into the Run": size / seconds / 1e6, "MB of memory that grew by it": grown / 1024}


CASES = (
    Case("small", 0.3e6, 0.5e6, 3, 5),
    Case("middle", 50e6, 5e6, 120, 500),
    Case("large", 4e9, 100e6, 3600, 5000),
)


def print_arithmetic(measured: dict[str, float], link: float = 1.25e9) -> None:
    """Seconds of the whole, and of each part that could be the longest; cores of 16 a node, a link of 10 Gbit/s."""
    cores = 16
    rate = measured["ray: tasks per second at the driver"]
    write = min(measured["MB/s written into the Run"] * 1e6, link)
    read = measured["MB/s unpacked"] * 1e6
    start = measured["ray: seconds until the first task has ended"]
    print("| data | nodes | training | scheduling | to the nodes | unpacking | back | largest |")
    print("|---|---|---|---|---|---|---|---|")
    for case in CASES:
        for n in (1, 10, 100, 1000):
            busy = min(n, math.ceil(case.tasks / cores))  # nodes that have a task at all
            parts = {
                "training": case.train * math.ceil(case.tasks / (n * cores)),
                "scheduling": start + case.tasks / rate,
                # Nodes that have an object give it on: the driver's link carries it a few times, in rounds that double.
                "to the nodes": case.work / link * math.ceil(math.log2(busy + 1)),
                "unpacking": case.work / read,
                "back": case.tasks * case.back / write,
            }
            largest = max(parts, key=lambda part: parts[part])
            figures = " | ".join(f"{seconds:.3g} s" for seconds in parts.values())
            print(f"| {case.name} | {n} | {figures} | {largest} |")


if __name__ == "__main__":
    main()
