"""Networks that read images or sounds.

A function marked by `reading_images` or `reading_sounds` builds a network whose `forward` gets, beside numbers and
codes, the files of a batch, float32 (batch, n_media, channels, height, width): images from 0 to 1, sounds as decibels
by pitch and time. What they are like stands in `ModelSpec.media`.
"""

from collections.abc import Callable
from typing import TypeVar

from torch import nn

from aicomp.errors import UsageError
from aicomp.models.spec import MediaInput, ModelSpec

_Build = TypeVar("_Build", bound=Callable[..., nn.Module])


def reading_images(build: _Build) -> _Build:
    """Mark a function that builds a network whose `forward(x_num, x_cat, images)` reads images."""
    build.reads_media = "image"  # type: ignore[attr-defined]
    return build


def reading_sounds(build: _Build) -> _Build:
    """Mark a function that builds a network whose `forward(x_num, x_cat, sounds)` reads sounds."""
    build.reads_media = "audio"  # type: ignore[attr-defined]
    return build


def media_of(spec: ModelSpec, model: str, what: str) -> MediaInput:
    """The images or sounds that a model is told about.

    Args:
        spec: What it is told.
        model: Its name.
        what: "images" or "sounds".

    Raises:
        UsageError: There are none.
    """
    if spec.media is None:
        raise UsageError(
            f"model `{model}` reads {what}, and no column names any",
            "`aicomp train` lists how columns are taken; the files must lie below `data/raw/`",
        )
    return spec.media
