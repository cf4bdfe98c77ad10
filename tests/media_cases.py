"""Small image and sound files that tests make, and competitions on them."""

import wave
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def striped(label, random, size=16):
    """Stripes with noise: across for label 0, upright for 1; uint8 (size, size)."""
    at = (np.arange(size) + random.integers(0, 4)) // 2 % 2 * 120 + 60
    image = np.tile(at, (size, 1)) if label else np.tile(at[:, None], (1, size))
    return np.clip(image + random.normal(0, 25, (size, size)), 0, 255).astype(np.uint8)


def write_image(path, pixels):
    """Write pixels (height, width) or (height, width, 3)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def tone(label, random, rate=8000, seconds=0.3):
    """A tone with noise: low for label 0, high for 1; float (n,) from -1 to 1."""
    times = np.arange(int(rate * seconds)) / rate
    pitch = (400 if label == 0 else 1500) * random.uniform(0.9, 1.1)
    return 0.4 * np.sin(2 * np.pi * pitch * times) + random.normal(0, 0.02, len(times))


def write_wav(path, samples, rate=8000, width=2):
    """Write samples from -1 to 1, (n,) or (n, channels), as a .wav of whole numbers of `width` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = samples if samples.ndim == 2 else samples[:, None]
    whole = np.round(np.clip(samples, -1, 1) * (2 ** (8 * width - 1) - 1)).astype("<i8")
    raw = (whole + 128).astype(np.uint8) if width == 1 else whole.view(np.uint8).reshape(*whole.shape, 8)[..., :width]
    with wave.open(str(path), "wb") as opened:
        opened.setnchannels(samples.shape[1])
        opened.setsampwidth(width)
        opened.setframerate(rate)
        opened.writeframes(np.ascontiguousarray(raw).tobytes())


def write_competition(folder: Path, kind: str, n: int = 90, n_test: int = 30, *, side: bool = False) -> pd.DataFrame:
    """Files, train, test and sample submission; returns all rows with their labels.

    Args:
        folder: Where to.
        kind: "image" or "audio".
        n: Rows of train.
        n_test: Rows of test.
        side: Whether there is a column beside the files, which tells nothing.
    """
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"id": range(n + n_test), "label": random.integers(0, 2, n + n_test)})
    ending = "png" if kind == "image" else "wav"
    rows["file"] = [f"files/{i:03}.{ending}" for i in rows["id"]]
    for path, label in zip(rows["file"], rows["label"], strict=True):
        if kind == "image":
            write_image(folder / path, striped(label, random))
        else:
            write_wav(folder / path, tone(label, random))
    if side:
        rows["weight"] = random.normal(size=len(rows))
    rows["label"] = rows["label"].map({0: "no", 1: "yes"})
    rows[:n].to_csv(folder / "train.csv", index=False)
    rows[n:].drop(columns="label").to_csv(folder / "test.csv", index=False)
    rows[n:][["id"]].assign(label="no").to_csv(folder / "sample_submission.csv", index=False)
    return rows
