"""One of several processes that train folds together: `together_process.py RANK N STORE KIND CASE...`.

Prints for each case the history, what was predicted, a hash of the weights that this process holds, and what was noted.
"""

import contextlib
import hashlib
import itertools
import json
import os
import sys
from pathlib import Path

import torch
from torch import nn
from training_cases import BINARY, a_config, a_fold

from aicomp.models import build_mlp
from aicomp.training import fit
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.fold import EpochReport, FoldResult
from aicomp.training.share import Share
from aicomp.training.trainer import Trainer

CASES = {
    "plain": {},
    "parts": {"micro_batch": 5, "regularization": {"ema": 0.9, "clip_norm": 0.1}},
    "sam": {"micro_batch": 5, "regularization": {"sam": 0.1}},
    "swa": {"regularization": {"swa": 0.5, "early_stopping": 0}},
    "muon": {"optimizer": "muon"},
    "schedule-free": {"optimizer": "schedule-free"},
    "norm": {},
    "resume": {"batch_size": 4, "regularization": {"dropout": 0.2}},
    "early": {"epochs": 60, "learning_rate": 0.1, "regularization": {"early_stopping": 2}},
}
"""What the config of each case says beside the usual."""


class WithNorm(nn.Module):
    """A network that takes means over all rows of a batch, and has a layer that only some rows use."""

    def __init__(self, n_num: int, n_outputs: int) -> None:
        super().__init__()
        # No bias before a mean is taken away: its gradient is rounding alone, which Adam makes large.
        self.layers = nn.Sequential(
            nn.Linear(n_num, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(),
            nn.Linear(16, 8, bias=False), nn.BatchNorm1d(8, affine=False),
        )  # fmt: skip
        self.head = nn.Linear(8, n_outputs)
        self.unused = nn.Linear(8, n_outputs)

    def forward(self, x_num: torch.Tensor, x_cat: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(x_num))


def config_of(case: str, kind: str):
    more = {k: v for k, v in CASES[case].items() if k != "regularization"}
    training = {"epochs": 4, "batch_size": 16, "learning_rate": 0.01, "amp": False, "shard": kind or False, **more}
    regularization = {"dropout": 0.0, "weight_decay": 0.01, **CASES[case].get("regularization", {})}
    return a_config(regularization=regularization, **training)


def build(case: str):
    return (lambda spec: WithNorm(spec.n_num, spec.n_outputs)) if case == "norm" else build_mlp


class Kept(Trainer):
    """Remembers the last one."""

    last: "Kept"

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        Kept.last = self


class Cut(Exception):  # noqa: N818 - what it stands for is no error
    """Here a process is killed."""


def cut(epoch: EpochReport) -> None:
    if epoch.epoch == 3:
        raise Cut


def fold(case: str, kind: str, share: Share, **more) -> FoldResult:
    return fit.fit_fold(
        a_fold(BINARY, n=99), BINARY, config_of(case, kind), build(case),
        seed=0, device=torch.device("cpu"), share=share, **more,
    )  # fmt: skip


def resumed(kind: str, share: Share, folder: Path) -> dict:
    """A training that is cut in its third epoch, one process having written one state more, against one that is not."""
    expected = fold("resume", kind, share)
    ticks = itertools.count()

    def checkpoints() -> Checkpoints:
        return Checkpoints(folder / "checkpoint-0.safetensors", every=1.0, clock=lambda: float(next(ticks)))

    with contextlib.suppress(Cut):
        fold("resume", kind, share, report=cut, checkpoints=checkpoints())
    own = sorted(folder.glob(f"checkpoint-0.rank-{share.rank}-of-{share.n}.*"))
    left = [path.name.split(".")[-2] for path in own]
    if share.rank == 1:
        own[-1].unlink()
    epochs: list[int] = []
    kept = checkpoints()
    result = fold("resume", kind, share, report=lambda epoch: epochs.append(epoch.epoch), checkpoints=kept)
    torch.distributed.barrier()
    kept.drop()
    return {
        "left": left,
        "epochs": epochs,
        "same": all(torch.equal(t, result.state_dict[name]) for name, t in expected.state_dict.items()),
        "losses": [row["train_loss"] for row in result.history] == [row["train_loss"] for row in expected.history],
        "test": bool((result.test_pred == expected.test_pred).all()),
        "files": sorted(path.name for path in folder.glob("checkpoint*")) if share.rank == 0 else [],
    }


def train(case: str, kind: str, share: Share) -> dict:
    result = fold(case, kind, share)
    weights = Kept.last.model.state_dict()
    whole = [] if kind == "fsdp" else [t.contiguous().numpy().tobytes() for t in weights.values()]
    return {
        "losses": [row["train_loss"] for row in result.history],
        "valid": [[row["valid_loss"], row["score"]] for row in result.history],
        "test": result.test_pred.tolist(),
        "own": hashlib.sha256(b"".join(whole)).hexdigest(),
        "names": {name: list(t.shape) for name, t in result.state_dict.items()},
        "notes": result.notes,
        "unused": result.state_dict["unused.weight"].tolist() if case == "norm" else [],
    }


def main() -> None:
    rank, n, store, kind = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:5]
    if n > 1:
        torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=n)
    fit.Trainer = Kept
    share = Share(rank, n, kind or "fsdp")
    told = {case: train(case, kind, share) for case in sys.argv[5:]}
    if n > 1:
        (folder := Path(f"{store}-checkpoints")).mkdir(exist_ok=True)
        told["resume"] = resumed(kind, share, folder)
    print(json.dumps(told), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
