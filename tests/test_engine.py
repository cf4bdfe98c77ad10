"""What an engine on a cluster does with lost tasks, half results and errors; no cluster is needed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cluster_cases import NODES, ScriptedCluster, ThreadCluster, files_of, laid_out_run, placed, said_until, whole_fold
from synthetic import init_project

from aicomp.cross_validation import cross_validate
from aicomp.engine.cluster import pool as cluster_pool
from aicomp.engine.cluster.arrivals import Arrivals
from aicomp.engine.cluster.cluster import Broken, Lost, Node
from aicomp.engine.cluster.messages import encode
from aicomp.engine.cluster.node import check_versions
from aicomp.engine.cluster.parcels import Store, project_files, run_files
from aicomp.engine.cluster.pool import ClusterPool
from aicomp.engine.cluster.scratch import unpack
from aicomp.engine.engine import Engine
from aicomp.engine.execution import settle
from aicomp.engine.jobs import Job
from aicomp.engine.pool import Pool, failure
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.processes import n_cores
from aicomp.project import Project


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    pools: list[ClusterPool] = []

    def start(cluster: ScriptedCluster, **settings: Any) -> ClusterPool:
        pools.append(ClusterPool(tmp_path, cluster, n_local=n_cores(), **settings))
        return pools[-1]

    yield start
    for pool in pools:
        pool.close()


def fold(tmp_path: Path, k: int = 0, threads: int = 1) -> Job:
    return Job("fold", str(tmp_path / "runs" / "1"), fold=k, threads=threads)


def test_both_engines_keep_to_the_protocol(tmp_path: Path, start: Any) -> None:
    local = Pool(tmp_path, 1, trains=False)
    engines: list[Engine] = [local, start(ScriptedCluster())]  # mypy holds them to it
    names = [name for name in vars(Engine) if not name.startswith("_")]
    assert {"put", "get", "cancel", "close", "size", "n_at_once"} < set(names)
    for engine in engines:
        assert [name for name in names if not hasattr(engine, name)] == []
        assert engine.get(0.0) is None or engine.n_waiting == 0
    local.close()


def test_files_are_in_the_run_before_the_fold_is_said_to_be_done(tmp_path: Path, start: Any) -> None:
    run = laid_out_run(tmp_path)
    pool = start(ScriptedCluster(whole_fold(0)))
    pool.put([fold(tmp_path)])
    said = said_until(pool, "done")
    assert [s.event for s in said] == ["placed", "done"]
    assert said[0].content["node"] == "host-a"
    assert said[1].content["seconds"] >= 0
    assert run.fold_is_done(0)
    assert (run.fold(0) / "weights.safetensors").read_bytes() == b"weights"
    assert not (run.work / "arriving" / "0-0").exists()


def test_a_lost_fold_is_begun_anew_elsewhere_and_nothing_of_it_is_taken(tmp_path: Path, start: Any) -> None:
    run = laid_out_run(tmp_path)
    half = [
        placed("a"),
        *files_of(0, {"weights.safetensors": b"half", "result.json": b"{}"})[:2],
        Lost("its node died"),
    ]
    cluster = ScriptedCluster(half, whole_fold(0, "b", b"whole"))
    pool = start(cluster)
    pool.put([fold(tmp_path)])
    said = said_until(pool, "retry")
    assert said[-1].content["reason"] == "lost on host-a, as its node died; begun anew (1 of at most 2 times)"
    assert [s.event for s in said_until(pool, "done")] == ["placed", "done"]
    assert [needs.node for _, needs in cluster.started] == [None, "b"]
    assert (run.fold(0) / "weights.safetensors").read_bytes() == b"whole"


def test_a_fold_is_begun_anew_at_most_so_often(tmp_path: Path, start: Any) -> None:
    run = laid_out_run(tmp_path)
    cluster = ScriptedCluster(*([placed("a"), Lost("its process died")] for _ in range(3)))
    pool = start(cluster, retries=2)
    pool.put([fold(tmp_path)])
    said = said_until(pool, "died")
    assert [s.event for s in said] == ["placed", "retry", "placed", "retry", "placed", "died"]
    assert len(cluster.started) == 3
    assert "its process died" in failure(said[-1]).message
    assert not run.fold_is_done(0)


@pytest.mark.parametrize("event", ["error", "crash", "slow"])
def test_what_the_users_code_does_is_not_tried_again(tmp_path: Path, start: Any, event: str) -> None:
    laid_out_run(tmp_path)
    content = {"kind": "DataError", "message": "a column is gone", "hint": "look", "traceback": "Trace", "rounds": 1}
    cluster = ScriptedCluster([placed("a"), encode({"event": event, **content})])
    pool = start(cluster)
    pool.put([fold(tmp_path)])
    said = said_until(pool, event)[-1]
    assert {key: said.content[key] for key in content} == content
    if event == "error":
        assert (type(failure(said)), failure(said).message) == (DataError, "fold 0: a column is gone")
    assert len(cluster.started) == 1


def test_a_fault_of_a_task_itself_is_told_with_its_traceback(tmp_path: Path, start: Any) -> None:
    laid_out_run(tmp_path)
    pool = start(ScriptedCluster([Broken("Traceback of the node")]))
    pool.put([fold(tmp_path)])
    assert "Traceback of the node" in failure(said_until(pool, "crash")[-1]).message


@pytest.mark.parametrize("fault", ["damaged", "missing"])
def test_a_fold_that_did_not_come_whole_is_none(tmp_path: Path, start: Any, fault: str) -> None:
    run = laid_out_run(tmp_path)
    messages = files_of(0, {"weights.safetensors": b"weights", "result.json": b"{}"})
    if fault == "missing":
        messages.pop(0)
    else:
        messages.insert(1, encode({"event": "file", "place": "folds/0/weights.safetensors"}, b"more"))
    pool = start(ScriptedCluster([placed("a"), *messages, encode({"event": "done", "result": {}})]))
    pool.put([fold(tmp_path)])
    said = said_until(pool, "error")[-1]
    assert said.content["kind"] == "DataError"
    assert "weights.safetensors" in said.content["message"]
    assert not run.fold(0).exists()


def test_the_last_file_that_appears_is_the_one_that_says_whole(tmp_path: Path) -> None:
    run = laid_out_run(tmp_path)
    arrivals = Arrivals(run.folder, "0")
    names = ["result.json", "a.json", "weights.safetensors"]
    for name in names:
        arrivals.take(f"folds/0/{name}", b"x")
    (run.fold(0) / "weights.safetensors" / "in the way").mkdir(parents=True)
    hashes = {f"folds/0/{name}": __import__("hashlib").sha256(b"x").hexdigest() for name in names}
    with pytest.raises(AicompError, match=r"weights\.safetensors"):
        arrivals.finish(hashes)
    assert (run.fold(0) / "a.json").is_file()
    assert not run.fold_is_done(0)


@pytest.mark.parametrize("place", ["../run.json", "/tmp/x", ""])
def test_a_node_cannot_write_outside_the_run(tmp_path: Path, place: str) -> None:
    with pytest.raises(DataError, match="no place"):
        Arrivals(tmp_path, "0").take(place, b"x")


def test_of_a_cancelled_job_nothing_is_heard(tmp_path: Path, start: Any) -> None:
    run = laid_out_run(tmp_path)
    cluster = ScriptedCluster([placed("a")], [placed("b")])
    pool = start(cluster)
    pool.put([fold(tmp_path, 0), fold(tmp_path, 1), fold(tmp_path, 2)])
    said_until(pool, "placed")
    pool.cancel(lambda job: job.run == str(run.folder))
    while pool.get_now() is not None:
        pass
    assert sorted(cluster.ended) == [1, 2]
    assert (pool.n_waiting, pool.running) == (0, [])
    pool.close()
    assert cluster.is_closed


def test_no_more_tasks_than_the_nodes_have_room_for(tmp_path: Path, start: Any) -> None:
    laid_out_run(tmp_path)
    cluster = ScriptedCluster([placed("a")], [placed("b"), *whole_fold(1, "b")[1:]], whole_fold(2), whole_fold(3))
    pool = start(cluster)
    assert (pool.size, pool.n_at_once(on_cpu=False), pool.accelerator) == (2, 2, "cpu")
    pool.put([fold(tmp_path, k) for k in range(4)])
    for _ in range(3):
        said_until(pool, "done")
    assert [order.job.fold for order, _ in cluster.started] == [0, 1, 2, 3]
    assert [job.fold for job, _ in pool.running] == [0]


def test_a_job_that_no_node_has_room_for_says_so(tmp_path: Path, start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cluster_pool, "_PATIENCE", 0.0)
    laid_out_run(tmp_path)
    pool = start(ScriptedCluster())
    pool.put([fold(tmp_path, threads=4)])
    with pytest.raises(AicompError, match=r"no node of the cluster has 4 CPUs.*host-a: 1 CPUs") as caught:
        said_until(pool, "done")
    assert "workers" in caught.value.hint


def test_a_gpu_is_asked_for_where_the_device_is_one(tmp_path: Path, start: Any) -> None:
    laid_out_run(tmp_path)
    cluster = ScriptedCluster([], [], nodes=[Node("g", "host-g", 8, 1)])
    pool = start(cluster, device="cuda")
    assert (pool.size, pool.n_at_once(on_cpu=False), pool.n_at_once(on_cpu=True)) == (8, 1, 8)
    pool.put([Job("fold", str(tmp_path / "runs" / "1"), on_cpu=True), fold(tmp_path, 1)])
    for _ in range(200):
        pool.get(0.05)
        if len(cluster.started) == 2:
            break
    assert [needs.gpus for _, needs in cluster.started] == [0, 1]


def test_threads_are_those_of_this_machine_however_large_the_cluster_is(tmp_path: Path, start: Any) -> None:
    many = [Node(str(i), f"host-{i}", 64, 0) for i in range(100)]
    pool = start(ScriptedCluster(nodes=many))
    assert pool.size == 6400
    assert pool.n_local == n_cores()
    assert pool.start_threads == 1
    run = laid_out_run(tmp_path)
    run.write("plan.json", {"n_folds": 5})
    assert settle(run, pool).threads == max(1, n_cores() // min(n_cores(), 5))
    run.write("execution.json", {"cores": 64, "processes": 2, "threads": 32, "stack_threads": 32, "start_threads": 16})
    assert settle(run, pool).threads == 32  # as it was begun, wherever it goes on
    assert pool.start_threads == 16


def test_equal_files_are_put_once(tmp_path: Path) -> None:
    run = laid_out_run(tmp_path)
    cluster = ScriptedCluster()
    store = Store(cluster.put)
    first = store.parcel("1", run_files(run))
    os.link(run.work / "train.safetensors", run.work / "test.safetensors")
    second = store.parcel("1", run_files(run))
    assert cluster.put_bytes.count(b"train") == 1
    assert len(second.files) == len(first.files) + 1
    assert first.key != second.key
    assert "work/checkpoint-0.safetensors" not in {file.place for file in second.files}


def test_a_node_unpacks_once_and_takes_nothing_damaged(tmp_path: Path) -> None:
    run = laid_out_run(tmp_path)
    store = Store(lambda piece: piece.tobytes())
    parcel = store.parcel("1", run_files(run))
    fetched: list[bytes] = []

    def fetch(piece: bytes) -> bytes:
        fetched.append(piece)
        return piece

    node = tmp_path / "node"
    node.mkdir()
    folder = unpack(parcel, node, store.pieces(parcel), fetch)
    assert (folder / "work" / "train.safetensors").read_bytes() == b"train"
    n_fetched = len(fetched)
    assert unpack(parcel, node, store.pieces(parcel), fetch) == folder
    assert len(fetched) == n_fetched
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(DataError, match="damaged"):
        unpack(parcel, other, store.pieces(parcel), lambda piece: piece + b"!")
    assert not list(other.rglob("*.safetensors"))


def test_code_is_what_is_no_data(tmp_path: Path) -> None:
    for name in (
        "model.py",
        "own/part.py",
        "data/raw/train.csv",
        "runs/1/run.json",
        ".git/config",
        ".env",
        "words.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link.py").symlink_to(tmp_path / "model.py")
    assert sorted(project_files(tmp_path)) == ["model.py", "own/part.py", "words.txt"]


def test_a_node_with_other_versions_is_refused_by_name() -> None:
    check_versions({"numpy": np.__version__}, "host-a")
    with pytest.raises(UsageError, match=rf"node `host-a` has numpy {np.__version__}, .* with numpy 0\.1") as caught:
        check_versions({"numpy": "0.1"}, "host-a")
    assert caught.value.hint.endswith("pip install numpy==0.1")
    with pytest.raises(UsageError, match="has no no-such-package"):
        check_versions({"no-such-package": "1"}, "host-a")


@pytest.mark.slow
def test_a_run_of_nodes_that_are_threads_is_that_of_this_machine(tmp_path: Path, monkeypatch: Any) -> None:
    """The whole way, a lost fold included, without a cluster: what is sent, unpacked, trained and brought back."""
    settings = ['model.name="tabm"', "training.epochs=2", "split.n_splits=3", "workers=2", "device=cpu"]
    settings += ['training.layout="processes"']
    folder = init_project(tmp_path)
    here = cross_validate(Project.open(folder, settings))
    cluster = ThreadCluster(lose="epoch")

    def on_threads(project: Path, config: Any, n_local: int) -> ClusterPool:
        return ClusterPool(project, cluster, n_local=n_local)

    monkeypatch.setattr("aicomp.engine.cluster.start.start_on_ray", on_threads)
    told: list[Any] = []
    there = cross_validate(Project.open(folder, [*settings, 'engine.name="ray"']), fresh=True, on_event=told.append)
    assert len(cluster.started) == 4
    assert [type(event).__name__ for event in told].count("RetryEvent") == 1
    assert there.info["fingerprint"] == here.info["fingerprint"]
    names = ["oof.csv", "test.csv", *(f"folds/{k}/weights.safetensors" for k in range(3))]
    for name in names:
        assert (there.folder / name).read_bytes() == (here.folder / name).read_bytes(), name
    listed = [sorted(p.relative_to(r.folder).as_posix() for p in r.folder.rglob("*")) for r in (here, there)]
    assert [name for name in listed[1] if not name.startswith("worker-")] == [
        name for name in listed[0] if not name.startswith("worker-")
    ]
    assert {node.name for node in NODES} == {e.node for e in told if type(e).__name__ == "PlaceEvent"}
