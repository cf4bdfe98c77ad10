"""The training loops of skorch and Lightning, for `throughput.py`: five folds of a plain network.

    python loop_peer.py JOB    # JSON: system, arrays (.npz with x, y, fold), network (a file), threads, epochs, ...

Each fold is trained as the library's own examples do it and validated after each epoch. Counted is the time inside
the two libraries' `fit`; imports and the reading of the data are not.
"""

import importlib.util
import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

VALID_BATCH = 4096


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    answer = os.dup(1)
    os.dup2(2, 1)
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if job["threads"]:
        torch.set_num_threads(job["threads"])
    arrays = np.load(job["arrays"])
    x, y, fold = arrays["x"], arrays["y"].astype(np.float32)[:, None], arrays["fold"]
    fit, predict = {"skorch": SKORCH, "lightning": LIGHTNING}[job["system"]]
    seconds, losses = 0.0, []
    for k in np.unique(fold):
        torch.manual_seed(int(k))
        train, valid = (x[fold != k], y[fold != k]), (x[fold == k], y[fold == k])
        started = time.perf_counter()
        network = fit(job, train, valid)
        seconds += time.perf_counter() - started
        losses.append(loss_of(predict(network), valid))
    os.write(answer, (json.dumps({"seconds": seconds, "log_loss": float(np.mean(losses))}) + "\n").encode())


def network_class(job):  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("plain_network", job["network"])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PlainNetwork


def loss_of(network: nn.Module, rows: tuple[np.ndarray, np.ndarray]) -> float:
    x, y = (torch.from_numpy(a) for a in rows)
    network.eval()
    with torch.no_grad():
        return float(nn.functional.binary_cross_entropy_with_logits(network(x), y))


def fit_skorch(job, train, valid):  # type: ignore[no-untyped-def]
    from skorch import NeuralNet
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split

    net = NeuralNet(
        network_class(job),
        module__n_num=train[0].shape[1],
        module__width=job["width"],
        criterion=nn.BCEWithLogitsLoss,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=job["weight_decay"],
        lr=job["learning_rate"],
        max_epochs=job["epochs"],
        batch_size=job["batch_size"],
        iterator_train__shuffle=True,
        iterator_valid__batch_size=VALID_BATCH,
        train_split=predefined_split(Dataset(*valid)),
        verbose=0,
    )
    return net.fit(*train)


def fit_lightning(job, train, valid):  # type: ignore[no-untyped-def]
    from pytorch_lightning import LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network_class(job)(train[0].shape[1], job["width"])

        def training_step(self, batch, batch_idx):  # type: ignore[no-untyped-def]
            return nn.functional.binary_cross_entropy_with_logits(self.network(batch[0]), batch[1])

        def validation_step(self, batch, batch_idx):  # type: ignore[no-untyped-def]
            self.log("valid_loss", self.training_step(batch, batch_idx), batch_size=len(batch[0]))

        def configure_optimizers(self):  # type: ignore[no-untyped-def]
            return torch.optim.AdamW(self.parameters(), job["learning_rate"], weight_decay=job["weight_decay"])

    def loader(rows, batch_size, shuffle):  # type: ignore[no-untyped-def]
        return DataLoader(TensorDataset(*(torch.from_numpy(a) for a in rows)), batch_size, shuffle)

    module = Module()
    trainer = Trainer(
        max_epochs=job["epochs"],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, loader(train, job["batch_size"], True), loader(valid, VALID_BATCH, False))
    return module


SKORCH = (fit_skorch, lambda net: net.module_)
LIGHTNING = (fit_lightning, lambda module: module.network)

if __name__ == "__main__":
    main()
