"""A network of your own that reads images, used where `aicomp.toml` says `name = "model:build_model"`."""

import torch
from aicomp.models import FeatureEmbedding, MediaInput, ModelSpec, reading_images
from torch import Tensor, nn


class Convolutions(nn.Module):
    """Convolutions that halve an image again and again, and a layer on the mean of what they find.

    Args:
        spec: What the data is like: numbers of columns and outputs, the images, and the dropout of `aicomp.toml`.
        images: What images of a row are like: how many, their shape, and mean and deviation of the training rows.
        width: Channels of the first convolution; each further one has twice as many.
    """

    def __init__(self, spec: ModelSpec, images: MediaInput, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(images.mean).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(images.deviation).view(1, -1, 1, 1))
        layers: list[nn.Module] = []
        d_in, side = images.shape[0], min(images.shape[1:])
        while side > 4:
            layers += [nn.Conv2d(d_in, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            d_in, width, side = width, min(2 * width, 256), (side + 1) // 2
        self.layers = nn.Sequential(*layers)
        self.columns = FeatureEmbedding(spec) if spec.n_num or spec.n_cat else None
        d_all = d_in + (self.columns.d_out if self.columns else 0)
        self.head = nn.Sequential(nn.Dropout(spec.dropout), nn.Linear(d_all, spec.n_outputs))

    mean: Tensor
    deviation: Tensor

    def forward(self, x_num: Tensor, x_cat: Tensor, images: Tensor) -> Tensor:
        """Predict, (batch, n_num), (batch, n_cat) and (batch, n, channels, height, width) -> (batch, n_outputs)."""
        found = self.layers((images.flatten(0, 1) - self.mean) / self.deviation).mean(dim=(2, 3))
        parts = [found.view(len(images), images.shape[1], -1).mean(dim=1)]  # over the images of a row
        if self.columns is not None:
            parts.append(self.columns(x_num, x_cat))
        outputs: Tensor = self.head(torch.cat(parts, dim=1))
        return outputs


@reading_images
def build_model(spec: ModelSpec, *, width: int = 32) -> Convolutions:
    """Called once per fold; keyword arguments come from `params` under `[model]` in `aicomp.toml`."""
    assert spec.media is not None, "no column names images"
    return Convolutions(spec, spec.media, width)
