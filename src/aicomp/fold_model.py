"""A fold's model as its run saved it, and rows as that run reads them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.config import Config
from aicomp.data.clamps import clamped, clamps_of
from aicomp.data.columns import Column
from aicomp.data.table import Table
from aicomp.data.values import TimeFormat
from aicomp.files import reading
from aicomp.project import Project
from aicomp.run import Run

if TYPE_CHECKING:
    import torch
    from torch import nn

    from aicomp.data.rows import Rows
    from aicomp.training.losses import Objective


def run_project(project: Project, run: Run) -> Project:
    """The project with the config and the contract that the run was made with."""
    info = run.info
    competition = msgspec.convert(info["competition"], Competition)
    return Project(project.folder, msgspec.convert(info["config"], Config), competition)


def run_table(run: Run, features: pd.DataFrame) -> Table:
    """Rows typed as the run took their columns.

    Raises:
        DataError: A column is absent, or a value does not fit the kind of its column.
    """
    times = {name: msgspec.convert(t, TimeFormat) for name, t in run.read("reading.json")["times"].items()}
    return Table.build(features, run_columns(run), times)


class FoldModel:
    """The model of one fold, which predicts rows as its run did.

    Args:
        project: The project with the run's config, see `run_project`.
        run: A run that can predict, see `prediction.check_can_predict`.
        k: Number of the fold.
        is_clamped: Whether the columns of `features.clamp` are clamped, as they are wherever the run predicts.

    Attributes:
        encoder: What encodes rows for it.
        network: The model, if it is one.
        objective: What turns its outputs into predictions, if it is one.
        device: Where that lies.
    """

    def __init__(self, project: Project, run: Run, k: int, *, is_clamped: bool = True) -> None:
        from aicomp.data.encoding import Encoder

        self._project, self._run, self._k = project, run, k
        self._clamps = clamps_of(project.config.features.clamp) if is_clamped else []
        self.encoder = Encoder.load(run.fold(k), run_columns(run))
        self.network: nn.Module | None = None
        self.objective: Objective | None = None
        self.device: torch.device | None = None
        self._predict = self._load()

    def encode(self, table: Table, rows: np.ndarray) -> "Rows":
        """Rows of a table as the model takes them."""
        return self.encoder.transform(clamped(table, self._clamps), rows)

    def predict(self, table: Table, places: np.ndarray | None = None) -> np.ndarray:
        """Probabilities, or values in the target's unit, float64: (n,) or (n, n_columns).

        Args:
            table: The rows.
            places: Their series and steps, for a model that forecasts.
        """
        return self._predict(replace(self.encode(table, np.arange(table.n_rows)), places=places))

    def _load(self) -> Callable[["Rows"], np.ndarray]:
        from safetensors.torch import load_file

        from aicomp.models import ALL_MODELS, is_estimator, with_params
        from aicomp.registry import resolve
        from aicomp.training.checkpoint import load_spec
        from aicomp.training.whole import make_model, predict_whole

        project, folder = self._project, self._run.fold(self._k)
        found = resolve("model", project.config.model.name, ALL_MODELS, project.folder)
        build_model = with_params(found, project.config.model.params)
        with reading(folder / "weights.safetensors"):
            weights = load_file(folder / "weights.safetensors")
        spec, transform = load_spec(folder)
        if not is_estimator(found):
            return self._network(build_model, spec, weights, transform)
        estimator = make_model(build_model, spec, project.task)
        estimator.load_state_dict({name: tensor.numpy() for name, tensor in weights.items()})
        return lambda rows: predict_whole(estimator, project.task, transform, rows)

    def _network(self, build_model: Any, spec: Any, weights: Any, transform: Any) -> Callable[["Rows"], np.ndarray]:
        from aicomp.training.augmentation import augmentation_of
        from aicomp.training.device import choose_device, has_bfloat16, reproducible
        from aicomp.training.inference import predict

        config = self._project.config
        settings: dict[str, Any] = self._run.result(self._k)["settings"]
        augmentation = augmentation_of(settings)
        views = augmentation.views if augmentation is not None else ()
        # A machine that only predicts need not have the device that trained.
        device = choose_device("auto" if config.device != "cpu" else "cpu")
        with reproducible(config.seed, device):
            model = build_model(spec)
        model.load_state_dict(weights)
        objective = _objective(self._project, settings, transform)
        self.network, self.objective, self.device = model.to(device), objective, device
        amp = bool(settings["amp"]) and has_bfloat16(device)

        def predict_rows(rows: "Rows") -> np.ndarray:
            with reproducible(config.seed, device):
                return predict(model, objective, rows, device=device, amp=amp, views=views)

        return predict_rows


def run_columns(run: Run) -> list[Column]:
    """How the run took each column."""
    return [msgspec.convert(c, Column) for c in run.read("columns.json")]


def _objective(project: Project, settings: dict[str, Any], transform: Any) -> "Objective":
    from aicomp.training.losses import BinaryCrossEntropy, CrossEntropy, Regression

    problem = project.competition.problem_type
    if transform is not None:
        return Regression(settings["loss"], transform, is_flat=problem == "regression")
    return CrossEntropy() if problem == "multiclass" else BinaryCrossEntropy(is_flat=problem == "binary")
