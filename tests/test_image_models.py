"""Networks on images and sounds: shapes, what they are told, and weights from files."""

import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from training_cases import BINARY, MULTICLASS, MULTILABEL, REGRESSION, a_fold

from aicomp.config import AugmentationConfig, Config, ModelConfig, RegularizationConfig, TrainingConfig
from aicomp.data.rows import Media
from aicomp.errors import AicompError, UsageError
from aicomp.models import ModelSpec, build_audio_resnet, build_image_resnet, build_image_timm
from aicomp.models.resnet import stem_strides
from aicomp.models.spec import MediaInput, media_input
from aicomp.training.checkpoint import load_spec, save_spec
from aicomp.training.fit import fit_fold, prepare_fold
from aicomp.training.inference import predict
from aicomp.training.losses import BinaryCrossEntropy
from aicomp.training.stacked import choose_stack

CPU = torch.device("cpu")


def spec_of(shape, n=1, n_outputs=3, n_num=0):
    media = MediaInput(n, shape, (0.5,) * shape[0], (0.2,) * shape[0])
    bins = tuple(torch.tensor([-1.0, 0.0, 1.0]) for _ in range(n_num))
    return ModelSpec(n_num, (), n_outputs, bins, media=media)


def with_images(data, task, n_media=1):
    """A fold whose numbers tell nothing and whose images are bright where the label says so."""
    random = np.random.default_rng(5)
    parts = {}
    files = []
    for part, y in (("train", data.y), ("valid", data.valid_y), ("test", np.zeros(len(data.test)))):
        level = y.reshape(len(y), -1)[:, 0].astype(float)
        level = (level - level.min()) / max(np.ptp(level), 1)
        index = sum(map(len, files)) + np.arange(len(y) * n_media).reshape(len(y), n_media)
        images = random.normal(60 + 120 * level.repeat(n_media)[:, None, None, None], 20, (index.size, 1, 8, 8))
        files.append(np.clip(images, 0, 255).astype(np.uint8))
        parts[part] = index
    array = np.concatenate([*files, np.zeros((1, 1, 8, 8), np.uint8)])
    rows = {
        part: replace(getattr(data, part), x_num=random.normal(size=(len(index), 3)).astype(np.float32),
                      media=Media(array, index))
        for part, index in parts.items()
    }  # fmt: skip
    return replace(data, **rows)


def config(augmentation=None, **regularization):
    training = TrainingConfig(epochs=6, batch_size=32, learning_rate=0.01)
    return Config(
        model=ModelConfig("image-resnet"),
        training=training,
        regularization=RegularizationConfig(**regularization),
        augmentation=AugmentationConfig(**(augmentation or {})),
    )


def small(spec):
    return build_image_resnet(spec, width=8)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (3, 64, 64), (3, 130, 90), (1, 5, 200)])
def test_images_of_any_size_give_a_row_of_outputs(shape):
    model = build_image_resnet(spec_of(shape, n=2, n_num=4), width=8, n_blocks=2)
    outputs = model(torch.randn(3, 4), torch.zeros(3, 0, dtype=torch.int64), torch.rand(3, 2, *shape))
    assert outputs.shape == (3, 3)
    assert stem_strides(shape)[0] in (1, 2)


def test_a_blocks_start_is_its_shortcut():
    model = build_image_resnet(spec_of((1, 8, 8)), width=8).eval()
    block = model.stages[3]
    x = torch.rand(2, 8, 8, 8)
    torch.testing.assert_close(block(x), x)


def test_no_files_are_refused():
    for build, what in ((build_image_resnet, "images"), (build_audio_resnet, "sounds")):
        with pytest.raises(UsageError, match=f"reads {what}, and no column names any"):
            build(ModelSpec(2, (), 1))


def test_what_a_model_is_told_is_of_the_training_rows():
    files = np.stack([np.full((2, 4, 4), value, np.uint8) for value in (0, 255, 51, 255)])
    files[:, 1] = 51
    told = media_input(Media(files, np.array([[0], [1], [-1]])))
    assert (told.n, told.shape) == (1, (2, 4, 4))
    assert told.mean == pytest.approx((0.5, 0.2))
    assert told.deviation == pytest.approx((0.5, 1e-3))  # at least


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, REGRESSION, MULTILABEL], ids=lambda t: t.problem_type)
def test_what_images_show_is_learned(task):
    data = with_images(a_fold(task, n=160), task)
    result = fit_fold(data, task, config({"shift": 0, "zoom": 0, "rotate": 0}), small, seed=0, device=CPU)
    if task is REGRESSION:
        assert task.score(data.valid_y, result.valid_pred) < 0.8 * data.valid_y.std()
    elif task is MULTILABEL:
        assert ((result.valid_pred > 0.5) == data.valid_y)[:, 0].mean() > 0.85
    else:
        assert task.score(data.valid_y, result.valid_pred) > 0.85


