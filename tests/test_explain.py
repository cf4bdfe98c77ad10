"""What moved a prediction: parts of texts, which rows are shown, and the page."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from aicomp.cli.main import main
from aicomp.errors import UsageError
from aicomp.explain.choice import choose_rows, row_losses
from aicomp.explain.explanation import Explanation, RunExplained, Text, explain_run
from aicomp.explain.occlusion import Part, occlude
from aicomp.explain.page import write_page
from aicomp.explain.pictures import Picture
from aicomp.explain.spans import spans_of, without
from aicomp.metrics import METRICS
from aicomp.project import Project
from aicomp.run import find_run
from aicomp.task import Task

BINARY = Task("binary", ("no", "yes"), 1, METRICS["roc_auc"])
VALUES = Task("regression", (), 1, METRICS["rmse"])


@pytest.mark.parametrize("text", ["", " ", "one", "  two  words ", "a\nb\tc", "我很喜欢这家酒店", "x " * 500])
def test_spans_are_the_text(text):
    spans = spans_of(text)
    assert "".join(spans) == (text if text.strip() else "")
    assert len(spans) <= 48


def test_spans_of_texts_without_blanks_are_characters():
    assert spans_of("喜欢") == ["喜", "欢"]
    assert without(["喜", "欢"], 0) == "欢"


def test_attributions_are_what_the_prediction_loses():
    weights = {"good": 2.0, "bad": -3.0}

    def predict(table):
        return (
            np.array([sum(weights.get(w, 0) for w in t.split()) for t in table["review"]]) + table["stars"].to_numpy()
        )

    row = pd.DataFrame({"review": ["good and bad good"], "stars": [5.0]})
    parts = occlude(row, "review", predict)
    assert [(p.text.strip(), p.attribution) for p in parts] == [("good", 2), ("and", 0), ("bad", -3), ("good", 2)]
    assert occlude(row.assign(review=None), "review", predict) == []


def test_losses_do_not_depend_on_the_metric():
    y = np.array([0, 1])
    np.testing.assert_allclose(row_losses(y, np.array([0.25, 0.5]), BINARY), -np.log([0.75, 0.5]))
    classes = Task("multiclass", ("a", "b", "c"), 1, METRICS["accuracy"])
    probabilities = np.array([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]])
    np.testing.assert_allclose(row_losses(y, probabilities, classes), -np.log([0.2, 0.8]))
    np.testing.assert_allclose(row_losses(np.array([1.0, 2.0]), np.array([3.0, 2.0]), VALUES), [2, 0])


def test_half_of_the_rows_are_the_worst_and_the_others_are_better_than_the_median():
    y = np.zeros(20)
    errors = np.arange(20.0)
    folds = [
        {"valid_rows": np.arange(0, 20, 2), "valid": errors[::2]},
        {"valid_rows": np.arange(1, 20, 2), "valid": errors[1::2]},
    ]
    chosen = choose_rows(y, folds, VALUES, 5)
    assert [c.row for c in chosen if c.is_worst] == [19, 18, 17]
    others = [c.row for c in chosen if not c.is_worst]
    assert len(others) == 2
    assert max(others) < 10
    assert [c.fold for c in chosen] == [c.row % 2 for c in chosen]
    assert len(choose_rows(y, folds, VALUES, 100)) == 20


def test_what_is_given_is_escaped():
    bad = "<script>alert(1)</script>"
    text = Text(bad, (Part(bad, 1.0), Part("& more", -0.5)))
    row = Explanation(0, bad, 0, bad, bad, bad, 1.0, True, (text,), (Picture(bad, "data:", "data:", (0.5, 0.5)),))
    page = write_page(RunExplained([row], None), bad, bad)
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") >= 6
    assert "http:" not in page
    assert "https:" not in page  # nothing is loaded from anywhere


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of `text-linear` on messages whose label is in one word."""
    folder = tmp_path_factory.mktemp("explained")
    rng = np.random.default_rng(0)
    fillers = ["the", "room", "was", "there", "when", "we", "came", "late"]

    def texts(labels):
        words = [[*rng.choice(fillers, 6), "lovely" if label else "dirty"] for label in labels]
        return [" ".join(rng.permutation(w)) for w in words]

    labels = rng.integers(0, 2, 120)
    train = pd.DataFrame({"id": range(120), "review": texts(labels), "liked": np.where(labels == 1, "yes", "no")})
    test = pd.DataFrame({"id": range(200, 220), "review": texts(rng.integers(0, 2, 20))})
    files = folder / "files"
    files.mkdir()
    train.to_csv(files / "train.csv", index=False)
    test.to_csv(files / "test.csv", index=False)
    test[["id"]].assign(liked="no").to_csv(files / "sample_submission.csv", index=False)
    project = folder / "project"
    assert main(["init", str(files), "--into", str(project), "--metric", "accuracy", "--template", "text"]) == 0
    arguments = ["--project", str(project), "--set", "workers=0", "--set", "split.n_splits=2"]
    assert main(["train", *arguments]) == 0
    return project


def test_the_word_that_decides_is_found(trained, capsys):
    assert main(["explain", "--project", str(trained), "--rows", "6", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["rows"]) == 6
    assert answer["columns"] is None  # one text is the whole row
    assert answer["diagnosis"]["n"] == 120
    page = Path(answer["page"]).read_text()
    assert '<h2 id="segments">Score by segment</h2>' in page
    assert '<h2 id="calibration">Calibration</h2>' in page
    for row in answer["rows"]:
        assert row["of"] == "log-odds of “yes”"
        parts = row["texts"][0]["parts"]
        strongest = max(parts, key=lambda part: abs(part["attribution"]))
        assert strongest["text"].strip() == ("lovely" if row["truth"] == "yes" else "dirty")
        assert (strongest["attribution"] > 0) == (row["truth"] == "yes")
    page = (trained / "runs" / answer["run"] / "explain.html").read_text()
    assert "lovely" in page


def test_strings_and_forecasts_are_refused(tmp_path):
    from types import SimpleNamespace

    from explain_cases import competition

    from aicomp.explain.subject import check_explainable

    def project(is_string, horizon):
        task = SimpleNamespace(is_string=is_string)
        return SimpleNamespace(task=task, competition=msgspec.structs.replace(competition(), horizon=horizon))

    check_explainable(project(False, 0))
    with pytest.raises(UsageError, match="strings have no part"):
        check_explainable(project(True, 0))
    with pytest.raises(UsageError, match="from what came before a row"):
        check_explainable(project(False, 3))


def test_changed_code_is_refused(trained):
    project = Project.open(trained)
    run = find_run(project.runs)
    features = trained / "features.py"
    code = features.read_text()
    features.write_text(code + "\nMORE = 1\n")
    with pytest.raises(UsageError, match="have changed since run"):
        explain_run(Project.open(trained), run, n_rows=2)
    features.write_text(code)
