import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ensemble_cases import binary_project, save_run
from run_cases import Capture, error_of, json_of, make_project, make_run, output_of

from aicomp.run import Run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path, monkeypatch)


def test_compare(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.8, 0.9, 0.85])
    make_run(project, "20260102-000001", [0.82, 0.91, 0.88], model="mlp", params={"d_block": 64}, torch="2.14.0")
    # Differences 0.02, 0.01, 0.03: mean 0.02, standard deviation 0.01. `folds.csv` validates half of the rows in each
    # fold: standard error 0.01 * sqrt(1 / 3 + 1) = 0.01155, t = 1.73 with two degrees of freedom.
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
        "better in 3 of 3 folds",
        "folds: 95 % interval -0.0297 to +0.0697, p = 0.23 (t-test corrected for shared training rows)",
        "this may be chance",
        "",
        "rows are not compared: run 20260101-000001 holds no predictions",
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
        # Differences -1 and 0.5: standard deviation 1.5 / sqrt(2), divided by sqrt(2).
        "standard_error": pytest.approx(0.75),
        "verdict": "better",
        "test": {
            "n_folds": 2,
            "difference": -0.25,
            "ratio": 1.0,
            "standard_error": pytest.approx(1.5 / 2**0.5 * 1.5**0.5),
            "low": pytest.approx(-0.25 - 12.7062 * 1.299, abs=1e-3),
            "high": pytest.approx(-0.25 + 12.7062 * 1.299, abs=1e-3),
            "p_value": pytest.approx(0.879, abs=1e-3),
        },
        "rows": None,
        "rows_missing": "run 20260101-000001 holds no predictions",
        "page": None,
        "pngs": [],
    }


@pytest.mark.parametrize(
    ("folds", "changes", "ending"),
    [
        (
            [2.0, 5.5],
            {},
            [
                "b is better: rmse -0.25 on average (lower is better)",
                "better in 1 of 2 folds",
                # Deviation 1.0607 times sqrt(1 / 2 + 1), times 12.706, the quantile of t with one degree of freedom.
                "folds: 95 % interval -16.8 to +16.3, p = 0.88 (t-test corrected for shared training rows)",
                "this may be chance",
            ],
        ),
        (
            [4.0, 6.1],
            {},
            [
                "b is worse: rmse +1.05 on average (lower is better)",
                "better in 0 of 2 folds",
                "folds: 95 % interval -0.0504 to +2.15, p = 0.052 (t-test corrected for shared training rows)",
                "this may be chance",
            ],
        ),
        (
            [3.0, 5.0],
            {},
            [
                "b is equal: the same mean rmse",
                "better in 0 of 2 folds",
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
    assert lines[-len(ending) - 3 : -2] == ["", *ending]
    assert lines[-2:] == ["", "rows are not compared: run 20260101-000001 holds no predictions"]


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
    assert error_of(capsys, "comprae", "a", "b") == (
        "error: no such command `comprae`\n\nhint: did you mean `compare`? `aicomp runs --help` shows what it takes\n"
    )
    assert error_of(capsys, "compare", "a") == (
        "error: `aicomp runs compare` takes two runs, got 1\n\nhint: write `aicomp runs compare A B`\n"
    )
    assert "error: `2026` is the beginning of 2 runs\n" in error_of(capsys, "compare", "2026", "20260101-000001")
    assert "error: run `20260101-000002` is not finished\n" in error_of(
        capsys, "compare", "20260101-000001", "20260101-000002"
    )


def saved_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Run, Run]:
    """A project with two saved runs: the second knows the target better."""
    folder = binary_project(tmp_path)
    monkeypatch.chdir(folder)
    return folder, save_run(folder, "vague", 3.0, 0), save_run(folder, "sharp", 0.7, 1)


def test_rows_segments_and_a_blend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    folder, a, b = saved_pair(tmp_path, monkeypatch)
    capsys.readouterr()
    content = json_of(capsys, "compare", a.id, b.id, "--rows", "3", "--output", "beside.html", "--png", "figures")
    rows = content["rows"]
    assert content["rows_missing"] is None
    assert rows["n"] == rows["a_better"] + rows["b_better"] + rows["equal"] == 90
    assert rows["loss"] == "minus log of the probability of the truth"
    assert rows["test"]["a"] == pytest.approx(a.scores["pooled"])
    assert rows["test"]["b"] == pytest.approx(b.scores["pooled"])
    assert rows["test"]["low"] < rows["test"]["difference"] < rows["test"]["high"]
    assert [len(rows[key]) for key in ("furthest_b_better", "furthest_a_better")] == [3, 3]
    first = rows["furthest_b_better"][0]
    assert first["loss_a"] - first["loss_b"] == max(p["loss_a"] - p["loss_b"] for p in rows["furthest_b_better"])
    train = pd.read_csv(folder / "data" / "raw" / "train.csv", dtype=str)
    assert train["id"][first["row"]] == first["id"]
    assert train["bought"][first["row"]] == first["truth"]
    assert {"target bought", "color", "size", "when"} <= {segment["column"] for segment in rows["segments"]}
    assert "id" not in {segment["column"] for segment in rows["segments"]}
    assert [s["p_value"] for s in rows["segments"]] == sorted(s["p_value"] for s in rows["segments"])
    assert 0 < rows["alike"]["predictions"] < 1
    assert rows["blend"]["method"] == "ranks"
    assert rows["blend"]["scores"][0] == pytest.approx(a.scores["pooled"])
    assert content["page"] == "beside.html"
    page = (folder / "beside.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert len(content["pngs"]) == 4
    assert all((folder / name).read_bytes()[1:4] == b"PNG" for name in content["pngs"])
    assert first["id"] in page


def test_people_see_where_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    _, a, b = saved_pair(tmp_path, monkeypatch)
    capsys.readouterr()
    lines = output_of(capsys, "compare", a.id, b.id)
    assert any(line.startswith("rows: b is better in ") for line in lines)
    assert "b is furthest ahead in:" in lines
    assert any(line.startswith("segments: ") for line in lines)
    assert any(line.startswith("correlation: predictions ") for line in lines)
    assert any(line.startswith("a blend ") for line in lines)
    assert "not compared" not in "\n".join(lines)


def test_rows_of_other_data_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    _, a, b = saved_pair(tmp_path, monkeypatch)
    capsys.readouterr()
    b.write("run.json", {**b.info, "data_hash": "other"})
    content = json_of(capsys, "compare", a.id, b.id)
    assert content["rows"] is None
    assert content["rows_missing"].startswith(f"run `{b.id}` was trained on other data than ")
    assert content["difference"] is not None


def test_a_run_beside_itself_differs_in_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    folder, a, _ = saved_pair(tmp_path, monkeypatch)
    copied = Run(folder / "runs" / "20300101-000000")
    shutil.copytree(a.folder, copied.folder)
    capsys.readouterr()
    content = json_of(capsys, "compare", a.id, copied.id)
    assert content["verdict"] == "equal"
    assert content["test"]["p_value"] == 1
    assert content["rows"]["equal"] == 90
    assert content["rows"]["furthest_b_better"] == content["rows"]["furthest_a_better"] == []
    assert {s["p_value"] for s in content["rows"]["segments"]} == {1.0}
    assert content["rows"]["blend"]["gain"] == 0
    assert content["rows"]["alike"]["predictions"] == pytest.approx(1)


def test_options_stand_behind_the_word(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.5])
    assert error_of(capsys, "--last", "1", "compare", "a", "b") == (
        "error: `--last` stands before `compare`\n\nhint: write it behind: `aicomp runs compare ...`\n"
    )
