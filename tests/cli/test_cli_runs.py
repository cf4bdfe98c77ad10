import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from submission_cases import competition

from aicomp.cli.main import main
from aicomp.competition import dump_competition
from aicomp.run import Run

Capture = pytest.CaptureFixture[str]

FOLDS = "id,fold\n1,0\n2,1\n3,0\n4,1\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "aicomp.toml").touch()
    (tmp_path / "competition.toml").write_text(dump_competition(competition()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_run(project: Path, name: str, folds: list[float], **changes: Any) -> Run:
    """A run whose folds took 1, 2, ... seconds; it is done unless `n_folds` says that there are more of them."""
    n_folds = changes.get("n_folds", len(folds))
    metric, higher = changes.get("metric", ("roc_auc", True))
    run = Run(project / "runs" / name)
    info = {
        "config": {"model": {"name": changes.get("model", "tabm"), "params": changes.get("params", {})}, "seed": 0},
        "competition": {"metric": metric},
        "data_hash": changes.get("data_hash", "d"),
        "code_hash": changes.get("code_hash", "c"),
        "versions": {"torch": changes.get("torch", "2.13.0")},
    }
    run.write("run.json", info)
    run.write("plan.json", {"n_folds": n_folds})
    for k in range(len(folds)):
        run.write(f"folds/{k}/result.json", {"seconds": k + 1.0})
    (run.folder / "folds.csv").write_text(changes.get("folds_csv", FOLDS))
    if n_folds == len(folds):
        mean = sum(folds) / n_folds
        std = (sum((f - mean) ** 2 for f in folds) / n_folds) ** 0.5
        scores = {"metric": metric, "greater_is_better": higher, "folds": folds, "mean": mean, "std": std}
        run.write("scores.json", {**scores, "pooled": mean + 0.01})
        (run.folder / "DONE").touch()
    return run


def output_of(capsys: Capture, *arguments: str) -> list[str]:
    assert main(["runs", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


def json_of(capsys: Capture, *arguments: str) -> Any:
    (line,) = output_of(capsys, *arguments, "--json")
    return json.loads(line)


def error_of(capsys: Capture, *arguments: str) -> str:
    assert main(["runs", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.usefixtures("project")
def test_no_run_yet(capsys: Capture) -> None:
    assert output_of(capsys) == ["no run yet: `aicomp train` makes one"]
    assert json_of(capsys) == {"runs": []}


def test_the_table(project: Path, capsys: Capture) -> None:
    def name(**ago: int) -> str:
        return (datetime.now() - timedelta(**ago)).strftime("%Y%m%d-%H%M%S")

    names = [name(days=3), name(hours=5), name(minutes=7)]
    make_run(project, names[0], [0.8, 0.9])
    make_run(project, names[1], [0.9, 0.91], model="model:build_model").write(
        "submission.json", {"status": "graded", "score": 0.90625}
    )
    make_run(project, names[2], [0.95], n_folds=5, model="mlp")
    assert output_of(capsys) == [
        "   run              state      model              metric   mean ± std     pooled  seconds  age     submitted",
        f"   {names[0]}  done       tabm               roc_auc  0.85 ± 0.05    0.86    3        3 days",
        f"*  {names[1]}  done       model:build_model  roc_auc  0.905 ± 0.005  0.915   3        5 h     0.90625",
        f"   {names[2]}  1/5 folds  mlp                roc_auc                         1        7 min",
        f"* best: {names[1]}, roc_auc 0.905 (higher is better)",
    ]


def test_json(project: Path, capsys: Capture) -> None:
    make_run(project, "20260102-030405", [0.8, 0.9]).write("submission.json", {"status": "unknown"})
    make_run(project, "20260102-030405-002", [], n_folds=3)
    done, cut = json_of(capsys)["runs"]
    assert done == {
        "run": "20260102-030405",
        "folder": str(project / "runs" / "20260102-030405"),
        "created": "2026-01-02T03:04:05",
        "state": "done",
        "folds_done": 2,
        "n_folds": 2,
        "model": "tabm",
        "metric": "roc_auc",
        "greater_is_better": True,
        "mean": pytest.approx(0.85),
        "std": pytest.approx(0.05),
        "pooled": pytest.approx(0.86),
        "seconds": 3.0,
        "best": True,
        "submission": {"status": "unknown", "score": None},
    }
    assert {key: cut[key] for key in ("created", "state", "folds_done", "n_folds", "mean", "best", "submission")} == {
        "created": "2026-01-02T03:04:05",
        "state": "unfinished",
        "folds_done": 0,
        "n_folds": 3,
        "mean": None,
        "best": False,
        "submission": None,
    }


def test_a_run_that_was_cut_before_its_folds_were_laid_out(project: Path, capsys: Capture) -> None:
    (make_run(project, "20260102-030405", [], n_folds=3).folder / "plan.json").unlink()
    assert "  0/? folds  " in output_of(capsys)[1]


def test_a_renamed_run_keeps_its_time(project: Path, capsys: Capture) -> None:
    run = make_run(project, "baseline", [0.5])
    made = datetime.fromtimestamp((run.folder / "run.json").stat().st_mtime)
    assert json_of(capsys)["runs"][0]["created"] == made.replace(microsecond=0).isoformat()


def test_the_best_is_the_lowest_where_lower_is_better(project: Path, capsys: Capture) -> None:
    for name, score in (("20260101-000001", 3.0), ("20260101-000002", 2.0), ("20260101-000003", 2.5)):
        make_run(project, name, [score], metric=("rmse", False))
    assert [run["run"] for run in json_of(capsys)["runs"] if run["best"]] == ["20260101-000002"]
    assert output_of(capsys)[-1] == "* best: 20260101-000002, rmse 2 (lower is better)"


def test_scores_of_other_metrics_and_other_data_are_other_contests(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.7])
    make_run(project, "20260101-000002", [0.6])
    make_run(project, "20260101-000003", [0.4], metric=("log_loss", False))
    make_run(project, "20260101-000004", [0.1], data_hash="other")
    best = [run["run"][-1] for run in json_of(capsys)["runs"] if run["best"]]
    assert best == ["1", "3", "4"]


def test_of_equal_means_each_is_best(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.5])
    make_run(project, "20260101-000002", [0.5])
    assert [run["best"] for run in json_of(capsys)["runs"]] == [True, True]


def test_a_damaged_run_is_named(project: Path, capsys: Capture) -> None:
    run = make_run(project, "20260101-000001", [0.5])
    (run.folder / "scores.json").write_text("{")
    assert main(["runs"]) == 3
    assert f"error: `{run.folder / 'scores.json'}` is damaged: " in capsys.readouterr().err


def test_another_folder(project: Path, tmp_path_factory: pytest.TempPathFactory, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.5])
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(elsewhere)
        assert len(json_of(capsys, "--project", str(project))["runs"]) == 1
        assert "lies in no project" in error_of(capsys)


def test_compare(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.8, 0.9, 0.85])
    make_run(project, "20260102-000001", [0.82, 0.91, 0.88], model="mlp", params={"d_block": 64}, torch="2.14.0")
    # Differences 0.02, 0.01, 0.03: mean 0.02, standard deviation 0.01, standard error 0.01 / sqrt(3) = 0.0058.
    assert output_of(capsys, "compare", "20260101", "20260102") == [
        "a: 20260101-000001",
        "b: 20260102-000001",
        "",
        "config:",
        "  model.name: tabm → mlp",
        "  model.params.d_block: (none) → 64",
        "versions:",
        "  torch: 2.13.0 → 2.14.0",
        "",
        "fold    a         b         b - a",
        "1       0.8       0.82      +0.02",
        "2       0.9       0.91      +0.01",
        "3       0.85      0.88      +0.03",
        "mean    0.85      0.87      +0.02",
        "std     0.040825  0.037417",
        "pooled  0.86      0.88      +0.02",
        "",
        "b is better: roc_auc +0.02 on average (higher is better)",
        "better in 3 of 3 folds; standard error of the mean difference 0.0058",
    ]


def test_compare_as_json(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [3.0, 5.0], metric=("rmse", False))
    make_run(project, "20260102-000001", [2.0, 5.5], metric=("rmse", False), code_hash="other")
    content = json_of(capsys, "compare", "20260101", "20260102")
    assert content == {
        "a": {"run": "20260101-000001", "metric": "rmse", "mean": 4.0, "std": 1.0, "pooled": 4.01},
        "b": {"run": "20260102-000001", "metric": "rmse", "mean": 3.75, "std": 1.75, "pooled": 3.76},
        "metric": "rmse",
        "greater_is_better": False,
        "config": [],
        "versions": [],
        "same_folds": True,
        "same_data": True,
        "same_code": False,
        "folds": [
            {"fold": 0, "a": 3.0, "b": 2.0, "difference": -1.0},
            {"fold": 1, "a": 5.0, "b": 5.5, "difference": 0.5},
        ],
        "difference": -0.25,
        "standard_error": pytest.approx(
            0.75
        ),  # differences -1 and 0.5: standard deviation 1.5 / sqrt(2), divided by sqrt(2)
        "verdict": "better",
    }


@pytest.mark.parametrize(
    ("folds", "changes", "ending"),
    [
        (
            [2.0, 5.5],
            {},
            [
                "b is better: rmse -0.25 on average (lower is better)",
                "better in 1 of 2 folds; standard error of the mean difference 0.75",
                "less than two standard errors: this may be chance",
            ],
        ),
        (
            [4.0, 6.1],
            {},
            [
                "b is worse: rmse +1.05 on average (lower is better)",
                "better in 0 of 2 folds; standard error of the mean difference 0.05",
            ],
        ),
        (
            [3.0, 5.0],
            {},
            [
                "b is equal: the same mean rmse",
                "better in 0 of 2 folds; standard error of the mean difference 0",
            ],
        ),
        (
            [2.0, 2.0, 2.0],
            {"folds_csv": "id,fold\n1,2\n"},
            [
                "b is better: rmse -2 on average (lower is better)",
                "the folds are not the same: part of the difference comes from other validation rows",
            ],
        ),
        ([0.7, 0.7], {"metric": ("r2", True)}, ["not comparable: a is measured by rmse, b by r2"]),
    ],
)
def test_the_verdict(
    project: Path, capsys: Capture, folds: list[float], changes: dict[str, Any], ending: list[str]
) -> None:
    make_run(project, "20260101-000001", [3.0, 5.0], metric=("rmse", False))
    make_run(project, "20260102-000001", folds, **{"metric": ("rmse", False), **changes})
    lines = output_of(capsys, "compare", "20260101", "20260102")
    assert lines[-len(ending) - 1 :] == ["", *ending]


def test_folds_of_other_rows_are_not_paired(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.5, 0.7])
    make_run(project, "20260102-000001", [0.6, 0.6, 0.9], folds_csv="id,fold\n1,2\n", data_hash="other")
    content = json_of(capsys, "compare", "20260101", "20260102")
    assert content["folds"] == [
        {"fold": 0, "a": 0.5, "b": 0.6, "difference": None},
        {"fold": 1, "a": 0.7, "b": 0.6, "difference": None},
        {"fold": 2, "a": None, "b": 0.9, "difference": None},
    ]
    assert (content["same_folds"], content["same_data"], content["standard_error"]) == (False, False, None)
    assert content["difference"] == pytest.approx(0.1)
    assert "data: the raw files differ" in output_of(capsys, "compare", "20260101", "20260102")


def test_another_metric_gives_no_difference(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.5, 0.7])
    make_run(project, "20260102-000001", [0.6, 0.6], metric=("log_loss", False))
    content = json_of(capsys, "compare", "20260101", "20260102")
    assert (content["difference"], content["standard_error"], content["verdict"]) == (None, None, None)
    lines = output_of(capsys, "compare", "20260101", "20260102")
    assert "fold    a: roc_auc  b: log_loss  b - a" in lines
    assert "mean    0.6         0.6" in lines


def test_wrong_usage(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.5])
    make_run(project, "20260101-000002", [0.5], n_folds=2)
    assert (
        error_of(capsys, "comprae", "a", "b") == "error: unknown argument `comprae`\n\nhint: did you mean `compare`?\n"
    )
    assert error_of(capsys, "compare", "a") == (
        "error: `aicomp runs compare` takes two runs, got 1\n\nhint: write `aicomp runs compare A B`\n"
    )
    assert "error: `2026` is the beginning of 2 runs\n" in error_of(capsys, "compare", "2026", "20260101-000001")
    assert "error: run `20260101-000002` is not finished\n" in error_of(
        capsys, "compare", "20260101-000001", "20260101-000002"
    )
