"""Projects on images and sounds: made, trained, and used for rows that they have never seen."""

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from media_cases import striped, write_competition, write_image

from aicomp import catalogue
from aicomp.cli.main import main
from aicomp.contract import Given, infer_contract
from aicomp.dataset import load_dataset
from aicomp.errors import DataError, UsageError
from aicomp.kaggle.notebook.pack import make_pack
from aicomp.kaggle.notebook.rehearse import rehearse
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run
from aicomp.scaffold import create_project

QUICK = ["--set", "split.n_splits=2", "--set", "training.epochs=10", "--set", "model.params.width=8",
         "--set", "training.batch_size=16", "--set", "training.learning_rate=0.01"]  # fmt: skip


def init(tmp_path, kind, *options, **more):
    (tmp_path / "data").mkdir()
    rows = write_competition(tmp_path / "data", kind, **more)
    project = tmp_path / "project"
    arguments = ["init", str(tmp_path / "data"), "--metric", "accuracy", "--template", "tabular", *options]
    assert main([*arguments, "--into", str(project), "--json"]) == 0
    return project, rows


def train(project, monkeypatch, capsys, *options):
    monkeypatch.chdir(project)
    capsys.readouterr()
    code = main(["train", *options, "--json"])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(
    ("kind", "workers", "side"), [("image", "0", True), ("image", "2", False), ("audio", "0", False)]
)
def test_it_learns_and_predicts_the_same_again(tmp_path, monkeypatch, capsys, kind, workers, side):
    project, _ = init(tmp_path, kind, side=side)
    options = ["--set", f"model.name={kind}-resnet", "--set", f"workers={workers}", *QUICK]
    code, trained = train(project, monkeypatch, capsys, *options)
    assert code == 0
    assert trained["mean"] > 0.9
    run = Run(project / "runs" / trained["run"])
    assert run.result(0)["inputs"]["media"] == ["file"]
    assert len(list((project / "data" / "cache").glob("*.npy"))) == 1
    again = predict_run(Project.open(project), run)
    np.testing.assert_array_equal(again.values, run.test_predictions())
    assert len(list((project / "data" / "cache").glob("*.npy"))) == 2  # of test alone
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "data" / "files", elsewhere / "files")
    some = pd.read_csv(tmp_path / "data" / "test.csv")[5:12]
    some.to_csv(elsewhere / "new.csv", index=False)
    new = predict_run(Project.open(project), run, elsewhere / "new.csv")
    np.testing.assert_allclose(new.values, again.values[5:12], atol=0.02)  # other batches, in bfloat16
    assert main(["submit", "--dry-run", "--json"]) == 0


def test_the_files_are_part_of_the_data(tmp_path, monkeypatch, capsys):
    project, _ = init(tmp_path, "image")
    assert Project.open(project).competition.files.media == ("files",)
    manifest = json.loads((project / "data" / "manifest.json").read_text())
    assert sum(entry["name"].startswith("files/") for entry in manifest["files"]) == 120
    (project / "data" / "raw" / "files" / "007.png").unlink()
    code, told = train(project, monkeypatch, capsys)
    assert code == 3
    assert "`data/raw/files/007.png` is missing" in told["error"]["message"]
    (project / "data" / "manifest.json").unlink()
    assert main(["init", str(tmp_path / "data"), "--data-only", "--json"]) == 0
    assert (project / "data" / "raw" / "files" / "007.png").is_file()


