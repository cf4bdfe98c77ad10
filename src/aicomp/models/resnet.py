"""A small residual network on images or sounds, beside the other columns.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), with the pooled shortcuts and
the stem of small filters of He et al., "Bag of Tricks for Image Classification with Convolutional Neural Networks"
(arXiv 1812.01187): few filters where the image is large, more where it has become small. A sound is an image of its
pitches in time.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aicomp.models.dropout import Dropout
from aicomp.models.embeddings import FeatureEmbedding
from aicomp.models.media import media_of, reading_images, reading_sounds
from aicomp.models.space import Choice, Float, Int
from aicomp.models.spec import ModelSpec

SPACE = (
    Float("training.learning_rate", 5e-4, 2e-2, log=True),
    Float("regularization.weight_decay", 1e-3, 0.3, log=True),
    Float("regularization.dropout", 0.0, 0.5),
    Int("model.params.width", 16, 64, step=16),
    Choice("model.params.n_blocks", (1, 2)),
)
"""Around what suits some thousand small images."""

_LARGE = 40
"""Side from which on the stem halves an image; twice as much, and it halves it twice."""
_SMALL = 16
"""Side below which the first stage does not halve an image."""
_LAST = 5
"""Side down to which stages halve an image."""
_MOST_STAGES = 4


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut.

    Shape: (batch, d_in, height, width) -> (batch, d_out, height / stride, width / stride), rounded up.

    Args:
        d_in: Channels that come in.
        d_out: Channels that come out.
        stride: 2 halves the sides.
    """

    def __init__(self, d_in: int, d_out: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(d_in, d_out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(d_out), nn.ReLU(),
            nn.Conv2d(d_out, d_out, 3, padding=1, bias=False), nn.BatchNorm2d(d_out),
        )  # fmt: skip
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]  # a block begins as its shortcut
        shortcut: list[nn.Module] = [nn.AvgPool2d(2, ceil_mode=True)] if stride == 2 else []
        if d_in != d_out:
            shortcut += [nn.Conv2d(d_in, d_out, 1, bias=False), nn.BatchNorm2d(d_out)]
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        return torch.relu(self.layers(x) + self.shortcut(x))


class ResNet(nn.Module):
    """Residual blocks on each image, the means of what they find over its places and over a row's images, and a layer.

    Shape: (batch, n_num), (batch, n_cat), (batch, n_media, channels, height, width) -> (batch, n_outputs).

    Args:
        spec: Inputs and outputs, with images or sounds.
        width: Channels of the first stage; each further stage has twice as many, up to 8 times.
        n_blocks: Blocks of a stage.
        name: Name of the model, for messages.
        what: "images" or "sounds".

    Raises:
        UsageError: There are no files.
    """

    def __init__(self, spec: ModelSpec, width: int, n_blocks: int, name: str, what: str) -> None:
        super().__init__()
        media = media_of(spec, name, what)
        self.register_buffer("mean", _per_channel(media.mean))
        self.register_buffer("deviation", _per_channel(media.deviation))
        strides = stem_strides(media.shape)
        side = min(media.shape[1:])
        layers: list[nn.Module] = []
        d_in = media.shape[0]
        for stride in strides:
            layers += [nn.Conv2d(d_in, width, 3, stride, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            d_in, side = width, -(-side // stride)
        for stage in range(_MOST_STAGES):
            d_out, stride = width * min(8, 2**stage), 1 if stage == 0 and side < _SMALL else 2
            if stage and side < _LAST:
                break
            side = -(-side // stride)
            for block in range(n_blocks):
                layers.append(ResidualBlock(d_in, d_out, stride if block == 0 else 1))
                d_in = d_out
        self.stages = nn.Sequential(*layers)
        self.columns = FeatureEmbedding(spec) if spec.n_num or spec.n_cat else None
        d_features = d_in + (self.columns.d_out if self.columns is not None else 0)
        self.head = nn.Sequential(Dropout(spec.dropout), nn.Linear(d_features, spec.n_outputs))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.15 to 1.5 times as fast on a CPU: docs/benchmarks.md

    mean: Tensor
    deviation: Tensor

    def forward(self, x_num: Tensor, x_cat: Tensor, media: Tensor) -> Tensor:
        """Predict a batch."""
        n, n_media = media.shape[:2]
        images = (media.flatten(0, 1) - self.mean) / self.deviation
        found = self.stages(images.contiguous(memory_format=torch.channels_last)).mean(dim=(2, 3))
        parts = [found.view(n, n_media, -1).mean(dim=1)]
        if self.columns is not None:
            parts.append(self.columns(x_num, x_cat))
        outputs: Tensor = self.head(torch.cat(parts, dim=1))
        return outputs


def stem_strides(shape: Sequence[int]) -> list[int]:
    """Strides of the stem's convolutions, by an image's channels, height and width.

    >>> stem_strides((1, 28, 28)), stem_strides((3, 64, 64)), stem_strides((3, 128, 128))
    ([1], [2], [2, 2])
    """
    side = min(shape[1:])
    return [1] if side < _LARGE else [2] if side < 2 * _LARGE else [2, 2]


def _per_channel(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)


@reading_images
def build_image_resnet(spec: ModelSpec, *, width: int = 32, n_blocks: int = 1) -> ResNet:
    """A residual network on images; for the arguments see `ResNet`."""
    return ResNet(spec, width, n_blocks, "image-resnet", "images")


@reading_sounds
def build_audio_resnet(spec: ModelSpec, *, width: int = 32, n_blocks: int = 1) -> ResNet:
    """A residual network on sounds; for the arguments see `ResNet`."""
    return ResNet(spec, width, n_blocks, "audio-resnet", "sounds")
