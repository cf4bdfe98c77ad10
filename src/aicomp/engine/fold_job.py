"""Train one fold of a prepared run and save what came of it. Runs in a worker process or in the caller's."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors.torch import save_file as save_tensors

from aicomp.competition import Competition
from aicomp.config import Config
from aicomp.data.arrays import load_arrays, save_arrays
from aicomp.data.clamps import clamped, clamps_of
from aicomp.data.columns import Column
from aicomp.data.encoding import Encoder
from aicomp.data.monotone import directions
from aicomp.data.rows import Media, Rows
from aicomp.data.table import Table
from aicomp.data.targets import TargetColumns
from aicomp.engine.ranks import train_fold_together
from aicomp.engine.series_fold import EncodedFold, columns_of, encode_series
from aicomp.engine.streamed_fold import encode_streamed, load_whole, remove_rows
from aicomp.errors import UsageError
from aicomp.files import atomic_write, partial_file, writing
from aicomp.folds import draw_rows
from aicomp.media import with_files
from aicomp.model_names import takes_gpu
from aicomp.models import ALL_MODELS, is_estimator, with_params
from aicomp.models.estimator import forecasts, learns_strings, numbers_of, reads_media, reads_texts, takes_monotone
from aicomp.models.sides import Sides, find_sides
from aicomp.project import Project
from aicomp.pseudo import add_pseudo_rows
from aicomp.registry import resolve
from aicomp.report.contact_sheet import draw_contact_sheet
from aicomp.report.curves import write_curves_csv
from aicomp.run import Run
from aicomp.streaming.files import is_streamed
from aicomp.task import Task
from aicomp.training.aims import choose_aim
from aicomp.training.augmentation import Augmentation, augmentation_of
from aicomp.training.checkpoint import save_spec
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.device import choose_device, reproducible
from aicomp.training.fit import EpochReport, FoldData, FoldResult, fit_fold
from aicomp.training.model_recipes import numbers_for
from aicomp.training.out_of_memory import memory_errors
from aicomp.training.precheck import check_learns, check_takes_monotone
from aicomp.training.share import ALONE, Share
from aicomp.training.streamed import fit_streamed
from aicomp.training.targets import TargetTransform
from aicomp.training.whole import fit_whole

MEMORY_HINT = "`--set workers=1` needs less, and so do fewer rows or a smaller model"


def run_fold(run: Run, project_folder: Path, k: int, report: Callable[[EpochReport], None]) -> None:
    """Encode, fit and save fold `k`; its `result.json` is written last.

    Args:
        run: A run whose `work/` is ready.
        project_folder: The user's project, for `file:object` names.
        k: Number of the fold.
        report: Called after each epoch.
    """
    folds = Folds(run, project_folder)
    with memory_errors(f"fold {k}", MEMORY_HINT):
        _run_fold(folds, project_folder, k, report)


def _run_fold(folds: "Folds", project_folder: Path, k: int, report: Callable[[EpochReport], None]) -> None:
    run = folds.run
    if folds.is_network and folds.config.training.shard:
        train_fold_together(run, project_folder, k, folds.config, report)
        return
    if folds.is_network and is_streamed(run):
        folds.train_streamed(k, report)
        return
    encoded = folds.encode(k)
    folds.save(k, encoded, folds.fit(k, encoded, report))


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
        self._pair = (project.competition.user or "", project.competition.item or "")
        self.found = resolve("model", self.config.model.name, ALL_MODELS, project_folder)
        check_learns(self.config.model.name, self.task, learns_strings=learns_strings(self.found))
        self.is_network = not is_estimator(self.found)
        check_takes_monotone(self.config.model, takes=takes_monotone(self.found))
        self.build = with_params(self.found, self.config.model.params)

    def seed(self, k: int) -> int:
        """Seed of fold `k`."""
        return self.config.seed + 1000 * k

    def encode(self, k: int) -> EncodedFold:
        """Fit the encoders of fold `k` and encode its rows."""
        fold = load_arrays(self.run.work / f"fold-{k}.safetensors")
        fold["train"] = draw_rows(fold["train"], self.config.split.train_rows, self.seed(k))
        numbers = numbers_of(self.found) if is_estimator(self.found) else numbers_for(self.config)
        if forecasts(self.found):
            return encode_series(self.run, fold, numbers)
        encoder = Encoder(self._columns(), numbers, keeps_texts=reads_texts(self.found), media=reads_media(self.found))
        data = _encode(self.run, fold, self.task, self.config, encoder, self.seed(k))
        data = replace(data, sides=self._sides(encoder, data.train))
        data = add_pseudo_rows(data, self.run, k, self.task, is_network=self.is_network)
        return EncodedFold(data, encoder, fold["valid"])

    def train_streamed(self, k: int, report: Callable[[EpochReport], None]) -> None:
        """Train fold `k` from disk, and save it."""
        if reads_media(self.found) or reads_texts(self.found):
            raise UsageError(
                f"model `{self.config.model.name}` reads texts or files, and tables are read in parts here",
                "take another model, such as `mlp`; or write `--set data.streaming=false` if they fit into memory",
            )
        fold = load_arrays(self.run.work / f"fold-{k}.safetensors")
        train = draw_rows(fold["train"], self.config.split.train_rows, self.seed(k))
        fold = {"train": np.sort(train), "valid": np.sort(fold["valid"])}  # as they lie on disk
        encoder = Encoder(self._columns(), numbers_for(self.config))
        found = encode_streamed(
            self.run,
            k,
            fold,
            encoder,
            lambda y: _averaged(y, self.task, self.config),
            load_arrays(self.run.work / "target.safetensors")["y"],
            seed=self.seed(k),
            monotone=self.config.model.monotone,
        )
        result = fit_streamed(
            found.fold,
            self.task,
            self.config,
            self.build,
            seed=self.seed(k),
            device=choose_device(self.config.device),
            report=report,
            checkpoints=self.checkpoints(str(k)),
        )
        result = replace(result, notes=[*found.notes, *result.notes])
        _save(self.run.fold(k), fold["valid"], result, found.encoder)
        self.checkpoints(str(k)).drop()
        remove_rows(self.run, k)

    def _sides(self, encoder: Encoder, train: Rows) -> Sides | None:
        """Which columns are about users and items; None where the contract names neither, or one is no feature."""
        names, (user, item) = encoder.cat_names, self._pair
        return find_sides(train, names.index(user), names.index(item)) if user in names and item in names else None

    def _columns(self) -> list[Column]:
        return columns_of(self.run)

    def fit(
        self, k: int, encoded: EncodedFold, report: Callable[[EpochReport], None], share: Share = ALONE
    ) -> FoldResult:
        """Train the model on fold `k`, or this process's share of a network."""
        if is_estimator(self.found):
            return fit_whole(
                encoded.data,
                self.task,
                self.config,
                self.build,
                seed=self.seed(k),
                report=report,
                checkpoints=self.checkpoints(str(k)),
            )
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
            checkpoints=self.checkpoints(str(k)),
        )

    def checkpoints(self, name: str) -> Checkpoints:
        """Where the state of what is being trained is kept, by the number of the fold or "stack"."""
        return Checkpoints(self.run.work / f"checkpoint-{name}.safetensors", self.config.training.checkpoint)

    def save(self, k: int, encoded: EncodedFold, result: FoldResult) -> None:
        """Write what came of fold `k`, and for the first one how augmentation changes its files."""
        augmentation = augmentation_of(result.settings)
        if k == 0 and augmentation is not None and encoded.data.train.media is not None:
            draw_augmentation(encoded.data.train.media, augmentation, self.run.folder / "augmentation.png")
        _save(self.run.fold(k), encoded.valid_rows, result, encoded.encoder)
        self.checkpoints(str(k)).drop()


