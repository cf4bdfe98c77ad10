import json
import threading
from pathlib import Path

import pytest
from run_cases import Capture, error_of, json_of, make_project, make_run, output_of

from aicomp.run import Run
from aicomp.runs.notes import add_tags, read_notes

A, B = "20260101-000001", "20260102-000001"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_project(tmp_path, monkeypatch)
    make_run(made, A, [0.8])
    make_run(made, B, [], n_folds=2)
    return made


def test_a_note_is_written_shown_and_taken_away(project: Path, capsys: Capture) -> None:
    before = {p: p.read_bytes() for p in (project / "runs" / A).rglob("*") if p.is_file()}
    assert output_of(capsys, "note", A) == [f"no note on {A}"]
    assert output_of(capsys, "note", "20260101", "without the\n leak\x1b[31m") == [
        f"note on {A}: without the leak [31m"
    ]
    assert output_of(capsys, "note", A, "better") == [f"note on {A}: better", "it was: without the leak [31m"]
    assert json_of(capsys, "note", A) == {"run": A, "note": "better", "tags": [], "before": "better"}
    assert output_of(capsys)[1].endswith("  better")
    assert {p: p.read_bytes() for p in before} == before  # nothing that the run's fingerprint covers
    assert output_of(capsys, "note", A, "--remove") == [f"no note on {A}", "it was: better"]
    assert not (project / "runs" / A / "notes.json").exists()


def test_tags(project: Path, capsys: Capture) -> None:
    assert output_of(capsys, "tag", A, "idea", "base", "idea") == [f"tags of {A}: base idea"]
    assert output_of(capsys, "tag", B, "base") == [f"tags of {B}: base"]  # an unfinished one, too
    assert [run["run"] for run in json_of(capsys, "--tag", "base", "--tag", "idea")["runs"]] == [A]
    assert output_of(capsys, "--tag", "nothing") == ["no run has these tags: `aicomp runs` shows all"]
    assert "  base idea" in output_of(capsys)[1]
    assert json_of(capsys, "tag", A, "base", "--remove") == {
        "run": A,
        "note": "",
        "tags": ["idea"],
        "before": ["base", "idea"],
    }
    assert error_of(capsys, "tag", A, "base", "--remove") == (
        f"error: run `{A}` has no tag `base`\n\nhint: it has: idea\n"
    )


@pytest.mark.parametrize("tag", ["two words", "a,b", "", "x" * 41, "a\x1bb"])
def test_what_is_no_tag(project: Path, capsys: Capture, tag: str) -> None:
    assert "is no tag" in error_of(capsys, "tag", A, "fine", tag)
    assert not (project / "runs" / A / "notes.json").exists()


def test_wrong_usage(project: Path, capsys: Capture) -> None:
    assert "unknown run `x`" in error_of(capsys, "note", "x", "text")
    assert "written or taken away, not both" in error_of(capsys, "note", A, "text", "--remove")
    assert "`--remove` is given no tag" in error_of(capsys, "tag", A, "--remove")
    assert "the note has 2001 characters" in error_of(capsys, "note", A, "x" * 2001)


def test_tags_that_are_added_at_once_are_all_kept(project: Path) -> None:
    run = Run(project / "runs" / A)
    threads = [threading.Thread(target=add_tags, args=(run, [f"t{i}"])) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_notes(run).tags == tuple(f"t{i}" for i in range(8))


def test_damaged_notes_are_named(project: Path, capsys: Capture) -> None:
    (project / "runs" / A / "notes.json").write_text(json.dumps([]))
    assert "notes.json` is damaged" in error_of(capsys, code=3)
