"""Pseudo-labels: test rows that are trained on as if they had the labels that another run predicts for them.

Lee, "Pseudo-Label: The simple and efficient semi-supervised learning method for deep neural networks", ICML 2013
workshop. Fold `k` takes its labels from the source's model of the same fold, which has seen none of the rows that fold
`k` validates: the scores stay honest. Encoders are fitted on training rows alone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aicomp.config import Auto, PseudoConfig
from aicomp.data.arrays import save_arrays
from aicomp.ensemble.fold_tests import fold_test, has_fold_tests
from aicomp.ensemble.members import folds_difference, folds_hash, read_folds
from aicomp.errors import UsageError
from aicomp.files import reading
from aicomp.folds import draw_rows
from aicomp.project import Project
from aicomp.raw_data import data_hash
from aicomp.run import Run, find_run
from aicomp.task import Task

if TYPE_CHECKING:
    import pandas as pd

    from aicomp.layout import Layout
    from aicomp.training.fold import FoldData

_CONTRACT = ("problem_type", "id", "target", "labels")
"""What a label means, and which row it belongs to."""


@dataclass(frozen=True)
class Source:
    """The run that labels test rows.

    Attributes:
        run: It is done and has test predictions of each fold's own model.
        digest: SHA-256 of these and of the folds.
        config: How its predictions become labels.
        seed: Of the rows that are drawn where there are more than wanted.
        train_rows: `[split] train_rows`.
    """

    run: Run
    digest: str
    config: PseudoConfig
    seed: int
    train_rows: int | Auto

    @classmethod
    def of(cls, project: Project) -> "Source | None":
        """The source that a project's config names, None if it names none.

        Raises:
            UsageError: The targets are strings, there is no such run, or it was made on other data or for another
                contract, or what it predicts of test is not by fold, or is no label.
        """
        config = project.config.pseudo
        if not config.run:
            return None
        if project.task.is_string:
            raise UsageError(
                "pseudo-labels are probabilities or values, and the targets of this competition are strings",
                "leave out `--pseudo` and `run` under [pseudo]",
            )
        _check_config(config)
        run = find_run(project.runs, config.run)
        _check_source(project, run)
        return cls(run, _digest(run), config, project.config.seed, project.config.split.train_rows)

    def described(self, info: dict[str, Any]) -> dict[str, Any]:
        """`run.json` of a run that learns from it: what labelled its rows is part of its fingerprint."""
        fingerprint = hashlib.sha256(f"{info['fingerprint']} {self.digest}".encode()).hexdigest()
        config = {**info["config"], "pseudo": {**info["config"]["pseudo"], "run": self.run.id}}
        about = {"run": self.run.id, "predictions_hash": self.digest}
        return {**info, "config": config, "fingerprint": fingerprint, "pseudo": about}

    def label(self, layout: "Layout", task: Task) -> "tuple[Layout, list[dict[str, np.ndarray]]]":
        """Choose test rows for each fold of a layout.

        Returns:
            The layout, whose notes say so, and by fold "rows", numbers of test rows, and "predictions" for them.

        Raises:
            UsageError: The source has other folds or other test rows.
        """
        folds = layout.made.folds
        self._check_rows([fold.valid for fold in folds], _columns(layout.dataset.test_ids))
        labels = []
        for k, fold in enumerate(folds):
            predictions = fold_test(self.run, k).astype(np.float64)
            random = np.random.default_rng([self.seed, k])
            rows = choose_rows(
                predictions, task, self.config, len(draw_rows(fold.train, self.train_rows, self.seed)), random
            )
            labels.append({"rows": rows, "predictions": predictions[rows]})
        counts = sorted({len(of_fold["rows"]) for of_fold in labels})
        note = (
            f"{' to '.join(map(str, dict.fromkeys([counts[0], counts[-1]])))} test rows are trained on in each fold, "
            f"labelled by run {self.run.id} ({self.run.info['config']['model']['name']}) without the rows that the "
            "fold validates"
        )
        return replace(layout, made=replace(layout.made, notes=[*layout.made.notes, note])), labels

    def _check_rows(self, folds: Sequence[np.ndarray], test_ids: dict[str, Any]) -> None:
        found = read_folds(self.run)
        if folds_hash(found) != folds_hash(folds):
            raise UsageError(
                f"run `{self.run.id}` has other folds than this one: {folds_difference(found, folds)}",
                "its labels would know of rows that are validated here: train it again with the same `[split]`",
            )
        if self.run.ids("test").frame().to_dict(orient="list") != test_ids:
            raise UsageError(f"run `{self.run.id}` predicts other test rows than this project has", "train it again")


def choose_rows(
    predictions: np.ndarray, task: Task, config: PseudoConfig, n_train: int, random: np.random.Generator
) -> np.ndarray:
    """Numbers of the test rows that are trained on, int64 (n,), ascending.

    Args:
        predictions: Of test by a fold's model: probabilities or values.
        task: What is learned.
        config: How many rows, and how sure their labels must be.
        n_train: Training rows of the fold.
        random: Draws rows where there are more than wanted.
    """
    rows = np.arange(len(predictions))
    if task.is_classification and config.confidence:
        rows = rows[_confidence(predictions, task) >= config.confidence]
    n_most = round(config.share * n_train)
    return np.sort(random.choice(rows, n_most, replace=False)) if len(rows) > n_most else rows


def write_labels(run: Run, labels: Sequence[dict[str, np.ndarray]]) -> None:
    """Keep what `Source.label` gave, for the processes that train the folds."""
    for k, of_fold in enumerate(labels):
        save_arrays(_path(run, k), of_fold)


def add_pseudo_rows(data: "FoldData", run: Run, k: int, task: Task, *, is_network: bool) -> "FoldData":
    """Append the test rows that were labelled for fold `k` to its training rows; as they are if none were.

    Networks learn the probabilities themselves; other models take a class or 0 and 1, so the likelier one.
    """
    from safetensors.numpy import load_file

    path = _path(run, k)
    if not path.is_file():
        return data
    with reading(path):
        pseudo = load_file(path)
    rows, targets = pseudo["rows"], pseudo["predictions"]
    y = data.y
    if task.is_classification and is_network:
        y = np.eye(task.n_outputs)[y.astype(np.int64)] if task.problem_type == "multiclass" else y.astype(np.float64)
    elif task.is_classification:
        targets = task.decide(targets).astype(y.dtype)
    return replace(
        data,
        train=data.train.followed_by(data.test.take(rows)),
        y=np.concatenate([y, targets]),
    )


def _columns(ids: "pd.DataFrame") -> dict[str, list[str]]:
    return {str(name): list(ids[name]) for name in ids}


def _path(run: Run, k: int) -> Path:
    return run.work / f"pseudo-{k}.safetensors"


def _confidence(predictions: np.ndarray, task: Task) -> np.ndarray:
    """Probability of the likeliest label, of several labels the least sure one, (n,)."""
    if task.problem_type == "multiclass":
        return np.asarray(predictions.max(axis=1))
    sure = np.maximum(predictions, 1 - predictions).reshape(len(predictions), -1)
    return np.asarray(sure.min(axis=1))


def _digest(run: Run) -> str:
    digest = hashlib.sha256(folds_hash(read_folds(run)).encode())
    for k in range(len(run.scores["folds"])):
        digest.update(np.ascontiguousarray(fold_test(run, k), dtype="<f8").tobytes())
    return digest.hexdigest()


def _check_config(config: PseudoConfig) -> None:
    if not config.share > 0:
        raise UsageError(f"`pseudo.share` is {config.share}, but it must be above 0", "leave it out for 1")
    if not 0 <= config.confidence < 1:
        raise UsageError(f"`pseudo.confidence` is {config.confidence}, but it must be from 0 up and below 1")


def _check_source(project: Project, run: Run) -> None:
    info, name = run.info, f"run `{run.id}`"
    if info.get("data_hash") != data_hash(project.folder):
        raise UsageError(f"{name} was trained on other data than `{project.raw}` holds", "train it again")
    for key in _CONTRACT:
        theirs, ours = info["competition"].get(key), getattr(project.competition, key)
        if (theirs if isinstance(theirs, str) else tuple(theirs or ())) != ours:
            raise UsageError(f"{name} was made for another contract: its `{key}` is {theirs}", "train it again")
    if info.get("blend", {}).get("method") == "rank":
        raise UsageError(f"{name} is a blend of ranks, which are no labels", "blend with `--method mean`")
    if not has_fold_tests(run):
        raise UsageError(
            f"{name} has no test predictions by fold: those of all folds together know the rows that are validated",
            'blend runs that were trained by `aicomp train`, once more if the blend is old; a script saves "test" as '
            "a list with the predictions of each fold's model",
        )
