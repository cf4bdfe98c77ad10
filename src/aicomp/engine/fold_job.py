"""Train one fold of a prepared run and save what came of it. Runs in a worker process or in the caller's."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_tensors

from aicomp.competition import Competition
from aicomp.config import Config
from aicomp.data.columns import Column
from aicomp.data.encoding import Encoder
from aicomp.data.table import Table
from aicomp.data.targets import TargetColumns
from aicomp.engine.ranks import train_fold_together
from aicomp.files import atomic_write, partial_file
from aicomp.folds import draw_rows
from aicomp.models import ALL_MODELS, ESTIMATORS, is_estimator, with_params
from aicomp.models.estimator import numbers_of, reads_texts
from aicomp.project import Project
from aicomp.pseudo import add_pseudo_rows
from aicomp.registry import resolve
from aicomp.report.curves import write_curves_csv
from aicomp.run import Run
from aicomp.task import Task
from aicomp.training.aims import choose_aim
from aicomp.training.checkpoint import save_spec
from aicomp.training.device import choose_device
from aicomp.training.fit import EpochReport, FoldData, FoldResult, fit_fold
from aicomp.training.model_recipes import numbers_for
from aicomp.training.share import ALONE, Share
from aicomp.training.targets import TargetTransform
from aicomp.training.whole import fit_whole


def run_fold(run: Run, project_folder: Path, k: int, report: Callable[[EpochReport], None]) -> None:
    """Encode, fit and save fold `k`; its `result.json` is written last.

    Args:
        run: A run whose `work/` is ready.
        project_folder: The user's project, for `file:object` names.
        k: Number of the fold.
        report: Called after each epoch.
    """
    folds = Folds(run, project_folder)
    if folds.is_network and folds.config.training.shard:
        train_fold_together(run, project_folder, k, folds.config, report)
        return
    encoded = folds.encode(k)
    folds.save(k, encoded, folds.fit(k, encoded, report))


@dataclass(frozen=True)
class EncodedFold:
    """A fold as its model takes it.

    Attributes:
        data: Its rows.
        encoder: What encoded them.
        valid_rows: Numbers of the validation rows.
    """

    data: FoldData
    encoder: Encoder
    valid_rows: np.ndarray


class Folds:
    """What the folds of a run have in common.

    Args:
        run: A run whose `work/` is ready.
        project_folder: The user's project.

    Attributes:
        config: The run's config.
        task: What is learned and how it is scored.
        found: What the model's name stands for.
        build: Makes the model.
        is_network: Whether that is an `nn.Module`.
    """

    def __init__(self, run: Run, project_folder: Path) -> None:
        info = run.info
        self.run = run
        self.config = msgspec.convert(info["config"], Config)
        project = Project(project_folder, self.config, msgspec.convert(info["competition"], Competition))
        self.task = project.task
        self.found = resolve("model", self.config.model.name, ALL_MODELS, project_folder)
        self.is_network = not is_estimator(self.found)
        self.build = with_params(self.found, self.config.model.params)

    def seed(self, k: int) -> int:
        """Seed of fold `k`."""
        return self.config.seed + 1000 * k

    def encode(self, k: int) -> EncodedFold:
        """Fit the encoders of fold `k` and encode its rows."""
        fold = load_file(self.run.work / f"fold-{k}.safetensors")
        fold["train"] = draw_rows(fold["train"], self.config.split.train_rows, self.seed(k))
        numbers = numbers_of(self.found) if is_estimator(self.found) else numbers_for(self.config)
        encoder = Encoder(self._columns(), numbers, keeps_texts=reads_texts(self.found))
        data = _encode(self.run, fold, self.task, self.config, encoder, self.seed(k))
        data = add_pseudo_rows(data, self.run, k, self.task, is_network=self.is_network)
        return EncodedFold(data, encoder, fold["valid"])

    def _columns(self) -> list[Column]:
        return [msgspec.convert(c, Column) for c in self.run.read("columns.json")]

    def fit(
        self, k: int, encoded: EncodedFold, report: Callable[[EpochReport], None], share: Share = ALONE
    ) -> FoldResult:
        """Train the model on fold `k`, or this process's share of a network."""
        if is_estimator(self.found):
            return fit_whole(encoded.data, self.task, self.config, self.build, seed=self.seed(k), report=report)
        device = choose_device(self.config.device)
        return fit_fold(
            encoded.data,
            self.task,
            self.config,
            self.build,
            seed=self.seed(k),
            device=device,
            report=report,
            share=share,
        )

    def save(self, k: int, encoded: EncodedFold, result: FoldResult) -> None:
        """Write what came of fold `k`."""
        _save(self.run.fold(k), encoded.valid_rows, result, encoded.encoder)


def training_device(config: Mapping[str, Any]) -> str:
    """Kind of the device that a config's folds are trained on, such as "cpu"; models that are no networks take the CPU.

    Raises:
        UsageError: A device was asked for that this machine does not have.
    """
    return "cpu" if config["model"]["name"] in ESTIMATORS else choose_device(config["device"]).type


def _encode(run: Run, fold: dict[str, np.ndarray], task: Task, config: Config, encoder: Encoder, seed: int) -> FoldData:
    train, test = Table.load(run.work / "train.safetensors"), Table.load(run.work / "test.safetensors")
    y = load_file(run.work / "target.safetensors")["y"]
    targets = _averaged(y[fold["train"]], task, config)
    return FoldData(
        train=encoder.fit_transform(train, fold["train"], targets, seed),
        y=y[fold["train"]],
        valid=encoder.transform(train, fold["valid"]),
        valid_y=y[fold["valid"]],
        test=encoder.transform(test, np.arange(test.n_rows)),
        cardinalities=encoder.cardinalities,
    )


def _averaged(y: np.ndarray, task: Task, config: Config) -> TargetColumns:
    """What encodings average over the rows of a category: labels, or values in the unit in which they are learned."""
    if not task.is_classification:
        y = TargetTransform.fit(y, choose_aim(config.training, task).target).transform(y)
    return TargetColumns.of(y, task)


def _save(folder: Path, valid_rows: np.ndarray, result: FoldResult, encoder: Encoder) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    encoder.save(folder)
    save_spec(folder, result.spec, result.transform)
    arrays = {"valid_rows": valid_rows, "valid": result.valid_pred, "test": result.test_pred}
    with partial_file(folder / "predictions.safetensors") as path:
        save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, path)
    with partial_file(folder / "weights.safetensors") as path:
        save_tensors({name: t.contiguous().cpu() for name, t in result.state_dict.items()}, path)
    write_curves_csv([result.history], folder / "history.csv")
    summary = {
        "best_epoch": result.best_epoch,
        "n_epochs": result.n_epochs,
        "seconds": result.seconds,
        "settings": result.settings,
        "notes": result.notes,
        "history": result.history,
        "inputs": {"numbers": encoder.num_names, "categories": encoder.cat_names, "texts": encoder.text_names},
    }
    atomic_write(folder / "result.json", json.dumps(summary, indent=1) + "\n")
