"""Fine-tuned encoder-decoders, on one of a few thousand weights that is made here: nothing is downloaded."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from test_resume_estimators import Case, Dying, Killed, same
from test_seq2seq import DIGITS, some_rows

from aicomp.errors import AicompError, UsageError
from aicomp.models import Goal, ModelSpec, PretrainedSeq2Seq, Round
from aicomp.training.checkpoints import Checkpoints

transformers = pytest.importorskip("transformers", reason="the extra [text] is not installed")
ONE_TEXT = ModelSpec(0, (), 1, n_text=1)
GOAL = Goal("string", 1, 0, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 at random weights, whose pieces are words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    place = tmp_path_factory.mktemp("t5")
    words = ["<pad>", "</s>", "<unk>", "translate:", *DIGITS, *map(str, range(10))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(place)
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=len(words), d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2, dropout_rate=0.0,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    transformers.T5ForConditionalGeneration(config).save_pretrained(place)
    return place


def test_it_learns_and_what_is_saved_writes_the_same(folder: Path) -> None:
    (train, y), (valid, valid_y) = some_rows(200, 0), some_rows(30, 1)
    params = {"model": str(folder), "epochs": 12, "learning_rate": 0.02, "max_target": 8, "prefix": "translate: "}
    rounds: list[Round] = []
    model = PretrainedSeq2Seq(ONE_TEXT, **params)
    kept = model.fit(train, y, valid, valid_y, GOAL, rounds.append)
    assert rounds[-1].train_loss < rounds[0].train_loss / 2
    assert rounds[kept - 1].valid_loss < rounds[0].valid_loss
    again = PretrainedSeq2Seq(ONE_TEXT, **params)
    again.load_state_dict({name: array.copy() for name, array in model.state_dict().items()})
    assert again.predict(valid).tolist() == model.predict(valid).tolist()


def test_without_an_epoch_it_is_taken_as_it_is(folder: Path) -> None:
    (train, y), (valid, valid_y) = some_rows(20, 0), some_rows(5, 1)
    rounds: list[Round] = []
    model = PretrainedSeq2Seq(ONE_TEXT, model=str(folder), epochs=0, max_target=4)
    assert model.fit(train, y, valid, valid_y, GOAL, rounds.append) == 0
    assert len(rounds) == 1
    assert all(isinstance(text, str) and text for text in model.predict(valid))


def test_what_is_missing_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="needs to know which model to fine-tune"):
        PretrainedSeq2Seq(ONE_TEXT)
    with pytest.raises(UsageError, match="`t5-small` is no folder, and as a name of the hub it lacks a revision"):
        PretrainedSeq2Seq(ONE_TEXT, model="t5-small")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5"}))
    train, y = some_rows(10, 0)
    broken = PretrainedSeq2Seq(ONE_TEXT, model=str(tmp_path))
    with pytest.raises(AicompError, match=f"the model `{tmp_path}` cannot be read"):
        broken.fit(train, y, train, y, GOAL, lambda step: None)
    monkeypatch.setattr("aicomp.models.encoder.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="model `pretrained-seq2seq` needs `transformers`"):
        PretrainedSeq2Seq(ONE_TEXT, model=str(folder))


def test_shared_weights_are_saved_once(folder: Path) -> None:
    train, y = some_rows(10, 0)
    model = PretrainedSeq2Seq(ONE_TEXT, model=str(folder), epochs=1, max_target=4)
    model.fit(train, y, train, y, GOAL, lambda step: None)
    state = model.state_dict()
    shared = [name for name, array in state.items() if array.shape == (24, 32)]
    assert len(shared) in (1, 2)  # source and target share a table; whether the output does is the config's choice
    assert all(array.dtype == np.float32 for array in state.values())


def test_one_that_is_killed_ends_with_the_same_bits(folder: Path, tmp_path: Path) -> None:
    case = Case(
        lambda: PretrainedSeq2Seq(ONE_TEXT, model=str(folder), epochs=3, learning_rate=0.02, max_target=4),
        some_rows(40, 0),
        some_rows(5, 1),
    )
    never_killed = case.fit()
    path = tmp_path / "c.safetensors"
    for n in (2, 1, 4):
        with pytest.raises(Killed):
            case.fit(Dying(path, 1e-9, left=[n]))
    same(case.fit(Checkpoints(path, 1e-9)), never_killed)
