"""Sounds as they could also have been said: every operation takes spectrograms in decibels, (n, 1, pitch, time).

Another voice: all pitches times a factor (Jaitly, Hinton, "Vocal Tract Length Perturbation Improves Speech
Recognition", ICML workshop 2013). Another speed, another moment, another distance, other noise. Bands and moments that
are left out: Park et al., "SpecAugment" (arXiv 1904.08779).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

_TOP_MEL = 2500.0
"""Highest pitch of a spectrogram on the mel scale: 2146 at 8,000 samples of a second, 2840 at 16,000."""


@dataclass(frozen=True)
class SoundAugmentation:
    """What is done to training sounds at random; 0 is off.

    Attributes:
        pitch: Largest change of all pitches, as a share.
        stretch: Largest change of speed, as a share.
        shift: Largest move in time, as a share of the length.
        gain: Largest change of loudness, in decibels.
        noise: Loudest noise of even spectrum that is added, in decibels over silence.
        masks: Bands of pitch, and as many stretches of time, that are replaced by the mean.
        mask_size: Largest share of the pitches, and of the time, that one of them takes.
    """

    pitch: float = 0.0
    stretch: float = 0.0
    shift: float = 0.0
    gain: float = 0.0
    noise: float = 0.0
    masks: int = 0
    mask_size: float = 0.15

    @property
    def views(self) -> list[Callable[[Tensor], Tensor]]:
        """No sound has a mirror image."""
        return []

    def __call__(self, sounds: Tensor) -> Tensor:
        """Change sounds at random, (n, 1, pitch, time); the generator of torch draws."""
        n, device = len(sounds), sounds.device
        silence = sounds.amin(dim=(1, 2, 3), keepdim=True)
        if self.pitch or self.stretch or self.shift:
            sounds = self._resampled(sounds, silence)
        if self.gain:
            sounds = torch.maximum(sounds + self.gain * _uniform(n, 1, 1, 1).to(device), silence)
        if self.noise:
            level = silence + self.noise * torch.rand(n, 1, 1, 1).to(device)
            # A band's energy scatters about that of the noise by some decibels.
            scattered = level + 3 * torch.randn_like(sounds)
            sounds = 10 / math.log(10) * torch.logaddexp(sounds * (math.log(10) / 10), scattered * (math.log(10) / 10))
        return _masked(sounds, self.masks, self.mask_size) if self.masks else sounds

    def _resampled(self, sounds: Tensor, silence: Tensor) -> Tensor:
        """Other pitches, speed and moment; from outside comes silence."""
        n, _, n_mels, n_steps = sounds.shape
        speed = torch.exp(math.log1p(self.stretch) * _uniform(n, 1))
        move = 2 * self.shift * _uniform(n, 1)
        time = torch.linspace(-1, 1, n_steps) * speed + move
        pitches = torch.expm1(_TOP_MEL / 1127 * torch.linspace(0, 1, n_mels))
        factor = torch.exp(math.log1p(self.pitch) * _uniform(n, 1))
        band = torch.log1p(pitches * factor) * 1127 / _TOP_MEL
        grid = torch.stack(
            [time[:, None, :].expand(n, n_mels, n_steps), (2 * band - 1)[:, :, None].expand(n, n_mels, n_steps)], dim=-1
        )
        return F.grid_sample(sounds - silence, grid.to(sounds.device), align_corners=True) + silence


def _uniform(*shape: int) -> Tensor:
    """Numbers from -1 to 1."""
    return 2 * torch.rand(shape) - 1


def _masked(sounds: Tensor, n_masks: int, most: float) -> Tensor:
    n = len(sounds)
    mean = sounds.mean(dim=(1, 2, 3), keepdim=True)
    for axis in (2, 3):
        side = sounds.shape[axis]
        for _ in range(n_masks):
            length = torch.rand(n, 1) * most * side
            start = torch.rand(n, 1) * (side - length)
            places = torch.arange(side)
            inside = (places >= start) & (places < start + length)
            shape = (n, 1, side, 1) if axis == 2 else (n, 1, 1, side)
            sounds = torch.where(inside.view(shape).to(sounds.device), mean, sounds)
    return sounds
