import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from run_cases import Capture, error_of, json_of, make_project, make_run, output_of

from aicomp.cli.main import main
from aicomp.run import TRASH, Run, list_runs


def name(days: float) -> str:
    return (datetime.now() - timedelta(days=days)).strftime("%Y%m%d-%H%M%S")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs that are done, the middle one the best, and an unfinished one; the oldest first."""
    made = make_project(tmp_path, monkeypatch)
    for days, score in ((40, 0.7), (30, 0.9), (20, 0.8)):
        run = make_run(made, name(days), [score])
        (run.fold(0) / "weights.safetensors").write_bytes(b"w" * 1000)
    make_run(made, name(10), [0.5], n_folds=3)
    return made


def ids(project: Path) -> list[str]:
    return [run.id for run in list_runs(project / "runs")]


def going(capsys: Capture, *arguments: str) -> list[str]:
    return [run["run"] for run in json_of(capsys, "clean", "--dry-run", *arguments)["runs"]]


def test_what_may_go_has_to_be_said(project: Path, capsys: Capture) -> None:
    assert error_of(capsys, "clean", "--yes").startswith("error: `aicomp runs clean` is not told what may go\n")
    assert "asks before it removes, and there is no terminal" in error_of(capsys, "clean", "--unfinished")
    assert "could not go on" in error_of(capsys, "clean", "--unfinished", "--weights-only", "--yes")
    assert len(ids(project)) == 4


def test_which_runs_are_meant(project: Path, capsys: Capture) -> None:
    oldest, best, third, cut = ids(project)
    assert going(capsys, "--unfinished") == [cut]
    assert going(capsys, "--keep", "1") == [third, oldest]
    assert going(capsys, "--keep", "2", "--unfinished") == [cut, oldest]
    assert going(capsys, "--older", "25") == [best, oldest]
    assert going(capsys, "--older", "25", "--keep", "1") == [oldest]
    assert going(capsys, "--older", "25", "--unfinished") == []
    assert going(capsys, "--keep", "0") == [third, best, oldest]
    assert ids(project) == [oldest, best, third, cut]


def test_the_best_are_counted_for_each_contest(project: Path, capsys: Capture) -> None:
    oldest, _, third, _ = ids(project)
    other = make_run(project, name(50), [0.1], data_hash="other").id
    assert going(capsys, "--keep", "1") == [third, oldest]
    assert other not in going(capsys, "--keep", "1")


def test_removing(project: Path, capsys: Capture) -> None:
    oldest, best, third, cut = ids(project)
    size = sum(p.stat().st_size for p in (project / "runs" / oldest).rglob("*") if p.is_file())
    lines = output_of(capsys, "clean", "--keep", "2", "--yes")
    assert lines[0].split() == ["run", "state", "size"]
    assert lines[1].split()[:2] == [oldest, "done"]
    assert lines[-1] == f"removed: 1 run, {size / 1e3:.1f} kB"
    assert ids(project) == [best, third, cut]
    assert not (project / "runs" / TRASH).exists()
    assert [run["run"] for run in json_of(capsys)["runs"]] == [best, third, cut]
    assert json_of(capsys, "clean", "--keep", "2", "--yes") == {
        "removed": False,
        "runs": [],
        "bytes": 0,
        "kept": [],
        "weights_only": False,
    }


@pytest.mark.parametrize("why", ["submitted", "in the ledger", "tagged", "outcome"])
def test_what_something_hangs_on_stays(project: Path, capsys: Capture, why: str) -> None:
    oldest, *_ = ids(project)
    run = Run(project / "runs" / oldest)
    match why:
        case "submitted":
            run.write("submission.json", {"status": "failed"})
            reason = "was submitted"
        case "in the ledger":
            event = {"event": "intent", "id": "1", "run": None, "runs": [oldest, "gone"], "competition": "another"}
            (project / "submissions").mkdir()
            (project / "submissions" / "ledger.jsonl").write_text(json.dumps(event) + "\n")
            reason = "was submitted"
        case "tagged":
            output_of(capsys, "tag", oldest, "keep")
            reason = "is tagged `keep`"
        case "outcome":
            (project / "runs" / "outcome.json").write_text(json.dumps({"run": oldest, "newest": oldest}))
            reason = "is what the last training within a time limit ended with"
    for arguments in (("--keep", "2"), ("--keep", "2", "--weights-only")):
        content = json_of(capsys, "clean", *arguments, "--yes")
        assert content["removed"] is False
        assert content["kept"] == [{"run": oldest, "reason": reason}]
    assert f"stays: {oldest}, which {reason}" in output_of(capsys, "clean", "--keep", "2", "--dry-run")
    assert (run.fold(0) / "weights.safetensors").is_file()


def test_members_of_a_blend_stay_as_long_as_it_does(project: Path, capsys: Capture) -> None:
    oldest, best, third, _ = ids(project)
    inner = make_run(project, name(6), [0.95])
    outer = make_run(project, name(5), [0.96])
    for blend, members in ((inner, [oldest, third]), (outer, [inner.id, best])):
        blend.write("run.json", {**blend.info, "kind": "blend", "blend": {"members": [{"run": m} for m in members]}})
    content = json_of(capsys, "clean", "--keep", "1", "--dry-run")
    assert content["runs"] == []
    assert {entry["run"]: entry["reason"] for entry in content["kept"]} == {
        inner.id: f"is a member of blend {outer.id}",
        best: f"is a member of blend {outer.id}",
        oldest: f"is a member of blend {inner.id}",
        third: f"is a member of blend {inner.id}",
    }
    # With the blend its members go, and it goes first.
    assert going(capsys, "--older", "4") == [outer.id, inner.id, third, best, oldest]


def test_weights_alone(project: Path, capsys: Capture) -> None:
    oldest, best, third, _ = ids(project)
    assert output_of(capsys, "clean", "--keep", "1", "--weights-only", "--yes")[-1] == (
        "removed: the weights of 2 runs, 2.0 kB"
    )
    for run, is_there in ((oldest, False), (best, True), (third, False)):
        assert (project / "runs" / run / "folds" / "0" / "weights.safetensors").is_file() == is_there
    assert [run["state"] for run in json_of(capsys)["runs"]] == ["done", "done", "done", "unfinished"]


@pytest.mark.parametrize(("folder", "what"), [("runs", "training is running"), ("submissions", "submission is under")])
def test_nothing_goes_while_something_runs(project: Path, capsys: Capture, folder: str, what: str) -> None:
    (project / folder).mkdir(exist_ok=True)
    (project / folder / ".lock").touch()
    with FileLock(project / folder / ".lock"):
        assert what in error_of(capsys, "clean", "--unfinished", "--yes", code=1)
        assert len(going(capsys, "--unfinished")) == 1  # to look is no harm
    assert len(ids(project)) == 4


def test_a_removal_that_is_cut_leaves_no_half_run(
    project: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest, best, third, cut = ids(project)

    def killed(path: Path) -> None:
        if path.name == TRASH and any(path.iterdir()):
            (path / oldest / "DONE").unlink()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("aicomp.leftovers.shutil.rmtree", killed)
        assert main(["runs", "clean", "--keep", "2", "--yes"]) == 130
    capsys.readouterr()
    assert ids(project) == [best, third, cut]
    assert (project / "runs" / TRASH / oldest).is_dir()
    output_of(capsys, "clean", "--keep", "2", "--yes")
    assert not (project / "runs" / TRASH).exists()


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_a_person_is_asked(
    project: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("aicomp.cli.output.Output.can_ask", property(lambda self: True))
    asked: list[str] = []
    monkeypatch.setattr("aicomp.cli.output.Output.ask", lambda self, question: asked.append(question) or answer)
    assert main(["runs", "clean", "--unfinished"]) == code
    assert len(ids(project)) == (3 if code == 0 else 4)
    assert asked[0].startswith("remove 1 run, ")
    assert "1/3" not in capsys.readouterr().out
