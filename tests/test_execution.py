"""Threads and processes of a run are settled when its training begins, and stay."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch
from synthetic import init_project, open_quick

from aicomp.cross_validation import cross_validate, prepare
from aicomp.engine import execution
from aicomp.engine.events import FoldEvent
from aicomp.engine.execution import Execution, settle, stored_execution
from aicomp.engine.layouts import first_jobs


class _Pool(SimpleNamespace):
    accelerator = "cpu"
    shares_gpu = False

    def begin_with(self, threads: int) -> None:
        self.began_with = threads


def pool(size: int) -> Any:
    return _Pool(size=size, start_threads=8 // size)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "n_cores", lambda: 8)
    return prepare(open_quick(init_project(tmp_path))).run


def test_threads_follow_from_all_folds_of_the_run(run):
    """Three folds by four processes on eight cores: three at a time, 8 // 3 threads each, however few are left."""
    settled = settle(run, pool(4))
    assert settled == Execution(cores=8, processes=3, threads=2, stack_threads=2, start_threads=2)
    jobs = first_jobs(run, [2], pool(4), settled)
    assert [(job.fold, job.threads) for job in jobs] == [(2, 2)]


def test_a_run_goes_on_as_it_began_whatever_the_machine_has_now(run):
    first = settle(run, pool(4))
    now = pool(1)
    assert settle(run, now) == first
    assert now.began_with == 2  # and not 8


def test_stacked_folds_get_all_cores(run):
    info = run.info
    info["config"]["training"]["layout"] = "stacked"
    run.write("run.json", info)
    settled = settle(run, pool(4))
    assert (settled.threads, settled.stack_threads) == (2, 8)
    [job] = first_jobs(run, [0, 1, 2], pool(4), settled)
    assert (job.task, job.threads) == ("stack", 8)


def test_a_process_alone_keeps_its_threads_when_it_goes_on(tmp_path):
    class Cut(Exception):  # noqa: N818
        pass

    def stop(event):
        if isinstance(event, FoldEvent):
            raise Cut

    project = open_quick(init_project(tmp_path))
    before = torch.get_num_threads()
    with pytest.raises(Cut):
        cross_validate(project, on_event=stop)
    run = prepare(project).run
    stored = stored_execution(run)
    assert stored is not None
    assert (stored.processes, stored.threads, stored.device) == (0, before, "cpu")
    assert stored.device_name
    run.write("execution.json", {**msgspec.to_builtins(stored), "threads": before + 1})
    seen = []
    cross_validate(project, on_event=lambda event: seen.append(torch.get_num_threads()))
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before