def test_the_same_seed_gives_the_same_and_what_is_saved_predicts_the_same(tmp_path):
    data = with_images(a_fold(BINARY, n=100), BINARY, n_media=2)
    chosen = config({"flip": "horizontal", "cutmix": 1.0, "erasing": 0.2, "randaugment": 1}, mixup=0.2)
    one, two = (fit_fold(data, BINARY, chosen, small, seed=0, device=CPU) for _ in range(2))
    np.testing.assert_array_equal(one.test_pred, two.test_pred)
    assert one.settings["augmentation"]["tta"] is True
    save_spec(tmp_path, one.spec, None)
    spec, _ = load_spec(tmp_path)
    assert spec.media == one.spec.media
    model = small(spec)
    model.load_state_dict(one.state_dict)
    objective, amp = BinaryCrossEntropy(is_flat=True), one.settings["amp"]
    views = [lambda images: images.flip(-1)]
    again = predict(model, objective, data.test, device=CPU, amp=amp, views=views)
    np.testing.assert_array_equal(again, one.test_pred)
    assert not np.array_equal(predict(model, objective, data.test, device=CPU, amp=amp), one.test_pred)


def test_a_row_keeps_its_images_through_the_batches():
    data = with_images(a_fold(BINARY, n=160), BINARY)
    shuffled = np.random.default_rng(3).permutation(len(data.y))
    mixed = replace(data, train=data.train.take(shuffled), y=data.y[shuffled])
    result = fit_fold(mixed, BINARY, config(), small, seed=0, device=CPU)
    assert BINARY.score(mixed.valid_y, result.valid_pred) > 0.85


def test_folds_are_not_stacked():
    data = with_images(a_fold(BINARY, n=60), BINARY)
    folds = {k: prepare_fold(data, BINARY, config(), small, device=CPU) for k in range(2)}
    assert choose_stack(folds) == ([], "the model reads files, which are gathered batch by batch")


# timm


class _Tiny(nn.Module):
    """What `timm.create_model` gives, as far as it is used."""

    num_features = 4

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, 4, 3)

    def forward(self, x):
        return self.conv(x).mean(dim=(2, 3))


@pytest.fixture
def timm(monkeypatch):
    module = types.ModuleType("timm")
    module.is_model = lambda name: name == "tiny"
    module.create_model = lambda name, pretrained, num_classes, in_chans: _Tiny(in_chans)
    monkeypatch.setitem(sys.modules, "timm", module)
    monkeypatch.setattr("aicomp.models.backbone.find_spec", lambda name: object())


@pytest.mark.usefixtures("timm")
def test_weights_come_from_a_file_and_learn_slower(tmp_path):
    weights = {"conv.weight": torch.ones(4, 3, 3, 3), "conv.bias": torch.zeros(4), "fc.weight": torch.zeros(9, 4)}
    save_file(weights, tmp_path / "model.safetensors")
    model = build_image_timm(spec_of((3, 8, 8)), backbone="tiny", weights=str(tmp_path))
    assert model.backbone.conv.weight.min() == 1
    assert model.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert model.rates() == {"backbone.conv.weight": 0.1, "backbone.conv.bias": 0.1, "head.1.weight": 1.0,
                             "head.1.bias": 1.0}  # fmt: skip
    gray = build_image_timm(spec_of((1, 8, 8)), backbone="tiny", weights=str(tmp_path / "model.safetensors"))
    assert gray.backbone.conv.weight.min() == 3
    none = torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.int64)
    assert gray(*none, torch.rand(2, 1, 1, 8, 8)).shape == (2, 3)
    assert set(build_image_timm(spec_of((3, 8, 8)), backbone="tiny").rates().values()) == {1.0}


@pytest.mark.usefixtures("timm")
def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(UsageError, match="timm has no network `huge`"):
        build_image_timm(spec_of((3, 8, 8)), backbone="huge")
    (tmp_path / "model.bin").write_bytes(b"x")
    for place in (tmp_path, tmp_path / "model.bin", tmp_path / "none.safetensors"):
        with pytest.raises(UsageError, match=r"no \.safetensors file and no folder with one"):
            build_image_timm(spec_of((3, 8, 8)), backbone="tiny", weights=str(place))
    save_file({"conv.weight": torch.ones(4, 3, 5, 5), "conv.bias": torch.zeros(4)}, tmp_path / "other.safetensors")
    with pytest.raises(AicompError, match=r"`other.safetensors` does not fit timm's `tiny`: `conv.weight` has another"):
        build_image_timm(spec_of((3, 8, 8)), backbone="tiny", weights=str(tmp_path / "other.safetensors"))
    (tmp_path / "other.safetensors").write_bytes(b"no tensors")
    with pytest.raises(AicompError, match=r"`.*other.safetensors` cannot be read"):
        build_image_timm(spec_of((3, 8, 8)), backbone="tiny", weights=str(tmp_path / "other.safetensors"))


def test_a_package_that_is_not_there_or_does_not_fit_is_told(monkeypatch):
    monkeypatch.setattr("aicomp.models.backbone.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="model `image-timm` needs `timm`"):
        build_image_timm(spec_of((3, 8, 8)))
    monkeypatch.setattr("aicomp.models.backbone.find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "timm", None)  # its import fails, as without torchvision
    with pytest.raises(UsageError, match="needs a torchvision of the same build as torch"):
        build_image_timm(spec_of((3, 8, 8)))
