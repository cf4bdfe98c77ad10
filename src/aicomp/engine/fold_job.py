"""Train one fold of a prepared run and save what came of it. Runs in a worker process or in the caller's."""

import json
from collections.abc import Callable
from pathlib import Path

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
from aicomp.models import MODELS, with_params
from aicomp.project import Project
from aicomp.registry import resolve
from aicomp.report.curves import write_curves_csv
from aicomp.run import Run
from aicomp.training.checkpoint import save_spec
from aicomp.training.device import choose_device
from aicomp.training.fit import EpochReport, FoldData, FoldResult, fit_fold


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
    build_model = resolve("model", config.model.name, MODELS, project_folder)
    fold = load_file(run.work / f"fold-{k}.safetensors")
    data, encoder = _encode(run, fold)
    result = fit_fold(
        data,
        project.task,
        config,
        with_params(build_model, config.model.params),
        seed=config.seed + 1000 * k,
        device=choose_device(config.device),
        report=report,
    )
    _save(run.fold(k), fold["valid"], result, encoder)


def _encode(run: Run, fold: dict[str, np.ndarray]) -> tuple[FoldData, Encoder]:
    columns = [msgspec.convert(c, Column) for c in run.read("columns.json")]
    train, test = Table.load(run.work / "train.safetensors"), Table.load(run.work / "test.safetensors")
    y = load_file(run.work / "target.safetensors")["y"]
    encoder = Encoder(columns).fit(train, fold["train"])
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
