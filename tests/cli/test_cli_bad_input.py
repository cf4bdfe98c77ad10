"""Bad input, as a user meets it: which file, line, column and value is wrong, what to do, and nothing half written."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import pandas as pd
import pytest
from filelock import FileLock
from synthetic import init_project, quick_arguments, write_folder

from aicomp.cli.main import main
from aicomp.raw_data import write_manifest


def fails(capsys, arguments, code):
    """Run a command that has to fail; returns message and hint of its JSON error."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert error["code"] == code
    assert "Traceback" not in captured.err
    assert f"error: {error['message']}\n" in captured.err
    return f"{error['message']}\n{error['hint']}"


def edit(path, **columns):
    """Set columns of a CSV: a value for all rows, or {row: value} for some."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name, value in columns.items():
        if isinstance(value, dict):
            for row, cell in value.items():
                table.loc[row, name] = cell
        else:
            table[name] = value
    table.to_csv(path, index=False)


def edit_project(folder, file, **columns):
    """Edit a raw file of a project, and its manifest as a new download would."""
    edit(folder / "data" / "raw" / file, **columns)
    write_manifest(folder)


# --- aicomp init ---------------------------------------------------------------------------------------------------


def drop_target(folder):
    path = folder / "train.csv"
    pd.read_csv(path, dtype=str).drop(columns="bought").to_csv(path, index=False)


def empty_train(folder):
    (folder / "train.csv").write_text("")


def header_only(folder):
    (folder / "test.csv").write_text("id,size,weight,color,when\n")


def ragged(folder):
    path = folder / "train.csv"
    lines = path.read_text().splitlines()
    lines[4] += ",extra"
    path.write_text("\n".join(lines) + "\n")


def utf16(folder):
    path = folder / "train.csv"
    path.write_text(path.read_text(), encoding="utf-16")


def cp1252(folder):
    path = folder / "train.csv"
    path.write_bytes(path.read_bytes().replace(b"green", b"gr\xfcn", 1))


def one_class(folder):
    edit(folder / "train.csv", bought="Yes")


def twice_in(file):
    def repeat_id(folder):
        path = folder / file
        first = pd.read_csv(path, dtype=str)["id"].iloc[0]
        edit(path, id={2: first})

    return repeat_id


def foreign_sample_id(folder):
    edit(folder / "sample_submission.csv", id={1: "99999"})


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (drop_target, ["train.csv", "`bought`"]),
        (empty_train, ["train.csv", "empty"]),
        (header_only, ["test.csv", "no rows"]),
        (ragged, ["train.csv", "line 5", "7 fields", "extra"]),
        (utf16, ["train.csv", "UTF-16", "--encoding utf-16"]),
        (cp1252, ["train.csv", "line ", "0xfc", "--encoding cp1252"]),
        (one_class, ["train.csv", "`bought`", "`Yes`"]),
        (twice_in("train.csv"), ["train.csv", "line 4", "second time"]),
        (twice_in("test.csv"), ["test.csv", "line 4", "second time"]),
        (twice_in("sample_submission.csv"), ["sample_submission.csv", "line 4"]),
        (foreign_sample_id, ["sample_submission.csv", "line 3", "99999", "test.csv"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_init_refuses_broken_files_and_writes_nothing(tmp_path, capsys, damage, parts):
    source, into = write_folder(tmp_path / "downloaded"), tmp_path / "project"
    damage(source)
    said = fails(capsys, ["init", str(source), "--metric", "roc_auc", "--into", str(into)], 3)
    for part in parts:
        assert part in said
    assert not into.exists()


def test_init_refuses_a_zip_that_climbs_out_of_its_folder(tmp_path, capsys):
    source = write_folder(tmp_path / "downloaded")
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in source.iterdir():
            archive.write(file, file.name)
        archive.writestr("../outside.txt", "x")
    said = fails(capsys, ["init", str(path), "--metric", "roc_auc", "--into", str(tmp_path / "p")], 3)
    assert "../outside.txt" in said
    assert not (tmp_path / "p").exists()
    assert not (tmp_path / "outside.txt").exists()
    assert not (tmp_path.parent / "outside.txt").exists()


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        (["--metric", "roc_acu"], ["`roc_acu`", "did you mean `roc_auc`"]),
        (["--metric", "roc_auc", "--template", "tabluar"], ["`tabluar`", "did you mean `tabular`"]),
        ([], ["--metric"]),
    ],
)
def test_init_names_what_is_unknown_or_missing(tmp_path, capsys, flags, parts):
    source, into = write_folder(tmp_path / "downloaded"), tmp_path / "project"
    said = fails(capsys, ["init", str(source), "--into", str(into), *flags], 2)
    for part in parts:
        assert part in said
    assert not into.exists()


# --- aicomp train --------------------------------------------------------------------------------------------------


def train_fails(capsys, folder, code, *overrides):
    said = fails(capsys, ["train", "--project", str(folder), *quick_arguments(*overrides)], code)
    assert not list((folder / "runs").glob("*/DONE"))
    return said


def test_test_with_another_column_is_named(tmp_path, capsys):
    folder = init_project(tmp_path)
    edit_project(folder, "test.csv", altitude="3")
    said = train_fails(capsys, folder, 3)
    assert "`altitude`" in said
    assert "train lacks" in said


def test_a_column_that_only_train_has_is_left_out(tmp_path, capsys):
    folder = init_project(tmp_path)
    edit_project(folder, "train.csv", altitude="3")
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    assert "only in train" in capsys.readouterr().err


def test_a_class_with_fewer_rows_than_folds_is_trained_with_a_note(tmp_path, capsys):
    folder = init_project(tmp_path, "multiclass")
    toml = folder / "competition.toml"
    edit_project(folder, "train.csv", grade={0: "unique"})
    toml.write_text(toml.read_text().replace('"low",', '"low", "unique",'))
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    assert "`unique`" in capsys.readouterr().err


def test_a_label_that_the_contract_does_not_list_is_named(tmp_path, capsys):
    folder = init_project(tmp_path)
    edit_project(folder, "train.csv", bought={5: "Perhaps"})
    said = train_fails(capsys, folder, 3)
    for part in ("train.csv", "line 7", "`bought`", "`Perhaps`"):
        assert part in said


def test_text_in_a_regression_target_is_named(tmp_path, capsys):
    folder = init_project(tmp_path, "regression")
    edit_project(folder, "train.csv", price={5: "cheap"})
    said = train_fails(capsys, folder, 3)
    for part in ("train.csv", "line 7", "`price`", "`cheap`"):
        assert part in said


def test_an_infinite_value_is_named(tmp_path, capsys):
    folder = init_project(tmp_path)
    edit_project(folder, "test.csv", weight={5: "inf"})
    said = train_fails(capsys, folder, 3)
    for part in ("test.csv", "line 7", "`weight`", "inf"):
        assert part in said


def test_no_feature_is_refused_and_one_is_enough(tmp_path, capsys):
    folder = init_project(tmp_path)
    drops = [f'columns.{name}="drop"' for name in ("size", "weight", "color", "when")]
    assert "no column is left" in train_fails(capsys, folder, 3, *drops)
    assert main(["train", "--project", str(folder), *quick_arguments(*drops[1:])]) == 0


def test_a_fold_column_with_one_value_is_refused(tmp_path, capsys):
    folder = init_project(tmp_path)
    edit_project(folder, "train.csv", part="1")
    said = train_fails(capsys, folder, 3, 'split.fold_column="part"')
    assert "`part`" in said or "fold column" in said
    assert "`1`" in said


def test_fewer_rows_than_folds_are_refused(tmp_path, capsys):
    folder = init_project(tmp_path)
    said = train_fails(capsys, folder, 3, "split.n_splits=91")
    assert "91" in said
    assert "90" in said


def test_a_loss_that_becomes_nan_names_its_step_and_a_learning_rate(tmp_path, capsys):
    folder = init_project(tmp_path, "regression")
    said = train_fails(capsys, folder, 1, "training.learning_rate=1000", "training.epochs=60",
                       'training.optimizer="sgd"', "regularization.clip_norm=0",
                       'training.schedule="constant"')  # fmt: skip
    assert "the loss became" in said
    assert "training.learning_rate=" in said


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("training.epoch=3", ["training.epoch", "did you mean `training.epochs`"]),
        ('model.name="tabn"', ["`tabn`", "did you mean `tabm`"]),
        ('split.splitter="stratifed"', ["`stratifed`", "did you mean `stratified`"]),
        ('training.epochs="many"', ["training.epochs"]),
        ('columns.sise="drop"', ["`sise`", "did you mean `size`"]),
        ('columns.size="nubmer"', ["`nubmer`", "did you mean `number`"]),
    ],
)
def test_an_unknown_name_in_the_config_is_named_with_the_nearest(tmp_path, capsys, override, parts):
    folder = init_project(tmp_path)
    said = train_fails(capsys, folder, 2, override)
    for part in parts:
        assert part in said
    assert not list((folder / "runs").glob("*/run.json"))


def test_an_unknown_key_in_the_file_names_the_file(tmp_path, capsys):
    folder = init_project(tmp_path)
    with (folder / "aicomp.toml").open("a") as file:
        file.write("\n[spilt]\nn_splits = 3\n")
    said = fails(capsys, ["train", "--project", str(folder)], 2)
    assert "aicomp.toml" in said
    assert "did you mean `split`" in said


def test_a_project_without_data_says_how_to_get_it(tmp_path, capsys):
    folder = init_project(tmp_path)
    (folder / "data" / "manifest.json").unlink()
    assert "aicomp init" in train_fails(capsys, folder, 3)


def test_outside_of_a_project(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in ("train", "submit", "runs"):
        assert "aicomp init" in fails(capsys, [command], 2)


def test_submit_before_train(tmp_path, capsys):
    folder = init_project(tmp_path)
    said = fails(capsys, ["submit", "--dry-run", "--project", str(folder)], 2)
    assert "aicomp train" in said
    assert not (folder / "submissions").exists()


def test_two_trainings_at_once(tmp_path, capsys):
    folder = init_project(tmp_path)
    (folder / "runs").mkdir(exist_ok=True)
    with FileLock(folder / "runs" / ".lock"):
        assert "another training is running" in train_fails(capsys, folder, 1)


def test_a_folder_that_may_not_be_written(tmp_path, capsys, monkeypatch):
    """Permissions do not bind root, who runs the tests in many containers: the refusal of the system is played."""
    folder = init_project(tmp_path)

    def refuse(*arguments, **keywords):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    said = train_fails(capsys, folder, 1)
    assert "cannot write" in said
    assert "Permission denied" in said


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_with_130_and_the_run_continues(tmp_path):
    folder = init_project(tmp_path, n_train=600)
    # Many epochs for the folds after the first one: the signal comes while they train.
    arguments = quick_arguments("workers=1", "training.epochs=400", "regularization.early_stopping=0")
    command = [sys.executable, "-m", "aicomp", "train", "--project", str(folder), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 120
        while not list(folder.glob("runs/*/folds/0/result.json")) and time.monotonic() < until:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stdout == ""
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    [run] = folder.glob("runs/*/run.json")
    assert not (run.parent / "DONE").exists()
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == run.parent.name
    assert "continuing: " in done.stderr