def draw_augmentation(media: Media, augmentation: Augmentation, path: Path) -> None:
    """Draw some files beside what augmentation makes of them."""
    top = 255 if media.files.dtype == np.uint8 else 1

    def change(files: np.ndarray) -> np.ndarray:
        return augmentation(torch.from_numpy(files).float() / top).numpy() * top

    with reproducible(0, torch.device("cpu")):
        draw_contact_sheet(media, change, path)


def training_device(config: Mapping[str, Any]) -> str:
    """Kind of the device that a config's folds are trained on, such as "cpu"; trees and linear models take the CPU.

    Raises:
        UsageError: A device was asked for that this machine does not have.
    """
    return choose_device(config["device"]).type if takes_gpu(config["model"]["name"]) else "cpu"


def _encode(run: Run, fold: dict[str, np.ndarray], task: Task, config: Config, encoder: Encoder, seed: int) -> FoldData:
    files = {kind: Path(path) for kind, path in run.read("work/media.json").items() if kind == encoder.media}
    train, test = (with_files(_table(run, name), files) for name in ("train", "test"))
    clamps = clamps_of(config.features.clamp)
    y = load_arrays(run.work / "target.safetensors")["y"]
    targets = _averaged(y[fold["train"]], task, config)
    return FoldData(
        train=encoder.fit_transform(train, fold["train"], targets, seed),
        y=y[fold["train"]],
        valid=encoder.transform(clamped(train, clamps), fold["valid"]),
        valid_y=y[fold["valid"]],
        test=encoder.transform(clamped(test, clamps), np.arange(test.n_rows)),
        cardinalities=encoder.cardinalities,
        monotone=directions(encoder, config.model.monotone),
    )


def _table(run: Run, name: str) -> Table:
    return load_whole(run, name) if is_streamed(run) else Table.load(run.work / f"{name}.safetensors")


def _averaged(y: np.ndarray, task: Task, config: Config) -> TargetColumns:
    """What encodings average over the rows of a category: labels, or values in the unit in which they are learned."""
    if not task.is_classification and not task.is_string:
        y = TargetTransform.fit(y, choose_aim(config.training, task).target).transform(y)
    return TargetColumns.of(y, task)


def _save(folder: Path, valid_rows: np.ndarray, result: FoldResult, encoder: Encoder) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    encoder.save(folder)
    save_spec(folder, result.spec, result.transform)
    arrays = {"valid_rows": valid_rows, "valid": result.valid_pred, "test": result.test_pred}
    save_arrays(folder / "predictions.safetensors", arrays)
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
        "inputs": {
            "numbers": encoder.num_names,
            "categories": encoder.cat_names,
            "texts": encoder.text_names,
            "media": encoder.media_names,
        },
    }
    atomic_write(folder / "result.json", json.dumps(summary, indent=1) + "\n")
