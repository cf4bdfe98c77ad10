"""Images as they could also have looked: every operation takes a batch, float32 (n, channels, height, width), 0 to 1.

Mirroring, moving, scaling and turning are one change of coordinates, so that an image is resampled once. Erased
rectangles: Zhong et al., "Random Erasing Data Augmentation" (arXiv 1708.04896). Some operations of a list, drawn for
each image: Cubuk et al., "RandAugment" (arXiv 1909.13719). Rectangles of another image: Yun et al., "CutMix" (arXiv
1905.04899), in `cut_and_mix`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.training.regularization import Batch

Flip = Literal["none", "horizontal", "both"]


@dataclass(frozen=True)
class ImageAugmentation:
    """What is done to training images at random; 0 is off.

    Attributes:
        flip: Whether each image is mirrored, one time in two, from left to right or also from top to bottom.
        shift: Largest move, as a share of the side.
        zoom: Largest change of size, as a share.
        rotate: Largest turn, in degrees.
        color: Largest change of brightness, contrast and, where there are colors, saturation, as a share.
        randaugment: Operations of RandAugment on each image.
        erasing: Probability with which a rectangle of an image is replaced by noise.
        cutmix: Alpha of the Beta distribution of the share that a rectangle of another image takes.
        tta: Whether predictions are means over an image and its mirror images.
    """

    flip: Flip = "none"
    shift: float = 0.0
    zoom: float = 0.0
    rotate: float = 0.0
    color: float = 0.0
    randaugment: int = 0
    erasing: float = 0.0
    cutmix: float = 0.0
    tta: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        """Change images at random, (n, channels, height, width); the generator of torch draws."""
        images = self._moved(images)
        if self.color:
            images = _colored(images, self.color)
        for _ in range(self.randaugment):
            images = _one_of(images)
        if self.erasing:
            images = _erased(images, self.erasing)
        return images

    @property
    def views(self) -> list[Callable[[Tensor], Tensor]]:
        """Mirror images that are predicted too, of (..., height, width); none without `tta`."""
        if not self.tta or self.flip == "none":
            return []
        axes = [(-1,)] if self.flip == "horizontal" else [(-1,), (-2,), (-1, -2)]
        return [lambda images, axes=axes: torch.flip(images, axes) for axes in axes]  # type: ignore[misc]

    def _moved(self, images: Tensor) -> Tensor:
        if self.flip == "none" and not (self.shift or self.zoom or self.rotate):
            return images
        n, _, height, width = images.shape
        mirror = torch.ones(n, 2)
        if self.flip != "none":
            mirror[:, 0] = _signs(n)
        if self.flip == "both":
            mirror[:, 1] = _signs(n)
        move = self.shift * _uniform(n, 2)
        if not (self.zoom or self.rotate):  # by whole pixels, so that nothing is blurred
            sides = torch.tensor([width, height])
            move = torch.round(move * sides) / sides
        size = mirror * torch.exp(math.log1p(self.zoom) * _uniform(n, 1))
        turn = math.radians(self.rotate) * _uniform(n)
        return warp(images, size, turn, 2 * move)


def _uniform(*shape: int) -> Tensor:
    """Numbers from -1 to 1."""
    return 2 * torch.rand(shape) - 1


def _signs(n: int) -> Tensor:
    return torch.where(torch.rand(n) < 0.5, -1.0, 1.0)


def warp(images: Tensor, size: Tensor, turn: Tensor, move: Tensor, shear: Tensor | None = None) -> Tensor:
    """Images in other coordinates; what comes in from outside is the image mirrored at its edge.

    Args:
        images: (n, channels, height, width).
        size: How many times as large a part is seen, across and down, (n, 2); negative ones mirror.
        turn: Angle in radians, (n,).
        move: Across and down, (n, 2), where 2 is the whole side.
        shear: Across and down, (n, 2).
    """
    cos, sin = torch.cos(turn), torch.sin(turn)
    theta = torch.stack([cos * size[:, 0], -sin * size[:, 1], sin * size[:, 0], cos * size[:, 1]], 1).view(-1, 2, 2)
    if shear is not None:
        theta = theta @ (torch.eye(2) + torch.diag_embed(shear).flip(2))
    grid = F.affine_grid(
        torch.cat([theta, move[:, :, None]], 2).to(images.device), list(images.shape), align_corners=False
    )
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _gray(images: Tensor) -> Tensor:
    return images.mean(dim=1, keepdim=True)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """From `other` (factor 0) through the image (1) and beyond, kept within 0 and 1."""
    return torch.lerp(other, images, factor.to(images.device)).clamp(0, 1)


def _colored(images: Tensor, strength: float) -> Tensor:
    n = len(images)
    factors = 1 + strength * _uniform(3, n, 1, 1, 1)
    images = _blend(images, torch.zeros_like(images), factors[0])
    images = _blend(images, _gray(images).mean(dim=(2, 3), keepdim=True).expand_as(images), factors[1])
    return images if images.shape[1] == 1 else _blend(images, _gray(images).expand_as(images), factors[2])


def _erased(images: Tensor, probability: float) -> Tensor:
    boxes = _boxes(len(images), images.shape[2:], 0.02 + 0.31 * torch.rand(len(images)))
    chosen = boxes & (torch.rand(len(images)) < probability)[:, None, None]
    return torch.where(chosen[:, None].to(images.device), torch.rand_like(images), images)


def _boxes(n: int, sides: tuple[int, ...] | torch.Size, areas: Tensor) -> Tensor:
    """Rectangles that take a share of the area, of sides that differ up to three times, bool (n, height, width)."""
    ratio = torch.exp(0.5 * math.log(3) * _uniform(n))
    inside = []
    for side, share in zip(sides, (areas.sqrt() * ratio, areas.sqrt() / ratio), strict=True):
        length = (share.clamp(max=1) * side).round()
        start = (torch.rand(n) * (side - length + 1)).floor()
        places = torch.arange(side)
        inside.append((places >= start[:, None]) & (places < (start + length)[:, None]))
    return inside[0][:, :, None] & inside[1][:, None, :]


def cut_and_mix(batch: Batch, alpha: float) -> Batch:
    """Put a rectangle of another row's images into each row's (CutMix); targets are blended by area, as by `mixup`.

    The rectangle and the share, drawn from Beta(alpha, alpha), are those of the whole batch. Numbers and codes stay.
    """
    assert batch.extra is not None
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    box = _boxes(1, batch.extra.shape[-2:], torch.tensor([1 - share]))[0].to(batch.extra.device)
    partner = torch.randperm(len(batch.targets)).to(batch.targets.device)
    return replace(
        batch,
        extra=torch.where(box, batch.extra[partner], batch.extra),
        partner_targets=batch.targets[partner],
        share=1 - float(box.float().mean()),
    )


def _one_of(images: Tensor) -> Tensor:
    """One operation on each image, drawn from `OPERATIONS`, in a strength of its own."""
    drawn = torch.randint(len(OPERATIONS), (len(images),))
    images = images.clone()
    for i, operation in enumerate(OPERATIONS):
        rows = torch.nonzero(drawn == i).flatten().to(images.device)
        if len(rows):
            images[rows] = operation(images[rows], _uniform(len(rows)))
    return images


def _shear(images: Tensor, strength: Tensor) -> Tensor:
    n = len(images)
    across = _signs(n) > 0
    shear = 0.3 * torch.stack([strength * across, strength * ~across], dim=1)
    return warp(images, torch.ones(n, 2), torch.zeros(n), torch.zeros(n, 2), shear)


def _turn(images: Tensor, strength: Tensor) -> Tensor:
    n = len(images)
    return warp(images, torch.ones(n, 2), math.radians(30) * strength, torch.zeros(n, 2))


def _move(images: Tensor, strength: Tensor) -> Tensor:
    n = len(images)
    return warp(images, torch.ones(n, 2), torch.zeros(n), 0.6 * _signs(2 * n).view(n, 2) * strength[:, None])


def _bright(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(images, torch.zeros_like(images), _factor(strength))


def _contrast(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(images, _gray(images).mean(dim=(2, 3), keepdim=True).expand_as(images), _factor(strength))


def _saturate(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(images, _gray(images).expand_as(images), _factor(strength))


def _sharpen(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(images, F.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False), _factor(strength))


def _solarize(images: Tensor, strength: Tensor) -> Tensor:
    threshold = (1 - strength.abs() / 2).view(-1, 1, 1, 1).to(images.device)
    return torch.where(images >= threshold, 1 - images, images)


def _posterize(images: Tensor, strength: Tensor) -> Tensor:
    levels = (2 ** (8 - (4 * strength.abs()).round())).view(-1, 1, 1, 1).to(images.device)
    return (images * levels).floor().clamp(max=levels - 1) / (levels - 1)


def _stretch_contrast(images: Tensor, strength: Tensor) -> Tensor:
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    return (images - low) / (high - low).clamp(min=1 / 255)


def _same(images: Tensor, strength: Tensor) -> Tensor:
    return images


def _factor(strength: Tensor) -> Tensor:
    return (1 + 0.9 * strength).view(-1, 1, 1, 1)


OPERATIONS = (
    _same, _shear, _turn, _move, _bright, _contrast, _saturate, _sharpen, _solarize, _posterize, _stretch_contrast,
)  # fmt: skip
"""Those of RandAugment; each takes images and strengths from -1 to 1, (n,)."""
