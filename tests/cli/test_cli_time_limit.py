"""`aicomp train --time-limit`, as a person and as a program meet it. No time is asserted: machines differ."""

import json

import pytest
from synthetic import init_project, quick_arguments

from aicomp.cli.main import main
from aicomp.portfolio import session
from aicomp.portfolio.clock import Clock
from aicomp.portfolio.training import Observer, train_within
from aicomp.project import Project
from aicomp.run import find_run, list_runs

ENOUGH = "30m"


@pytest.fixture
def folder(tmp_path, capsys):
    project = init_project(tmp_path)
    capsys.readouterr()
    return project


@pytest.fixture
def two_members(monkeypatch):
    """The portfolio ends after two members, whatever time is left."""
    monkeypatch.setattr(session, "_MOST_MEMBERS", 2)


def train(folder, limit, *overrides):
    arguments = quick_arguments("workers=1", *overrides)
    return main(["train", "--project", str(folder), "--time-limit", limit, "--json", *arguments])


def test_members_are_runs_and_the_outcome_is_what_is_submitted(folder, two_members, capsys):
    assert train(folder, ENOUGH) == 0
    content = json.loads(capsys.readouterr().out)
    assert [m["status"] for m in content["plan"]] == ["done", "done"]
    assert [m["seed"] for m in content["plan"]] == [0, 1]
    assert content["kind"] in ("blend", "member")
    assert content["time_limit"] == 1800
    assert content["gain"] is not None
    assert find_run(folder / "runs").id == content["run"]
    for member in content["plan"]:
        run = find_run(folder / "runs", member["run"])
        assert run.kind == "train"
        assert run.scores["mean"] == member["cv"]
        assert not run.work.exists()
    assert all(run.is_done for run in list_runs(folder / "runs"))
    assert not list((folder / "runs").glob(".shared*"))
    assert main(["submit", "--dry-run", "--project", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == content["run"]

    assert train(folder, ENOUGH) == 0
    again = json.loads(capsys.readouterr().out)
    assert [m["status"] for m in again["plan"]] == ["reused", "reused"]
    assert [m["run"] for m in again["plan"]] == [m["run"] for m in content["plan"]]


def test_a_limit_that_is_too_short_leaves_the_prior(folder, capsys):
    assert main(["train", "--project", str(folder), "--time-limit", "0.01", *quick_arguments("workers=1")]) == 0
    captured = capsys.readouterr()
    assert "the prior of the targets: no model was ready in time" in captured.out
    assert "s late: it is too short for this data" in captured.out
    [run] = list_runs(folder / "runs")
    assert run.scores["mean"] == 0.5  # the area under the ROC of a constant
    assert main(["submit", "--dry-run", "--project", str(folder), "--json"]) == 0


def test_people_read_the_plan_the_members_and_the_outcome(folder, two_members, capsys):
    assert main(["train", "--project", str(folder), "--time-limit", ENOUGH, *quick_arguments("workers=1")]) == 0
    captured = capsys.readouterr()
    assert "90 train rows, 30 test rows" in captured.err
    assert "plan: linear; then further seeds and parameters" in captured.err
    assert "linear (seed +1): roc_auc 0." in captured.err
    assert captured.out.splitlines()[0].split() == ["member", "roc_auc", "seconds", "weight", "run"]
    assert captured.out.splitlines()[-1] == "next: aicomp submit --dry-run"


@pytest.mark.parametrize("limit", ["soon", "0", "-5", "10x", ""])
def test_a_limit_that_is_none_is_named(folder, limit, capsys):
    assert main(["train", "--project", str(folder), f"--time-limit={limit}"]) == 2
    assert f"`--time-limit {limit}`" in capsys.readouterr().err


def test_fresh_has_no_effect_and_is_refused(folder, capsys):
    assert main(["train", "--project", str(folder), "--time-limit", "10s", "--fresh"]) == 2
    assert "`--fresh` has no effect" in capsys.readouterr().err


def test_if_every_member_fails_the_first_reason_is_told(folder, capsys):
    (folder / "model.py").write_text("def build_model(spec):\n    raise RuntimeError('a bug of mine')\n")
    assert train(folder, ENOUGH, 'model.name="model:build_model"') == 1
    captured = capsys.readouterr()
    assert "every member failed" in captured.err
    assert "a bug of mine" in captured.err
    assert not [run for run in list_runs(folder / "runs") if run.kind == "train"]


def test_an_interrupt_keeps_what_is_done_and_removes_the_rest(folder):
    overrides = [a for a in quick_arguments("workers=1") if a != "--set"]
    project = Project.open(folder, overrides)

    def stop(attempt):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_within(
            project,
            Clock(1800.0, began=0.0, now=lambda: 0.0),
            overrides=overrides,
            only="linear",
            observer=Observer(on_attempt=stop),
        )
    [run] = list_runs(folder / "runs")
    assert run.is_done
    assert run.kind == "train"
    assert find_run(folder / "runs") == run
