"""From a project to a Run: what is written, what is continued, what is refused."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from safetensors.numpy import load_file, save_file
from synthetic import METRIC, init_project, open_quick, quick_arguments

from aicomp.cross_validation import cross_validate, prepare
from aicomp.data.encoding import Encoder
from aicomp.data.reading import read_table
from aicomp.engine.events import DeviceEvent, EpochEvent, FoldEvent
from aicomp.engine.fold_job import Folds
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.raw_data import write_manifest
from aicomp.run import list_runs


@pytest.mark.parametrize("problem", METRIC)
def test_every_problem_type_becomes_a_whole_run(tmp_path, problem):
    project = open_quick(init_project(tmp_path, problem))
    run = cross_validate(project)
    assert run.is_done
    assert not run.work.exists()
    files = {"run.json", "columns.json", "folds.csv", "oof.csv", "test.csv", "scores.json", "curves.csv", "curves.png"}
    assert files <= {f.name for f in run.folder.iterdir()}
    scores = run.scores
    assert scores["metric"] == METRIC[problem]
    assert len(scores["folds"]) == 3
    assert scores["mean"] == pytest.approx(np.mean(scores["folds"]))
    assert scores["n_validated"] == 90


def test_out_of_fold_predictions_give_the_scores_that_are_recorded(tmp_path):
    project = open_quick(init_project(tmp_path))
    run = cross_validate(project)
    oof = pd.read_csv(run.folder / "oof.csv", dtype={"id": str})
    train = pd.read_csv(project.raw / "train.csv", dtype={"id": str})
    assert oof["id"].tolist() == train["id"].tolist()
    y = (train["bought"] == "Yes").to_numpy().astype(int)
    p = oof["bought"].to_numpy()
    assert project.task.metric(y, p) == pytest.approx(run.scores["pooled"])
    for k, score in enumerate(run.scores["folds"]):
        rows = (oof["fold"] == k).to_numpy()
        assert project.task.metric(y[rows], p[rows]) == pytest.approx(score)


def test_test_predictions_are_the_mean_of_the_folds(tmp_path):
    run = cross_validate(open_quick(init_project(tmp_path)))
    parts = [load_file(run.fold(k) / "predictions.safetensors")["test"] for k in range(3)]
    written = pd.read_csv(run.folder / "test.csv")["bought"].to_numpy()
    np.testing.assert_allclose(written, np.mean(parts, axis=0), rtol=1e-12)


def test_a_fold_is_not_trained_on_the_rows_it_validates(tmp_path):
    """Random targets: whoever has seen the validation rows scores above chance on them."""
    folder = init_project(tmp_path, n_train=300)
    path = folder / "data" / "raw" / "train.csv"
    train = pd.read_csv(path, dtype=str)
    train["bought"] = np.random.default_rng(0).permutation(np.repeat(["No", "Yes"], 150))
    rewrite(folder, path, train.to_csv(index=False))
    run = cross_validate(open_quick(folder, 'model.name="tabm"', "training.epochs=20"))
    # The standard error of an area under the ROC of 300 rows is about 0.033; best-epoch selection adds some.
    assert run.scores["pooled"] < 0.62


def test_encodings_are_fitted_on_no_row_that_the_fold_validates(tmp_path, monkeypatch):
    fitted = []
    fit = Encoder.fit

    def watched(encoder, table, rows):
        fitted.append(set(rows.tolist()))
        return fit(encoder, table, rows)

    monkeypatch.setattr(Encoder, "fit", watched)
    run = cross_validate(open_quick(init_project(tmp_path)))
    assert len(fitted) == 3
    for k, rows in enumerate(fitted):
        validated = set(run.predictions(k)["valid_rows"].tolist())
        assert rows == set(range(90)) - validated


def rewrite(folder, path, text):
    """Change a raw file and its entry in the manifest, as a new download would."""
    path.write_text(text)
    write_manifest(folder)


def test_workers_and_one_process_give_the_same_bits(tmp_path):
    folder = init_project(tmp_path)
    here = cross_validate(open_quick(folder))
    side_by_side = cross_validate(open_quick(folder, "workers=2"), fresh=True)
    for k in range(3):
        a, b = (load_file(r.fold(k) / "predictions.safetensors") for r in (here, side_by_side))
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_events_tell_of_every_epoch_and_fold(tmp_path):
    events = []
    cross_validate(open_quick(init_project(tmp_path)), on_event=events.append)
    assert [type(e) for e in events] == [DeviceEvent, *[EpochEvent, EpochEvent, FoldEvent] * 3]
    assert [e.fold for e in events if isinstance(e, FoldEvent)] == [0, 1, 2]


def test_a_cut_run_continues_with_the_folds_that_are_left(tmp_path):
    project = open_quick(init_project(tmp_path))

    def stop_after_first(event):
        if isinstance(event, FoldEvent):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cross_validate(project, on_event=stop_after_first)
    plans, events = [], []
    run = cross_validate(project, on_plan=plans.append, on_event=events.append)
    assert plans[0].folds_left == [1, 2]
    assert {e.fold for e in events if isinstance(e, FoldEvent)} == {1, 2}
    whole = cross_validate(project, fresh=True)
    assert whole.id != run.id
    assert whole.scores == run.scores


def test_a_changed_setting_begins_a_new_run(tmp_path):
    folder = init_project(tmp_path)
    first = prepare(open_quick(folder))
    again = prepare(open_quick(folder))
    other = prepare(open_quick(folder, "training.epochs=3"))
    assert again.run == first.run
    assert other.run != first.run


def test_changed_code_begins_a_new_run(tmp_path):
    folder = init_project(tmp_path)
    first = prepare(open_quick(folder))
    (folder / "features.py").write_text((folder / "features.py").read_text() + "\n# changed\n")
    assert prepare(open_quick(folder)).run != first.run


def test_two_trainings_at_once_are_refused(tmp_path):
    project = open_quick(init_project(tmp_path))
    project.runs.mkdir(exist_ok=True)
    with FileLock(project.runs / ".lock"), pytest.raises(AicompError, match="another training is running"):
        cross_validate(project)
    assert cross_validate(project).is_done


def test_own_features_and_model_are_used(tmp_path):
    folder = init_project(tmp_path)
    (folder / "features.py").write_text(
        "def add_features(table):\n    return table.assign(area=table['size'] * table['weight'])\n"
    )
    (folder / "model.py").write_text(
        "from aicomp.models import build_linear\n\ndef build_model(spec):\n    return build_linear(spec)\n"
    )
    run = cross_validate(open_quick(folder, 'model.name="model:build_model"'))
    assert "area" in run.result(0)["inputs"]["numbers"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def add_features(table):\n    return table['no such column']\n", "failed with KeyError"),
        ("def add_features(table):\n    return table.iloc[:3]\n", "must return a DataFrame of 90 rows, got 3 rows"),
        ("def add_features(table):\n    return None\n", "got NoneType"),
    ],
)
def test_features_that_fail_are_named(tmp_path, code, message):
    folder = init_project(tmp_path)
    (folder / "features.py").write_text(code)
    with pytest.raises(UsageError, match=message):
        cross_validate(open_quick(folder))
    assert not list((folder / "runs").glob("*/run.json"))


def test_a_worker_that_crashes_shows_its_traceback(tmp_path):
    folder = init_project(tmp_path)
    (folder / "model.py").write_text("def build_model(spec):\n    raise RuntimeError('a bug of mine')\n")
    with pytest.raises(AicompError, match=r"(?s)fold \d failed.*RuntimeError: a bug of mine"):
        cross_validate(open_quick(folder, "workers=2", 'model.name="model:build_model"'))


def test_a_worker_that_is_killed_is_reported_and_the_run_continues(tmp_path):
    folder = init_project(tmp_path)
    model = "import os, signal\nfrom aicomp.models import build_linear\n\ndef build_model(spec):\n"
    (folder / "model.py").write_text(
        model + "    if not os.path.exists('survive'):\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return build_linear(spec)\n"
    )
    project = open_quick(folder, "workers=2", 'model.name="model:build_model"')
    with pytest.raises(AicompError, match="ended with code -9"):
        cross_validate(project)
    [cut] = [f for f in project.runs.iterdir() if f.is_dir()]
    command = [sys.executable, "-c", "import sys; from aicomp.cli.main import run; run()", "train", "--json"]
    (folder / "survive").touch()
    arguments = quick_arguments("workers=2", 'model.name="model:build_model"')
    done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == cut.name


def test_data_that_changed_after_init_is_refused(tmp_path):
    folder = init_project(tmp_path)
    (folder / "data" / "raw" / "train.csv").write_text("id,size\n1,2\n")
    with pytest.raises(DataError, match=r"train\.csv"):
        cross_validate(open_quick(folder))


def test_a_full_disk_leaves_no_fold_that_looks_whole(tmp_path, monkeypatch):
    project = open_quick(init_project(tmp_path))

    def save(arrays, path):
        if "predictions" in path.name:
            raise OSError(28, "No space left on device")
        save_file(arrays, path)

    with monkeypatch.context() as patched:
        patched.setattr("aicomp.data.arrays.save_file", save)
        with pytest.raises(AicompError, match=r"cannot write .*predictions\.safetensors`: No space left on device"):
            cross_validate(project)
    [run] = list_runs(project.runs)
    assert not any(run.fold_is_done(k) for k in range(3))
    assert not list(run.folder.rglob("*.part"))
    assert cross_validate(project).id == run.id


def test_ids_keep_their_spelling(tmp_path):
    project = open_quick(init_project(tmp_path))
    run = cross_validate(project)
    expected = read_table(project.raw / "test.csv", strings=["id"])["id"].tolist()
    assert run.read("test_ids.json")["id"] == expected
    assert any(i.startswith("0") for i in expected)


def test_train_rows_limit_what_a_fold_learns_from_and_not_what_it_validates(tmp_path):
    folder = init_project(tmp_path)
    whole, part = (prepare(open_quick(folder, *o)).run for o in ([], ["split.train_rows=20"]))
    folds = [Folds(run, folder).encode(0) for run in (whole, part)]
    assert len(folds[0].data.y) > 20
    assert len(folds[1].data.y) == len(folds[1].data.train) == 20
    assert (folds[0].valid_rows == folds[1].valid_rows).all()
    assert "at most 20 of the" in part.read("plan.json")["notes"][-1]
    with pytest.raises(UsageError, match=r"`split\.train_rows` is 3, it must be at least 10"):
        prepare(open_quick(folder, "split.train_rows=3"))
