"""Images with boxes as they could also have looked: what moves the pixels moves the boxes along."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aicomp.training.image_augmentation import Flip, colored, warp

_VISIBLE = 0.3
"""Share of a box that must be left in the image: of less, nobody could tell what it is."""


@dataclass(frozen=True)
class BoxAugmentation:
    """What is done to training images and their boxes at random; 0 is off.

    Attributes:
        flip: Whether each image is mirrored, one time in two, from left to right or also from top to bottom.
        shift: Largest move, as a share of the side; what comes in from outside is black.
        zoom: Largest change of size, as a share.
        color: Largest change of brightness, contrast and, where there are colors, saturation, as a share.
    """

    flip: Flip = "horizontal"
    shift: float = 0.1
    zoom: float = 0.25
    color: float = 0.2

    def __call__(
        self, images: Tensor, labels: Sequence[Tensor], corners: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Change images at random; the generator of torch draws.

        Args:
            images: float32 (n, channels, height, width), 0 to 1.
            labels: Codes of each image's boxes, int64 (n_boxes,).
            corners: Left, top, right, bottom of each image's boxes as shares of its sides, float32 (n_boxes, 4).

        Returns:
            The same; boxes of which little is left in the image are gone, others end at its edge.
        """
        n = len(images)
        size = torch.exp(math.log1p(self.zoom) * (2 * torch.rand(n, 1) - 1)).expand(n, 2) * _mirrors(n, self.flip)
        move = 2 * self.shift * (2 * torch.rand(n, 2) - 1)
        images = warp(images, size, torch.zeros(n), move, outside="zeros")
        if self.color:
            images = colored(images, self.color)
        moved = [_moved(c, s, m) for c, s, m in zip(corners, size, move, strict=True)]
        kept = [_is_visible(c) for c in moved]
        cut = [c[keep].clamp(0, 1) for c, keep in zip(moved, kept, strict=True)]
        return images, [code[keep] for code, keep in zip(labels, kept, strict=True)], cut


def _mirrors(n: int, flip: Flip) -> Tensor:
    """1, or -1 where a side is mirrored, across and down, (n, 2)."""
    signs = torch.where(torch.rand(n, 2) < 0.5, -1.0, 1.0)
    return signs * torch.tensor([flip != "none", flip == "both"]) + torch.tensor([flip == "none", flip != "both"])


def _moved(corners: Tensor, size: Tensor, move: Tensor) -> Tensor:
    """Corners where `warp` shows them: it sees at place p what was at size * p + move, both from -1 to 1."""
    places = ((2 * corners.view(-1, 2, 2) - 1) - move) / size
    places = (places + 1) / 2
    return torch.cat([places.amin(dim=1), places.amax(dim=1)], dim=1)


def _is_visible(corners: Tensor) -> Tensor:
    inside = corners.clamp(0, 1)
    area, left = ((c[:, 2:] - c[:, :2]).prod(dim=1) for c in (corners, inside))
    return left > _VISIBLE * area
