"""The small Transformer on what can be learned in seconds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aicomp.cli.main import main
from aicomp.data.arrays import as_objects
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models import Goal, ModelSpec, Round, Seq2Seq
from aicomp.models.seq2seq import _batches, _longest
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TINY = {"d": 48, "n_layers": 1, "n_pieces": 80, "epochs": 30, "learning_rate": 5e-3, "dropout": 0.0}


def some_pairs(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Numbers in words, and in digits."""
    random = np.random.default_rng(seed)
    numbers = [random.integers(0, 10, random.integers(2, 5)).tolist() for _ in range(n)]
    return [" ".join(DIGITS[i] for i in row) for row in numbers], [" ".join(map(str, row)) for row in numbers]


def some_rows(n: int, seed: int) -> tuple[Rows, np.ndarray]:
    sources, targets = some_pairs(n, seed)
    texts = np.array(sources, dtype=object)[:, None]
    return Rows(np.empty((n, 0), np.float32), np.empty((n, 0), np.int64), texts), as_objects(targets)


def test_it_learns_to_write_digits_and_is_read_back() -> None:
    (train, y), (valid, valid_y), (test, test_y) = (some_rows(n, seed) for n, seed in ((300, 0), (40, 1), (60, 2)))
    rounds: list[Round] = []
    model = Seq2Seq(ModelSpec(0, (), 1, n_text=1), **TINY)
    kept = model.fit(train, y, valid, valid_y, Goal("string", 1, 0, 1), rounds.append)
    assert rounds[-1].valid_loss < 0.3 < 1 < rounds[0].valid_loss
    assert 1 <= kept <= len(rounds)
    predicted = model.predict(test)
    assert np.mean(predicted == test_y) > 0.9
    again = Seq2Seq(ModelSpec(0, (), 1, n_text=1), **TINY)
    again.load_state_dict(model.state_dict())
    assert again.predict(test).tolist() == predicted.tolist()
    empty = Rows(np.empty((1, 0), np.float32), np.empty((1, 0), np.int64), np.array([[""]], dtype=object))
    assert again.predict(empty)[0]  # whatever it is, it is no blank


def test_the_same_seed_gives_the_same_model() -> None:
    (train, y), (valid, valid_y) = some_rows(60, 0), some_rows(10, 1)
    found = []
    for seed in (3, 3, 4):
        model = Seq2Seq(ModelSpec(0, (), 1, n_text=1), **{**TINY, "epochs": 1, "dropout": 0.2})
        model.fit(train, y, valid, valid_y, Goal("string", 1, seed, 1), lambda step: None)
        found.append(model.state_dict()["model.pieces.weight"])
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_batches_hold_each_pair_once_and_little_padding() -> None:
    random = np.random.default_rng(0)
    pairs = [([4] * n, [5] * m) for n, m in random.integers(1, 30, (200, 2)).tolist()]
    batches = list(_batches(pairs, 120, np.random.default_rng(1)))
    assert sorted(map(str, (pair for batch in batches for pair in batch))) == sorted(map(str, pairs))
    assert all(len(batch) * max(max(map(len, pair)) for pair in batch) <= 120 for batch in batches)


def test_no_training_target_is_too_long_to_be_written() -> None:
    pairs = [([4] * 10, [5] * 12), ([4] * 2, [5] * 40), ([4] * 50, [5] * 20)]
    ratio, more = _longest(pairs)
    assert all(len(target) <= int(ratio * len(source)) + more for source, target in pairs)


@pytest.mark.parametrize(
    ("spec", "params", "message"),
    [
        (ModelSpec(1, (), 1), {}, "model `seq2seq` reads columns of text, and there is none"),
        (ModelSpec(0, (), 1, n_text=1), {"d": 50}, "`model.params.d` is 50, which 4 heads do not divide"),
    ],
)
def test_what_cannot_be_is_refused(spec: ModelSpec, params: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Seq2Seq(spec, **params)


def test_a_project_of_translations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, targets = some_pairs(340, 0)
    table = pd.DataFrame({"id": range(340), "words": sources, "digits": targets})
    data, project = tmp_path / "data", tmp_path / "project"
    data.mkdir()
    table[:300].to_csv(data / "train.csv", index=False)
    table[300:].drop(columns="digits").to_csv(data / "test.csv", index=False)
    table[300:][["id"]].assign(digits="0").to_csv(data / "sample_submission.csv", index=False)
    assert main(["init", str(data), "--metric", "cer", "--into", str(project), "--json"]) == 0
    monkeypatch.chdir(project)
    capsys.readouterr()
    params = [
        part for name, value in {**TINY, "epochs": 5}.items() for part in ("--set", f"model.params.{name}={value}")
    ]
    assert main(["train", "--set", "workers=0", "--set", "model.name=seq2seq", *params, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert trained["mean"] < 0.9
    run = Run(project / "runs" / trained["run"])
    assert predict_run(Project.open(project), run).values.tolist() == run.test_predictions().tolist()
    assert main(["submit", "--dry-run", "--json"]) == 0
