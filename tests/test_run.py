import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from aicomp import run as run_module
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.run import Run, create_run, find_run, list_runs, unfinished_run


def make(runs: Path, name: str, *, done: bool = True, fingerprint: str = "f", ready: bool = False) -> Run:
    run = Run(runs / name)
    run.folder.mkdir(parents=True)
    run.write("run.json", {"fingerprint": fingerprint})
    if done:
        (run.folder / "DONE").touch()
    if ready:
        run.work.mkdir()
        (run.work / "READY").touch()
    return run


def error_of(runs: Path, name: str | None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        find_run(runs, name)
    return caught.value


@pytest.fixture
def frozen_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Frozen(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Frozen":
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(run_module, "datetime", Frozen)


@pytest.mark.usefixtures("frozen_time")
def test_runs_of_one_second_get_names_that_sort_as_they_were_made(tmp_path: Path) -> None:
    made = [create_run(tmp_path / "runs", {"number": k}) for k in range(12)]
    assert [r.id for r in made[:3]] == ["20260102-030405", "20260102-030405-002", "20260102-030405-003"]
    assert [r.info["number"] for r in list_runs(tmp_path / "runs")] == list(range(12))


def test_a_new_run_is_not_done(tmp_path: Path) -> None:
    run = create_run(tmp_path / "deep" / "runs", {"fingerprint": "f"})
    assert run.info == {"fingerprint": "f"}
    assert not run.is_done
    assert list_runs(tmp_path / "deep" / "runs") == [run]


def test_where_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file is in the way")
    with pytest.raises(AicompError, match="cannot write"):
        create_run(tmp_path / "runs", {})


def test_listing_takes_runs_alone_and_the_oldest_first(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "runs") == []
    newer, older = make(tmp_path / "runs", "20260103-000000"), make(tmp_path / "runs", "20260102-000000", done=False)
    (tmp_path / "runs" / ".lock").touch()
    (tmp_path / "runs" / "notes").mkdir()
    assert list_runs(tmp_path / "runs") == [older, newer]


class TestFindRun:
    def test_without_a_name_it_is_the_newest_that_is_done(self, tmp_path: Path) -> None:
        make(tmp_path, "20260101-000000")
        done = make(tmp_path, "20260102-000000")
        make(tmp_path, "20260103-000000", done=False)
        assert find_run(tmp_path) == done

    def test_any_unambiguous_beginning_is_enough(self, tmp_path: Path) -> None:
        a, b = make(tmp_path, "20260101-000000"), make(tmp_path, "20260212-000000")
        assert find_run(tmp_path, "202601") == a
        assert find_run(tmp_path, "20260212-000000") == b

    def test_an_exact_name_wins_over_longer_ones(self, tmp_path: Path) -> None:
        first = make(tmp_path, "20260101-000000")
        make(tmp_path, "20260101-000000-002")
        assert find_run(tmp_path, "20260101-000000") == first

    def test_an_ambiguous_beginning(self, tmp_path: Path) -> None:
        make(tmp_path, "20260101-000000")
        make(tmp_path, "20260102-000000")
        error = error_of(tmp_path, "2026")
        assert error.message == "`2026` is the beginning of 2 runs"
        assert error.hint == "write more of it: 20260101-000000 ..."

    def test_an_unknown_name(self, tmp_path: Path) -> None:
        make(tmp_path, "20260101-000000")
        error = error_of(tmp_path, "20260101-000001")
        assert error.message == "unknown run `20260101-000001`"
        assert error.hint == "did you mean `20260101-000000`? `aicomp runs` shows all"

    def test_an_unfinished_run(self, tmp_path: Path) -> None:
        make(tmp_path, "20260101-000000", done=False)
        assert error_of(tmp_path, "2026").message == "run `20260101-000000` is not finished"
        assert error_of(tmp_path, None).message == f"`{tmp_path}` holds only unfinished runs"

    def test_no_run_at_all(self, tmp_path: Path) -> None:
        error = error_of(tmp_path / "runs", None)
        assert error.message == f"`{tmp_path / 'runs'}` holds no run yet"
        assert error.hint == "run `aicomp train`"


def test_a_cut_run_is_continued_only_if_nothing_changed_and_its_workers_can_begin(tmp_path: Path) -> None:
    make(tmp_path, "20260101-000000", done=False, ready=True)
    newest = make(tmp_path, "20260102-000000", done=False, ready=True)
    make(tmp_path, "20260103-000000", done=True, ready=True)
    make(tmp_path, "20260104-000000", done=False, ready=False)
    make(tmp_path, "20260105-000000", done=False, ready=True, fingerprint="other")
    assert unfinished_run(tmp_path, "f") == newest
    assert unfinished_run(tmp_path, "g") is None


def test_a_fold_is_done_with_its_result(tmp_path: Path) -> None:
    run = make(tmp_path, "20260101-000000", done=False)
    run.fold(1).mkdir(parents=True)
    (run.fold(1) / "predictions.safetensors").touch()
    assert not run.fold_is_done(1)
    run.write("folds/1/result.json", {"seconds": 2.5})
    assert run.fold_is_done(1)
    assert not run.fold_is_done(0)
    assert run.result(1) == {"seconds": 2.5}


def test_seconds_and_predictions_of_all_folds(tmp_path: Path) -> None:
    run = make(tmp_path, "20260101-000000")
    run.write("scores.json", {"folds": [0.5, 0.7]})
    for k, test in enumerate(([0.0, 1.0], [0.5, 0.5])):
        run.write(f"folds/{k}/result.json", {"seconds": 1.5 + k})
        save_file({"test": np.array(test)}, run.fold(k) / "predictions.safetensors")
    assert run.seconds == 4.0  # 1.5 + 2.5
    assert run.test_predictions().tolist() == [0.25, 0.75]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    run = make(tmp_path, "20260101-000000")
    (run.folder / "scores.json").write_text('{"mean": 0.')
    with pytest.raises(DataError) as caught:
        _ = run.scores
    assert caught.value.message.startswith(f"`{run.folder / 'scores.json'}` is damaged: ")
    assert caught.value.hint == f"remove `{run.folder}` and train again"
    with pytest.raises(DataError, match=r"run `20260101-000000` has no `plan.json`"):
        run.read("plan.json")


def test_what_is_written_is_json_that_reads_back(tmp_path: Path) -> None:
    run = make(tmp_path, "20260101-000000")
    run.write("scores.json", {"mean": 0.1 + 0.2, "name": "é"})
    assert run.read("scores.json") == {"mean": 0.1 + 0.2, "name": "é"}
    assert json.loads((run.folder / "scores.json").read_bytes()) == run.scores
    assert [p.name for p in run.folder.iterdir() if p.suffix == ".part"] == []
