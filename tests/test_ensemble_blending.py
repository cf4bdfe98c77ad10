import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ensemble_cases import binary_project, save_run

from aicomp.engine.blend_job import weigh_members
from aicomp.engine.jobs import Job
from aicomp.ensemble.blending import blend
from aicomp.ensemble.members import choose_runs, folds_hash, read_folds
from aicomp.ensemble.methods import Options
from aicomp.errors import UsageError
from aicomp.project import Project
from aicomp.run import list_runs
from aicomp.submission import build_submission, read_sample


def test_a_blend_is_an_ordinary_run(tmp_path: Path) -> None:
    folder = binary_project(tmp_path)
    runs = [save_run(folder, f"m{seed}", 1.5, seed) for seed in range(3)]
    project = Project.open(folder)
    blended = blend(project, runs, "hill-climbing")
    run = blended.run
    assert run.is_done
    assert run.kind == "blend"
    assert run.info["config"]["model"]["name"] == "blend"
    assert [m["run"] for m in run.info["blend"]["members"]] == [r.id for r in runs]
    assert sum(m["weight"] for m in run.info["blend"]["members"]) == pytest.approx(1)
    assert run.scores["mean"] == pytest.approx(np.mean(blended.chosen.honest))
    assert (run.folder / "folds.csv").read_bytes() == (runs[0].folder / "folds.csv").read_bytes()
    assert run.test_predictions() == pytest.approx(
        np.tensordot(blended.chosen.fitted.weights, [r.test_predictions() for r in runs], axes=1)
    )
    # The out-of-fold predictions are the nested ones.
    oof = pd.read_csv(run.folder / "oof.csv", dtype={"id": str})
    rows = run.predictions(0)["valid_rows"]
    weights = run.result(0)["weights"]
    nested = sum(w * pd.read_csv(r.folder / "oof.csv")["bought"][rows] for w, r in zip(weights, runs, strict=True))
    assert oof["bought"][rows].tolist() == pytest.approx(nested.tolist())
    path = build_submission(project, run, read_sample(project))
    assert len(pd.read_csv(path)) == 30


def test_blends_blend(tmp_path: Path) -> None:
    folder = binary_project(tmp_path)
    runs = [save_run(folder, f"m{seed}", 1.5, seed) for seed in range(3)]
    project = Project.open(folder)
    first = blend(project, runs[:2], "rank").run
    again = blend(project, [first, runs[2]], "mean").run
    assert again.scores["mean"] > runs[2].scores["mean"]
    chosen, left_out = choose_runs(project)
    assert [r.id for r in chosen] == [r.id for r in runs]
    assert left_out == {r.id: "a blend itself; name it to take it in" for r in (first, again)}


@pytest.mark.parametrize(
    "overrides", [["split.time=when"], ["split.splitter=repeated", "split.n_repeats=2", "split.n_splits=3"]], ids=str
)
def test_rows_that_are_validated_never_or_twice(tmp_path: Path, overrides: list[str]) -> None:
    folder = binary_project(tmp_path)
    runs = [save_run(folder, f"m{seed}", 1.5, seed, *overrides) for seed in range(2)]
    run = blend(Project.open(folder), runs).run
    assert (run.folder / "folds.csv").read_bytes() == (runs[0].folder / "folds.csv").read_bytes()
    assert len(run.scores["folds"]) == len(runs[0].scores["folds"])
    oof = pd.read_csv(run.folder / "oof.csv", dtype=str)
    never = oof["fold"] == "-1"
    assert never.any() == ("split.time=when" in overrides)
    assert oof["bought"].isna().tolist() == never.tolist()


def test_runs_with_other_folds_are_refused(tmp_path: Path) -> None:
    folder = binary_project(tmp_path)
    a, b = save_run(folder, "a", 1, 0), save_run(folder, "b", 1, 1)
    shuffled = save_run(folder, "c", 1, 2, "split.seed=1")
    fewer = save_run(folder, "d", 1, 3, "split.n_splits=3")
    project = Project.open(folder)
    assert folds_hash(read_folds(a)) == folds_hash(read_folds(b)) != folds_hash(read_folds(shuffled))
    n_before = len(list_runs(project.runs))
    with pytest.raises(
        UsageError, match=rf"runs `{a.id}` and `{shuffled.id}` have other folds: \d+ of 90 train rows validated in"
    ) as caught:
        blend(project, [a, b, shuffled])
    assert "`[split]`" in caught.value.hint
    with pytest.raises(UsageError, match=rf"runs `{a.id}` and `{fewer.id}` have other folds: 5 and 3 of them"):
        blend(project, [a, fewer])
    assert len(list_runs(project.runs)) == n_before
    chosen, left_out = choose_runs(project)
    assert [r.id for r in chosen] == [a.id, b.id]
    assert left_out == {shuffled.id: "other folds", fewer.id: "other folds"}


def test_what_cannot_be_blended_is_refused(tmp_path: Path) -> None:
    folder = binary_project(tmp_path)
    project = Project.open(folder)
    with pytest.raises(UsageError, match="holds 0 runs to blend, two are needed"):
        choose_runs(project)
    a, b = save_run(folder, "a", 1, 0), save_run(folder, "b", 1, 1)
    with pytest.raises(UsageError, match="1 run cannot be blended"):
        blend(project, [a])
    with pytest.raises(UsageError, match=f"run `{a.id}` is named twice"):
        blend(project, [a, a])
    with pytest.raises(UsageError, match="`--bags` is 0"):
        blend(project, [a, b], options=Options(n_bags=0))
    info = b.info
    b.write("run.json", {**info, "data_hash": "other"})
    with pytest.raises(UsageError, match=f"run `{b.id}` was trained on other data"):
        blend(project, [a, b])
    (b.folder / "run.json").write_text(json.dumps(info))
    b.write("scores.json", {**b.scores, "metric": "log_loss"})
    with pytest.raises(UsageError, match=f"run `{b.id}` was scored by `log_loss`, not `roc_auc`"):
        blend(project, [a, b])


def test_members_are_weighed_without_a_run_that_is_written(tmp_path: Path) -> None:
    folder = binary_project(tmp_path)
    runs = [save_run(folder, "good", 1.0, 0), save_run(folder, "poor", 3.0, 1)]
    ids = tuple(run.id for run in runs)
    found = weigh_members(Job("weigh", str(folder / "runs"), members=ids), folder)
    assert tuple(found["weights"]) == ids
    assert sum(found["weights"].values()) == pytest.approx(1)
    assert found["weights"][ids[0]] > 0.6
    assert len(list_runs(folder / "runs")) == 2
    none = weigh_members(Job("weigh", str(folder / "runs"), members=ids, budget=0.0), folder)
    assert none["weights"] == {}
