"""Tables that are read, encoded and trained in parts: the same bits as in memory where a table is small."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from aicomp.cli.main import main
from aicomp.data.row_file import PickedRows, RowFile
from aicomp.data.rows import Rows
from aicomp.data.table import Table
from aicomp.data.table_file import TableFile, TableWriter, smallest_integer
from aicomp.run import Run, list_runs
from aicomp.streaming.sample import RowSample

QUICK = ["--set", "model.name=mlp", "--set", "training.epochs=2", "--set", "split.n_splits=2", "--set", "workers=0"]
QUICK += ["--set", "check.train=false"]


def tables(n: int = 400) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers with gaps, whole numbers, categories, dates, booleans and a column that is constant; train and test."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"r{i:04}" for i in range(n)]})
    frame["a"] = draw.normal(size=n).round(4)
    frame.loc[draw.random(n) < 0.1, "a"] = np.nan
    frame["b"] = draw.integers(0, 50, n)
    frame["color"] = draw.choice(["red", "green", "blue, dark", None], n)
    frame["place"] = draw.choice([f"k{i}" for i in range(40)], n)
    frame["when"] = (pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 900, n), unit="D")).strftime(
        "%Y-%m-%d"
    )
    frame["yes"] = draw.choice(["True", "False"], n)
    frame["late"] = np.where(np.arange(n) < 0.6 * n, "7", "x7")  # numbers in the first parts, strings in the last
    frame["same"] = 1
    y = ((frame["a"].fillna(0) + (frame["color"] == "red") + draw.normal(size=n)) > 0.3).astype(int)
    cut = 3 * n // 4
    return frame[:cut].assign(y=y[:cut]), frame[cut:].reset_index(drop=True)


def make_project(folder: Path, *, suffix: str = "csv", features: str = "") -> Path:
    data = folder / "data"
    data.mkdir(parents=True)
    train, test = tables()
    for name, frame in (("train", train), ("test", test)):
        if suffix == "parquet":
            frame.to_parquet(data / f"{name}.parquet", row_group_size=50)
        else:
            frame.to_csv(data / f"{name}.csv", index=False)
    pd.DataFrame({"id": test["id"], "y": 0.5}).to_csv(data / "sample_submission.csv", index=False)
    project = folder / "project"
    assert main(["init", str(data), "--metric", "roc_auc", "--into", str(project)]) == 0
    if features:
        (project / "features.py").write_text(features)
    return project


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of some rows, so that these small tables have many."""
    monkeypatch.setattr("aicomp.data.parts.LARGE", 2000)
    monkeypatch.setattr("aicomp.streaming.frames.PART_ROWS", 30)
    monkeypatch.setattr("aicomp.streaming.frames.FEWEST_ROWS", 1)
    monkeypatch.setattr("aicomp.data.table_file.READ_ROWS", 70)
    monkeypatch.setattr("aicomp.engine.streamed_fold.READ_ROWS", 70)
    monkeypatch.setattr("aicomp.assembly._PART", 90)
    monkeypatch.setattr("aicomp.recording.write._PART", 90)


def train(project: Path, *options: str) -> Run:
    assert main(["train", "--project", str(project), *QUICK, *options]) == 0
    return list_runs(project / "runs")[-1]


def contents(run: Run) -> dict[str, bytes]:
    """Everything that does not say when or how long."""
    names = ["oof.csv", "test.csv", "folds.csv", "columns.json", "train_ids.json", "test_ids.json"]
    for k in range(2):
        names += [f"folds/{k}/{name}" for name in ("weights.safetensors", "encoder.json", "encoder.safetensors")]
        names += [f"folds/{k}/predictions.safetensors", f"folds/{k}/spec.json"]
    return {name: (run.folder / name).read_bytes() for name in names}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_small_table_is_trained_to_the_same_bits(tmp_path: Path, suffix: str, small_parts: None) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    project = make_project(tmp_path, suffix=suffix, features=_ROW_WISE)
    whole = contents(train(project, "--set", "data.streaming=false"))
    run = train(project, "--set", "data.streaming=true")
    assert contents(run) == whole
    kinds = {c["name"]: c["kind"] for c in run.read("columns.json")}
    assert kinds["same"] == "drop"
    assert kinds["late"] == "category"
    assert "tables are read from disk in parts: `data.streaming` is true" in run.read("plan.json")["notes"]
    assert not run.work.exists()


_ROW_WISE = """
def add_features(table):
    table["double"] = table["a"] * 2 + table["b"]
    return table
"""

_MEANS = """
def add_features(table):
    table["centered"] = table["b"] - table["b"].mean()
    return table
"""


