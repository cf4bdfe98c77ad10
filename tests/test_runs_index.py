"""The index of runs is never the truth: whatever becomes of it, the list is right."""

import os
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from run_cases import make_project, make_run

from aicomp.errors import DataError
from aicomp.run import Run
from aicomp.runs import index
from aicomp.runs.facts import Facts, read_facts
from aicomp.runs.index import list_facts

LONG_AGO = time.time() - 3600


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = make_project(tmp_path, monkeypatch)
    for k in range(3):
        make_run(project, f"2026010{k + 1}-000000", [0.5, 0.6 + k / 100])
    make_run(project, "20260104-000000", [0.5], n_folds=3)
    settle(project / "runs")
    return project / "runs"


def settle(runs: Path) -> None:
    """Let all files be old enough to be believed."""
    for path in runs.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs whose files were read."""
    names: list[str] = []

    def watched(run: Run) -> Facts:
        names.append(run.id)
        return read_facts(run)

    monkeypatch.setattr(index, "read_facts", watched)
    return names


def fresh(runs: Path) -> list[Facts]:
    return [read_facts(Run(f)) for f in sorted(runs.iterdir()) if (f / "run.json").is_file()]


def test_what_was_read_is_read_once_but_for_unfinished_runs(runs: Path, read: list[str]) -> None:
    assert list_facts(runs) == fresh(runs)
    assert len(read) == 4
    read.clear()
    assert list_facts(runs) == fresh(runs)
    assert read == ["20260104-000000"]


@pytest.mark.parametrize("change", ["score", "note", "submission", "no longer done", "removed", "new", "renamed"])
def test_a_change_is_seen(runs: Path, read: list[str], change: str) -> None:
    list_facts(runs)
    run = Run(runs / "20260102-000000")
    match change:
        case "score":
            run.write("scores.json", {**run.scores, "mean": 0.99})
        case "note":
            run.write("notes.json", {"note": "a", "tags": []})
        case "submission":
            run.write("submission.json", {"status": "complete", "score": 0.5})
        case "no longer done":
            (run.folder / "DONE").unlink()
        case "removed":
            shutil.rmtree(run.folder)
        case "new":
            shutil.copytree(run.folder, runs / "20260109-000000")
        case "renamed":
            run.folder.rename(runs / "best")
    before = fresh(runs)
    assert list_facts(runs) == before
    settle(runs)
    assert list_facts(runs) == before
    read.clear()
    assert list_facts(runs) == before
    assert len(read) == 1 + (change == "no longer done")


def test_a_change_in_place_of_the_same_size_is_seen(runs: Path) -> None:
    list_facts(runs)
    path = runs / "20260101-000000" / "scores.json"
    path.write_text(path.read_text().replace("0.55", "0.77"))
    assert list_facts(runs)[0].mean == pytest.approx(0.77)


def test_what_changed_a_moment_ago_is_not_kept(runs: Path, read: list[str]) -> None:
    (runs / "20260101-000000" / "scores.json").touch()
    list_facts(runs)
    read.clear()
    list_facts(runs)
    assert read == ["20260101-000000", "20260104-000000"]


@pytest.mark.parametrize(
    "damage", ["gone", "text", "cut", "a number", "another format", "empty", "a folder of another"]
)
def test_a_damaged_index_is_made_anew(runs: Path, read: list[str], damage: str) -> None:
    list_facts(runs)
    path = runs / index.FILE
    content = path.read_bytes()
    match damage:
        case "gone":
            path.unlink()
        case "text":
            path.write_text("no database")
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "a number":
            assert b"0.55" in content
            path.write_bytes(content.replace(b"0.55", b"0.99"))
        case "another format":
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA user_version = 99")
            connection.close()
        case "empty":
            path.write_bytes(b"")
        case "a folder of another":
            with sqlite3.connect(path) as connection:
                connection.execute("UPDATE runs SET content = X'5b5d', checksum = 0")
            connection.close()
    assert list_facts(runs) == fresh(runs)
    read.clear()
    assert list_facts(runs) == fresh(runs)
    assert read == ["20260104-000000"]  # it was mended


def test_many_at_once_agree(runs: Path) -> None:
    expected = fresh(runs)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: list_facts(runs), range(24)):
            assert found == expected
    assert list_facts(runs) == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_without_a_place_to_write_the_list_is_right_and_says_so(runs: Path) -> None:
    runs.chmod(0o500)
    said: list[str] = []
    try:
        assert list_facts(runs, said.append) == fresh(runs)
    finally:
        runs.chmod(0o700)
    assert len(said) == 1


def test_an_index_that_cannot_be_written_is_told(runs: Path) -> None:
    (runs / index.FILE).mkdir()
    said: list[str] = []
    assert list_facts(runs, said.append) == fresh(runs)
    assert len(said) == 1
    assert ".index.sqlite` cannot be written" in said[0]


def test_a_damaged_run_is_named_each_time(runs: Path) -> None:
    list_facts(runs)
    (runs / "20260101-000000" / "scores.json").write_text("{")
    for _ in range(2):
        with pytest.raises(DataError, match="is damaged"):
            list_facts(runs)


def test_no_folder_no_runs(tmp_path: Path) -> None:
    assert list_facts(tmp_path / "runs") == []
    assert not (tmp_path / "runs").exists()
