"""Runs in stores: what is written last, what is taken, and who may go on."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from synthetic import init_project, open_quick

from aicomp.cross_validation import cross_validate
from aicomp.engine.events import FoldEvent, NoteEvent
from aicomp.errors import DataError, NetworkError, UsageError
from aicomp.run import Run, list_runs
from aicomp.storage.mirror import pull, push
from aicomp.storage.remote import Remote

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(params=["memory", "file"])
def url(request: Any, tmp_path: Path) -> Iterator[str]:
    yield f"memory://{tmp_path.name}" if request.param == "memory" else f"file://{tmp_path}/store"
    if request.param == "memory":
        files = fsspec.filesystem("memory")
        for name in files.ls("/", detail=False):
            files.rm(name, recursive=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_run_comes_back_as_it_was(tmp_path: Path, url: str) -> None:
    run = cross_validate(open_quick(init_project(tmp_path)))
    push(run, url)
    names = Remote(url).names(run.id)
    assert {"DONE", "files.json", "oof.csv"} <= set(names)
    back = pull(tmp_path / "elsewhere" / "runs", run.id[:10], url)
    assert back.is_done
    assert contents(back.folder) == contents(run.folder)
    assert [p.name for p in back.folder.parent.iterdir()] == [run.id]
    with pytest.raises(UsageError, match="is here already"):
        pull(back.folder.parent, run.id, url)


def test_done_is_written_last_and_nothing_else_is_taken_for_whole(tmp_path: Path, url: str, monkeypatch: Any) -> None:
    run = cross_validate(open_quick(init_project(tmp_path)))
    sent: list[str] = []
    send = Remote.send

    def send_some(self: Remote, path: Path, place: str) -> Any:
        sent.append(place)
        if place.endswith("test.csv"):
            raise NetworkError("gone")
        return send(self, path, place)

    monkeypatch.setattr(Remote, "send", send_some)
    with pytest.raises(NetworkError):
        push(run, url)
    with pytest.raises(UsageError, match="cut before all of it was there"):
        pull(tmp_path / "elsewhere", run.id, url)
    assert not (tmp_path / "elsewhere" / run.id).exists()
    monkeypatch.setattr(Remote, "send", lambda self, path, place: sent.append(place) or send(self, path, place))
    push(run, url)
    assert sent[-1] == f"{run.id}/DONE"


def test_a_damaged_file_is_not_taken(tmp_path: Path, url: str) -> None:
    run = cross_validate(open_quick(init_project(tmp_path)))
    push(run, url)
    files, root = fsspec.core.url_to_fs(url)
    files.pipe_file(f"{root}/{run.id}/oof.csv", b"other")
    with pytest.raises(DataError, match=r"oof\.csv` is damaged"):
        pull(tmp_path / "elsewhere", run.id, url)
    files.rm_file(f"{root}/{run.id}/oof.csv")
    with pytest.raises(DataError, match=r"oof\.csv` is gone"):
        pull(tmp_path / "elsewhere", run.id, url)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_list_names_no_place_outside_the_run(tmp_path: Path, url: str) -> None:
    run = cross_validate(open_quick(init_project(tmp_path)))
    push(run, url)
    listed = Remote(url).read(f"{run.id}/files.json")
    Remote(url).write(f"{run.id}/files.json", {"../../outside.csv": listed["oof.csv"], **listed})
    with pytest.raises(DataError, match="no place in a folder"):
        pull(tmp_path / "elsewhere", run.id, url)
    assert not list(tmp_path.rglob("outside.csv"))


def test_another_machine_goes_on_where_a_run_was_cut(tmp_path: Path, url: str) -> None:
    folder = init_project(tmp_path)
    whole = cross_validate(open_quick(folder))
    cut = cut_run(folder, url)
    other = tmp_path / "other"
    folder.rename(other)  # as on another machine: nothing lies where it was
    for run in list_runs(other / "runs"):
        if run.id == cut.id:
            shutil.rmtree(run.folder)
    back = pull(other / "runs", cut.id, url)
    assert [k for k in range(3) if back.fold_is_done(k)] == [0]
    told: list[Any] = []
    done = cross_validate(open_quick(other), on_event=told.append)
    assert done.id == cut.id
    assert [e.fold for e in told if isinstance(e, FoldEvent)] == [1, 2]
    for name in ("oof.csv", "test.csv", "folds/0/weights.safetensors", "folds/2/weights.safetensors"):
        assert (done.folder / name).read_bytes() == (other / "runs" / whole.id / name).read_bytes()


def cut_run(folder: Path, url: str) -> Run:
    """A run whose first fold is trained, and its copy."""

    def interrupt(event: Any) -> None:
        if isinstance(event, FoldEvent):
            raise KeyboardInterrupt

    project = open_quick(folder, f'storage.mirror="{url}"')
    with pytest.raises(KeyboardInterrupt):
        cross_validate(project, fresh=True, on_event=interrupt)
    cut = list_runs(project.runs)[-1]
    push(cut, url)  # the interrupt came before the fold's own copy
    return cut


def test_a_run_is_copied_while_it_is_trained_and_at_its_end(tmp_path: Path, url: str) -> None:
    there: list[list[str]] = []

    def look(event: Any) -> None:
        if isinstance(event, FoldEvent):
            (name,) = Remote(url).names()
            there.append(Remote(url).names(f"{name}/folds"))
            assert "DONE" not in Remote(url).names(name)

    run = cross_validate(open_quick(init_project(tmp_path), f'storage.mirror="{url}"'), on_event=look)
    assert there == [[], ["0"], ["0", "1"]]
    names = Remote(url).names(run.id)
    assert "DONE" in names
    assert "work" not in names
    assert "begun.json" not in names


def test_a_store_that_does_not_answer_stops_no_training(tmp_path: Path, url: str, monkeypatch: Any) -> None:
    send = Remote.send

    def fail(self: Remote, path: Path, place: str) -> Any:
        if "/folds/" in place:
            raise NetworkError(f"`{place}` cannot be reached: time-out")
        return send(self, path, place)

    monkeypatch.setattr(Remote, "send", fail)
    told: list[Any] = []
    project = open_quick(init_project(tmp_path), f'storage.mirror="{url}"')
    with pytest.raises(NetworkError) as caught:
        cross_validate(project, on_event=told.append)
    (run,) = list_runs(project.runs)
    assert run.is_done
    assert f"aicomp runs push {run.id}" in caught.value.hint
    notes = [e.sentence for e in told if isinstance(e, NoteEvent)]
    assert len(notes) == 3
    assert notes[0].endswith("cannot be reached: time-out; it is tried again after the next fold")


def test_another_run_of_the_same_name_is_not_overwritten(tmp_path: Path, url: str) -> None:
    run = cross_validate(open_quick(init_project(tmp_path)))
    push(run, url)
    info = run.info
    run.write("run.json", info | {"python": "2.7"})
    with pytest.raises(UsageError, match="another run called"):
        push(run, url)


@pytest.mark.parametrize(("url", "words"), [("runs", "no address"), ("nowhere://x", "nowhere")])
def test_wrong_addresses_are_refused_before_anything_is_trained(tmp_path: Path, url: str, words: str) -> None:
    project = open_quick(init_project(tmp_path), f'storage.mirror="{url}"')
    with pytest.raises(UsageError, match=words):
        cross_validate(project)
    assert not list_runs(project.runs)


def test_the_mirror_is_no_part_of_the_fingerprint(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    plain = cross_validate(open_quick(folder))
    copied = cross_validate(open_quick(folder, f'storage.mirror="memory://{tmp_path.name}"'), fresh=True)
    assert plain.info["fingerprint"] == copied.info["fingerprint"]
    assert json.dumps(plain.info["config"]) != json.dumps(copied.info["config"])
