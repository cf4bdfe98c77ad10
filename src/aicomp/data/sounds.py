"""Sound files as spectrograms of one size: the logarithm of their energy by pitch and time."""

import math
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from math import gcd
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from aicomp.data.images import BadFileError
from aicomp.errors import UsageError

_SAMPLED = 200
_HIGHEST_RATE = 16_000
_MOST_SECONDS = 10.0
_MOST_OF_CLIPS = 0.95
_MOST_SECONDS_WHOLE = 30.0
_WINDOW_SECONDS, _HOP_SECONDS = 0.025, 0.010
_QUIETEST = 1e-8
"""Energy that counts as silence: -80 decibels."""


@dataclass(frozen=True)
class SoundDecoding:
    """How sound files become arrays.

    Attributes:
        rate: Samples of a second that they are brought to.
        seconds: Length; a shorter clip has silence on both sides, of a longer one the middle is taken.
        n_mels: Bands of pitch.
    """

    kind: ClassVar[Literal["audio"]] = "audio"
    dtype: ClassVar[str] = "float16"
    blank: ClassVar[float] = float(10 * np.log10(_QUIETEST))

    rate: int
    seconds: float
    n_mels: int = 64

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one clip: 1, bands, steps in time."""
        return 1, self.n_mels, 1 + self._length // self._hop

    @classmethod
    def choose(
        cls,
        paths: Sequence[Path],
        *,
        rate: int | Literal["auto"],
        seconds: float | Literal["auto"],
        n_mels: int,
        whole: bool = False,
    ) -> "SoundDecoding":
        """Rate and length that suit some files: the commonest rate, and a length that 95 of 100 do not exceed.

        Args:
            paths: The files; those that cannot be read have no say.
            rate: Samples of a second, "auto" up to 16,000.
            seconds: Length, "auto" up to 10.
            n_mels: Bands of pitch.
            whole: Whether no file may be cut, as where all that is said counts: "auto" is then the longest of all
                files, up to 30 seconds.
        """
        sample = paths if whole else paths[:: max(1, len(paths) // _SAMPLED)]
        heads = [h for path in sample if (h := _head(path)) is not None] if "auto" in (rate, seconds) else []
        if rate == "auto":
            rates, counts = np.unique([r for r, _ in heads] or [_HIGHEST_RATE], return_counts=True)
            rate = min(_HIGHEST_RATE, int(rates[counts.argmax()]))
        if seconds == "auto":
            longest = float(np.quantile([s for _, s in heads], 1.0 if whole else _MOST_OF_CLIPS)) if heads else 1.0
            seconds = round(min(_MOST_SECONDS_WHOLE if whole else _MOST_SECONDS, max(longest, 0.1)), 2)
        return cls(int(rate), float(seconds), n_mels)

    def sides(self, path: Path) -> tuple[float, float]:
        """A sound has none."""
        return math.nan, math.nan

    def read(self, path: Path) -> np.ndarray:
        """Decode a file, float16 (1, n_mels, n_steps) in decibels.

        Raises:
            BadFileError: It is missing, or no sound that can be read.
            UsageError: It needs the package soundfile.
        """
        rate, samples = read_sound(path)
        if rate != self.rate:
            from scipy.signal import resample_poly

            common = gcd(rate, self.rate)
            samples = resample_poly(samples, self.rate // common, rate // common)
        return self._spectrogram(_of_length(samples, self._length)).astype(np.float16)[None]

    @property
    def _length(self) -> int:
        return round(self.rate * self.seconds)

    @property
    def _hop(self) -> int:
        return round(self.rate * _HOP_SECONDS)

    @property
    def _n_fft(self) -> int:
        # Twice the window: narrow bands of low pitch then hold a frequency each.
        return 1 << int(np.ceil(np.log2(2 * self.rate * _WINDOW_SECONDS)))

    @cached_property
    def _filters(self) -> np.ndarray:
        return mel_filters(self.rate, self._n_fft, self.n_mels)

    def _spectrogram(self, samples: np.ndarray) -> np.ndarray:
        """Decibels of each band and step, (n_mels, n_steps)."""
        from scipy.fft import rfft

        width = round(self.rate * _WINDOW_SECONDS)
        padded = np.pad(samples, (width // 2, width)).astype(np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(padded, width)[:: self._hop][: self.shape[2]]
        energy = np.abs(rfft(frames * np.hanning(width).astype(np.float32), self._n_fft)) ** 2 / width
        decibels: np.ndarray = 10 * np.log10(np.maximum(energy @ self._filters.T, _QUIETEST)).T
        return decibels


def mel_filters(rate: int, n_fft: int, n_mels: int) -> np.ndarray:
    """Triangles of equal width on the mel scale, (n_mels, n_fft // 2 + 1).

    Stevens, Volkmann, Newman, "A Scale for the Measurement of the Psychological Magnitude Pitch", 1937, with the
    formula of O'Shaughnessy 1987: 2595 log10(1 + f / 700).

    >>> filters = mel_filters(16_000, 1024, 40)
    >>> filters.shape, bool((filters.sum(axis=1) > 0).all())
    ((40, 513), True)
    """
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, n_mels + 2) / 2595) - 1)
    frequencies = np.linspace(0, rate / 2, n_fft // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def read_sound(path: Path) -> tuple[int, np.ndarray]:
    """Samples of a second and the samples of a file, float32 (n,) from -1 to 1, the mean of its channels.

    Raises:
        BadFileError: It is missing, or no sound that can be read.
        UsageError: It needs the package soundfile.
    """
    if not path.is_file():
        raise BadFileError("is missing")
    try:
        if path.suffix.lower() == ".wav" and not _has_fractions(path):
            return _read_wave(path)
    except (wave.Error, EOFError, OSError, ValueError) as e:
        raise BadFileError(f"cannot be read as sound ({e or 'it ends too soon'})") from e
    return _read_by_soundfile(path)


def _read_wave(path: Path) -> tuple[int, np.ndarray]:
    with wave.open(str(path), "rb") as opened:
        width, channels, rate = opened.getsampwidth(), opened.getnchannels(), opened.getframerate()
        raw = opened.readframes(opened.getnframes())
    n_frames = len(raw) // (width * channels)
    if not n_frames or rate <= 0:
        raise ValueError("it holds no samples")
    raw = raw[: n_frames * width * channels]
    if width == 1:
        values = (np.frombuffer(raw, dtype=np.uint8).astype(np.float32) - 128) / 128
    elif width == 3:
        wide = np.zeros((n_frames * channels, 4), dtype=np.uint8)
        wide[:, 1:] = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 3)
        values = wide.view("<i4")[:, 0].astype(np.float32) / 2**31
    else:
        values = np.frombuffer(raw, dtype=f"<i{width}").astype(np.float32) / 2 ** (8 * width - 1)
    return rate, values.reshape(-1, channels).mean(axis=1)


def _has_fractions(path: Path) -> bool:
    """Whether a .wav holds something else than whole numbers, which the module wave refuses by its format."""
    with path.open("rb") as file:
        head = file.read(64)
    at = head.find(b"fmt ")
    return at >= 0 and int.from_bytes(head[at + 8 : at + 10], "little") not in (1, 0xFFFE)


def _read_by_soundfile(path: Path) -> tuple[int, np.ndarray]:
    if find_spec("soundfile") is None:
        raise UsageError(
            f"`{path.name}` needs the package soundfile; without it only .wav files of whole numbers are read",
            "pip install 'aicomp[audio]'",
        )
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (RuntimeError, OSError) as e:
        raise BadFileError(f"cannot be read as sound ({e})") from e
    if not len(samples):
        raise BadFileError("cannot be read as sound (it holds no samples)")
    return int(rate), np.asarray(samples.mean(axis=1))


def _head(path: Path) -> tuple[int, float] | None:
    """Rate and seconds of a file."""
    try:
        rate, samples = read_sound(path)
    except BadFileError:
        return None
    return rate, len(samples) / rate


def _of_length(samples: np.ndarray, length: int) -> np.ndarray:
    if len(samples) >= length:
        start = (len(samples) - length) // 2
        return samples[start : start + length]
    before = (length - len(samples)) // 2
    return np.pad(samples, (before, length - len(samples) - before))
