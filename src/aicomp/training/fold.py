"""What goes into the training of a fold, what is told meanwhile, and what comes out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from aicomp.data.rows import Rows
from aicomp.models.sides import Sides
from aicomp.models.spec import ModelSpec, SeriesSpec
from aicomp.training.targets import TargetTransform


@dataclass(frozen=True)
class FoldData:
    """The rows of one fold, encoded. Shapes of targets: see docs/architecture.md.

    Attributes:
        train: Training rows.
        y: Their targets.
        valid: Validation rows.
        valid_y: Their targets.
        test: Test rows.
        cardinalities: Number of distinct codes of each categorical column.
        sides: Which columns are about the user and which about the item, if rows are such pairs.
        series: Of a model that forecasts: the series, and all rows of train with their targets, from which it predicts
            test; None for others.
        monotone: See `ModelSpec.monotone`.
    """

    train: Rows
    y: np.ndarray
    valid: Rows
    valid_y: np.ndarray
    test: Rows
    cardinalities: tuple[int, ...]
    sides: Sides | None = None
    series: "SeriesData | None" = None
    monotone: tuple[int, ...] = ()


@dataclass(frozen=True)
class SeriesData:
    """What a model that forecasts gets beside the rows of its fold.

    Attributes:
        spec: The series.
        known: All rows of train: what is known when test is predicted.
        known_y: Their targets.
    """

    spec: SeriesSpec
    known: Rows
    known_y: np.ndarray


@dataclass(frozen=True)
class EpochReport:
    """One epoch has ended.

    Attributes:
        epoch: Epochs done, from 1.
        n_epochs: Most epochs that this fold will take.
        score: Validation score of this epoch, in the metric's unit; NaN where a model cannot say yet, as are the next
            two.
        best_score: Best validation score so far.
        train_loss: Mean training loss of this epoch.
        seconds: Since training began.
        unit: What epochs are to this model: "epochs", or "rounds" of trees.
        note: What was done in another way than asked for since the last report, "" for nothing.
    """

    epoch: int
    n_epochs: int
    score: float
    best_score: float
    train_loss: float
    seconds: float
    unit: str = "epochs"
    note: str = ""


@dataclass(frozen=True)
class FoldResult:
    """What came of a fold.

    Attributes:
        valid_pred: Predictions for the validation rows, in the target's unit; shapes as in
            docs/architecture.md.
        test_pred: Predictions for the test rows.
        history: A row per epoch: epoch, train_loss, valid_loss, score, learning_rate, seconds (since training
            began).
        state_dict: Weights that made the predictions, on the CPU.
        best_epoch: Epoch that they come from, from 1.
        n_epochs: Epochs that were trained.
        seconds: Training and prediction.
        settings: The recipe, without an "auto".
        spec: What the model was told about the data.
        transform: From a regression target's unit to the network's, None for classes.
        notes: Sentences about what happened.
    """

    valid_pred: np.ndarray
    test_pred: np.ndarray
    history: list[dict[str, float]]
    state_dict: dict[str, Tensor]
    best_epoch: int
    n_epochs: int
    seconds: float
    settings: dict[str, Any]
    spec: ModelSpec
    transform: TargetTransform | None
    notes: list[str] = field(default_factory=list)
