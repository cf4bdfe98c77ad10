"""Make a competition of speech to text: recordings of single digits, joined to short sequences with pauses.

    python benchmarks/digit_sequences.py FOLDER INTO [--unseen SPEAKER] [--n-train 1200] [--n-test 300]

FOLDER has a `train.csv` with the columns `audio_path`, `label` and `speaker`, such as the Free Spoken Digit Dataset. A
sequence has one speaker. Test is made of a fifth of the recordings, of which none is in train; with `--unseen`, of all
recordings of that speaker, whom train then lacks. INTO gets `train.csv`, `test.csv`, `sample_submission.csv` and
`sounds/`; `solution.csv` is put beside it, as `INTO-solution.csv`.
"""

import argparse
import wave
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.data.sounds import read_sound

DIGITS = (3, 6)
"""Fewest and most in a sequence."""
PAUSE = (0.02, 0.25)
"""Seconds between two digits; before the first and after the last one, twice as long at most."""
HELD_OUT = 0.2
NOISE = 1e-3
"""Standard deviation of the noise of a pause, of 1."""


def split(recordings: pd.DataFrame, unseen: str | None, random: np.random.Generator) -> list[pd.DataFrame]:
    """Recordings of train and of test."""
    if unseen is not None:
        held_out = (recordings["speaker"] == unseen).to_numpy()
        if not held_out.any():
            raise SystemExit(f"error: no speaker is `{unseen}`\n\nhint: {', '.join(recordings['speaker'].unique())}")
    else:
        held_out = random.permutation(len(recordings)) < HELD_OUT * len(recordings)
    return [recordings[~held_out], recordings[held_out]]


def sequence(recordings: pd.DataFrame, folder: Path, random: np.random.Generator) -> tuple[int, np.ndarray, str]:
    """Samples of a second, samples and digits of one sequence."""
    speaker = random.choice(recordings["speaker"].unique())
    spoken = recordings[recordings["speaker"] == speaker].sample(
        random.integers(DIGITS[0], DIGITS[1] + 1), random_state=random
    )
    parts: list[np.ndarray] = []
    rate = 0
    for path in spoken["audio_path"]:
        rate, samples = read_sound(folder / path)
        parts += [pause(rate, 1, random), samples]
    parts = [pause(rate, 1, random), *parts, pause(rate, 2, random)]
    return rate, np.concatenate(parts), "".join(spoken["label"].astype(str))


def pause(rate: int, times: int, random: np.random.Generator) -> np.ndarray:
    """Faint noise."""
    return random.normal(0, NOISE, int(rate * times * random.uniform(*PAUSE))).astype(np.float32)


def write_wav(path: Path, rate: int, samples: np.ndarray) -> None:
    """Write samples from -1 to 1 as 16-bit numbers."""
    with wave.open(str(path), "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def main() -> None:
    """Write the files and say what they hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("into", type=Path)
    parser.add_argument("--unseen", metavar="SPEAKER")
    parser.add_argument("--n-train", type=int, default=1200)
    parser.add_argument("--n-test", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    parts = split(pd.read_csv(given.folder / "train.csv"), given.unseen, random)
    (given.into / "sounds").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    for recordings, n in zip(parts, (given.n_train, given.n_test), strict=True):
        print(f"{n} sequences of {len(recordings)} recordings of {', '.join(sorted(recordings['speaker'].unique()))}")
        for _ in range(n):
            rate, samples, digits = sequence(recordings, given.folder, random)
            rows.append({"id": str(len(rows)), "sound": f"sounds/{len(rows):05}.wav", "digits": digits})
            write_wav(given.into / rows[-1]["sound"], rate, samples)
    table, n = pd.DataFrame(rows), given.n_train
    table[:n].to_csv(given.into / "train.csv", index=False)
    table[n:].drop(columns="digits").to_csv(given.into / "test.csv", index=False)
    table[n:][["id"]].assign(digits="0000").to_csv(given.into / "sample_submission.csv", index=False)
    table[n:][["id", "digits"]].to_csv(given.into.with_name(f"{given.into.name}-solution.csv"), index=False)


if __name__ == "__main__":
    main()
