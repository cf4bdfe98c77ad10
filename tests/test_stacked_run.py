"""A whole run whose folds are one network: saved, predicted from, cut and continued like any other."""

import json

import numpy as np
import pandas as pd
import pytest
from synthetic import init_project, open_quick

from aicomp.cross_validation import cross_validate
from aicomp.engine.events import DeviceEvent, FoldEvent, LayoutEvent
from aicomp.errors import AicompError
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import list_runs

STACKED = ("training.layout=stacked", 'model.name="mlp"', "model.params.d_block=16")


class Cut(Exception):  # noqa: N818 - what a power failure does
    pass


def stacked(folder, *more):
    return open_quick(folder, *STACKED, *more)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("problem", ["binary", "regression"])
def test_a_stacked_run_is_the_run_of_its_folds_alone(tmp_path, problem, workers):
    folder = init_project(tmp_path, problem)
    events = []
    alone = cross_validate(open_quick(folder, *STACKED, "training.layout=processes", "training.amp=false"))
    project = stacked(folder, f"workers={workers}", "training.amp=false")
    run = cross_validate(project, on_event=events.append)
    layout = {"stacked": True, "folds": [0, 1, 2], "reason": "`training.layout` is `stacked`"}
    assert [e for e in events if isinstance(e, LayoutEvent)] == [LayoutEvent(**layout)]
    assert run.read("layout.json") == layout
    assert sorted(e.fold for e in events if isinstance(e, FoldEvent)) == [0, 1, 2]
    assert [e.workers for e in events if isinstance(e, DeviceEvent)] == [min(workers, 1)]
    for k in range(3):
        assert run.result(k)["best_epoch"] == alone.result(k)["best_epoch"]
        assert run.result(k)["notes"][0] == (
            "trained as one network with 2 other folds: `training.layout` is `stacked`"
        )
        np.testing.assert_allclose(run.predictions(k)["test"], alone.predictions(k)["test"], rtol=1e-3)
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())
    assert not (alone.folder / "layout.json").exists()


def test_a_stacked_run_that_is_cut_ends_with_the_bits_it_would_have_had(tmp_path):
    folder = init_project(tmp_path)
    dropout = ("regularization.dropout=0.3", "regularization.early_stopping=0")
    whole = cross_validate(stacked(folder, *dropout))

    def cut(event):
        if isinstance(event, FoldEvent):
            raise Cut

    project = stacked(folder, *dropout)
    with pytest.raises(Cut):
        cross_validate(project, fresh=True, on_event=cut)
    [begun] = [run for run in list_runs(project.runs) if not run.is_done]
    assert [k for k in range(3) if begun.fold_is_done(k)] == [0]
    events = []
    run = cross_validate(project, on_event=events.append)
    assert run.id == begun.id
    assert [e.fold for e in events if isinstance(e, FoldEvent)] == [1, 2]
    for k in range(3):
        assert run.predictions(k)["test"].tobytes() == whole.predictions(k)["test"].tobytes()


def test_what_cannot_be_stacked_is_trained_one_by_one_and_said(tmp_path):
    project = stacked(init_project(tmp_path), "training.optimizer=muon")
    events = []
    run = cross_validate(project, on_event=events.append)
    [told] = [e for e in events if isinstance(e, LayoutEvent)]
    assert not told.stacked
    assert told.reason == (
        "`training.layout` is `stacked`; the optimizer `muon` works on whole matrices or keeps weights of its own"
    )
    assert run.is_done
    assert run.read("layout.json")["stacked"] is False


def test_left_to_itself_a_short_run_is_not_stacked_and_says_nothing(tmp_path):
    events = []
    run = cross_validate(open_quick(init_project(tmp_path)), on_event=events.append)
    assert not [e for e in events if isinstance(e, LayoutEvent)]
    assert run.read("layout.json")["reason"].endswith("are over before both ways are measured")


def test_folds_with_other_levels_and_a_column_that_is_constant_in_one(tmp_path):
    folder = init_project(tmp_path)
    path = folder / "data" / "raw" / "train.csv"
    train = pd.read_csv(path, dtype=str)
    train["shade"] = ["rare" if i % 30 == 0 else f"s{i % 17}" for i in range(len(train))]
    train["once"] = ["1" if i == 40 else "0" for i in range(len(train))]
    test = pd.read_csv(folder / "data" / "raw" / "test.csv", dtype=str).assign(shade="s1", once="0")
    train.to_csv(path, index=False)
    test.to_csv(folder / "data" / "raw" / "test.csv", index=False)
    from aicomp.raw_data import write_manifest

    write_manifest(folder)
    off = ("training.amp=false", "columns.once=number", "columns.shade=category")
    alone = cross_validate(open_quick(folder, *STACKED, *off, "training.layout=processes"))
    run = cross_validate(stacked(folder, *off))
    inputs = [json.dumps(run.result(k)["inputs"]) for k in range(3)]
    assert len(set(inputs)) == 2  # one fold does not have the column
    assert run.read("layout.json")["stacked"]
    for k in range(3):
        np.testing.assert_allclose(run.predictions(k)["test"], alone.predictions(k)["test"], rtol=1e-3)


def test_a_model_that_is_no_network_cannot_be_asked_for_it(tmp_path):
    with pytest.raises(AicompError, match=r"`training.layout` is 'stacked', which is for networks and not for `ridge`"):
        cross_validate(
            Project.open(init_project(tmp_path), ["training.layout=stacked", "model.name=ridge", "workers=0"])
        )
