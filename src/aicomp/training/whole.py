"""Fit a model that learns a fold as a whole, and predict with it: what `fit.py` and `inference.py` do for networks."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from math import nan
from typing import Any, cast

import numpy as np
import torch

from aicomp.config import Config
from aicomp.data.rows import Rows
from aicomp.errors import AicompError, UsageError
from aicomp.model_names import takes_gpu
from aicomp.models.estimator import Estimator, Forecaster, Goal, LossName, PerColumn, Round
from aicomp.models.spec import ModelSpec, media_input
from aicomp.task import Task
from aicomp.training.aims import Aim, Asked, choose_aim
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.device import choose_device
from aicomp.training.fold import EpochReport, FoldData, FoldResult
from aicomp.training.precheck import check_sections
from aicomp.training.targets import TargetTransform

Build = Callable[[ModelSpec], Estimator]


def fit_whole(
    data: FoldData,
    task: Task,
    config: Config,
    build: Build,
    *,
    seed: int,
    report: Callable[[EpochReport], None] = lambda epoch: None,
    checkpoints: Checkpoints | None = None,
) -> FoldResult:
    """Fit an estimator on a fold and predict its validation and test rows.

    Args:
        data: The fold; numbers as the estimator wants them.
        task: What is learned and how it is scored.
        config: The project's config.
        build: Makes an estimator.
        seed: Of everything random.
        report: Called with each round that the estimator tells of.
        checkpoints: Where an estimator may keep its state, and take it from if it was killed; None keeps nothing.

    Raises:
        UsageError: The config contradicts itself, the task or the model; a package is missing.
        DataError: A target that the loss cannot take.
        AicompError: The model tells of no round.
    """
    check_sections(config)
    aim = choose_aim(config.training, task)
    is_value = not task.is_classification and not task.is_string
    transform = _transform(data, aim) if is_value else None
    device = choose_device(config.device).type if takes_gpu(config.model.name) else "cpu"
    n_listed = int(task.metric.level or 0) if task.is_string else 0
    course = _Course(task, data.valid_y, transform, report)
    loss = _loss_name(aim.loss, task)
    goal = Goal(
        loss,
        _n_classes(task),
        seed,
        torch.get_num_threads(),
        aim.quantile,
        device,
        n_listed,
        replace(checkpoints or Checkpoints(), companion=course),
    )
    n_text = 0 if data.train.texts is None else data.train.texts.shape[1]
    media = None if data.train.media is None else media_input(data.train.media)
    n_num, n_outputs = data.train.x_num.shape[1], task.n_outputs
    series = None if data.series is None else data.series.spec
    spec = ModelSpec(
        n_num, tuple(data.cardinalities), n_outputs, n_text=n_text, media=media, sides=data.sides, series=series,
        monotone=data.monotone,
    )  # fmt: skip
    model = make_model(build, spec, task)
    y, valid_y = (_targets(values, task, transform) for values in (data.y, data.valid_y))
    kept = model.fit(data.train, y, data.valid, valid_y, goal, course.tell)
    valid_pred = predict_whole(model, task, transform, data.valid)
    course.end(valid_pred, config.model.name)
    if data.series is not None:
        known_y = _targets(data.series.known_y, task, transform)
        cast(Forecaster, model).extend(data.series.known, known_y, goal, course.tell)
    return FoldResult(
        valid_pred=valid_pred,
        test_pred=predict_whole(model, task, transform, data.test),
        history=course.history,
        state_dict={name: torch.from_numpy(array) for name, array in model.state_dict().items()},
        best_epoch=kept,
        n_epochs=course.last.done if course.last else kept,
        seconds=course.seconds,
        settings={**asdict(aim), "threads": goal.threads, "params": config.model.params},
        spec=spec,
        transform=transform,
        notes=list(getattr(model, "notes", [])),
    )


def make_model(build: Build, spec: ModelSpec, task: Task) -> Estimator | PerColumn:
    """One estimator, or one for each label or target."""
    if task.problem_type in ("multilabel", "multi-target"):
        return PerColumn([build(spec) for _ in range(task.n_targets)])
    return build(spec)


def predict_whole(
    model: Estimator | PerColumn, task: Task, transform: TargetTransform | None, rows: Rows
) -> np.ndarray:
    """Predict encoded rows: probabilities or values in the target's unit, float64, or strings, object.

    Raises:
        AicompError: A model of strings predicts something else.
    """
    if not len(rows) and task.is_string:
        return np.empty(0, dtype=object)
    if not len(rows):
        shape = (0,) if task.problem_type in ("binary", "regression") else (0, task.n_outputs)
        return np.empty(shape)
    return _in_own_unit(model.predict(rows), task, transform)


def _in_own_unit(predictions: np.ndarray, task: Task, transform: TargetTransform | None) -> np.ndarray:
    if task.is_string:
        return _checked_strings(predictions)
    predictions = np.ascontiguousarray(predictions, dtype=np.float64)
    if transform is None:
        return predictions
    values = transform.inverse(torch.from_numpy(predictions.reshape(len(predictions), -1))).numpy()
    return np.asarray(values[:, 0] if task.problem_type == "regression" else values)


def _checked_strings(predictions: np.ndarray) -> np.ndarray:
    found = np.asarray(predictions, dtype=object)
    if found.ndim != 1 or not all(isinstance(value, str) for value in found):
        raise AicompError(
            f"the model predicts {found.dtype} of shape {found.shape} that is not all strings",
            "let `predict` return an array of strings, object (n,)",
        )
    return found


def _targets(y: np.ndarray, task: Task, transform: TargetTransform | None) -> np.ndarray:
    if task.is_string:
        return y
    if transform is None:
        return y.astype(np.int64)
    z = transform.transform(y)
    return z[:, 0] if task.problem_type == "regression" else z


def _transform(data: FoldData, aim: Aim) -> TargetTransform:
    """A forecaster scales each series by itself: it gets targets as they are, or their logarithms."""
    if data.series is None:
        return TargetTransform.fit(data.y, _kind(aim))
    if aim.target not in ("auto", "standard", "log1p"):
        raise UsageError(
            f"`training.target` is `{aim.target}`, which no model of series learns",
            'write `--set training.target="standard"` or "log1p"',
        )
    return TargetTransform.unscaled(data.y, "log1p" if aim.target == "log1p" else "standard")


def _kind(aim: Aim) -> Asked:
    """Trees find a long tail by themselves; under squares, the mean of a power turned back would cost them more."""
    return "standard" if aim.target == "auto" and aim.loss == "mse" else aim.target


def _loss_name(loss: str, task: Task) -> LossName:
    if task.is_classification:
        return "multiclass" if task.problem_type == "multiclass" else "binary"
    return loss  # type: ignore[return-value]


def _n_classes(task: Task) -> int:
    return task.n_outputs if task.problem_type == "multiclass" else 1


class _Course:
    """Turns rounds into a history and reports.

    Args:
        task: How predictions are scored.
        valid_y: Targets of the validation rows.
        transform: From the estimator's unit back.
        report: Whom to tell.
    """

    def __init__(
        self, task: Task, valid_y: np.ndarray, transform: TargetTransform | None, report: Callable[[EpochReport], None]
    ) -> None:
        self._task, self._valid_y, self._transform, self._report = task, valid_y, transform, report
        self._started = time.perf_counter()
        self._best: float | None = None
        self.history: list[dict[str, float]] = []
        self.last: Round | None = None

    @property
    def seconds(self) -> float:
        """Since the fit began."""
        return time.perf_counter() - self._started

    def tell(self, step: Round) -> None:
        """A round has ended."""
        if step.valid_pred is None:
            best = nan if self._best is None else self._best
            self._report(EpochReport(step.done, step.total, best, best, nan, self.seconds, "rounds"))
            return
        valid_y = self._valid_y if step.valid_rows is None else self._valid_y[step.valid_rows]
        score = self._task.score(valid_y, _in_own_unit(step.valid_pred, self._task, self._transform))
        if self._best is None or self._task.metric.better(score, self._best):
            self._best = score
        self.last = step
        row = {"epoch": step.done, "train_loss": float(step.train_loss), "valid_loss": float(step.valid_loss)}
        self.history.append({**row, "score": score, "learning_rate": 0.0, "seconds": self.seconds})
        self._report(EpochReport(step.done, step.total, score, self._best, row["train_loss"], self.seconds, "rounds"))

    def state(self) -> dict[str, Any]:
        """What was told so far, for a checkpoint."""
        last = None if self.last is None else asdict(replace(self.last, valid_pred=None, valid_rows=None))
        return {"history": list(self.history), "best": self._best, "last": last, "seconds": self.seconds}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Forget what was told after a checkpoint: it is told again."""
        self.history, self._best = state["history"], state["best"]
        self.last = None if state["last"] is None else Round(**state["last"])
        self._started = time.perf_counter() - state["seconds"]

    def end(self, valid_pred: np.ndarray, name: str) -> None:
        """The fit has ended; the last report has the score of the predictions that are kept.

        Raises:
            AicompError: Nothing was ever told.
        """
        if self.last is None:
            raise AicompError(f"model `{name}` told of no round", "call `watch` at least once in its `fit`")
        score, step = self._task.score(self._valid_y, valid_pred), self.last
        self._report(EpochReport(step.done, step.total, score, score, float(step.train_loss), self.seconds, "rounds"))