def test_features_of_the_whole_table_are_refused(
    tmp_path: Path, small_parts: None, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project(tmp_path, features=_MEANS)
    capsys.readouterr()
    assert main(["train", "--project", str(project), *QUICK, "--set", "data.streaming=true"]) == 2
    error = capsys.readouterr().err
    assert "`features:add_features` gives `centered` = `" in error
    assert "hint: make each feature of a row of that row alone" in error
    assert not [run for run in list_runs(project / "runs") if run.is_done]
    assert train(project, "--set", "data.streaming=false").is_done


def test_a_layout_that_was_killed_is_not_taken_for_whole(
    tmp_path: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path)
    import aicomp.streaming.layout as layout

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(layout, "write_folds_in_parts", killed)
        assert main(["train", "--project", str(project), *QUICK, "--set", "data.streaming=true"]) == 130
    [broken] = list_runs(project / "runs")
    assert (broken.work / "train.safetensors").is_file()
    assert not (broken.work / "READY").exists()
    run = train(project, "--set", "data.streaming=true")
    assert run.is_done  # it may have the name of the broken one, which was removed
    assert [found.id for found in list_runs(project / "runs")] == [run.id]


def test_encoded_rows_that_were_killed_are_not_taken_for_whole(tmp_path: Path) -> None:
    parts = [Rows(np.ones((3, 2), dtype=np.float32), np.zeros((3, 1), dtype=np.int64))] * 2

    def cut() -> Any:
        yield parts[0]
        raise KeyboardInterrupt

    assert RowFile.write(tmp_path / "rows", iter(parts), (4,)).n_rows == 6
    assert RowFile.load(tmp_path / "rows", (4,)) is not None
    with pytest.raises(KeyboardInterrupt):
        RowFile.write(tmp_path / "rows", cut(), (4,))
    assert RowFile.load(tmp_path / "rows", (4,)) is None


def test_what_needs_the_whole_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path)
    options = ["--set", "data.streaming=true", "--set", "split.group=place"]
    assert main(["train", "--project", str(project), *QUICK, *options]) == 2
    assert "`data.streaming` is true, but rows are split by group" in capsys.readouterr().err