def test_a_bad_file_is_named_with_its_line_or_counted(tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    write_competition(tmp_path / "data", "image")
    (tmp_path / "data" / "files" / "004.png").write_text("no image")
    (tmp_path / "data" / "files" / "100.png").unlink()
    project = tmp_path / "project"
    create_project(str(tmp_path / "data"), project, Given(metric="accuracy"), "tabular")
    options = ["--set", "model.name=image-resnet", "--set", "workers=0", *QUICK, "--set", "training.epochs=1"]
    code, told = train(project, monkeypatch, capsys, *options)
    assert code == 3
    assert told["error"]["message"].startswith(
        "`train.csv` line 6: `file` names `files/004.png`, which cannot be read as an image"
    )
    assert "on_bad_file" in told["error"]["hint"]
    code, trained = train(project, monkeypatch, capsys, *options, "--set", "data.on_bad_file=count")
    assert code == 0
    run = Run(project / "runs" / trained["run"])
    assert run.read("plan.json")["notes"][-1].startswith("2 of 120 image files are blank: the first, `files/004.png`")
    assert set(run.read("bad_files.json")["image"]) == {"files/004.png", "files/100.png"}


def test_models_that_read_no_files_say_so_or_take_the_other_columns(tmp_path, monkeypatch, capsys):
    project, _ = init(tmp_path, "image", side=True)
    code, _ = train(project, monkeypatch, capsys, "--set", "model.name=ridge", "--set", "workers=0")
    assert code == 0
    code, told = train(
        project, monkeypatch, capsys, "--set", "model.name=ridge", "--set", "workers=0", "--set", "columns.weight=drop"
    )
    assert code == 3
    assert "`file` holds images, which this model does not read" in told["error"]["message"]
    code, told = train(project, monkeypatch, capsys, "--set", "model.name=ridge", "--set", "columns.weight=image")
    assert code == 2
    assert "`weight` is to be taken as image, but its values name no files" in told["error"]["message"]
    code, told = train(
        project, monkeypatch, capsys, "--set", "model.name=image-resnet", "--set", "columns.file=drop",
        "--set", "workers=0",
    )  # fmt: skip
    assert code == 2
    assert "model `image-resnet` reads images, and no column names any" in told["error"]["message"]


@pytest.mark.slow
def test_a_notebook_decodes_the_images_that_it_finds(tmp_path, monkeypatch, capsys):
    project, _ = init(tmp_path, "image")
    options = ["--set", "model.name=image-resnet", "--set", "workers=0", *QUICK, "--set", "training.epochs=2"]
    code, trained = train(project, monkeypatch, capsys, *options)
    assert code == 0
    opened, run = Project.open(project), Run(project / "runs" / trained["run"])
    done = rehearse(opened, make_pack(opened, run), 0.2)
    assert done.rows == 30
    made = msgspec.structs.replace(
        opened.competition, files=msgspec.structs.replace(opened.competition.files, made=True)
    )
    with pytest.raises(UsageError, match=r"`test.csv` was made by `aicomp init`"):
        make_pack(replace(opened, competition=made), run)


@pytest.mark.slow
def test_settings_are_tuned(tmp_path, monkeypatch, capsys):
    project, _ = init(tmp_path, "image")
    monkeypatch.chdir(project)
    options = ["--set", "workers=0", *QUICK, "--set", "training.epochs=1"]
    assert main(["tune", "--model", "image-resnet", "--trials", "2", *options, "--json"]) == 0
    assert len(list((project / "data" / "cache").glob("*.npy"))) == 1


def test_ids_name_images_in_an_archive(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = write_competition(data, "image")
    with zipfile.ZipFile(data / "pictures.zip", "w") as archive:
        for i, path in zip(rows["id"], rows["file"], strict=True):
            archive.write(data / path, f"{i}.png")
    shutil.rmtree(data / "files")
    for name in ("train", "test"):
        pd.read_csv(data / f"{name}.csv").drop(columns="file").to_csv(data / f"{name}.csv", index=False)
    created = create_project(str(data), tmp_path / "project", Given(metric="accuracy"))
    assert created.competition.template == "image"
    assert created.competition.id == ("id",)
    assert not created.competition.files.made
    [found] = [f for f in created.findings if f.what == "template"]
    assert found.because.startswith("`id` names 90 image files, relative to `pictures/`")
    assert len(list((tmp_path / "project" / "data" / "raw" / "pictures").iterdir())) == 120


def test_an_archive_that_is_put_into_the_data_is_unpacked(tmp_path):
    project, _ = init(tmp_path, "image")
    raw = project / "data" / "raw"
    shutil.make_archive(str(raw / "files"), "zip", raw / "files")
    shutil.rmtree(raw / "files")
    dataset = load_dataset(Project.open(project))
    assert [column.name for column in dataset.media.columns] == ["file"]
    assert len(list((raw / "files").iterdir())) == 120


def write_class_folders(folder: Path) -> None:
    random = np.random.default_rng(0)
    for i in range(40):
        write_image(folder / "train" / ("yes" if i % 2 else "no") / f"{i}.png", striped(i % 2, random))
        write_image(folder / "test" / f"{i}.png", striped(i % 2, random))
    pd.DataFrame({"name": [f"{i}.png" for i in range(40)], "label": "no"}).to_csv(
        folder / "sample_submission.csv", index=False
    )


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_per_class_becomes_a_table(tmp_path, packed):
    data = tmp_path / "data"
    write_class_folders(data)
    source = data
    if packed:
        source = tmp_path / "data.zip"
        shutil.make_archive(str(source.with_suffix("")), "zip", data)
    created = create_project(str(source), tmp_path / "project", Given(metric="accuracy"))
    raw = tmp_path / "project" / "data" / "raw"
    assert created.competition.labels == ("no", "yes")
    assert created.competition.files.made
    train = pd.read_csv(raw / "train.csv")
    assert sorted(train.columns) == ["file", "label"]
    assert (train["file"].str.split("/").str[1] == train["label"]).all()
    assert pd.read_csv(raw / "test.csv")["file"].tolist()[:2] == ["test/0.png", "test/1.png"]
    assert len(list((raw / "train" / "yes").iterdir())) == 20


def write_without_test(folder: Path, train: str) -> None:
    """Images by their ids in two folders, a table of train, and a sample submission that alone names those of test."""
    random = np.random.default_rng(0)
    for i in range(60):
        write_image(folder / ("train" if i < 40 else "test") / f"{i:03}.png", striped(i % 2, random))
    ids = pd.DataFrame({"image": [f"{i:03}" for i in range(60)]})
    ids[:40].assign(label=[i % 2 for i in range(40)]).to_csv(folder / train, index=False)
    ids[40:].assign(label=0.5).to_csv(folder / "sample_submission.csv", index=False)


@pytest.mark.parametrize("train_file", ["train.csv", "labels.csv"])
def test_the_ids_of_the_sample_submission_are_the_table_of_test(tmp_path, monkeypatch, capsys, train_file):
    write_without_test(tmp_path / "data", train_file)
    project = tmp_path / "project"
    created = create_project(str(tmp_path / "data"), project, Given(metric="roc_auc", train=train_file))
    assert not (tmp_path / "data" / "test.csv").exists()
    files = created.competition.files
    assert (files.train, files.test, files.made, files.media) == (train_file, "test.csv", True, ("test", "train"))
    assert created.competition.template == "image"
    written = (project / "data" / "raw" / "test.csv").read_text()
    assert written == "image\n" + "".join(f"{i:03}\n" for i in range(40, 60))
    options = ["--set", "model.name=image-resnet", "--set", "workers=0", *QUICK, "--set", "training.epochs=2"]
    code, _ = train(project, monkeypatch, capsys, *options)
    assert code == 0
    assert main(["submit", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 20


def test_boxes_of_an_entry_are_gathered_though_test_has_no_table(tmp_path):
    data, random = tmp_path / "data", np.random.default_rng(0)
    for i in range(30):
        write_image(data / ("train" if i < 20 else "test") / f"wheat{i}.png", striped(i % 2, random))
    boxes = [f"[{2.0 + i % 3}, 3.0, 8.0, 9.0]" for i in range(40)]
    train = pd.DataFrame({"image_id": [f"wheat{i // 2}" for i in range(40)], "bbox": boxes})
    train.to_csv(data / "train.csv", index=False)
    sample = pd.DataFrame({"image_id": [f"wheat{i}" for i in range(20, 30)], "PredictionString": "1.0 0 0 5 5"})
    sample.to_csv(data / "sample_submission.csv", index=False)
    created = create_project(str(data), tmp_path / "project", Given(slug="global-wheat-detection"))
    assert created.competition.template == "detection"
    assert created.competition.boxes == msgspec.structs.replace(
        catalogue.load("global-wheat-detection").competition.boxes, labels=("object",)
    )
    assert created.competition.files.made


def test_ids_that_train_does_not_have_make_no_table(tmp_path):
    write_without_test(tmp_path, "train.csv")
    pd.read_csv(tmp_path / "train.csv", dtype=str).rename(columns={"image": "picture"}).to_csv(
        tmp_path / "train.csv", index=False
    )
    with pytest.raises(DataError, match="holds no test file"):
        create_project(str(tmp_path), tmp_path / "project", Given(metric="roc_auc"))


def test_an_error_names_the_source_and_not_where_it_was_unpacked(tmp_path, monkeypatch):
    write_without_test(tmp_path / "leaves", "labels.csv")
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "leaves")
    monkeypatch.chdir(tmp_path)
    for source in ("leaves", "packed.zip"):
        with pytest.raises(DataError) as e:
            create_project(source, tmp_path / "project", Given(metric="roc_auc"))
        assert str(e.value) == e.value.message
        assert e.value.message.startswith(f"`{source}` holds no train file; its tables: labels.csv")


def test_without_files_a_table_of_test_is_still_asked_for(tmp_path):
    write_without_test(tmp_path, "train.csv")
    shutil.rmtree(tmp_path / "train")
    shutil.rmtree(tmp_path / "test")
    with pytest.raises(DataError, match="holds no test file; its tables: sample_submission"):
        create_project(str(tmp_path), tmp_path / "project", Given(metric="roc_auc"))
    with pytest.raises(DataError, match="holds no test file") as e:
        create_project(
            str(tmp_path), tmp_path / "project", Given(slug="aerial-cactus-identification", target=("label",))
        )
    assert e.value.hint == (
        "`test.csv` is made where the files are that ids name, `train`, `test`: bring them too, or add `--file '*'` to "
        "a download"
    )


def test_a_row_of_the_sample_without_a_file_is_named(tmp_path):
    write_class_folders(tmp_path)
    (tmp_path / "test" / "2.png").unlink()
    with pytest.raises(DataError, match=r"`sample_submission.csv` line 4: `name` is `2.png`, and no file of test"):
        create_project(str(tmp_path), tmp_path / "project", Given(metric="accuracy"))


def test_who_speaks_is_the_group_where_train_alone_knows(tmp_path):
    rows = write_competition(tmp_path, "audio")
    train = pd.read_csv(tmp_path / "train.csv").assign(speaker=["ann", "ben", "cleo"] * 30, take=range(90))
    train.to_csv(tmp_path / "train.csv", index=False)
    assert len(rows) == 120
    found = infer_contract(tmp_path, Given(metric="accuracy"), "tones")
    assert found.competition.template == "audio"
    assert found.competition.group == "speaker"
    because = {f.what: (f.value, f.because) for f in found.findings}
    assert because["group"][1].startswith("3 of them, which test.csv does not name")
    assert because["only in train"][0] == "take"


@pytest.mark.slow
def test_within_a_time_limit_the_models_that_read_images_are_tried(tmp_path, monkeypatch, capsys):
    project, _ = init(tmp_path, "image")
    code, content = train(project, monkeypatch, capsys, "--time-limit", "25s", "--set", "split.n_splits=2")
    assert code == 0
    assert {member["model"] for member in content["plan"]} <= {"tabm", "image-resnet"}
    assert main(["submit", "--dry-run", "--json"]) == 0


def test_with_fewer_groups_than_folds_each_is_left_out_once(tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    write_competition(tmp_path / "data", "audio")
    train_file = tmp_path / "data" / "train.csv"
    pd.read_csv(train_file).assign(speaker=["ann", "ben", "cleo"] * 30).to_csv(train_file, index=False)
    project = tmp_path / "project"
    create_project(str(tmp_path / "data"), project, Given(metric="accuracy"))
    code, trained = train(project, monkeypatch, capsys, "--set", "workers=0", "--set", "training.epochs=1")
    assert code == 0
    assert len(trained["folds"]) == 3
    notes = Run(project / "runs" / trained["run"]).read("plan.json")["notes"]
    assert "3 folds instead of 5: there are 3 groups, and each is validated once" in notes
