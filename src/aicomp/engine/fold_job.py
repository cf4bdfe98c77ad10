"""Train one fold of a prepared run and save what came of it. Runs in a worker process or in the caller's."""

import json
from collections.abc import Callable, Mapping
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
from aicomp.files import atomic_write, partial_file
from aicomp.models import ALL_MODELS, ESTIMATORS, is_estimator, with_params
from aicomp.models.estimator import Numbers, numbers_of
from aicomp.project import Project
from aicomp.registry import resolve
from aicomp.report.curves import write_curves_csv
from aicomp.run import Run
from aicomp.training.checkpoint import save_spec
from aicomp.training.device import choose_device
from aicomp.training.fit import EpochReport, FoldData, FoldResult, fit_fold
from aicomp.training.whole import fit_whole


def run_fold(run: Run, project_folder: Path, k: int, report: Callable[[EpochReport], None]) -> None:
    """Encode, fit and save fold `k`; its `result.json` is written last.

    Args:
        run: A run whose `work/` is ready.
        project_folder: The user's project, for `file:object` names.
        k: Number of the fold.
        report: Called after each epoch.
    """
    info = run.info
    config = msgspec.convert(info["config"], Config)
    project = Project(project_folder, config, msgspec.convert(info["competition"], Competition))
    found = resolve("model", config.model.name, ALL_MODELS, project_folder)
    build = with_params(found, config.model.params)
    fold = load_file(run.work / f"fold-{k}.safetensors")
    seed = config.seed + 1000 * k
    if is_estimator(found):
        data, encoder = _encode(run, fold, numbers=numbers_of(found))
        result = fit_whole(data, project.task, config, build, seed=seed, report=report)
    else:
        data, encoder = _encode(run, fold, numbers="normal")
        device = choose_device(config.device)
        result = fit_fold(data, project.task, config, build, seed=seed, device=device, report=report)
    _save(run.fold(k), fold["valid"], result, encoder)


def training_device(config: Mapping[str, Any]) -> str:
    """Kind of the device that a config's folds are trained on, such as "cpu"; models that are no networks take the CPU.

    Raises:
        UsageError: A device was asked for that this machine does not have.
    """
    return "cpu" if config["model"]["name"] in ESTIMATORS else choose_device(config["device"]).type


def _encode(run: Run, fold: dict[str, np.ndarray], numbers: Numbers) -> tuple[FoldData, Encoder]:
    columns = [msgspec.convert(c, Column) for c in run.read("columns.json")]
    train, test = Table.load(run.work / "train.safetensors"), Table.load(run.work / "test.safetensors")
    y = load_file(run.work / "target.safetensors")["y"]
    encoder = Encoder(columns, numbers).fit(train, fold["train"])
    parts = [
        encoder.transform(train, fold["train"]),
        encoder.transform(train, fold["valid"]),
        encoder.transform(test, np.arange(test.n_rows)),
    ]
    data = FoldData(
        x_num=parts[0].x_num,
        x_cat=parts[0].x_cat,
        y=y[fold["train"]],
        valid_x_num=parts[1].x_num,
        valid_x_cat=parts[1].x_cat,
        valid_y=y[fold["valid"]],
        test_x_num=parts[2].x_num,
        test_x_cat=parts[2].x_cat,
        cardinalities=encoder.cardinalities,
    )
    return data, encoder


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
        "inputs": {"numbers": encoder.num_names, "categories": encoder.cat_names},
    }
    atomic_write(folder / "result.json", json.dumps(summary, indent=1) + "\n")
