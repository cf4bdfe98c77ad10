"""A run on codes: its folds learn statistics of the target, save them, and predict new rows with them."""

import numpy as np
import pandas as pd
import pytest
from code_cases import code_rows
from synthetic import open_quick

from aicomp.cli.main import main
from aicomp.cross_validation import cross_validate
from aicomp.prediction import predict_run


@pytest.fixture(scope="module")
def project_folder(tmp_path_factory):
    """A project on codes that drive a value, with unseen and missing ones among the test rows."""
    folder = tmp_path_factory.mktemp("codes")
    frame, score = code_rows(3300)
    frame.insert(0, "id", np.arange(len(frame)))
    targets = pd.DataFrame({"id": frame["id"], "price": score.round(4)})
    test = frame.iloc[3000:].astype({"title": float})
    test.iloc[:20, 1] = 999_999
    test.iloc[10:30, 5] = np.nan
    frame.iloc[:3000].assign(price=targets["price"]).to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    targets.iloc[3000:].assign(price=0.5).to_csv(folder / "sample_submission.csv", index=False)
    into = folder / "project"
    assert main(["init", str(folder), "--metric", "rmse", "--into", str(into), "--json"]) == 0
    return into


@pytest.mark.parametrize("model", ["linear", "tabm", "extra-trees"])
def test_the_runs_own_test_predictions_come_out_bit_for_bit(project_folder, model):
    sizes = {"tabm": ["model.params.n_blocks=1"], "extra-trees": ["model.params.n_estimators=20"]}
    settings = [f'model.name="{model}"', *sizes.get(model, [])]
    if model == "extra-trees":
        settings += ['training.epochs="auto"', 'training.batch_size="auto"', 'regularization.dropout="auto"']
    project = open_quick(project_folder, *settings)
    run = cross_validate(project)
    names = run.result(0)["inputs"]["numbers"]
    assert "department x title mean" in names
    assert "manager_id mean" in names
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())


def test_statistics_make_a_linear_model_better(project_folder, monkeypatch):
    project = open_quick(project_folder, "training.epochs=8")
    with_them = cross_validate(project).scores["mean"]
    nothing = ([], np.empty((2000, 0)))
    monkeypatch.setattr("aicomp.data.encoding.fit_statistics", lambda *args, **options: nothing)
    without = cross_validate(project, fresh=True).scores["mean"]
    assert with_them < 0.97 * without
