"""Fine-tuned encoders, on one of a few thousand weights that is made here: nothing is downloaded."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from test_text_linear import WORDS, with_texts
from training_cases import BINARY, a_fold

from aicomp.config import Config, ModelConfig, TrainingConfig
from aicomp.errors import AicompError, UsageError
from aicomp.models import MODELS, ModelSpec, build_transformer
from aicomp.training.fit import fit_fold, prepare_fold
from aicomp.training.inference import predict
from aicomp.training.losses import BinaryCrossEntropy
from aicomp.training.optimizers import make_optimizer, set_learning_rate

transformers = pytest.importorskip("transformers", reason="the extra [text] is not installed")
CPU = torch.device("cpu")
ONE_TEXT = ModelSpec(0, (), 1, n_text=1)
NOTHING = torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.int64)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("made") / "encoder")


def write_encoder(folder: Path, dropout: float = 0.1) -> Path:
    """An encoder of a few thousand weights that knows the words of `test_text_linear`."""
    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "a", "of", "and", "it", "was", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder, safe_serialization=True)
    return folder


def config(encoder: Path, **training: object) -> Config:
    settings = {"epochs": 8, "batch_size": 16, "learning_rate": 0.01, "amp": False, **training}
    return Config(model=ModelConfig("transformer", {"encoder": str(encoder)}), training=TrainingConfig(**settings))


def test_it_learns_what_texts_say_and_what_is_saved_predicts_the_same(encoder: Path) -> None:
    data = with_texts(a_fold(BINARY), BINARY)
    build = lambda spec: build_transformer(spec, encoder=str(encoder), max_length=32)  # noqa: E731
    result = fit_fold(data, BINARY, config(encoder), build, seed=0, device=CPU)
    assert BINARY.score(data.valid_y, result.valid_pred) > 0.95
    model = build(result.spec)
    model.load_state_dict(result.state_dict)
    again = predict(model, BinaryCrossEntropy(is_flat=True), data.test, device=CPU, amp=False)
    np.testing.assert_allclose(again, result.test_pred, rtol=1e-5)


def test_padding_changes_nothing_and_long_texts_are_cut(encoder: Path) -> None:
    model = build_transformer(ONE_TEXT, encoder=str(encoder), max_length=6).eval()
    tokens = model.tokens(np.array([["the red"], ["a a a a a a a a a a"]], dtype=object))
    assert tokens.shape == (2, 6)
    assert (tokens[0] > 0).sum() == 4  # with a mark at each end
    with torch.no_grad():
        both = model(*NOTHING, tokens)
        alone = model(NOTHING[0][:1], NOTHING[1][:1], tokens[:1, :4])
        nothing = model(*NOTHING, torch.zeros(2, 1, dtype=torch.int32))
    torch.testing.assert_close(both[:1], alone)
    assert torch.isfinite(nothing).all()


def test_upper_layers_move_faster_than_lower_ones(encoder: Path) -> None:
    model = build_transformer(ONE_TEXT, encoder=str(encoder), layer_decay=0.5)
    rates = model.rates()
    assert {rate for name, rate in rates.items() if name.startswith("head.")} == {1.0}
    assert {rate for name, rate in rates.items() if ".layer.1." in name} == {0.5}
    assert {rate for name, rate in rates.items() if ".layer.0." in name} == {0.25}
    assert {rate for name, rate in rates.items() if "embeddings" in name} == {0.125}
    data = with_texts(a_fold(BINARY), BINARY)
    settings = prepare_fold(
        data, BINARY, config(encoder), lambda s: build_transformer(s, encoder=str(encoder)), device=CPU
    ).settings
    optimizer = make_optimizer(model, settings)
    set_learning_rate(optimizer, 0.008)
    by_id = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert len(by_id) == len(list(model.parameters()))
    assert all(by_id[id(p)] == pytest.approx(0.008 * rates[name]) for name, p in model.named_parameters())


def test_its_recipe(encoder: Path) -> None:
    data = with_texts(a_fold(BINARY), BINARY)
    plain = Config(model=ModelConfig("transformer", {"encoder": str(encoder)}))
    build = lambda spec: MODELS["transformer"](spec, encoder=str(encoder))  # noqa: E731
    settings = prepare_fold(data, BINARY, plain, build, device=CPU).settings
    assert (settings.learning_rate, settings.epochs, settings.batch_size) == (1e-4, 3, 32)
    assert settings.schedule == "one-cycle"
    muon = prepare_fold(data, BINARY, config(encoder, optimizer="muon"), build, device=CPU)
    with pytest.raises(UsageError, match="`muon`, but this model has a learning rate for each layer"):
        make_optimizer(muon.model, muon.settings)


def test_what_is_no_encoder_is_refused(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`transformer` reads columns of text, and there is none"):
        build_transformer(ModelSpec(1, (), 1), encoder=str(encoder))
    with pytest.raises(UsageError, match="`some/name` is no folder, and as a name of the hub it lacks a revision"):
        build_transformer(ONE_TEXT, encoder="some/name")
    with pytest.raises(AicompError, match="cannot be read"):
        build_transformer(ONE_TEXT, encoder=str(tmp_path))
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (pickled / name).write_text((encoder / name).read_text())
    torch.save(json.loads("{}"), pickled / "pytorch_model.bin")
    with pytest.raises(AicompError, match="cannot be read") as caught:
        build_transformer(ONE_TEXT, encoder=str(pickled))
    assert "model.safetensors" in caught.value.hint


def gradients(model: torch.nn.Module, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    torch.manual_seed(1)  # the encoder's own dropout is drawn again where layers are computed again
    model.train()
    model(*(t[: len(tokens)] for t in NOTHING), tokens).sum().backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("lora", [0, 2])
def test_checkpointing_changes_no_number(encoder: Path, lora: int) -> None:
    if lora:
        pytest.importorskip("peft", reason="the extra [large] is not installed")
    models = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        models.append(build_transformer(ONE_TEXT, encoder=str(encoder), checkpointing=checkpointing, lora=lora))
    tokens = models[0].tokens(np.array([["the red"], ["it was a"]], dtype=object))
    without, with_ = (gradients(model, tokens) for model in models)
    assert without.keys() == with_.keys()
    for name in without:
        torch.testing.assert_close(with_[name], without[name])
