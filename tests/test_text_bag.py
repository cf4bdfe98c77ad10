"""The network that reads texts: its tokens, what it learns, keeps and refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_text_linear import with_texts
from training_cases import BINARY, MULTICLASS, REGRESSION, a_fold

from aicomp.config import Config, ModelConfig, RegularizationConfig, TrainingConfig
from aicomp.errors import UsageError
from aicomp.models import ModelSpec, build_text_bag
from aicomp.models.texts import hashed_terms, trimmed
from aicomp.training.checkpoint import load_spec, save_spec
from aicomp.training.fit import fit_fold, prepare_fold
from aicomp.training.inference import predict
from aicomp.training.losses import BinaryCrossEntropy
from aicomp.training.stacked import choose_stack

CPU = torch.device("cpu")


def config(**regularization):
    training = TrainingConfig(epochs=15, batch_size=32, learning_rate=0.01, amp=False)
    changed = RegularizationConfig(**{"dropout": 0.1, **regularization})
    return Config(model=ModelConfig("text-bag"), training=training, regularization=changed)


def fit(data, task, seed=0, **regularization):
    return fit_fold(data, task, config(**regularization), small, seed=seed, device=CPU)


def small(spec):
    return build_text_bag(spec, n_buckets=500, d_term=16, d_block=32)


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, REGRESSION], ids=lambda t: t.problem_type)
def test_what_texts_say_is_learned(task):
    data = with_texts(a_fold(task), task)
    score = task.score(data.valid_y, fit(data, task).valid_pred)
    assert score < 0.8 * data.valid_y.std() if task is REGRESSION else score > 0.95


def test_the_same_seed_gives_the_same_and_what_is_saved_predicts_the_same(tmp_path):
    data = with_texts(a_fold(BINARY), BINARY)
    one, two = fit(data, BINARY), fit(data, BINARY)
    np.testing.assert_array_equal(one.test_pred, two.test_pred)
    save_spec(tmp_path, one.spec, None)
    spec, _ = load_spec(tmp_path)
    assert spec.n_text == 1
    model = small(spec)
    model.load_state_dict(one.state_dict)
    again = predict(model, BinaryCrossEntropy(is_flat=True), data.test, device=CPU, amp=False)
    np.testing.assert_array_equal(again, one.test_pred)
    alone = predict(model, BinaryCrossEntropy(is_flat=True), data.test.take(slice(3, 4)), device=CPU, amp=False)
    np.testing.assert_allclose(alone[0], one.test_pred[3], rtol=1e-5)  # whatever the longest of its batch is


def test_terms_are_words_pairs_and_runs_or_runs_alone_without_blanks():
    ids = hashed_terms(["Ab c", "ab", ""], n_buckets=10**9, most=100)
    assert ids.dtype == torch.int32
    n_terms = (ids > 0).sum(1).tolist()
    assert n_terms == [2 + 1 + 2 + 1, 1 + 2 + 1, 0]  # <ab>: two runs of three, one of four; c has none
    assert ids[0, 0] == ids[1, 0]
    assert (hashed_terms(["酒店好"], 10**9, 100) > 0).sum() == 3 + 2 + 1
    assert hashed_terms(["a b c d"], 10**9, most=2).shape == (1, 2)
    assert hashed_terms([], 10, 5).shape == (0, 1)
    assert int(hashed_terms(["x" * 50], 7, 100).max()) <= 7


def test_each_column_has_terms_of_its_own_and_zeros_are_at_the_end():
    model = build_text_bag(ModelSpec(0, (), 1, n_text=2), n_buckets=100)
    tokens = model.tokens(np.array([["a", "a"], ["", "b c"]], dtype=object))
    first, second = tokens[0, :2].tolist()
    assert second == first + 100
    for row in tokens:
        n = int((row > 0).sum())
        assert (row[:n] > 0).all()
    model.eval()
    none = torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.int64)
    swapped = model.tokens(np.array([["a", ""], ["", "a"]], dtype=object))
    outputs = model(*none, swapped)
    assert outputs[0] != outputs[1]


def test_padding_changes_nothing():
    tokens = torch.tensor([[5, 7, 0, 0], [3, 0, 0, 0]])
    assert trimmed(tokens).tolist() == [[5, 7], [3, 0]]
    assert trimmed(torch.zeros(2, 4, dtype=torch.int32)).shape == (2, 1)
    model = build_text_bag(ModelSpec(0, (), 2, n_text=1), n_buckets=10).eval()
    none = torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.int64)
    torch.testing.assert_close(model(*none, tokens), model(*none, trimmed(tokens)))
    assert torch.isfinite(model(*none, torch.zeros(2, 1, dtype=torch.int64))).all()


def test_terms_are_left_out_in_training_alone():
    model = build_text_bag(ModelSpec(0, (), 1, n_text=1, dropout=0.0), n_buckets=50, term_dropout=0.5)
    none = torch.zeros(1, 0), torch.zeros(1, 0, dtype=torch.int64)
    tokens = torch.arange(1, 40)[None]
    assert len({model.train()(*none, tokens).item() for _ in range(5)}) > 1
    assert len({model.eval()(*none, tokens).item() for _ in range(5)}) == 1


def test_what_it_cannot_do_is_refused():
    with pytest.raises(UsageError, match="`text-bag` reads columns of text, and there is none"):
        fit(a_fold(BINARY), BINARY)
    data = with_texts(a_fold(BINARY), BINARY)
    with pytest.raises(UsageError, match="`text-bag` reads texts, where a blend of two rows is none"):
        fit(data, BINARY, mixup=0.2)
    folds = {k: prepare_fold(data, BINARY, config(), small, device=CPU) for k in range(2)}
    assert choose_stack(folds) == ([], "the model reads texts, whose lengths differ between folds")


def test_its_recipe_is_gentle():
    data = with_texts(a_fold(BINARY), BINARY)
    settings = prepare_fold(data, BINARY, Config(model=ModelConfig("text-bag")), small, device=CPU).settings
    assert (settings.learning_rate, settings.epochs, settings.dropout) == (0.001, 12, 0.5)
    other = Config(model=ModelConfig("text-bag"), training=TrainingConfig(optimizer="sgd"))
    assert prepare_fold(data, BINARY, other, small, device=CPU).settings.learning_rate == 0.02


def test_a_row_keeps_its_text_through_the_batches():
    data = with_texts(a_fold(BINARY), BINARY)
    shuffled = np.random.default_rng(3).permutation(len(data.y))
    mixed = replace(data, train=data.train.take(shuffled), y=data.y[shuffled])
    assert BINARY.score(mixed.valid_y, fit(mixed, BINARY).valid_pred) > 0.95
