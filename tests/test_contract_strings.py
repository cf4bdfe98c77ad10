"""What `aicomp init` makes of targets that are texts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aicomp.contract import Given, infer_contract
from aicomp.errors import UsageError

N = 120
ENGLISH = [f"the small red house number {i} stands beside the long road" for i in range(N)]
GERMAN = [f"das kleine rote Haus Nummer {i} steht an der langen Straße" for i in range(N)]
CHINESE = [f"第{i}间红色的小房子在长路旁边" for i in range(N)]
BOXES = [f"0 {i} 17 33 0.9 12 {i} 4 8 0.8" for i in range(N)]


def folder_of(tmp_path: Path, source: list[str], target: list[str], sample: object = "something") -> Path:
    table = pd.DataFrame({"id": range(N), "source": source, "target": target})
    table[:90].to_csv(tmp_path / "train.csv", index=False)
    table[90:].drop(columns="target").to_csv(tmp_path / "test.csv", index=False)
    table[90:][["id"]].assign(target=sample).to_csv(tmp_path / "sample_submission.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "target", "metric"),
    [
        (ENGLISH, GERMAN, "bleu"),
        ([" ".join([text] * 4) for text in ENGLISH], GERMAN, "rougeL"),
        (ENGLISH, CHINESE, "chrf"),
    ],
    ids=["translation", "summary", "without blanks"],
)
def test_sentences_are_strings_and_lengths_say_the_metric(
    tmp_path: Path, source: list[str], target: list[str], metric: str
) -> None:
    found = infer_contract(folder_of(tmp_path, source, target), Given(), "texts")
    contract = found.competition
    assert (contract.problem_type, contract.submission.wants, contract.template) == ("string", "string", "seq2seq")
    assert (contract.metric, contract.labels) == (metric, ())


def test_a_metric_that_is_given_wins(tmp_path: Path) -> None:
    found = infer_contract(folder_of(tmp_path, ENGLISH, GERMAN), Given(metric="chrF"), "texts")
    assert found.competition.metric == "chrf"


def test_a_metric_of_strings_makes_strings_of_anything(tmp_path: Path) -> None:
    digits = [str(i % 7) for i in range(N)]
    found = infer_contract(folder_of(tmp_path, ENGLISH, digits, sample=0), Given(metric="exact_match"), "texts")
    assert found.competition.problem_type == "string"
    found = infer_contract(folder_of(tmp_path, ENGLISH, BOXES), Given(metric="cer"), "texts")
    assert found.competition.problem_type == "string"


@pytest.mark.parametrize(("target", "sample"), [(BOXES, "0 1 2 3 4"), (GERMAN, 0.5)], ids=["boxes", "numbers asked"])
def test_other_texts_are_not_taken_for_sentences(tmp_path: Path, target: list[str], sample: object) -> None:
    with pytest.raises(UsageError, match="which metric scores"):
        infer_contract(folder_of(tmp_path, ENGLISH, target, sample), Given(), "texts")


def test_a_metric_is_guessed_for_sentences_alone(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ENGLISH, BOXES)
    with pytest.raises(UsageError, match="which metric scores"):
        infer_contract(folder, Given(problem_type="string"), "texts")


def test_classes_stay_classes(tmp_path: Path) -> None:
    kinds = np.array(["a good review", "a bad review", "no review at all"])[np.arange(N) % 3]
    found = infer_contract(folder_of(tmp_path, ENGLISH, list(kinds)), Given(metric="accuracy"), "texts")
    assert found.competition.problem_type == "multiclass"
