"""Ranked lists of items for each user: recognised, validated, predicted, submitted."""

import json

import numpy as np
import pandas as pd
import pytest

from aicomp.cli.main import main
from aicomp.competition import load_competition
from aicomp.data.interactions import Interactions
from aicomp.dataset import load_dataset
from aicomp.errors import DataError, UsageError
from aicomp.models import Ease, ModelSpec
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run

N_GROUPS, N_ITEMS = 4, 40


def taken(n_users=120, seed=0):
    """Who took what: a user likes one of four groups of ten items and takes eight of ten items from there."""
    random = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        group = random.permutation(10) + 10 * (user % N_GROUPS)
        items = [*group[:8], *random.choice(N_ITEMS, 2)]
        rows += [(f"u{user:03}", f"i{item:02}") for item in random.permutation(items)]
    table = pd.DataFrame(rows, columns=["user_id", "item_id"])
    table["when"] = np.arange(len(table))
    return table


def write(folder):
    """In Kaggle's form; of the users of test the last one is new."""
    table = taken()
    users = [f"u{i:03}" for i in range(0, 40)] + ["u999"]
    folder.mkdir()
    table.to_csv(folder / "train.csv", index=False)
    pd.DataFrame({"user_id": users}).to_csv(folder / "test.csv", index=False)
    pd.DataFrame({"user_id": users, "item_id": "i00 i01"}).to_csv(folder / "sample_submission.csv", index=False)
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch, capsys):
    data = write(tmp_path / "data")
    assert main(["init", str(data), "--metric", "map@5", "--into", str(tmp_path / "project"), "--json"]) == 0
    created = json.loads(capsys.readouterr().out)
    assert created["competition"]["template"] == "top-items"
    [found] = [f for f in created["findings"] if f["what"] == "template"]
    assert found["because"] == "train.csv says who took what, and each `user_id` is to get a list of `item_id`"
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def train(capsys, *settings):
    more = [part for entry in ("workers=0", "split.n_splits=3", *settings) for part in ("--set", entry)]
    assert main(["train", *more, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_last_items_of_each_user_are_held_out():
    users = pd.Series(["b", "a", "a", "a", "b", "c", "a", "a", "a"])
    items = pd.Series(["1", "2", "3", "2", "4", "5", "6", "7", "8"])
    found = Interactions.of(users, items, np.arange(9.0)[::-1], seed=0)
    assert found.items == {"a": ["8", "7", "6", "2", "3"], "b": ["4", "1"], "c": ["5"]}
    assert found.split() == (["a", "b"], ["8 7 6 2", "4"], ["3", "1"])
    assert found.histories(pd.Series(["c", "x"]))["history"].tolist() == ["5", ""]


def test_without_a_time_the_order_is_drawn_by_the_seed():
    users, items = pd.Series(["a"] * 20), pd.Series([str(i) for i in range(20)])
    first, again, other = (Interactions.of(users, items, None, seed).items["a"] for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert sorted(first) == sorted(items)


def test_what_is_held_out_stands_in_no_history(project):
    dataset = load_dataset(Project.open(project))
    assert len(dataset.train) == len(dataset.y) == 120
    for known, held in zip(dataset.train["history"], dataset.y, strict=True):
        assert not set(known.split()) & set(held.split())
    assert dataset.test["history"].iloc[-1] == ""


def test_lists_are_learned_beyond_the_commonest_items_and_submitted(project, capsys):
    found = train(capsys)
    popular = train(capsys, 'model.name="model:Popular"')
    assert found["metric"] == "map@5"
    assert found["mean"] > popular["mean"] + 0.2
    run = Run(project / "runs" / found["run"])
    lists = [text.split() for text in run.test_predictions()]
    assert {len(row) for row in lists} == {5}
    history = taken().groupby("user_id")["item_id"].agg(set)
    for user, row in zip([f"u{i:03}" for i in range(40)], lists, strict=False):
        assert not history[user] & set(row)
    assert list(predict_run(Project.open(project), run).values) == list(run.test_predictions())
    assert main(["blend", "--json"]) == 0
    capsys.readouterr()
    assert main(["submit", "--dry-run", "--run", found["run"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "valid"


def test_items_that_were_taken_may_be_taken_again(project, capsys):
    found = train(capsys, "model.params.exclude_seen=false", "split.time=when")
    lists = Run(project / "runs" / found["run"]).test_predictions()
    history = taken().groupby("user_id")["item_id"].agg(set)
    assert any(history[f"u{i:03}"] & set(text.split()) for i, text in enumerate(lists[:40]))
    other = train(capsys)
    assert main(["blend", found["run"], other["run"]]) == 2
    assert "held out other items: its `split.time` is when, and here it is None" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("u001,i 07,3", "`train.csv` line 1202: `item_id` is `i 07`, and a list has its items between blanks"),
        (",i07,3", "`train.csv` line 1202: `user_id` is missing"),
        ("u001,,3", "`train.csv` line 1202: `item_id` is missing"),
    ],
)
def test_a_wrong_row_is_named(project, line, message):
    with (project / "data" / "raw" / "train.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError) as e:
        load_dataset(Project.open(project))
    assert e.value.message == message


def test_users_of_one_item_each_cannot_be_validated(project):
    taken().drop_duplicates("user_id").to_csv(project / "data" / "raw" / "train.csv", index=False)
    with pytest.raises(DataError, match="has one `item_id` for each `user_id`"):
        load_dataset(Project.open(project))


def test_a_contract_of_lists_names_user_and_item_as_id_and_target(project):
    text = (project / "competition.toml").read_text()
    (project / "competition.toml").write_text(text.replace('user = "user_id"', 'user = "when"'))
    with pytest.raises(UsageError, match="lists of `item_id` for each `when`"):
        load_competition(project / "competition.toml")


def test_wrong_parameters_are_refused():
    spec = ModelSpec(0, (), 1, n_text=1)
    for params in ({"n": 0}, {"penalty": 0.0}):
        with pytest.raises(UsageError, match=f"`model.params.{next(iter(params))}` is 0"):
            Ease(spec, **params)
    with pytest.raises(UsageError, match="`ease` reads lists of items"):
        Ease(ModelSpec(1, (), 1))
