import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from submission_cases import competition, make_project

from aicomp.errors import UsageError
from aicomp.project import Project
from aicomp.raw_data import copy_raw_data, data_hash
from aicomp.run import Run
from aicomp.submission import blend_runs, build_blend, read_sample
from aicomp.submission.blend import average

SAMPLE = "id,bought\n007,0\n010,0\n0x1,0\n"
TRAIN = "id,x,bought\na,1,No\nb,2,Yes\nc,3,No\nd,4,Yes\n"


def make_blendable(folder: Path, **changes: Any) -> Project:
    """A project whose train has the four targets No, Yes, No, Yes."""
    project = make_project(folder, competition(**changes), SAMPLE)
    source = folder / "downloads"
    (source / "train.csv").write_text(TRAIN)
    copy_raw_data(source, ["train.csv", "test.csv", "sample_submission.csv"], project.folder)
    return Project.open(project.folder)


def add_run(
    project: Project,
    name: str,
    oof: list[float],
    test: list[float],
    folds: tuple[tuple[int, ...], ...] = ((0, 1), (2, 3)),
) -> Run:
    run = Run(project.runs / name)
    for k, rows in enumerate(folds):
        run.fold(k).mkdir(parents=True)
        arrays = {
            "valid_rows": np.array(rows, dtype=np.int64),
            "valid": np.array([oof[row] for row in rows]),
            "test": np.array(test),
        }
        save_file(arrays, run.fold(k) / "predictions.safetensors")
    scores = {"metric": project.competition.metric, "folds": [0.5] * len(folds), "mean": 0.5, "std": 0.0, "pooled": 0.5}
    (run.folder / "run.json").write_text(json.dumps({"data_hash": data_hash(project.folder)}))
    (run.folder / "scores.json").write_text(json.dumps(scores))
    (run.folder / "test_ids.json").write_text(json.dumps({"id": ["007", "010", "0x1"]}))
    (run.folder / "DONE").touch()
    return run


def test_ranks_are_averaged_for_a_ranking_metric(tmp_path: Path) -> None:
    project = make_blendable(tmp_path)
    a = add_run(project, "20260101-000001", [0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.2])
    b = add_run(project, "20260101-000002", [0.5, 0.4, 0.3, 0.6], [0.01, 0.02, 0.03])
    blended = blend_runs(project, [a, b])
    assert blended.method == "mean of ranks"
    assert blended.weights == (0.5, 0.5)
    # Ranks 3 1 2 and 1 2 3 of three, r becoming (r - 0.5) / 3.
    assert blended.test == pytest.approx(np.array([1.5, 1.0, 2.0]) / 3)
    # Fold 0: ranks (1, 2) and (2, 1) tie, 0.5; fold 1: both right, 1.
    assert blended.cv["mean"] == 0.75
    assert blended.cv["std"] == 0.25
    path = build_blend(project, blended, read_sample(project))
    assert path.name.startswith("blend-")
    header, *lines = path.read_text().splitlines()
    assert header == "id,bought"
    assert [line.split(",")[0] for line in lines] == ["007", "010", "0x1"]
    assert [float(line.split(",")[1]) for line in lines] == pytest.approx([1 / 2, 1 / 3, 2 / 3])
    assert path == build_blend(project, blend_runs(project, [b, a]), read_sample(project))


def test_weights_and_probabilities(tmp_path: Path) -> None:
    project = make_blendable(tmp_path, metric="log_loss")
    a = add_run(project, "20260101-000001", [0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.2])
    b = add_run(project, "20260101-000002", [0.5, 0.5, 0.4, 0.4], [0.1, 0.1, 0.6])
    blended = blend_runs(project, [a, b], [3, 1])
    assert blended.method == "mean of probabilities"
    assert blended.weights == (0.75, 0.25)
    assert blended.test == pytest.approx([0.7, 0.1, 0.3])
    # 0.75 * (.1 .9 .2 .8) + 0.25 * (.5 .5 .4 .4) = .2 .8 .25 .7
    losses = [-(np.log(0.8) + np.log(0.8)) / 2, -(np.log(0.75) + np.log(0.7)) / 2]
    assert blended.cv["mean"] == pytest.approx(np.mean(losses))
    assert blended.cv["pooled"] == pytest.approx(np.mean(losses))


def test_runs_of_other_folds_are_scored_on_the_rows_in_common(tmp_path: Path) -> None:
    project = make_blendable(tmp_path, metric="log_loss")
    a = add_run(project, "20260101-000001", [0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.2])
    b = add_run(project, "20260101-000002", [0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.2], folds=((1, 2), (3,)))
    cv = blend_runs(project, [a, b]).cv
    # Row 0 was never validated by the second run.
    assert cv["mean"] == pytest.approx(np.mean([-np.log(0.9), -np.log(0.8)]))
    assert cv["pooled"] == pytest.approx(-(np.log(0.9) + 2 * np.log(0.8)) / 3)


def test_values_of_several_columns_are_averaged_column_by_column() -> None:
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[3.0, 2.0], [1.0, 8.0]])
    half = np.array([0.5, 0.5])
    assert average([a, b], half, "mean of values").tolist() == [[2.0, 2.0], [2.0, 6.0]]
    assert average([a, b], half, "mean of ranks").tolist() == [[0.5, 0.25], [0.5, 0.75]]


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    project = make_blendable(tmp_path)
    a = add_run(project, "20260101-000001", [0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.2])
    b = add_run(project, "20260101-000002", [0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.2])
    with pytest.raises(UsageError, match="run `20260101-000001` is named twice"):
        blend_runs(project, [a, a])
    with pytest.raises(UsageError, match="`--weight` is given 3 times, and there are 2 runs"):
        blend_runs(project, [a, b], [1, 2, 3])
    with pytest.raises(UsageError, match="a weight is -1"):
        blend_runs(project, [a, b], [1, -1])
    (b.folder / "run.json").write_text('{"data_hash": "other"}')
    with pytest.raises(UsageError, match="run `20260101-000002` was trained on other data"):
        blend_runs(project, [a, b])
