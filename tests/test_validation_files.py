"""The validation doctor on files that columns name: twins, and names that tell the target."""

import numpy as np
import pandas as pd
from PIL import Image

from aicomp.cli.main import main
from aicomp.project import Project
from aicomp.validation.file_twins import check_files, dhash, near_images
from aicomp.validation.files import content_keys, grays
from aicomp.validation.name_leaks import check_names
from aicomp.validation.subject import Subject

N_TRAIN, N_TEST = 60, 30


def picture(random):
    """Soft shapes: 16 by 16 shades that are made larger."""
    small = Image.fromarray(random.integers(0, 255, (4, 4, 3), dtype=np.uint8))
    return small.resize((32, 32), Image.Resampling.BICUBIC)


def subject_with(folder, name_of, again=0, brighter=0):
    """A project of images; the last rows of train hold some of the first ones' images again, or a little brighter."""
    random = np.random.default_rng(0)
    raw = folder / "raw"
    (raw / "images").mkdir(parents=True)
    labels = random.choice(["cat", "dog"], N_TRAIN + N_TEST)
    files = [name_of(i, label) for i, label in enumerate(labels)]
    images = [picture(random) for _ in files]
    for k in range(again):
        images[N_TRAIN - 1 - k] = images[k]
    for k in range(brighter):
        images[N_TRAIN - 1 - k] = images[k].point(lambda v: min(255, v * 1.03 + 2))
    for file, image in zip(files, images, strict=True):
        image.save(raw / "images" / file)
    ids = random.permutation(N_TRAIN + N_TEST)
    frame = pd.DataFrame({"id": ids, "image": [f"images/{f}" for f in files], "label": labels})
    frame[:N_TRAIN].to_csv(raw / "train.csv", index=False)
    frame[N_TRAIN:].drop(columns="label").to_csv(raw / "test.csv", index=False)
    frame[N_TRAIN:][["id", "label"]].to_csv(raw / "sample_submission.csv", index=False)
    into = folder / "project"
    assert main(["init", str(raw), "--metric", "accuracy", "--into", str(into), "--json"]) == 0
    return Subject.of(Project.open(into))


def plain(i, label):
    return f"{i:04d}.png"


def test_different_images_are_no_twins(tmp_path):
    findings = check_files(subject_with(tmp_path, plain)).findings
    assert [(f.name, f.severity) for f in findings] == [("same-files", "ok"), ("near-images", "ok")]


def test_the_same_bytes_under_another_name_are_found(tmp_path):
    same, near = check_files(subject_with(tmp_path, plain, again=15)).findings
    assert (same.name, same.severity) == ("same-files", "high")
    assert same.numbers["train_rows_with_twin"] == 30
    assert near.severity == "ok"  # each counts once


def test_images_that_look_the_same_are_found(tmp_path):
    same, near = check_files(subject_with(tmp_path, plain, brighter=15)).findings
    assert same.severity == "ok"
    assert (near.name, near.severity) == ("near-images", "high")
    assert near.numbers["train_rows_with_twin"] >= 24


def test_a_label_in_the_name_of_a_file_is_found(tmp_path):
    subject = subject_with(tmp_path, lambda i, label: f"{label}_{i:04d}.png")
    found = {f.title: f.severity for f in check_names(subject).findings}
    assert found["The part 1 of file name in `image` tells the target"] == "high"


def test_plain_images_are_not_alike_and_missing_files_are_their_own(tmp_path):
    for k, shade in enumerate((10, 10, 200)):
        Image.new("L", (20, 20), shade).save(tmp_path / f"{k}.png")
    paths = [tmp_path / "0.png", tmp_path / "1.png", tmp_path / "2.png", None, None]
    keys = content_keys(paths)
    assert keys[0] == keys[1]
    assert len(set(keys.tolist())) == 4
    (tmp_path / "broken.png").write_bytes(b"no image")
    assert np.isnan(grays([tmp_path / "broken.png"])).all()
    assert len(np.unique(near_images(dhash(grays(paths)), np.arange(5)))) == 5
