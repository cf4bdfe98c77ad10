from pathlib import Path

import pandas as pd
import pytest
from contract_text import SHOP

from aicomp.errors import UsageError
from aicomp.project import Project

FEATURES = "def add_features(table):\n    return table.assign(double=2 * table['x'])\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "aicomp.toml").write_text("seed = 5\n")
    (root / "competition.toml").write_text(SHOP)
    (root / "features.py").write_text(FEATURES)
    return root


def error_of(folder: Path | None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        Project.open(folder)
    return caught.value


def test_it_opens_by_name(folder: Path) -> None:
    project = Project.open(folder, ["seed=6"])
    assert project.config.seed == 6
    assert project.competition.slug == "shop"
    assert (project.raw, project.runs) == (folder / "data" / "raw", folder / "runs")


def test_it_is_found_from_any_folder_inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = folder / "runs" / "20260101-000000"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert Project.open().folder == folder


def test_a_relative_folder_becomes_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers and a changed directory must not lose it."""
    monkeypatch.chdir(folder.parent)
    assert Project.open(Path("project")).folder == folder


def test_outside_a_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    error = error_of(None)
    assert error.message == f"`{folder.parent}` lies in no project: no `aicomp.toml` here or above"
    assert error_of(folder.parent).message == f"`{folder.parent}` is no project: it has no `aicomp.toml`"
    assert error.hint == "run `aicomp init` to make one"


def test_a_project_without_its_contract(folder: Path) -> None:
    (folder / "competition.toml").unlink()
    assert error_of(folder).message == f"`{folder / 'competition.toml'}` does not exist"


def test_the_task_of_the_contract(folder: Path) -> None:
    task = Project.open(folder).task
    assert (task.problem_type, task.labels, task.n_targets, task.metric.name) == ("binary", ("No", "Yes"), 1, "roc_auc")


def test_a_metric_of_another_problem_type(folder: Path) -> None:
    (folder / "competition.toml").write_text(SHOP.replace("roc_auc", "rmse"))
    with pytest.raises(UsageError) as caught:
        _ = Project.open(folder).task
    assert caught.value.message == "metric `rmse` is for multi-target, regression, and this competition is binary"
    assert caught.value.hint == "correct `metric` or `problem_type` in `competition.toml`"


def test_a_metric_of_the_project(folder: Path) -> None:
    (folder / "competition.toml").write_text(SHOP.replace("roc_auc", "metric:yards"))
    (folder / "metric.py").write_text(
        "from aicomp.metrics import Metric\n"
        "yards = Metric('yards', lambda y_true, y_pred: float(abs(y_true - y_pred).sum()), False, 'probability',\n"
        "               frozenset({'binary'}))\n"
    )
    assert Project.open(folder).task.metric.name == "yards"


def test_the_features_of_the_project(folder: Path) -> None:
    function = Project.open(folder).add_features
    assert function is not None
    assert function(pd.DataFrame({"x": [1, 2]}))["double"].tolist() == [2, 4]


def test_no_features(folder: Path) -> None:
    assert Project.open(folder, ["features.function="]).add_features is None


def test_features_that_are_not_there(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown object in `features\.py`: `absent`"):
        _ = Project.open(folder, ["features.function=features:absent"]).add_features


def test_features_that_are_no_function(folder: Path) -> None:
    (folder / "features.py").write_text("add_features = 3\n")
    with pytest.raises(UsageError, match="`features:add_features` is no function"):
        _ = Project.open(folder).add_features


def test_the_code_hash_follows_names_and_contents_of_python_files(folder: Path) -> None:
    def code_hash() -> str:
        return Project.open(folder).code_hash()

    first = code_hash()
    assert code_hash() == first
    (folder / "README.md").write_text("# not code\n")
    assert code_hash() == first
    (folder / "features.py").write_text(FEATURES.replace("2 *", "3 *"))
    changed = code_hash()
    assert changed != first
    (folder / "features.py").rename(folder / "other.py")
    assert code_hash() not in (first, changed)
    (folder / "other.py").rename(folder / "features.py")
    (folder / "features.py").write_text(FEATURES)
    assert code_hash() == first
