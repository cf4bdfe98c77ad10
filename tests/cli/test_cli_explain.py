"""`aicomp explain` on columns: what it prints, writes and refuses, and the page in a browser."""

import json

import pandas as pd
import pytest
from browser import browser, needs_browser
from page_look import look_at
from synthetic import init_project, quick_arguments

from aicomp.cli.main import main

BAD = "<b>$x$"
"""Name of a column, which is escaped."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = init_project(tmp_path_factory.mktemp("explained"), "binary", n_train=160)
    for name in ("train.csv", "test.csv"):
        path = folder / "data" / "raw" / name
        table = pd.read_csv(path, dtype={"id": str})
        table.assign(**{BAD: table["size"] * 2 + 0.01 * table["weight"]}).to_csv(path, index=False)
    from aicomp.raw_data import write_manifest

    write_manifest(folder)
    assert main(["train", "--project", str(folder), *quick_arguments("training.epochs=15")]) == 0
    return folder


def explain(folder, *arguments):
    return main(["explain", "--project", str(folder), "--rows", "4", *arguments])


def test_columns_are_explained(trained, capsys, tmp_path):
    assert explain(trained, "--json", "--png", str(tmp_path / "png")) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    columns = answer["columns"]
    assert set(columns) == {"importances", "dependences", "spread", "rows", "controls"}
    assert columns["controls"] is None
    found = columns["importances"]
    assert {entry["columns"][0] for entry in found["columns"]} == {"size", "weight", "color", "when", BAD}
    assert [set(group["columns"]) for group in found["groups"]] == [{"size", BAD}]
    assert found["groups"][0]["mean"] > max(e["mean"] for e in found["columns"] if e["columns"] == ["when"])
    assert (found["interval"], found["n_rows"], found["n_shuffles"]) == ("folds", 160, 10)
    assert [row["row"] for row in columns["rows"]] == sorted(
        (row["row"] for row in answer["rows"]), key=[r["row"] for r in columns["rows"]].index
    )
    for row in columns["rows"]:
        assert row["prediction"] - row["base"] == pytest.approx(sum(part["attribution"] for part in row["parts"]))
    written = sorted(p.name for p in (tmp_path / "png").iterdir())
    assert sorted(name.rpartition("/")[2] for name in answer["pngs"]) == written
    assert {"importance.png", "spread.png", "curve-0.png"} < {*written}
    assert all(p.read_bytes()[1:4] == b"PNG" for p in (tmp_path / "png").iterdir())
    page = (trained / "runs" / answer["run"] / "explain.html").read_text()
    assert "<b>$x" not in page
    assert "&lt;b&gt;$x$" in page
    assert len(page) < 1_000_000
    for heading in ("Importance", "Dependence", "What columns add", "Most wrong", "Right"):
        assert f">{heading}</h2>" in page
    assert ">Controls<" not in page


def test_what_is_printed(trained, capsys, tmp_path):
    assert explain(trained, "--output", str(tmp_path / "page.html"), "--time-limit", "1s") == 0
    said = capsys.readouterr()
    assert "without it roc_auc gets worse by" in said.out
    assert "Traceback" not in said.err
    assert (tmp_path / "page.html").is_file()


def test_gradients_of_a_network(trained, capsys):
    assert explain(trained, "--method", "gradients", "--json") == 0
    spread = json.loads(capsys.readouterr().out)["columns"]["spread"]
    assert spread["method"] == "gradients"
    assert spread["gap"] < 1e-3  # the network is linear, its log-odds too


def test_wrong_words_are_refused(trained, capsys):
    assert explain(trained, "--method", "shapely") == 2
    assert "did you mean `shapley`?" in capsys.readouterr().err
    assert explain(trained, "--time-limit", "soon") == 2
    assert "is no length of time" in capsys.readouterr().err


def test_gradients_of_no_network_are_refused(tmp_path, capsys):
    folder = init_project(tmp_path, "regression")
    arguments = ["--set", "model.name=ridge", "--set", "workers=0", "--set", "split.n_splits=2"]
    assert main(["train", "--project", str(folder), *arguments]) == 0
    assert explain(folder, "--method", "gradients") == 2
    assert "asks for the gradients of a network, and this model is none" in capsys.readouterr().err
    assert explain(folder, "--json") == 0


@pytest.mark.parametrize("problem", ["multiclass", "multilabel", "multi-target"])
def test_several_outputs(tmp_path, capsys, problem):
    folder = init_project(tmp_path, problem)
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    capsys.readouterr()
    assert explain(folder, "--json") == 0
    columns = json.loads(capsys.readouterr().out)["columns"]
    n_outputs = 3 if problem == "multiclass" else 2
    assert {len(curve["outputs"]) for curve in columns["dependences"]} == {n_outputs}
    assert columns["spread"]["gap"] < 1e-6


@needs_browser
def test_a_browser_finds_nothing_wrong(trained, tmp_path):
    assert explain(trained, "--output", str(tmp_path / "page.html")) == 0
    with browser(tmp_path / "profile") as driver:
        look_at(driver, tmp_path / "page.html", tmp_path / "shots")
