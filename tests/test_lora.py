"""Low-rank adapters beside an encoder that stays as it was read."""

from pathlib import Path

import numpy as np
import pytest
import torch
from test_text_linear import with_texts
from test_transformer import CPU, NOTHING, ONE_TEXT, config, encoder
from training_cases import BINARY, a_fold

from aicomp.config import Config, RegularizationConfig
from aicomp.errors import DataError, UsageError
from aicomp.models import build_transformer
from aicomp.training.fit import fit_fold
from aicomp.training.inference import predict
from aicomp.training.losses import BinaryCrossEntropy
from aicomp.training.optimizers import make_optimizer
from aicomp.training.recipe import resolve_settings

transformers = pytest.importorskip("transformers", reason="the extra [text] is not installed")
pytest.importorskip("peft", reason="the extra [large] is not installed")
__all__ = ["encoder"]


def adapted(encoder: Path, **more: object):
    return build_transformer(ONE_TEXT, encoder=str(encoder), lora=2, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", ["float32", "bfloat16"])
def test_it_learns_and_what_is_saved_predicts_the_same_without_the_base(encoder: Path, weights: str) -> None:
    data = with_texts(a_fold(BINARY), BINARY)
    build = lambda spec: build_transformer(spec, encoder=str(encoder), lora=4, weights=weights)  # noqa: E731
    result = fit_fold(data, BINARY, config(encoder, learning_rate=0.03), build, seed=0, device=CPU)
    assert BINARY.score(data.valid_y, result.valid_pred) > 0.9
    names = set(result.state_dict)
    assert all(".lora_" in n or n == "encoder.base" or not n.startswith("encoder.") for n in names)
    assert sum(".lora_" in n for n in names) == 2 * 2 * 2  # two layers, queries and values, two matrices each
    model = build(result.spec)
    model.load_state_dict(result.state_dict)
    again = predict(model, BinaryCrossEntropy(is_flat=True), data.test, device=CPU, amp=False)
    np.testing.assert_allclose(again, result.test_pred, rtol=1e-5)
    kept = {p.dtype for n, p in model.named_parameters() if not p.requires_grad}
    assert kept == {getattr(torch, weights)}


def test_only_adapters_head_and_columns_are_trained(encoder: Path) -> None:
    model = adapted(encoder, layer_decay=0.5)
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained == {n for n in dict(model.named_parameters()) if ".lora_" in n or n.startswith("head.")}
    settings = resolve_settings(config(encoder), BINARY, n_rows=100, device=CPU)
    optimizer = make_optimizer(model, settings)
    seen = {id(p): group["rate"] for group in optimizer.param_groups for p in group["params"]}
    assert seen.keys() == {id(p) for p in model.parameters() if p.requires_grad}
    by_name = {n: seen[id(p)] for n, p in model.named_parameters() if p.requires_grad}
    assert {rate for n, rate in by_name.items() if ".layer.1." in n} == {0.5}
    assert {rate for n, rate in by_name.items() if ".layer.0." in n} == {0.25}
    assert {rate for n, rate in by_name.items() if n.startswith("head.")} == {1.0}


def test_adapters_start_as_nothing(encoder: Path) -> None:
    torch.manual_seed(0)
    plain = build_transformer(ONE_TEXT, encoder=str(encoder)).eval()
    model = adapted(encoder).eval()
    model.head.load_state_dict(plain.head.state_dict())
    tokens = plain.tokens(np.array([["the red"], ["it was a"]], dtype=object))
    with torch.no_grad():
        torch.testing.assert_close(model(*NOTHING, tokens), plain(*NOTHING, tokens))


def test_adapters_of_another_encoder_are_refused(encoder: Path, tmp_path: Path) -> None:
    saved = adapted(encoder).state_dict()
    adapted(encoder).load_state_dict(saved)
    other = transformers.AutoModel.from_pretrained(encoder)
    with torch.no_grad():
        next(other.parameters())[0, 0] += 1
    other.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(encoder).save_pretrained(tmp_path)
    with pytest.raises(DataError, match=r"trained on an encoder with SHA-256 [0-9a-f]{16}"):
        adapted(tmp_path).load_state_dict(saved)
    saved.pop(next(n for n in saved if ".lora_" in n))
    with pytest.raises(RuntimeError, match="Missing key"):
        adapted(encoder).load_state_dict(saved)


def test_averages_of_weights_work(encoder: Path) -> None:
    data = with_texts(a_fold(BINARY), BINARY)
    build = lambda spec: build_transformer(spec, encoder=str(encoder), lora=2)  # noqa: E731
    plain = config(encoder, epochs=2)
    averaged = Config(model=plain.model, training=plain.training, regularization=RegularizationConfig(ema=0.9))
    result = fit_fold(data, BINARY, averaged, build, seed=0, device=CPU)
    assert "encoder.base" in result.state_dict
    assert np.isfinite(result.test_pred).all()


def test_layers_can_be_named(encoder: Path) -> None:
    model = adapted(encoder, lora_modules=["attention.output.dense", "key"])
    found = {n for n, p in model.named_parameters() if p.requires_grad and "lora_A" in n}
    assert len(found) == 4
    with pytest.raises(UsageError, match=r"no linear layer of BertModel has such a name") as caught:
        adapted(encoder, lora_modules=["nowhere"])
    assert "attention.self.query" in caught.value.hint


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"lora": -1}, "`model.params.lora` is -1"),
        ({"lora": 2, "lora_alpha": 0.0}, "`model.params.lora_alpha` is 0.0"),
        ({"weights": "bfloat16"}, "`model.params.weights` is 'bfloat16', which is for adapters"),
        ({"lora_modules": ["key"]}, "`model.params.lora_modules` is .* for adapters"),
        ({"lora": 2, "weights": "int3"}, "`model.params.weights` is `int3`"),
    ],
)
def test_what_could_do_nothing_is_refused(encoder: Path, params: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_transformer(ONE_TEXT, encoder=str(encoder), **params)  # type: ignore[arg-type]


def test_without_the_package_the_extra_is_named(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aicomp.models import encoder as module

    there = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "peft" else there(name))
    with pytest.raises(UsageError, match="needs `peft`") as caught:
        adapted(encoder)
    assert caught.value.hint == "pip install 'aicomp[large]'"
