"""Competitions of boxes from init to the submission, its score, a blend and the page of boxes."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from box_cases import write_boxes_competition

import aicomp
from aicomp.boxes import parse_boxes
from aicomp.cli.main import main
from aicomp.errors import DataError
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run

QUICK = ("workers=0", "model.params.epochs=1", "model.params.width=16", "model.params.d=16", "data.image_size=64")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    data = write_boxes_competition(tmp_path / "data")
    project = tmp_path / "project"
    assert main(["init", str(data), "--into", str(project), "--json"]) == 0
    monkeypatch.chdir(project)
    return project


def train(capsys, *settings):
    chosen = [part for entry in (*QUICK, *settings) for part in ("--set", entry)]
    capsys.readouterr()
    assert main(["train", *chosen, "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def refused(capsys, *arguments):
    capsys.readouterr()
    assert main([*arguments, "--json"]) in (2, 3)
    return json.loads(capsys.readouterr().out)["error"]


def score(capsys, folder, submission):
    capsys.readouterr()
    assert (
        main(["score", str(folder.parent / "data" / "solution.csv"), str(submission), "--metric", "map50", "--json"])
        == 0
    )
    return json.loads(capsys.readouterr().out)


def test_from_training_to_the_score_and_the_page(folder, capsys):
    trained = train(capsys)
    run = Run(folder / "runs" / trained["run"])
    assert trained["metric"] == "map50"
    assert trained["n_validated"] == 6  # a tenth of 60 images
    assert predict_run(Project.open(folder), run).values.tolist() == run.test_predictions().tolist()
    assert main(["submit", "--dry-run", "--json"]) == 0
    sent = json.loads(capsys.readouterr().out)
    assert sent["status"] == "valid"
    graded = score(capsys, folder, sent["file"])
    assert (graded["metric"], graded["problem_type"], graded["rows"]) == ("map50", "string", 20)
    assert 0 <= graded["score"] <= 1
    assert main(["explain", "--rows", "4", "--json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert len(explained["rows"]) == 4
    page = Path(explained["page"]).read_text(encoding="utf-8")
    assert page.count("<svg") == page.count("data:image/jpeg;base64,") == 4
    assert page.count('class="true"') == 1 + sum(row["n_true"] for row in explained["rows"])
    assert not re.search(r"""(src|href)=["']https?:""", page)


def test_a_perfect_submission_scores_one_and_a_wrong_one_is_named(folder, capsys):
    solution = pd.read_csv(folder.parent / "data" / "solution.csv", dtype={"image_id": str})
    lines = [
        f"{r.image_id},{r.label} 0.9 {r.xmin} {r.ymin} {r.xmax} {r.ymax}"
        for r in solution.drop_duplicates("image_id").itertuples()
    ]
    every = solution.groupby("image_id").apply(
        lambda part: " ".join(f"{r.label} 0.9 {r.xmin} {r.ymin} {r.xmax} {r.ymax}" for r in part.itertuples())
    )
    every.rename("prediction").to_csv(folder / "perfect.csv")
    assert score(capsys, folder, "perfect.csv")["score"] == 1.0
    (folder / "some.csv").write_text("\n".join(["image_id,prediction", *lines]) + "\n")
    assert 0 < score(capsys, folder, "some.csv")["score"] < 1
    (folder / "bad.csv").write_text("\n".join(["image_id,prediction", *lines]).replace("0.9", "high", 1) + "\n")
    error = refused(capsys, "submit", "--file", "bad.csv", "--dry-run")
    assert error["message"] == "`bad.csv` line 2: `prediction`: `conf` of box 1 is `high`, which is no number"
    odd = [line.replace(",red ", ",green ") for line in lines]
    (folder / "odd.csv").write_text("\n".join(["image_id,prediction", *odd]) + "\n")
    assert (
        "has a box of `green`, which is none of ['blue', 'red']"
        in refused(capsys, "submit", "--file", "odd.csv", "--dry-run")["message"]
    )


