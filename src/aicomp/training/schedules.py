"""Schedules of the learning rate and of dropout: from progress in training, 0 to 1, to a factor of the peak, 0 to 1."""

import math
from collections.abc import Callable

_WARMUP = 0.05
"""Share of training in which "cosine" and "warmup" rise to their peak: Adam's first steps rest on few gradients."""

_ONE_CYCLE_RISE = 0.3


def constant(progress: float) -> float:
    """The peak all the way."""
    return 1.0


def warmup(progress: float) -> float:
    """A short linear rise, then the peak: what a schedule-free optimizer wants (arXiv 2405.15682).

    >>> warmup(0.025), warmup(0.05), warmup(1.0)
    (0.5, 1.0, 1.0)
    """
    return min(1.0, progress / _WARMUP)


def cosine(progress: float) -> float:
    """A short linear rise, then half a cosine down to zero (Loshchilov & Hutter 2017, arXiv 1608.03983).

    >>> cosine(0.025), cosine(0.05), round(cosine(0.525), 6), cosine(1.0)
    (0.5, 1.0, 0.5, 0.0)
    """
    if progress < _WARMUP:
        return progress / _WARMUP
    return _half_cosine((progress - _WARMUP) / (1 - _WARMUP))


def coslog4(progress: float) -> float:
    """Four cosine cycles, each about twice as long as the one before (RealMLP, arXiv 2407.04491).

    (1 - cos(2 pi log2(1 + 15 progress))) / 2: zero at 0, 1/15, 3/15, 7/15 and 1.

    >>> coslog4(0.0), round(coslog4((2**0.5 - 1) / 15), 6), round(coslog4(1 / 15), 6)
    (0.0, 1.0, 0.0)
    """
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress)))


def flat_cosine(progress: float) -> float:
    """The peak in the first half, then half a cosine down to zero (RealMLP's dropout, arXiv 2407.04491).

    >>> flat_cosine(0.0), flat_cosine(0.5), round(flat_cosine(0.75), 6), flat_cosine(1.0)
    (1.0, 1.0, 0.5, 0.0)
    """
    return _half_cosine(max(0.0, 2 * progress - 1))


def one_cycle(progress: float) -> float:
    """From 1/25 of the peak up to it in the first 30 %, then down to zero, both as half cosines.

    Smith & Topin 2018, arXiv 1708.07120, with the starting factor that fastai made common.

    >>> one_cycle(0.0), one_cycle(0.3), round(one_cycle(0.65), 6), one_cycle(1.0)
    (0.04, 1.0, 0.5, 0.0)
    """
    if progress < _ONE_CYCLE_RISE:
        return 0.04 + 0.96 * (1 - _half_cosine(progress / _ONE_CYCLE_RISE))
    return _half_cosine((progress - _ONE_CYCLE_RISE) / (1 - _ONE_CYCLE_RISE))


def _half_cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))


DROPOUT_SCHEDULES: dict[str, Callable[[float], float]] = {"constant": constant, "flat-cosine": flat_cosine}

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "coslog4": coslog4,
    "one-cycle": one_cycle,
    "warmup": warmup,
}