def test_trees_take_the_whole_table_or_say_what_it_needs(
    tmp_path: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project(tmp_path)
    ridge = [
        "--set",
        "model.name=ridge",
        "--set",
        "split.n_splits=2",
        "--set",
        "workers=0",
        "--set",
        "check.train=false",
    ]
    streamed = [*ridge, "--set", "data.streaming=true"]
    assert main(["train", "--project", str(project), *ridge]) == 0
    assert main(["train", "--project", str(project), *streamed]) == 0
    first, second = list_runs(project / "runs")
    assert first.scores["folds"] == second.scores["folds"]
    monkeypatch.setattr("aicomp.engine.streamed_fold.free_memory", lambda: 1000)
    capsys.readouterr()
    assert main(["train", "--fresh", "--project", str(project), *streamed]) == 3
    error = capsys.readouterr().err
    assert "model `ridge` needs all 300 rows of train in memory" in error
    assert "GiB are free" in error


def test_large_tables_are_read_in_parts_by_themselves(
    tmp_path: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project(tmp_path)
    monkeypatch.setattr("aicomp.streaming.choice.free_memory", lambda: 100_000)
    run = train(project)
    [reason, *_] = run.read("plan.json")["notes"]
    assert reason.startswith("tables are read from disk in parts: in memory a training would take about")
    assert f"note: {reason}" in capsys.readouterr().err


def test_a_large_table_that_has_to_be_whole_is_said_to_be(
    tmp_path: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path)
    monkeypatch.setattr("aicomp.streaming.choice.free_memory", lambda: 100_000)
    run = train(project, "--set", "features.clamp.a=[0, 1]")
    note = run.read("plan.json")["notes"][0]
    assert note.startswith(
        "tables are read as a whole, as `features.clamp` is set: in memory a training would take about"
    )


def test_a_fold_larger_than_the_buffer_sees_each_row_once_and_goes_on_where_it_was(tmp_path: Path) -> None:
    from aicomp.training.streamed import StreamedFold, StreamedTrainer

    n, rows = 1000, np.flatnonzero(np.arange(1000) % 3 > 0)
    encoded = Rows(np.arange(n, dtype=np.float32)[:, None], np.arange(n)[:, None] % 100)
    file = RowFile.write(tmp_path / "rows", iter([encoded.take(slice(0, 300)), encoded.take(slice(300, n))]), (100,))
    trainer = StreamedTrainer.__new__(StreamedTrainer)
    trainer._fold = StreamedFold(None, PickedRows(file, rows, block=16), PickedRows(file, rows), None, 100)
    trainer._whole, trainer._device = None, torch.device("cpu")
    trainer._order = torch.Generator().manual_seed(3)
    begin = trainer._order.get_state()
    train = type("Targets", (), {"targets": torch.from_numpy(rows)})()

    def epoch(done: int) -> list[list[float]]:
        trainer._order.set_state(begin)
        batches = list(trainer._batches(train, 13, done))
        for batch in batches:
            assert torch.equal(batch.x_num[:, 0].long(), batch.targets)
            assert torch.equal(batch.x_cat[:, 0], batch.targets % 100)
        return [batch.targets.tolist() for batch in batches]

    whole = epoch(0)
    end = trainer._order.get_state()
    assert sorted(row for batch in whole for row in batch) == rows.tolist()
    assert {len(batch) for batch in whole} == {51, 52}
    assert np.ptp(whole[0]) > 300  # blocks from all over the file are mixed
    for done in (1, 5, 12, 13):
        assert epoch(done) == whole[done:]
        assert torch.equal(trainer._order.get_state(), end)


def test_training_from_a_small_buffer_learns_as_much(
    tmp_path: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path)
    options = ["--set", "data.streaming=true", "--set", "training.epochs=20"]
    whole = train(project, *options).scores
    monkeypatch.setattr("aicomp.training.streamed.PREDICTED_ROWS", 30)
    monkeypatch.setattr("aicomp.engine.streamed_fold.BUFFER_ROWS", 40)
    monkeypatch.setattr("aicomp.engine.streamed_fold.FIT_ROWS", 60)
    run = train(project, *options, "--fresh")
    assert run.scores["mean"] == pytest.approx(whole["mean"], abs=0.08)
    assert any("numbers are encoded, and statistics of the target learned, by" in n for n in run.result(0)["notes"])


def test_a_table_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    numbers, codes = np.array([0.5, np.nan, 3.0]), np.array([-1, 0, 1])
    with path.open("wb") as file:
        writer = TableWriter(
            file, 3, {"a": np.dtype(np.float32), "b": np.dtype(np.float64)}, {"c": np.dtype(np.int8)}, {"c": ["ä", "x"]}
        )
        for start in (1, 0):
            rows = slice(start, 3 if start else 1)
            writer.write("number:a", start, numbers[rows])
            writer.write("number:b", start, numbers[rows] / 3)
            writer.write("code:c", start, codes[rows])
    table = TableFile(path)
    assert (table.n_rows, table.levels) == (3, {"c": ["ä", "x"]})
    chunk = table.chunk(1, 3)
    assert chunk.numbers["a"].dtype == np.float64
    np.testing.assert_array_equal(chunk.numbers["b"], [np.nan, 1.0])
    assert chunk.codes["c"].tolist() == [0, 1]
    np.testing.assert_array_equal(table.take(np.array([0, 2])).numbers["a"], [0.5, 3.0])
    assert isinstance(chunk, Table)


def test_safetensors_reads_a_table_that_was_written_in_parts(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    path = tmp_path / "t.safetensors"
    with path.open("wb") as file:
        TableWriter(file, 2, {"a": np.dtype(np.float32)}, {}, {}).write("number:a", 0, np.array([1.0, 2.0]))
    assert load_file(path)["number:a"].tolist() == [1.0, 2.0]


def test_codes_take_no_more_than_they_need() -> None:
    assert [smallest_integer(n).name for n in (1, 128, 129, 32768, 32769)] == [
        "int8",
        "int8",
        "int16",
        "int16",
        "int32",
    ]


def test_a_sample_does_not_hang_on_how_a_table_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aicomp.streaming.sample.SAMPLE_ROWS", 10)
    frame = pd.DataFrame({"a": range(100)})
    frames = []
    for size in (7, 30):
        sample = RowSample()
        for start in range(0, 100, size):
            places = [13 - start] if start <= 13 < start + size else []
            sample.add(frame[start : start + size].reset_index(drop=True), start, places)
        frames.append(sample.frame()["a"].tolist())
    assert frames[0] == frames[1] == [*range(0, 100, 8), 13]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_init_finds_the_same_contract_in_parts(
    tmp_path: Path, suffix: str, small_parts: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr("aicomp.contract.large_tables.MOST_VALUES", 100)
    monkeypatch.setattr("aicomp.streaming.sample.SAMPLE_ROWS", 60)
    parts = make_project(tmp_path / "parts", suffix=suffix)
    assert "75 of 300 rows of train" in capsys.readouterr().err
    monkeypatch.undo()
    whole = make_project(tmp_path / "whole", suffix=suffix)
    said = [[*(p / "competition.toml").read_text().splitlines()] for p in (parts, whole)]
    assert [line for line in said[0] if not line.startswith("# note:")] == said[1]


def test_init_of_a_large_table_refuses_an_id_that_comes_twice(
    tmp_path: Path, small_parts: None, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    train_rows, test = tables()
    test.loc[80, "id"] = test.loc[3, "id"]
    train_rows.to_csv(data / "train.csv", index=False)
    test.to_csv(data / "test.csv", index=False)
    pd.DataFrame({"id": test["id"].drop_duplicates(), "y": 0.5}).to_csv(data / "sample_submission.csv", index=False)
    assert main(["init", str(data), "--metric", "roc_auc", "--into", str(tmp_path / "p"), "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]["message"]
    assert error == f"`test.csv` line 82: id `{test.loc[3, 'id']}` appears a second time"
