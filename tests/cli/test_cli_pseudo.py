"""`aicomp train --pseudo` and `--seeds`, as a person and as a program meet them."""

import json
from pathlib import Path

import pytest
from synthetic import init_project, quick_arguments

from aicomp.cli.main import main
from aicomp.run import find_run, list_runs

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Path:
    project = init_project(tmp_path)
    monkeypatch.chdir(project)
    capsys.readouterr()
    return project


def test_a_run_learns_from_another(folder: Path, capsys: Capture) -> None:
    assert main(["train", *quick_arguments()]) == 0
    source = find_run(folder / "runs")
    assert main(["train", "--pseudo", source.id[:-2], *quick_arguments()]) == 0
    captured = capsys.readouterr()
    assert (
        f"note: 30 test rows are trained on in each fold, labelled by run {source.id} (linear) without the rows that "
        "the fold validates\n"
    ) in captured.err
    student = find_run(folder / "runs")
    assert student.info["config"]["pseudo"]["run"] == source.id
    assert student.info["pseudo"]["run"] == source.id
    assert main(["blend", "--json"]) == 0
    assert [m["run"] for m in json.loads(capsys.readouterr().out)["members"]] == [source.id, student.id]
    assert main(["submit", student.id, "--dry-run"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--pseudo", "nothing"], "unknown run `nothing`", "aicomp runs"),
        (["--pseudo", "2", "--time-limit", "1m"], "pseudo-labels do not go with `--time-limit`", "within the limit"),
        (["--seeds", "2", "--time-limit", "1m"], "`--seeds` does not go with `--time-limit`", "leave one out"),
    ],
)
def test_mistakes_say_what_to_do(folder: Path, capsys: Capture, arguments: list[str], message: str, hint: str) -> None:
    assert main(["train", *quick_arguments()]) == 0
    capsys.readouterr()
    assert main(["train", *arguments, *quick_arguments()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert hint in err


def test_seeds_are_averaged_into_one_run(folder: Path, capsys: Capture) -> None:
    assert main(["train", *quick_arguments()]) == 0
    first = find_run(folder / "runs")
    capsys.readouterr()
    assert main(["train", "--seeds", "3", "--json", *quick_arguments()]) == 0
    content = json.loads(capsys.readouterr().out)
    runs = list_runs(folder / "runs")
    assert [s["seed"] for s in content["seeds"]] == [0, 1, 2]
    assert content["seeds"][0]["run"] == first.id  # it was there already
    assert [s["run"] for s in content["seeds"]] == [run.id for run in runs[:3]]
    assert (content["run"], len(runs)) == (runs[3].id, 4)
    assert runs[3].info["blend"]["method"] == "mean"
    assert main(["train", "--seeds", "2", *quick_arguments()]) == 0
    captured = capsys.readouterr()
    assert f"seed 1:\nrun {runs[1].id} is there already\n" in captured.err
    lines = captured.out.splitlines()
    assert lines[0].split() == ["seed", "roc_auc", "run"]
    assert lines[3].startswith("roc_auc: 0.")
    assert lines[-1] == "next: aicomp submit --dry-run"
