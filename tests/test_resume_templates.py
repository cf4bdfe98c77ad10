"""Each template that trains with PyTorch, killed twice inside a fold: it ends with the bits of one that never was."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import test_ctc
import test_extract
import test_seq2seq
from box_cases import write_boxes_competition
from media_cases import write_competition
from ratings import write_ratings
from resume_cases import Commands, check_same, outcome, states
from series_cases import a_panel, write_panel
from test_templates import write_docstrings, write_encoder

from aicomp.cli.main import main
from aicomp.run import list_runs

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="processes are forked and killed")]


class Case(NamedTuple):
    """A project, and how it is trained.

    Attributes:
        begin: What `aicomp init` is told; writes data into a folder first, if there is none that has a name.
        settings: For each training.
    """

    begin: Callable[[Path], list[str]]
    settings: tuple[str, ...]


def embedded(name: str, *more: str) -> Callable[[Path], list[str]]:
    return lambda data: [name, *more]


def written(write: Callable[[Path], object], *more: str) -> Callable[[Path], list[str]]:
    def begin(data: Path) -> list[str]:
        data.mkdir()
        write(data)
        return [str(data), *more]

    return begin


def docstrings(data: Path) -> list[str]:
    write_docstrings(data)
    return [str(data), "--metric", "f1"]


def large(data: Path) -> list[str]:
    pytest.importorskip("peft", reason="the extra [large] is not installed")
    encoder = write_encoder(data.parent / "encoder")
    assert encoder.is_dir()
    return [*docstrings(data), "--template", "large"]


def strings(data: Path, sources: list[str], targets: list[str], n_test: int = 12) -> None:
    table = pd.DataFrame({"id": range(len(sources)), "text": sources, "written": targets})
    table[:-n_test].to_csv(data / "train.csv", index=False)
    table[-n_test:].drop(columns="written").to_csv(data / "test.csv", index=False)
    table[-n_test:][["id"]].assign(written="0").to_csv(data / "sample_submission.csv", index=False)


def digits(data: Path) -> None:
    strings(data, *test_seq2seq.some_pairs(150, 0))


def articles(data: Path) -> None:
    rows, y = test_extract.some_rows(110, 0)
    assert rows.texts is not None
    strings(data, list(rows.texts[:, 0]), list(y))


def words(data: Path) -> None:
    random = np.random.default_rng(0)
    test_ctc.write_words(data, [test_ctc.word(random) for _ in range(60)], 12)


def params(**values: object) -> tuple[str, ...]:
    return tuple(f"model.params.{name}={value}" for name, value in values.items())


APART = "training.layout=processes"
LONG = (APART, "training.epochs=25", "training.batch_size=16", "regularization.early_stopping=0")
FILES = (*LONG, "training.epochs=8", *params(width=8))
AGENT = (
    "training.seeds=2", "training.n_environments=4", "training.rollout=64", "training.evaluations=3",
    "evaluation.episodes=4", "evaluation.selection=2",
)  # fmt: skip
TINY = params(**{**test_seq2seq.TINY, "epochs": 5})

CASES = {
    "tabular": Case(embedded("iris"), LONG),
    "tabular, in processes": Case(embedded("iris"), (*LONG, "workers=2")),
    "tabular, stacked": Case(embedded("iris"), (*LONG[1:], "training.layout=stacked")),
    "tabular, realmlp": Case(embedded("diabetes"), (*LONG, "model.name=realmlp", "training.epochs=8")),
    "tabular, own": Case(embedded("iris"), (*LONG, "model.name=model:build_model")),
    "first-network": Case(embedded("iris", "--template", "first-network"), LONG),
    "text, own": Case(docstrings, (*LONG, "model.name=model:build_model", "training.epochs=6")),
    "text, text-bag": Case(docstrings, (*LONG, "model.name=text-bag", "training.epochs=6")),
    "large": Case(large, (APART, "training.epochs=2", "training.batch_size=16", "training.learning_rate=0.001")),
    "image": Case(written(lambda data: write_competition(data, "image"), "--metric", "accuracy"), FILES),
    "audio": Case(written(lambda data: write_competition(data, "audio", n=60), "--metric", "accuracy"), FILES),
    "audio, ctc": Case(
        written(words, "--metric", "cer"),
        ("model.name=ctc", *params(**{**test_ctc.SMALL, "epochs": 8, "width": 4, "d": 16})),
    ),
    "detection": Case(
        lambda data: [str(write_boxes_competition(data, 24, 6))],
        ("data.image_size=64", *params(epochs=8, width=8, d=8, batch_size=4)),
    ),
    "recommender": Case(written(write_ratings, "--metric", "rmse"), params(rank=4, sweeps=120)),
    "recommender, two-tower": Case(
        written(write_ratings, "--metric", "rmse"),
        ("model.name=two-tower", *LONG, "training.epochs=3", "training.batch_size=64"),
    ),
    "forecast": Case(written(lambda data: write_panel(data, a_panel(40)), "--metric", "mae"), params(epochs=6)),
    "seq2seq": Case(written(digits, "--metric", "cer"), ("model.name=seq2seq", *TINY)),
    "seq2seq, extract": Case(written(articles, "--metric", "rougeL"), ("model.name=extract", *params(epochs=12))),
    "simulation": Case(embedded("cartpole"), (*AGENT, "training.steps=1536")),
    "simulation, of many": Case(embedded("lane-keeping"), (*AGENT, "training.steps=1536")),
    "simulation, a game": Case(embedded("connectx"), (*AGENT, "training.steps=4096", "play.depth=1")),
}


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    found = Commands()
    yield found
    found.close()


@pytest.mark.parametrize("name", CASES)
def test_one_that_is_killed_twice_ends_with_the_same_bits(name: str, tmp_path: Path, commands: Commands) -> None:
    case = CASES[name]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main(["init", *case.begin(tmp_path / "data"), "--into", str(whole), "--json"]) == 0
    if (tmp_path / "encoder").is_dir():
        settings = (whole / "aicomp.toml").read_text()
        (whole / "aicomp.toml").write_text(settings.replace('encoder = "auto"', f'encoder = "{tmp_path / "encoder"}"'))
    shutil.copytree(whole, killed)
    entries = list(case.settings)
    if not name.startswith("simulation"):
        entries += ["split.n_splits=2", "check.train=false"]
    if "workers=2" not in entries:
        entries.append("workers=0")
    train = ["train", *(part for entry in entries for part in ("--set", entry))]
    often = [*train, "--set", "training.checkpoint=0.001"]
    commands.run(whole, *train)
    for n in (1, 2):
        assert commands.kill(killed, *often, after=n) == -signal.SIGKILL
        assert states(killed)
        assert [run.is_done for run in list_runs(killed / "runs")] == [False]
    commands.run(killed, *often)
    assert [run.is_done for run in list_runs(killed / "runs")] == [True]
    assert not states(killed)
    check_same(outcome(whole), outcome(killed))
