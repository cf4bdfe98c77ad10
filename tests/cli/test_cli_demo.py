import json
import os
import shlex
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

from aicomp import catalogue
from aicomp.cli.main import main
from aicomp.project import Project
from aicomp.run import list_runs

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KAGGLE_API_TOKEN", raising=False)
    return tmp_path


@pytest.mark.parametrize("into", [None, "my demo"])
def test_it_goes_from_a_name_to_a_score(folder: Path, capsys: Capture, into: str | None) -> None:
    """Iris, the smallest one; the commands that it shows are those that made the project."""
    arguments = ["demo", "--competition", "iris", *([] if into is None else ["--into", into])]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    place = shlex.quote(into or "aicomp-demo")
    shown = [line for line in captured.err.splitlines() if line.startswith("$ ")]
    assert shown == [
        f"$ aicomp init iris --into {place}",
        f"$ aicomp train --project {place}",
        f"$ aicomp submit --yes --project {place}",
    ]
    project = Project.open(folder / (into or "aicomp-demo"))
    (run,) = list_runs(project.runs)
    scores = run.scores
    score = run.read("submission.json")["score"]
    # 45 hidden flowers; one that predicts by chance gets 15 of them.
    assert score * 45 == pytest.approx(round(score * 45))
    assert score > 0.8
    ending = captured.out.splitlines()[-4:]
    assert ending[0] == f"accuracy in cross-validation: {scores['mean']:.5g} ± {scores['std']:.2g}"
    assert ending[1] == f"accuracy on the hidden part:  {score:.5g} (higher is better)"
    assert ending[3].endswith(f"compare with `aicomp runs --project {place}`")


def test_json_is_one_object_and_the_hidden_part_stays_out_of_the_project(folder: Path, capsys: Capture) -> None:
    assert main(["demo", "--competition", "iris", "--json"]) == 0
    captured = capsys.readouterr()
    (line,) = captured.out.splitlines()
    content = json.loads(line)
    project = Project.open(folder / "aicomp-demo")
    (run,) = list_runs(project.runs)
    assert content == {
        "competition": "iris",
        "project": str(folder / "aicomp-demo"),
        "commands": [
            "aicomp init iris --into aicomp-demo",
            "aicomp train --project aicomp-demo",
            "aicomp submit --yes --project aicomp-demo",
        ],
        "run": run.id,
        "metric": "accuracy",
        "greater_is_better": True,
        "cv": {key: run.scores[key] for key in ("mean", "std", "pooled")},
        "score": run.read("submission.json")["score"],
        "seconds": content["seconds"],
    }
    assert 0 < content["seconds"] < 60
    assert "$ aicomp train --project aicomp-demo\n" in captured.err
    hidden = set(catalogue.hidden_solution("iris")["id"])
    assert "species" not in pd.read_csv(project.raw / "test.csv").columns
    assert not hidden & set(pd.read_csv(project.raw / "train.csv", dtype=str)["id"])


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (
            ["--competition", "breastcancer"],
            "unknown competition `breastcancer`",
            "did you mean `breast-cancer`? `aicomp list competitions` shows all",
        ),
        (["--into", "here"], "`here` exists already", "name a new folder: `aicomp demo --into DIR`"),
    ],
)
def test_it_refuses_before_it_does_anything(
    folder: Path, capsys: Capture, arguments: list[str], message: str, hint: str
) -> None:
    (folder / "here").mkdir()
    assert main(["demo", *arguments]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"error: {message}\n\nhint: {hint}\n")
    assert [p.name for p in folder.iterdir()] == ["here"]
    assert not list((folder / "here").iterdir())


def test_an_error_on_the_way_is_one_json_object(folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from aicomp.errors import DataError

    def fails(*_: object) -> None:
        raise DataError("the disk is full", "free some space")

    monkeypatch.setattr("aicomp.scaffold.create_project", fails)
    assert main(["demo", "--json"]) == 3
    content = {"error": {"code": 3, "message": "the disk is full", "hint": "free some space"}}
    assert capsys.readouterr().out == json.dumps(content) + "\n"


@pytest.mark.slow
def test_through_a_host_it_downloads_uploads_and_waits(folder: Path, capsys: Capture) -> None:
    before = dict(os.environ)
    assert main(["demo", "--competition", "iris", "--through-host", "--json"]) == 0
    captured = capsys.readouterr()
    content = json.loads(captured.out)
    url = content["commands"][0].split()[4]
    assert content["commands"] == [
        f"aicomp init iris --host {url} --into aicomp-demo",
        "aicomp train --project aicomp-demo",
        f"aicomp submit --yes --wait --host {url} --project aicomp-demo",
    ]
    project = Project.open(folder / "aicomp-demo")
    assert project.competition.host == url
    (run,) = list_runs(project.runs)
    assert run.read("submission.json")["score"] == content["score"] > 0.6
    # The host is gone, and nothing of it stays: neither variables nor files.
    with pytest.raises(OSError, match=r"refused"):
        urllib.request.urlopen(url, timeout=5)
    assert dict(os.environ) == before
    assert f"serving on {url}\n" in captured.err


def test_a_host_that_does_not_start_says_why(folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "aicomp.cli.demo_host._COMMAND", ["host", "--demo", "--port", "0", "--json", "--token", "x", "--state"]
    )
    assert main(["demo", "--competition", "iris", "--through-host"]) == 1
    assert "error: the host did not start: " in capsys.readouterr().err
    assert not list(folder.iterdir())
