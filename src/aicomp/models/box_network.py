"""A network that finds boxes: how likely the middle of an object is at each place of an image, and how large it is.

Zhou, Wang, Krähenbühl, "Objects as Points" (CenterNet, arXiv 1904.07850), with the distances to the four edges that
Tian et al. predict ("FCOS", arXiv 1904.01355), on the residual stages of `image-resnet` and a pyramid of their outputs
(Lin et al., "Feature Pyramid Networks for Object Detection", arXiv 1612.03144).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.models.resnet import build_stages
from aicomp.models.spec import MediaInput

_PRIOR = 0.05
"""Share of middles among all places that the network begins with: near the truth, so that the first steps are calm."""

_LARGEST = 4.0
"""Logarithm of a distance over the usual one, at most: beyond it a step would end in infinity."""


class BoxNetwork(nn.Module):
    """Middles and edges of objects at the places of a grid.

    Shape: (batch, channels, height, width), 0 to 1 -> (batch, n_labels, rows, columns) logits of middles, and
    (batch, 4, rows, columns) left, top, right and bottom edge as shares of the image's sides.

    Args:
        media: What the images are like.
        n_labels: Labels.
        width: Channels of the first stage.
        n_blocks: Blocks of a stage.
        d: Channels of the pyramid and of the heads.
        stride: Pixels between the places of the grid, at least.
    """

    def __init__(self, media: MediaInput, n_labels: int, width: int, n_blocks: int, d: int, stride: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(media.mean).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(media.deviation).view(1, -1, 1, 1))
        self.register_buffer("usual", torch.ones(4))
        stages, _ = build_stages(media.shape, width, n_blocks)
        self.stages = nn.ModuleList([nn.Sequential(*stage.layers) for stage in stages])
        self.first = next((i for i, stage in enumerate(stages) if stage.stride >= stride), len(stages) - 1)
        self.laterals = nn.ModuleList([nn.Conv2d(stage.d_out, d, 1) for stage in stages[self.first :]])
        self.smooth = _convolution(d)
        self.middles = nn.Sequential(_convolution(d), nn.Conv2d(d, n_labels, 1))
        self.distances = nn.Sequential(_convolution(d), nn.Conv2d(d, 4, 1))
        nn.init.constant_(self.middles[-1].bias, -math.log(1 / _PRIOR - 1))  # type: ignore[arg-type]
        nn.init.zeros_(self.distances[-1].weight)  # type: ignore[arg-type]  # every object begins as the usual one
        nn.init.zeros_(self.distances[-1].bias)  # type: ignore[arg-type]
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    mean: Tensor
    deviation: Tensor
    usual: Tensor

    def set_usual(self, corners: Tensor) -> None:
        """Let the usual object be of the median size of some boxes, (n, 4)."""
        if len(corners):
            self.usual.copy_(((corners[:, 2:] - corners[:, :2]) / 2).median(dim=0).values.repeat(2))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Predict a batch."""
        found = ((images - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
        levels = []
        for i, stage in enumerate(self.stages):
            found = stage(found)
            if i >= self.first:
                levels.append(self.laterals[i - self.first](found))
        pyramid = levels.pop()
        while levels:
            finer = levels.pop()
            pyramid = finer + F.interpolate(pyramid, size=finer.shape[-2:], mode="nearest")
        pyramid = self.smooth(pyramid)
        return self.middles(pyramid).float(), self._edges(self.distances(pyramid).float())

    def _edges(self, distances: Tensor) -> Tensor:
        """Edges from logarithms of distances to them."""
        reach = self.usual.view(1, 4, 1, 1) * torch.exp(distances.clamp(-_LARGEST, _LARGEST))
        middle = places(distances.shape[-2], distances.shape[-1]).to(distances.device)
        return torch.cat([middle - reach[:, :2], middle + reach[:, 2:]], dim=1)


def places(rows: int, columns: int) -> Tensor:
    """Middles of the places of a grid as shares of the sides, across and down, (2, rows, columns)."""
    down, across = torch.meshgrid(
        (torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns, indexing="ij"
    )
    return torch.stack([across, down])


def _convolution(d: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(d, d, 3, padding=1, bias=False), nn.BatchNorm2d(d), nn.ReLU())
