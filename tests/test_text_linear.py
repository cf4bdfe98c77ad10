"""The model that reads texts: what it learns, keeps and refuses."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from boost_cases import fit
from training_cases import ACCURACY, BINARY, MULTICLASS, MULTILABEL, REGRESSION, a_fold

from aicomp.config import Config, ModelConfig
from aicomp.data.columns import Column
from aicomp.data.encoding import Encoder
from aicomp.data.rows import Rows
from aicomp.data.table import Table
from aicomp.errors import UsageError
from aicomp.models import ESTIMATORS
from aicomp.models.terms import Terms, analyzers_for
from aicomp.task import Task
from aicomp.training.whole import make_model, predict_whole

WORDS = ("red", "green", "blue", "yellow")
CONFIG = Config(model=ModelConfig(name="text-linear"))


def said(y, random):
    """A text per label in which one word of four tells it, among noise."""
    noise = random.choice(["the", "a", "of", "and", "it", "was"], (len(y), 6))
    return np.array([[" ".join([*row, WORDS[int(label)]])] for row, label in zip(noise, y, strict=True)], dtype=object)


def with_texts(data, task):
    """A fold whose numbers tell nothing and whose texts tell the label."""
    random = np.random.default_rng(99)
    labels = {"train": data.y, "valid": data.valid_y, "test": np.zeros(len(data.test))}
    if task.problem_type == "regression":
        labels = {part: (y > 100).astype(int) for part, y in labels.items()}
    if task.problem_type == "multilabel":
        labels = {part: y @ [1, 2] if y.ndim == 2 else y for part, y in labels.items()}
    parts = {
        part: replace(getattr(data, part), x_num=random.normal(size=(len(y), 3)).astype(np.float32),
                      x_cat=random.integers(0, 3, (len(y), 1)), texts=said(y, random))
        for part, y in labels.items()
    }  # fmt: skip
    return replace(data, **parts)


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, REGRESSION, MULTILABEL], ids=lambda t: t.problem_type)
def test_what_texts_say_is_learned_and_kept(task):
    data = with_texts(a_fold(task), task)
    result = fit(data, task, CONFIG)
    score = task.score(data.valid_y, result.valid_pred)
    assert score < 0.8 * data.valid_y.std() if task is REGRESSION else score > 0.95
    model = make_model(ESTIMATORS["text-linear"], result.spec, task)
    model.load_state_dict({name: tensor.numpy() for name, tensor in result.state_dict.items()})
    np.testing.assert_array_equal(predict_whole(model, task, result.transform, data.test), result.test_pred)


def test_side_columns_count_too():
    data = a_fold(BINARY)
    nothing = {part: replace(getattr(data, part), texts=np.full((len(getattr(data, part)), 1), "x", dtype=object))
               for part in ("train", "valid", "test")}  # fmt: skip
    result = fit(replace(data, **nothing), BINARY, CONFIG)
    assert BINARY.score(data.valid_y, result.valid_pred) > 0.9


def test_without_a_text_it_says_so():
    with pytest.raises(UsageError, match="`text-linear` reads columns of text, and there is none"):
        fit(a_fold(BINARY), BINARY, CONFIG)


def test_runs_of_characters_stand_for_words_where_blanks_do_not_divide_them():
    chinese = ["酒店很好", "早餐太差了", "房间干净"]
    assert analyzers_for(chinese) == ["characters"]
    assert analyzers_for(["a good hotel", "bad breakfast", ""]) == ["words", "characters within words"]
    assert analyzers_for([]) == ["words", "characters within words"]
    task = Task("binary", ("no", "yes"), 1, ACCURACY)
    data = a_fold(task)
    random = np.random.default_rng(0)
    labels = {"train": data.y, "valid": data.valid_y, "test": np.zeros(len(data.test))}
    texts = {
        part: np.array([[random.choice([*"我你他的是在"]) + "差好"[int(label)]] for label in y], dtype=object)
        for part, y in labels.items()
    }
    data = replace(data, **{part: replace(getattr(data, part), texts=t) for part, t in texts.items()})
    assert task.score(data.valid_y, fit(data, task, CONFIG).valid_pred) == 1.0


def test_texts_of_which_no_term_is_left():
    data = a_fold(BINARY)
    parts = {part: replace(getattr(data, part), texts=np.full((len(getattr(data, part)), 1), "", dtype=object))
             for part in ("train", "valid", "test")}  # fmt: skip
    assert np.isfinite(fit(replace(data, **parts), BINARY, CONFIG).test_pred).all()


def test_terms_come_back_from_their_arrays_whatever_they_hold():
    texts = ['say "yes" 🙂', "say\tno\x00", "say \\n \ud800", "SAY yes"]
    terms, matrix = Terms.fit(texts, "characters within words", most=500)
    again = Terms.of(terms.state_dict())
    assert again == replace(terms, idf=again.idf)
    assert (again(texts) != matrix).nnz == 0
    assert "say" in "".join(terms.terms)


def test_an_encoder_leaves_texts_to_a_model_that_reads_them(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "t": ["one text", None, "another"]})
    columns = [Column("x", "number", ""), Column("t", "text", "")]
    table = Table.build(frame, columns)
    encoder = Encoder(columns, keeps_texts=True).fit(table, np.arange(3))
    assert encoder.num_names == ["x"]
    rows = encoder.transform(table, np.array([2, 1]))
    assert rows.texts.tolist() == [["another"], [""]]
    encoder.save(tmp_path)
    assert Encoder.load(tmp_path, columns).transform(table, np.array([0])).texts.tolist() == [["one text"]]
    assert Encoder(columns).fit(table, np.arange(3)).transform(table, np.arange(3)).texts is None
    alone = [columns[1]]
    assert Encoder(alone, keeps_texts=True).fit(table, np.arange(3)).transform(table, np.arange(3)).x_num.shape == (
        3,
        0,
    )


def test_rows_keep_their_texts_when_they_are_taken_and_joined():
    rows = Rows(np.zeros((3, 0), np.float32), np.zeros((3, 0), np.int64), np.array([["a"], ["b"], ["c"]], dtype=object))
    both = rows.take(np.array([2, 0])).followed_by(rows.take(slice(1)))
    assert both.texts.tolist() == [["c"], ["a"], ["a"]]
