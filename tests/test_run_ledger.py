import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from synthetic import init_project, open_quick

import aicomp
from aicomp.cli.main import main
from aicomp.cross_validation import prepare
from aicomp.errors import DataError, UsageError
from aicomp.run import Run

README = Path(__file__).parent.parent / "README.md"


def read_ids(folder: Path, name: str) -> pd.Series:
    return pd.read_csv(folder / "data" / "raw" / f"{name}.csv", dtype=str)["id"]


def ramp(n: int) -> np.ndarray:
    return np.arange(1, n + 1) / (n + 1)


def test_four_lines_of_any_script_make_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The README's lines, with a model of another framework."""
    folder = init_project(tmp_path)
    (block,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len([line for line in block.splitlines() if line]) == 4
    model = """
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

def my_predictions(folds):
    train, test = (pd.read_csv(f"data/raw/{name}.csv") for name in ("train", "test"))
    x, y, model = ["size", "weight"], train["bought"], LogisticRegression()
    oof = cross_val_predict(model, train[x], y, cv=folds, method="predict_proba")
    return oof, model.fit(train[x], y).predict_proba(test[x])
"""
    (folder / "other.py").write_text(model + block)
    subprocess.run([sys.executable, "other.py"], cwd=folder, check=True, capture_output=True)
    capsys.readouterr()
    assert main(["runs", "--project", str(folder), "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["runs"]
    assert (item["model"], item["state"], item["folds_done"]) == ("my-xgb", "done", 5)
    assert item["mean"] > 0.8
    assert main(["submit", "--project", str(folder), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 30


def test_importing_is_light() -> None:
    code = "import sys, aicomp; print(len([m for m in ('numpy', 'pandas', 'torch', 'sklearn') if m in sys.modules]))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "0\n"
    assert aicomp.Run is Run
    with pytest.raises(AttributeError, match="module `aicomp` has no attribute `Rum`"):
        _ = aicomp.Rum  # type: ignore[attr-defined]


def test_a_saved_run_has_the_folds_and_scores_of_a_training(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    plan = prepare(open_quick(folder, "split.n_splits=5", "seed=7"))
    draft = aicomp.Run.create("m", folder, params={"depth": 6})
    run = draft.save(oof=ramp(90), test=list(ramp(30)))
    assert (run.folder / "folds.csv").read_bytes() == (plan.run.folder / "folds.csv").read_bytes()
    assert run.info["config"]["model"] == {"name": "m", "params": {"depth": 6}}
    assert run.kind == "saved"
    project = draft.project
    y = (pd.read_csv(project.raw / "train.csv")["bought"] == "Yes").to_numpy().astype(int)
    expected = [project.task.score(y[valid], ramp(90)[valid]) for _, valid in draft.folds]
    assert run.scores["folds"] == expected
    assert run.test_predictions() == pytest.approx(ramp(30))
    pairs = aicomp.project_folds(folder)
    assert [valid.tolist() for _, valid in pairs] == [valid.tolist() for _, valid in draft.folds]


def test_the_seed_of_weights_leaves_the_folds_alone(tmp_path: Path) -> None:
    folder = init_project(tmp_path)

    def valid(*overrides: str) -> list[list[int]]:
        return [rows.tolist() for _, rows in aicomp.project_folds(folder, list(overrides))]

    assert valid("seed=3") == valid()
    assert valid("split.seed=3") != valid()
    for key in ("seed", "split.seed"):
        with pytest.raises(UsageError, match=f"`{key}` is -1, it must be at least 0"):
            valid(f"{key}=-1")


def forms(oof: np.ndarray, ids: pd.Series) -> dict[str, Any]:
    """The same predictions in many forms."""
    frame = pd.DataFrame({"id": ids, "bought": oof})
    mixed = frame.sample(frac=1, random_state=0)
    return {
        "column": oof[:, None],
        "two classes": np.column_stack([1 - oof, oof]),
        "named classes": pd.DataFrame({"Yes": oof, "No": 1 - oof}),
        "ids": frame,
        "ids in another order": mixed,
        "ids and another name": mixed.rename(columns={"bought": "p"}).reset_index(drop=True),
        "ids as numbers": mixed.assign(id=mixed["id"].astype(int)),
        "named index": mixed.set_index("id")["bought"],
        "unnamed index": pd.Series(mixed["bought"].to_numpy(), index=mixed["id"].to_numpy()),
        "row numbers in another order": mixed["bought"],
    }


@pytest.mark.parametrize("form", list(forms(ramp(2), pd.Series(["1", "2"]))))
def test_predictions_come_in_many_forms(tmp_path: Path, form: str) -> None:
    folder = init_project(tmp_path)
    oof = forms(ramp(90), read_ids(folder, "train"))[form]
    run = aicomp.Run.create("m", folder).save(oof=oof, test=ramp(30))
    written = pd.read_csv(run.folder / "oof.csv", dtype={"id": str})
    assert written["id"].tolist() == read_ids(folder, "train").tolist()
    assert written["bought"].tolist() == pytest.approx(ramp(90).tolist())


def test_classes_are_found_by_their_names(tmp_path: Path) -> None:
    folder = init_project(tmp_path, "multiclass")
    random = np.random.default_rng(0)
    labels = aicomp.Project.open(folder).competition.labels
    values = random.dirichlet(np.ones(3), size=90)
    oof = pd.DataFrame(values, columns=list(labels))[list(labels[::-1])]
    run = aicomp.Run.create("m", folder).save(oof=oof, test=np.full((30, 3), 1 / 3))
    assert pd.read_csv(run.folder / "oof.csv")[f"grade={labels[0]}"].tolist() == pytest.approx(values[:, 0].tolist())
    with pytest.raises(DataError, match=r"`test` sums to 1.5 in row 0, counted from 0 \(id `\d+`\)"):
        aicomp.Run.create("m", folder).save(oof=values, test=np.full((30, 3), 0.5))


def changed(row: int, value: float) -> np.ndarray:
    oof = ramp(90)
    oof[row] = value
    return oof


@pytest.mark.parametrize(
    ("oof", "message"),
    [
        (ramp(89), r"`oof` has shape \(89,\), but \(90,\) is needed"),
        (pd.DataFrame({"bought": ramp(80)}), r"`oof` has shape \(80,\), but \(90,\) is needed"),
        (changed(17, np.nan), r"`oof` is nan in row 17, counted from 0 \(id `\d{5}`\), as in 1 of 90 rows"),
        (changed(3, 1.5), r"`oof` is 1.5 in row 3, counted from 0 \(id `\d{5}`\), as in 1 of 90 rows"),
        (["Yes"] * 90, "`oof` is no array of numbers"),
        (pd.Series(ramp(90), index=[f"x{i}" for i in range(90)]), "`oof`: id `x0` is in no row of the file"),
        (pd.DataFrame({"a": ramp(90), "b": ramp(90)}), "`oof` has the columns `a`, `b`"),
    ],
    ids=["too few", "too few of a frame", "nan", "no probability", "labels", "unknown ids", "columns"],
)
def test_what_is_wrong_is_named_and_leaves_nothing(tmp_path: Path, oof: object, message: str) -> None:
    folder = init_project(tmp_path)
    with pytest.raises(DataError, match=message):
        aicomp.Run.create("m", folder).save(oof=oof, test=ramp(30))
    assert not list((folder / "runs").glob("*"))


def test_ids_that_are_missing_or_there_twice_are_named(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    ids = read_ids(folder, "test")
    draft = aicomp.Run.create("m", folder)
    twice = pd.DataFrame({"id": [ids[1], *ids[1:]], "bought": ramp(30)})
    with pytest.raises(DataError, match=f"`test`: id `{ids[1]}` appears twice"):
        draft.save(oof=ramp(90), test=twice)
    with pytest.raises(DataError, match=f"`test` has 29 rows, 30 are needed: there is none for the id `{ids[0]}`"):
        draft.save(oof=ramp(90), test=twice.iloc[1:])


def test_names_and_settings_are_checked_before_anything_is_trained(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    with pytest.raises(UsageError, match="is no name"):
        aicomp.Run.create(" ", folder)
    with pytest.raises(UsageError, match="`params` cannot be written as JSON"):
        aicomp.Run.create("m", folder, params={"x": object()})
    with pytest.raises(UsageError, match="is no project"):
        aicomp.Run.create("m", tmp_path)


def test_predictions_that_cannot_be_scored_leave_no_run(tmp_path: Path) -> None:
    folder = init_project(tmp_path, "regression")
    competition = folder / "competition.toml"
    competition.write_text(competition.read_text().replace('metric = "rmse"', 'metric = "rmsle"'))
    with pytest.raises(DataError, match="metric `rmsle` cannot score"):
        aicomp.Run.create("m", folder).save(oof=-np.ones(90), test=np.ones(30))
    assert [path.name for path in (folder / "runs").iterdir()] == [".naming.lock"]


def test_the_folds_are_those_of_scikit_learns_cv(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    train = pd.read_csv(folder / "data" / "raw" / "train.csv")
    folds = aicomp.project_folds(folder)
    oof = cross_val_predict(LogisticRegression(), train[["size"]], train["bought"], cv=folds, method="predict_proba")
    assert oof.shape == (90, 2)
