"""Which process does which job."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aicomp.engine.jobs import Job
from aicomp.engine.pool import Pool
from aicomp.model_names import is_network
from aicomp.models import ESTIMATORS, MODELS
from aicomp.portfolio.choice import Room


class _Worker(SimpleNamespace):
    """Stands for a process, which would need the GPU that is spoken of."""

    def give(self, job: Job) -> None:
        self.job = job
        self.given.append(job.run)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(accelerator: str, *, share_gpu: bool = False) -> tuple[Pool, list[_Worker]]:
        workers: list[_Worker] = []

        def new(pool: Pool, i: int) -> _Worker:
            workers.append(_Worker(job=None, is_ready=False, given=[], began=0.0))
            return workers[-1]

        monkeypatch.setattr(Pool, "_start", new)
        pool = Pool(Path(), 3, share_gpu=share_gpu)
        for worker in workers:
            pool._hear(worker, {"event": "ready", "accelerator": accelerator})  # type: ignore[arg-type]
        return pool, workers

    return start


def jobs(*names: str) -> list[Job]:
    return [Job("fold", name, on_cpu=name.startswith("trees")) for name in names]


def test_a_gpu_is_for_one_process_and_trees_train_beside_it(start: Any) -> None:
    pool, workers = start("cuda")
    pool.put(jobs("trees-0", "network-0", "network-1", "trees-1"))
    assert [w.given for w in workers] == [["network-0"], ["trees-0"], ["trees-1"]]
    pool._hear(workers[1], {"event": "done"})
    assert pool.n_waiting == 1
    assert workers[1].given == ["trees-0"]
    pool._hear(workers[0], {"event": "done"})
    assert workers[0].given == ["network-0", "network-1"]
    pool._hear(workers[0], {"event": "done"})
    pool.put(jobs("trees-2", "trees-3"))
    assert [w.given[-1] for w in workers] == ["trees-2", "trees-3", "trees-1"]
    assert pool.n_waiting == 0
    assert pool.n_at_once(on_cpu=False) == 1
    assert pool.n_at_once(on_cpu=True) == 3


@pytest.mark.parametrize(("accelerator", "share_gpu"), [("cpu", False), ("cuda", True)])
def test_without_a_gpu_or_sharing_it_every_process_takes_the_next_job(
    start: Any, accelerator: str, share_gpu: bool
) -> None:
    pool, workers = start(accelerator, share_gpu=share_gpu)
    pool.put(jobs("network-0", "trees-0", "network-1"))
    assert [w.given for w in workers] == [["network-0"], ["trees-0"], ["network-1"]]
    assert pool.n_at_once(on_cpu=False) == 3


def test_a_fold_of_a_network_gets_less_time_where_a_gpu_takes_one_at_a_time() -> None:
    room = Room(seconds=60.0, workers=3, n_folds=6, networks=1)
    assert room.per_fold(60.0, "tabm") == 10
    assert room.per_fold(60.0, "lightgbm") == 30


def test_the_config_knows_which_models_are_networks() -> None:
    assert all(is_network(name) for name in [*MODELS, "model:build_model"])
    assert not any(is_network(name) for name in ESTIMATORS)


def test_processes_wait_without_spinning_and_have_their_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []

    def popen(*arguments: Any, env: dict[str, str], **more: Any) -> SimpleNamespace:
        seen.append(env)
        return SimpleNamespace(stdout=[], kill=lambda: None, wait=lambda: 0)

    monkeypatch.setattr("aicomp.engine.pool.subprocess.Popen", popen)
    monkeypatch.setattr("aicomp.engine.pool.n_cores", lambda: 8)
    monkeypatch.setattr("aicomp.engine.pool.threading.Thread.start", lambda thread: None)
    pool = Pool(Path(), 4)
    pool.close()
    assert len(seen) == 4
    assert {env["OMP_WAIT_POLICY"] for env in seen} == {"PASSIVE"}
    assert {env["OMP_NUM_THREADS"] for env in seen} == {"2"}
