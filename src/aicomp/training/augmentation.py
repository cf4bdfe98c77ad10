"""Which augmentation suits a fold's images or sounds: `[augmentation]` with every "auto" decided."""

from dataclasses import asdict, replace
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from aicomp.config import AugmentationConfig
from aicomp.data.rows import Media
from aicomp.errors import UsageError
from aicomp.task import Task
from aicomp.training.image_augmentation import ImageAugmentation, cut_and_mix
from aicomp.training.ranges import check_augmentation
from aicomp.training.regularization import Batch
from aicomp.training.sound_augmentation import SoundAugmentation

Augmentation = ImageAugmentation | SoundAugmentation

_CLASSES: dict[str, type[Augmentation]] = {"image": ImageAugmentation, "audio": SoundAugmentation}

_LIKE_IMAGES = ("flip", "zoom", "rotate", "color", "randaugment", "erasing", "cutmix", "tta")
_LIKE_SOUNDS = ("pitch", "stretch", "gain", "noise", "masks")

_FEW_ROWS = 5000
_COMPARED = 1000
_COMPARED_SIDE = 16
_TELLING = 0.1
"""Agreement of nearest images, 0 by chance and 1 always, below which pixels say too little to judge by."""
_KEPT = 0.5
"""Part of it that mirror images must keep: digits keep a quarter, clothes, whose shoes all point to one side, 0.7."""


def choose_augmentation(
    config: AugmentationConfig, media: Media, y: np.ndarray, task: Task
) -> tuple[Augmentation, list[str]]:
    """Decide every "auto" by the fold's training rows.

    Args:
        config: `[augmentation]`.
        media: Images or sounds of the training rows.
        y: Their targets.
        task: What is learned.

    Returns:
        The augmentation, and sentences about what was decided.

    Raises:
        UsageError: An entry that has no effect on such files, or is out of range.
    """
    is_image = media.files.dtype == np.uint8
    _check(config, is_image=is_image)
    notes: list[str] = []
    if not is_image:
        usual: Augmentation = SoundAugmentation(pitch=0.15, stretch=0.15, shift=0.1, gain=10, noise=30, masks=1)
    else:
        is_small = len(y) < _FEW_ROWS
        usual = ImageAugmentation(
            shift=0.1, zoom=0.1 if is_small else 0.0, rotate=10 if is_small else 0.0,
            color=0.2 if media.files.shape[1] == 3 else 0.0,
        )  # fmt: skip
        if config.flip == "auto":
            mirrored, reason = may_be_mirrored(media, y, task)
            notes.append(reason)
            usual = replace(usual, flip="horizontal" if mirrored else "none")
    names = set(asdict(usual)) & set(AugmentationConfig.__struct_fields__)
    given = {name: value for name in names if (value := getattr(config, name)) != "auto"}
    chosen = replace(usual, **given)
    if isinstance(chosen, ImageAugmentation) and config.tta == "auto":
        chosen = replace(chosen, tta=chosen.flip != "none")
    return chosen, notes


def _check(config: AugmentationConfig, *, is_image: bool) -> None:
    idle, what = (_LIKE_SOUNDS, "images") if is_image else (_LIKE_IMAGES, "sounds")
    for name in AugmentationConfig.__struct_fields__:
        value = getattr(config, name)
        if value == "auto":
            continue
        if name in idle:
            raise UsageError(
                f"`augmentation.{name}` is {value!r}, which does nothing to {what}",
                f'write `--set augmentation.{name}="auto"`, or remove it',
            )
    check_augmentation(config)


def may_be_mirrored(media: Media, y: np.ndarray, task: Task) -> tuple[bool, str]:
    """Whether images mean the same when left and right are exchanged, by the training rows alone; and why.

    For some rows the nearest other image is looked up, as it is and mirrored. Letters and digits mirrored are like
    those of other classes; things mirrored are like their own. Where the nearest image tells little in either case, as
    among photographs, mirroring is taken for harmless.
    """
    rows = np.random.default_rng(0).permutation(np.flatnonzero(media.index[:, 0] >= 0))[:_COMPARED]
    if len(rows) < 2:
        return False, "images are not mirrored: there are too few to tell whether that is harmless"
    images = _small(torch.from_numpy(np.asarray(media.files[media.index[rows, 0]])))
    labels = _comparable(y[rows], task)
    plain = _agreement(images, images, labels)
    mirrored = _agreement(images.flip(-1), images, labels)
    told = f"the nearest image agrees on the target for {plain:.0%} as it is and {mirrored:.0%} mirrored, above chance"
    if plain < _TELLING:
        return True, f"images are mirrored at random: {told}, which says nothing against it"
    if mirrored >= _KEPT * plain:
        return True, f"images are mirrored at random: {told}"
    return False, f"images are not mirrored: {told}"


def _small(images: Tensor) -> Tensor:
    """Gray images of at most 16 pixels a side, near mean 0, (n, height, width)."""
    gray = images.float().mean(dim=1, keepdim=True)
    height, width = (min(_COMPARED_SIDE, side) for side in gray.shape[2:])
    small = torch.nn.functional.adaptive_avg_pool2d(gray, (height, width))[:, 0]
    return small - small.mean(dim=(1, 2), keepdim=True)


def _comparable(y: np.ndarray, task: Task) -> Tensor:
    """Targets as numbers whose differences count, (n, n_numbers)."""
    if task.problem_type == "multiclass" and y.ndim == 1:
        y = np.eye(task.n_outputs)[y.astype(np.int64)]
    values = torch.from_numpy(np.asarray(y, dtype=np.float32).reshape(len(y), -1))
    return values / values.std(dim=0).clamp(min=1e-6)


def _agreement(queries: Tensor, images: Tensor, labels: Tensor) -> float:
    """How much nearer to its own the target of the nearest other image is than that of any: 1 is equal, 0 by chance."""
    distances = torch.cdist(queries.flatten(1), images.flatten(1))
    distances.fill_diagonal_(float("inf"))
    nearest = distances.argmin(dim=1)
    difference = (labels - labels[nearest]).abs().mean()
    by_chance = (labels[:, None] - labels[None]).abs().mean()
    return float(1 - difference / by_chance.clamp(min=1e-9))


def augment(batch: Batch, augmentation: Augmentation, *, with_mixup: bool = False) -> Batch:
    """Change the images or sounds of a batch at random; with CutMix its targets too.

    Args:
        batch: With its extra input.
        augmentation: What is done.
        with_mixup: Whether mixup is asked for too: a batch gets one of both, each half of the time.
    """
    assert batch.extra is not None
    n, n_media = batch.extra.shape[:2]
    changed = augmentation(batch.extra.flatten(0, 1)).view(n, n_media, *batch.extra.shape[2:])
    batch = replace(batch, extra=changed)
    if not isinstance(augmentation, ImageAugmentation) or not augmentation.cutmix:
        return batch
    if not with_mixup or float(torch.rand(())) < 0.5:
        return cut_and_mix(batch, augmentation.cutmix)
    return batch


def described(augmentation: Augmentation) -> dict[str, Any]:
    """An augmentation as JSON."""
    kind = next(kind for kind, found in _CLASSES.items() if isinstance(augmentation, found))
    return {"kind": kind, **asdict(augmentation)}


def augmentation_of(settings: dict[str, Any]) -> Augmentation | None:
    """The augmentation of a fold's settings, None if it had none."""
    content = settings.get("augmentation")
    if content is None:
        return None
    return msgspec.convert({k: v for k, v in content.items() if k != "kind"}, _CLASSES[content["kind"]])
