"""What training holds at least, before it begins: fewer processes with a word, or an error that says how much."""

import json

import pytest
from synthetic import init_project, open_quick, quick_arguments

from aicomp.cli.main import main
from aicomp.cross_validation import cross_validate, prepare
from aicomp.engine import memory
from aicomp.engine.events import NoteEvent
from aicomp.engine.execution import stored_execution
from aicomp.engine.memory import PROCESS, fold_bytes
from aicomp.run import list_runs


@pytest.fixture
def folder(tmp_path):
    return init_project(tmp_path)


def test_rows_and_columns_are_counted(folder):
    """size, weight and color, when: two numbers and the four of a date, 4 bytes each, and a code of 8; twice."""
    run = prepare(open_quick(folder)).run
    assert fold_bytes(run) == 2 * (6 * 4 + 8) * (90 + 30)
    assert fold_bytes(prepare(open_quick(folder, "split.train_rows=10")).run) == 2 * 32 * (10 + 30)


def test_trees_have_numbers_of_eight_bytes(folder):
    run = prepare(open_quick(folder, 'model.name="extra-trees"', "training.epochs=auto", "training.batch_size=auto",
                             "regularization.dropout=auto")).run  # fmt: skip
    assert fold_bytes(run) == 2 * (6 * 8 + 8) * (90 + 30)


def test_fewer_processes_train_where_all_would_not_fit(folder, monkeypatch):
    events = []
    monkeypatch.setattr(memory, "own_bytes", lambda pid: 0)
    monkeypatch.setattr(memory, "free_memory", lambda: int(1.5 * PROCESS))
    run = cross_validate(open_quick(folder, "workers=2"), on_event=events.append)
    assert run.is_done
    [note] = [e for e in events if isinstance(e, NoteEvent)]
    assert note.sentence == "2 processes would need at least 400 MB of memory, and 300 MB are free: 1 at a time"
    execution = stored_execution(run)
    assert execution is not None
    assert execution.processes == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_where_not_one_fold_fits_nothing_is_trained(folder, monkeypatch, capsys, workers):
    monkeypatch.setattr(memory, "own_bytes", lambda pid: 0)
    monkeypatch.setattr(memory, "free_memory", lambda: 7_000)
    capsys.readouterr()
    assert main(["train", "--json", "--project", str(folder), *quick_arguments(f"workers={workers}")]) == 2
    captured = capsys.readouterr()
    needed = "7.68 kB" if workers == 0 else "200 MB"
    assert json.loads(captured.out)["error"]["message"] == (
        f"a fold would need at least {needed} of memory for its 120 rows, and 7 kB are free"
    )
    assert "epoch" not in captured.err
    assert list_runs(folder / "runs") == []


def test_nothing_is_said_where_it_fits_or_nothing_is_known(folder, monkeypatch):
    for free in (10**12, None):
        events = []
        monkeypatch.setattr(memory, "free_memory", lambda free=free: free)
        assert cross_validate(open_quick(folder), fresh=True, on_event=events.append).is_done
        assert not [e for e in events if isinstance(e, NoteEvent)]
