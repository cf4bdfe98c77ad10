"""What it costs to keep the state of a training: bytes and seconds of a state, and the share of a training's time.

    python benchmarks/checkpoints.py PROJECT [--set KEY=VALUE ...]     # trains it here, with a state every second
    python benchmarks/checkpoints.py --weights 109482240               # a state of so many weights, without a training

The share is that of the default: a state every minute, or less often where writing takes more than a twentieth of that.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from aicomp.cli.main import main as aicomp
from aicomp.training import checkpoints

_EVERY = 60.0
_save = checkpoints.save_state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, nargs="?")
    parser.add_argument("--set", action="append", default=[], dest="entries")
    parser.add_argument("--weights", type=int)
    options = parser.parse_args()
    written: list[tuple[float, int]] = []

    def save(path: Path, state: Any) -> None:
        began = time.perf_counter()
        _save(path, state)
        written.append((time.perf_counter() - began, path.stat().st_size))

    if options.weights:
        # The weights, two moments of AdamW, and the weights of the best epoch so far.
        state = {str(i): torch.randn(options.weights) for i in range(4)}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(3):
                save(Path(folder) / "state.safetensors", state)
    else:
        checkpoints.save_state = save
        entries = [*options.entries, "workers=0", "training.checkpoint=1"]
        sets = [part for entry in entries for part in ("--set", entry)]
        assert aicomp(["train", "--fresh", "--project", str(options.project), *sets]) == 0
    seconds = statistics.median(s for s, _ in written)
    share = seconds / (max(_EVERY, seconds / 0.05) + seconds)
    print(f"| {len(written)} states | {max(n for _, n in written) / 1e6:.2f} MB | {seconds:.4f} s | {share:.3%} |")


if __name__ == "__main__":
    main()
