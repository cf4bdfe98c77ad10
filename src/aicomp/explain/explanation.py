"""Explanations of validated rows, each by the model of the fold that did not train on it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from aicomp.dataset import Dataset, load_dataset
from aicomp.errors import UsageError
from aicomp.explain.choice import Choice, choose_rows
from aicomp.explain.occlusion import Part, occlude
from aicomp.fold_model import FoldModel, run_project, run_table
from aicomp.prediction import check_can_predict
from aicomp.project import Project
from aicomp.raw_data import data_hash
from aicomp.run import Run


@dataclass(frozen=True)
class Text:
    """A column of text of one row, and its parts."""

    column: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Explanation:
    """A row and what moved its prediction.

    Attributes:
        row: Its number in train, from 0.
        id: Its id, or its number where train has none.
        fold: The fold whose model is explained.
        truth: Its target, as in the file.
        predicted: Label with its probability, or value, as people read it.
        of: What an attribution is a part of, such as "log-odds of “spam”".
        loss: See `Choice`.
        is_worst: See `Choice`.
        texts: Its texts.
    """

    row: int
    id: str
    fold: int
    truth: str
    predicted: str
    of: str
    loss: float
    is_worst: bool
    texts: tuple[Text, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def explain_run(project: Project, run: Run, *, n_rows: int) -> list[Explanation]:
    """Explain some validated rows of a run.

    Args:
        project: The project.
        run: A run of `aicomp train` that is done.
        n_rows: How many rows: one half those with the largest loss.

    Raises:
        UsageError: The run has no models, data or code have changed since, or no column is one of text.
        DataError: A file is damaged.
    """
    if run.kind != "train":
        raise UsageError(
            f"run `{run.id}` is of kind `{run.kind}` and has no models of its own",
            "name one of its members: aicomp runs",
        )
    check_can_predict(project, run)
    if data_hash(project.folder) != run.info["data_hash"]:
        raise UsageError(
            f"the files in `data/raw/` are not those of run `{run.id}`",
            "`aicomp train` makes a run with them as they are",
        )
    if project.task.is_string:
        raise UsageError(
            f"run `{run.id}` predicts strings, which have no part that could be counted",
            "explain a run of another task",
        )
    columns = [c["name"] for c in run.read("columns.json") if c["kind"] == "text"]
    if not columns:
        raise UsageError(f"run `{run.id}` took no column as text", "nothing else is explained yet")
    project = run_project(project, run)
    dataset = load_dataset(project)
    folds = [run.predictions(k) for k in range(len(run.scores["folds"]))]
    chosen = choose_rows(dataset.y, folds, project.task, n_rows)
    found: dict[int, Explanation] = {}
    for k in sorted({choice.fold for choice in chosen}):  # one model in memory at a time
        explainer = _Explainer(project, run, dataset, columns, FoldModel(project, run, k))
        found |= {choice.row: explainer.explain(choice) for choice in chosen if choice.fold == k}
    return [found[choice.row] for choice in chosen]


def explained_run(run: Run) -> Run:
    """The run itself, or the member of a blend that weighs most: a blend has no models."""
    while run.kind == "blend":
        members = run.info["blend"]["members"]
        run = Run(run.folder.parent / max(members, key=lambda member: abs(float(member["weight"])))["run"])
    return run


@dataclass(frozen=True)
class _Explainer:
    """Explains rows by the model of one fold."""

    project: Project
    run: Run
    dataset: Dataset
    columns: list[str]
    model: FoldModel

    def explain(self, choice: Choice) -> Explanation:
        """What moved the prediction of one row."""
        row = self.dataset.train.iloc[[choice.row]].reset_index(drop=True)
        output, name = _output(self.project, choice.prediction)

        def predict(table: pd.DataFrame) -> np.ndarray:
            values = self.model.predict(run_table(self.run, table))
            values = values if output is None else values[:, output]
            return _log_odds(values) if self.project.task.is_classification else values

        ids = self.dataset.train_ids
        return Explanation(
            row=choice.row,
            id=", ".join(str(value) for value in ids.iloc[choice.row]) if ids.shape[1] else str(choice.row),
            fold=choice.fold,
            truth=_truth(self.project, self.dataset.y[choice.row]),
            predicted=_predicted(self.project, choice.prediction),
            of=name,
            loss=choice.loss,
            is_worst=choice.is_worst,
            texts=tuple(Text(column, tuple(occlude(row, column, predict))) for column in self.columns),
        )


def _output(project: Project, prediction: np.ndarray) -> tuple[int | None, str]:
    """Which output is explained, None where there is one; and its name."""
    competition = project.competition
    if competition.problem_type == "binary":
        return None, f"log-odds of “{competition.labels[1]}”"
    if competition.problem_type == "multiclass":
        likeliest = int(prediction.argmax())
        return likeliest, f"log-odds of “{competition.labels[likeliest]}”"
    if prediction.ndim == 0:
        return None, f"“{competition.target[0]}”"
    largest = int(prediction.argmax()) if competition.problem_type == "multilabel" else 0
    return largest, ("log-odds of " if competition.problem_type == "multilabel" else "") + competition.target[largest]


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Of sure predictions too, where a probability hardly changes whatever is taken away."""
    p = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(p / (1 - p)))


def _truth(project: Project, y: np.ndarray) -> str:
    competition = project.competition
    if competition.labels:
        return competition.labels[int(y)]
    if np.ndim(y) == 0:
        return f"{float(y):g}"
    if competition.problem_type == "multilabel":
        return ", ".join(c for c, value in zip(competition.target, y, strict=True) if value) or "none"
    return ", ".join(f"{c} {value:g}" for c, value in zip(competition.target, y, strict=True))


def _predicted(project: Project, prediction: np.ndarray) -> str:
    competition = project.competition
    if competition.problem_type == "binary":
        label = competition.labels[int(prediction > 0.5)]
        return f"{label} ({float(prediction if prediction > 0.5 else 1 - prediction):.1%})"
    if competition.problem_type == "multiclass":
        return f"{competition.labels[int(prediction.argmax())]} ({float(prediction.max()):.1%})"
    if prediction.ndim == 0:
        return f"{float(prediction):.6g}"
    if competition.problem_type == "multilabel":
        return (
            ", ".join(f"{c} {p:.0%}" for c, p in zip(competition.target, prediction, strict=True) if p > 0.5) or "none"
        )
    return ", ".join(f"{c} {p:.6g}" for c, p in zip(competition.target, prediction, strict=True))
