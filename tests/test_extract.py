"""Summaries made of sentences of the source."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aicomp.cli.main import main
from aicomp.data.arrays import as_objects
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.metrics import get_metric
from aicomp.models import Extract, Goal, Lead, ModelSpec, Round
from aicomp.models.extract import Rule, best_sentences, take
from aicomp.models.rewrite import choose_kind
from aicomp.models.sentence_features import Document, Frequencies, describe
from aicomp.models.sentences import split_sentences
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run

WORDS = "storm coast rain ferry council vote train budget school match goal crowd river bridge road film prize"
GOAL = Goal("string", 1, 0, 1)


def a_text(random: np.random.Generator) -> tuple[str, str]:
    """An article of which the two or three sentences with a number are the summary, the last one first."""
    n = random.integers(6, 12)
    numbered = sorted(random.choice(np.arange(1, n), random.integers(2, 4), replace=False).tolist())
    sentences = []
    for i in range(n):
        words = " ".join(random.choice(WORDS.split(), random.integers(5, 9)))
        sentences.append(f"The {words} cost {random.integers(100, 999)}." if i in numbered else f"The {words}.")
    return " ".join(sentences), " ".join(sentences[i] for i in reversed(numbered))


def some_rows(n: int, seed: int) -> tuple[Rows, np.ndarray]:
    random = np.random.default_rng(seed)
    pairs = [a_text(random) for _ in range(n)]
    texts = np.array([[source] for source, _ in pairs], dtype=object)
    return Rows(np.empty((n, 0), np.float32), np.empty((n, 0), np.int64), texts), as_objects([t for _, t in pairs])


def test_it_beats_the_first_sentences_and_learns_their_order() -> None:
    (train, y), (valid, valid_y), (test, test_y) = (some_rows(n, seed) for n, seed in ((150, 0), (30, 1), (60, 2)))
    scores = {}
    for kind in (Lead, Extract):
        rounds: list[Round] = []
        model = kind(ModelSpec(0, (), 1, n_text=1))
        model.fit(train, y, valid, valid_y, GOAL, rounds.append)
        assert rounds
        scores[kind] = get_metric("rougeL")(test_y, model.predict(test))
        again = kind(ModelSpec(0, (), 1, n_text=1))
        again.load_state_dict(model.state_dict())
        assert again.predict(test).tolist() == model.predict(test).tolist()
    assert scores[Extract] > 0.9
    assert scores[Lead] < 0.5


def test_lead_takes_the_best_number_and_where_to_begin() -> None:
    texts = [f"A headline of day {i}\nOne {i} is first. Two {i} is next. Three {i} is last." for i in range(40)]
    rows = Rows(np.empty((40, 0), np.float32), np.empty((40, 0), np.int64), np.array(texts, dtype=object)[:, None])
    y = as_objects([f"One {i} is first. Two {i} is next." for i in range(40)])
    model = Lead(ModelSpec(0, (), 1, n_text=1))
    model.fit(rows, y, rows, y, GOAL, lambda step: None)
    assert model.predict(rows).tolist() == y.tolist()


def test_a_text_without_sentences_is_taken_as_it_is() -> None:
    train, y = some_rows(40, 0)
    model = Extract(ModelSpec(0, (), 1, n_text=1), n_networks=1, epochs=1)
    model.fit(train, y, train, y, GOAL, lambda step: None)
    odd = np.array([["no end"], [""], ["。"]], dtype=object)
    found = model.predict(Rows(np.empty((3, 0), np.float32), np.empty((3, 0), np.int64), odd))
    assert found.tolist() == ["no end", "-", "。"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(0, 2, 1), [0, 2]),  # the two likeliest, as they stand
        (Rule(0, 2, 0), [2, 0]),  # by their places
        (Rule(1, 0.5, 1), [0, 2]),  # 4 of 8 words: the second one begins at 2
        (Rule(2, 0.55, 1), [2]),
        (Rule(2, 0.99, 1), [2]),  # one at least
    ],
)
def test_how_many_sentences_are_taken(rule: Rule, expected: list[int]) -> None:
    document = Document(["a b", "c d", "e f", "g h"], [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]])
    outputs = np.array([[0.5, 0.9], [0.1, 0.2], [0.6, 0.1], [0.3, 0.3]])
    assert take(document, outputs, rule) == expected


def test_the_search_that_knows_the_target_takes_what_helps() -> None:
    words = [["x", "y", "z"], ["a", "b", "c"], ["d", "e"], ["a", "b"]]
    assert best_sentences(words, ["d", "e", "a", "b", "c"]).tolist() == [-1, 0.4, 0, -1]
    assert best_sentences(words, []).tolist() == [-1] * 4


def test_features_are_finite_whatever_the_text() -> None:
    documents = [Document.of(t) for t in ("", "One.", "One. One. One.", "?! ... \n\n ;", "你好。再见！")]
    frequencies = Frequencies.fit(documents)
    widths = {describe(d, frequencies).shape[1] for d in documents}
    assert len(widths) == 1
    assert all(np.isfinite(describe(d, frequencies)).all() for d in documents)
    again = Frequencies.of(frequencies.state_dict())
    assert again == frequencies


def test_sentences_end_where_they_end() -> None:
    text = 'He paid £3.5m to Mr. Smith of the U.S. team. "It is over," he said. Is it?\nA line'
    assert split_sentences(text) == [
        "He paid £3.5m to Mr. Smith of the U.S. team.",
        '"It is over," he said.',
        "Is it?",
        "A line",
    ]


def test_rewrite_takes_sentences_only_where_they_are_copied() -> None:
    pairs = [a_text(np.random.default_rng(i)) for i in range(20)]
    sources, targets = map(list, zip(*pairs, strict=True))
    kind, reason = choose_kind(sources, targets)
    assert kind == "extract"
    assert reason.startswith("`extract`: 100% of the targets' runs of 3 words stand in their sources")
    assert choose_kind(sources, [t.upper().replace(" ", "s ") for t in targets])[0] == "seq2seq"
    assert choose_kind(targets, targets)[0] == "seq2seq"  # a spelling to be corrected, not a summary


def test_data_without_a_text_is_refused() -> None:
    for kind in (Lead, Extract):
        with pytest.raises(UsageError, match="reads columns of text, and there is none"):
            kind(ModelSpec(1, (), 1))


def test_the_template_trains_it_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, y = some_rows(160, 0)
    assert rows.texts is not None
    table = pd.DataFrame({"id": range(160), "kind": np.arange(160) % 3, "text": rows.texts[:, 0], "summary": y})
    data, project = tmp_path / "data", tmp_path / "project"
    data.mkdir()
    table[:120].to_csv(data / "train.csv", index=False)
    table[120:].drop(columns="summary").to_csv(data / "test.csv", index=False)
    table[120:][["id"]].assign(summary="Nothing.").to_csv(data / "sample_submission.csv", index=False)
    assert main(["init", str(data), "--into", str(project), "--json"]) == 0
    monkeypatch.chdir(project)
    capsys.readouterr()
    assert main(["train", "--set", "workers=0", "--json"]) == 0
    trained = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert trained["mean"] > 0.8
    run = Run(project / "runs" / trained["run"])
    assert run.result(0)["notes"][0].startswith("`extract`: 100% of")
    assert predict_run(Project.open(project), run).values.tolist() == run.test_predictions().tolist()
    assert main(["submit", "--dry-run", "--json"]) == 0
