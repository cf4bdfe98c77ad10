import json
from pathlib import Path

import pytest
from ensemble_cases import binary_project, save_run

from aicomp.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Path:
    folder = binary_project(tmp_path)
    monkeypatch.chdir(folder)
    capsys.readouterr()
    return folder


def test_all_runs_that_go_together_are_blended(project: Path, capsys: Capture) -> None:
    runs = [save_run(project, f"model-{seed}", 1.5, seed) for seed in range(3)]
    other = save_run(project, "other", 1.5, 9, "split.n_splits=3")
    assert main(["blend", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    content = json.loads(out)
    assert [m["run"] for m in content["members"]] == [r.id for r in runs]
    assert [m["model"] for m in content["members"]] == ["model-0", "model-1", "model-2"]
    assert [m["cv"] for m in content["members"]] == [r.scores["mean"] for r in runs]
    assert content["left_out"] == [{"run": other.id, "reason": "other folds"}]
    assert [m["method"] for m in content["methods"]] == ["mean", "rank", "hill-climbing", "stacking"]
    reason = "90 rows are too few for a network, it takes 200"
    assert content["methods_left_out"] == [{"method": "stacking-network", "reason": reason}]
    chosen = next(m for m in content["methods"] if m["method"] == content["method"])
    assert content["honest"]["mean"] == chosen["honest"]
    assert [m["against"] for m in content["methods"]][:2] == ["", "mean"]
    assert all(m["gain"] <= m["standard_error"] for m in content["methods"] if m["against"] == content["method"])
    assert content["best_member"]["cv"] == max(r.scores["mean"] for r in runs)
    assert content["gain"] == pytest.approx(content["honest"]["mean"] - content["best_member"]["cv"])
    assert [len(row) for row in content["correlations"]] == [3, 3, 3]

    assert main(["runs", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["runs"][-1]
    assert (listed["run"], listed["model"], listed["mean"]) == (content["run"], "blend", content["honest"]["mean"])
    assert main(["submit", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == content["run"]
    assert main(["runs", "compare", runs[0].id, content["run"]]) == 0
    assert "better" in capsys.readouterr().out

    assert content["gain"] > 0
    assert main(["blend"]) == 0
    *_, made, following = capsys.readouterr().out.splitlines()
    assert following == f"next: aicomp submit {made.split()[1]} --dry-run"


def test_people_see_members_methods_and_what_to_make_of_it(project: Path, capsys: Capture) -> None:
    a, b = save_run(project, "a", 1.0, 0), save_run(project, "b", 3.0, 1)
    assert main(["blend", a.id, b.id, "--method", "mean"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[0].split() == ["member", "model", "roc_auc", "weight", "correlation", "with", "the", "others"]
    assert lines[1].split()[:2] == [a.id, "a"]
    assert lines[1].split()[3] == "0.500"
    assert lines[4].split() == ["method", "honest", "optimistic", "gain"]
    assert lines[5].split()[:2] == ["*", "mean"]
    assert "by mean, nested (higher is better)" in lines[7]
    assert lines[8].startswith("worse by ")
    assert f"than the best member, {a.id} with" in lines[8]
    run = (project / "runs").resolve() / lines[-2].split()[1]
    assert lines[-2] == f"run {run.name} in `{run}`"
    assert lines[-1] == f"next: aicomp submit {a.id} --dry-run"
    assert (run / "DONE").is_file()


def test_runs_that_are_left_out_are_named_by_their_reason(project: Path, capsys: Capture) -> None:
    for name in ("a", "b"):
        save_run(project, name, 1.0, 0)
    others = [save_run(project, name, 1.0, 0, f"split.seed={k}").id for k, name in enumerate("cd", 1)]
    assert main(["blend", "--method", "mean"]) == 0
    assert f"left out (other folds): {', '.join(others)}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ([], "runs` holds 1 run to blend, two are needed", "aicomp train --set seed=1"),
        (["--method", "hillclimbing"], "unknown method `hillclimbing`", "did you mean `hill-climbing`?"),
        (["2", "--bags", "0"], "`--bags` is 0", "leave it out"),
        (["nothing"], "unknown run `nothing`", "aicomp runs"),
    ],
)
def test_mistakes_say_what_to_do(project: Path, capsys: Capture, arguments: list[str], message: str, hint: str) -> None:
    save_run(project, "a", 1.0, 0)
    assert main(["blend", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert hint in err
