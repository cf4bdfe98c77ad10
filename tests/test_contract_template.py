"""Which template `aicomp init` takes, by what the columns hold."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aicomp.contract import Given, infer_contract
from aicomp.scaffold import create_project

N = 60
ENGLISH = [f"a sentence of some words, number {i}" for i in range(N)]
CHINESE = [f"这个酒店的第{i}个房间很干净" for i in range(N)]


def folder_of(tmp_path: Path, **columns: object) -> Path:
    random = np.random.default_rng(0)
    table = pd.DataFrame({"id": range(N), **columns, "good": random.integers(0, 2, N)})
    table[:40].to_csv(tmp_path / "train.csv", index=False)
    table[40:].drop(columns="good").to_csv(tmp_path / "test.csv", index=False)
    table[40:][["id"]].assign(good=0).to_csv(tmp_path / "sample_submission.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("columns", "template"),
    [
        ({"review": ENGLISH}, "text"),
        ({"review": CHINESE}, "text"),
        ({"review": ENGLISH, "stars": np.arange(N) % 5}, "text"),
        ({"review": ENGLISH, "stars": np.arange(N) % 5, "pages": np.arange(N)}, "tabular"),
        ({"stars": np.arange(N) % 5}, "tabular"),
        ({"name": [f"Smith {i}" for i in range(N)], "stars": np.arange(N) % 5}, "tabular"),
        ({"review": [np.nan] * N, "stars": np.arange(N) % 5}, "tabular"),
    ],
    ids=["english", "chinese", "half", "a third", "numbers", "names", "empty"],
)
def test_sentences_make_a_project_on_texts(tmp_path: Path, columns: dict[str, object], template: str) -> None:
    found = infer_contract(folder_of(tmp_path, **columns), Given(metric="accuracy"), "reviews")
    assert found.competition.template == template
    reasons = [f.because for f in found.findings if f.what == "template"]
    assert len(reasons) == (template == "text")


def test_a_template_that_is_named_is_taken(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    folder_of(data, review=ENGLISH)
    created = create_project(str(data), tmp_path / "project", Given(metric="accuracy"), "tabular")
    assert created.competition.template == "tabular"
    assert not [f for f in created.findings if f.what == "template"]