def test_folds_and_runs_are_fused(folder, capsys):
    folds = ("split.splitter=kfold", "split.n_splits=2")
    runs = [train(capsys, *folds, f"seed={seed}") for seed in (0, 1)]
    assert runs[0]["n_validated"] == 60
    assert main(["blend", "--json"]) == 0
    blended = json.loads(capsys.readouterr().out)
    run = Run(folder / "runs" / blended["run"])
    predicted = [Run(folder / "runs" / member["run"]).test_predictions() for member in blended["members"]]
    fused = Project.open(folder).task.combine_row([texts[0] for texts in predicted], [1, 1])
    # Of equally sure boxes, which comes first hangs on the order of the runs.
    assert sorted(parse_boxes(run.test_predictions()[0])) == sorted(parse_boxes(fused))
    assert main(["submit", blended["run"], "--dry-run", "--json"]) == 0


def test_the_templates_own_model_finds_what_lies_on_a_plain_background(folder, capsys):
    trained = train(capsys, "model.name=model:Regions", "model.params={contrast=0.25}")
    assert trained["mean"] > 0.2
    run = Run(folder / "runs" / trained["run"])
    assert predict_run(Project.open(folder), run).values.tolist() == run.test_predictions().tolist()


def test_the_submission_is_written_in_the_competitions_form(folder, capsys):
    contract = (folder / "competition.toml").read_text()
    changed = contract.replace('form = "label conf xmin ymin xmax ymax"', 'form = "label conf x y w h"')
    (folder / "competition.toml").write_text(changed)
    trained = train(capsys)
    assert main(["submit", "--dry-run", "--json"]) == 0
    sent = pd.read_csv(json.loads(capsys.readouterr().out)["file"], dtype=str)
    own = Run(folder / "runs" / trained["run"]).test_predictions()
    for text, mine in zip(sent["prediction"].fillna(""), own, strict=True):
        np.testing.assert_allclose(
            parse_boxes(text, "label conf x y w h").corners, parse_boxes(mine).corners, atol=0.11
        )


def test_predictions_of_another_framework_may_have_the_submissions_form(folder):
    draft = aicomp.Run.create("by-hand", folder)
    n_train, n_test = 60, 20
    run = draft.save(oof=["red 0.5 1 1 5 5"] * n_train, test=[""] * n_test)
    assert run.test_predictions().tolist() == [""] * n_test
    with pytest.raises(DataError, match="`oof` is no string of boxes in row"):
        draft.save(oof=["red 0.5 1 1 5"] * n_train, test=[""] * n_test)


def test_what_cuts_boxes_off_or_predicts_none_is_refused(folder, capsys):
    assert "would cut boxes off" in refused(capsys, "train", "--set", "data.image_fit=crop")["message"]
    assert "`lightgbm` predicts no strings" in refused(capsys, "train", "--set", "model.name=lightgbm")["message"]


def test_a_corrupt_image_is_named_by_the_line_of_its_first_box(tmp_path, monkeypatch, capsys):
    data = write_boxes_competition(tmp_path / "data", n=20, n_test=3)
    (data / "images" / "002.png").write_bytes(b"no image")
    assert main(["init", str(data), "--into", str(tmp_path / "project"), "--json"]) == 0
    monkeypatch.chdir(tmp_path / "project")
    ids = pd.read_csv(data / "train.csv", dtype=str)["image_id"]
    error = refused(capsys, "train", "--set", "workers=0")
    place = f"`train.csv` line {2 + int(np.argmax(ids == '002'))}: `image_id` names `images/002.png`"
    assert error["message"].startswith(f"{place}, which cannot be read as an image")


def test_data_only_checks_the_boxes(folder, capsys, tmp_path):
    data = tmp_path / "data"
    lines = (data / "train.csv").read_text().splitlines()
    head, *rest = lines[1].split(",")
    lines[1] = ",".join([head, rest[0], rest[1], "90", rest[3], "20", rest[5]])
    (data / "train.csv").write_text("\n".join(lines) + "\n")
    (folder / "data").rename(folder / "elsewhere")
    error = refused(capsys, "init", str(data), "--data-only", "--into", str(folder))
    assert error["message"].startswith("`train.csv` line 2: the box `90, ")
    assert "has a negative size" in error["message"]
