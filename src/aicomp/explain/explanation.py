"""Explanations of validated rows, each by the model of the fold that did not train on it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from aicomp.data.columns import Column
from aicomp.data.table import Table
from aicomp.errors import UsageError
from aicomp.explain.attribution import Method
from aicomp.explain.choice import Choice, choose_rows
from aicomp.explain.columns import SECONDS, ColumnsExplained, explain_columns
from aicomp.explain.grad_cam import grad_cam, last_convolution
from aicomp.explain.occlusion import Part, occlude
from aicomp.explain.pictures import Picture, make_picture
from aicomp.explain.subject import check_explainable
from aicomp.explain.wording import explained_output, log_odds, prediction_in_words, truth_in_words
from aicomp.fold_model import FoldModel, run_project, run_table
from aicomp.layout import Layout
from aicomp.media import with_files
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
        texts: Its texts, where the model takes texts.
        pictures: Its images or sounds, where the model reads them.
    """

    row: int
    id: str
    fold: int
    truth: str
    predicted: str
    of: str
    loss: float
    is_worst: bool
    texts: tuple[Text, ...] = ()
    pictures: tuple[Picture, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON; of pictures their names and where the places that matter lie."""
        pictures = [{"name": p.name, "centre": p.centre} for p in self.pictures]
        return {**asdict(self), "pictures": pictures}


@dataclass(frozen=True)
class RunExplained:
    """What a run's models see in its columns and in single rows.

    Attributes:
        rows: Validated rows: the worst ones, and right ones.
        columns: What the columns are to the models; None where there is one column alone, of texts or files.
    """

    rows: list[Explanation]
    columns: ColumnsExplained | None


def explain_run(
    project: Project, run: Run, *, n_rows: int, method: Method = "shapley", seconds: float | None = SECONDS
) -> RunExplained:
    """Explain a run's columns, and some of the rows that it validated.

    Args:
        project: The project.
        run: A run of `aicomp train` that is done.
        n_rows: How many rows: one half those with the largest loss.
        method: How predictions are taken apart into columns, see `Attributor`.
        seconds: About how long columns may take, see `explain_columns`; None takes all rows.

    Raises:
        UsageError: The run has no models, data or code have changed since, or its models do something else than
            predict labels and values from columns.
        DataError: A file is damaged.
    """
    if run.kind != "train":
        raise UsageError(
            f"run `{run.id}` is of kind `{run.kind}` and has no models of its own", "name one of `aicomp runs` that has"
        )
    check_can_predict(project, run)
    if data_hash(project.folder) != run.info["data_hash"]:
        raise UsageError(
            f"the files in `data/raw/` are not those of run `{run.id}`",
            "`aicomp train` makes a run with them as they are",
        )
    asked, project = project, run_project(project, run)
    check_explainable(project)
    layout = Layout.of(project)
    folds = [run.predictions(k) for k in range(len(run.scores["folds"]))]
    chosen = choose_rows(layout.dataset.y, folds, project.task, n_rows)
    columns = None
    if has_columns(layout.columns):
        columns = explain_columns(asked, run, layout, chosen, method=method, seconds=seconds)
    found: dict[int, Explanation] = {}
    for k in sorted({choice.fold for choice in chosen}):  # one model in memory at a time
        explainer = _Explainer(project, run, layout, FoldModel(project, run, k))
        found |= {choice.row: explainer.explain(choice) for choice in chosen if choice.fold == k}
    return RunExplained([found[choice.row] for choice in chosen], columns)


def has_columns(columns: Sequence[Column]) -> bool:
    """Whether there is more to compare than one column of texts or files."""
    kinds = [column.kind for column in columns if column.kind != "drop"]
    return len(kinds) > 1 or not {*kinds} <= {"text", "image", "audio"}


def explained_run(run: Run) -> Run:
    """The run itself, or the member of a blend that weighs most: a blend has no models."""
    while run.kind == "blend":
        members = run.info["blend"]["members"]
        run = Run(run.folder.parent / max(members, key=lambda member: abs(float(member["weight"])))["run"])
    return run


class _Explainer:
    """Explains rows by the model of one fold.

    Args:
        project: The project with the run's config.
        run: The run.
        layout: The project's data.
        model: The fold's model.
    """

    def __init__(self, project: Project, run: Run, layout: Layout, model: FoldModel) -> None:
        self._project, self._run, self._dataset, self._model = project, run, layout.dataset, model
        self._table = with_files(layout.tables[0], {kind: f.path for kind, f in layout.decoded.files.items()})
        self._names = {kind: [c.name for c in layout.columns if c.kind == kind] for kind in ("text", "image", "audio")}

    def explain(self, choice: Choice) -> Explanation:
        """What moved the prediction of one row."""
        competition, ids = self._project.competition, self._dataset.train_ids
        output, name = explained_output(competition, choice.prediction)
        reads_files = self._model.encode(self._table, np.array([choice.row])).media is not None
        return Explanation(
            row=choice.row,
            id=", ".join(str(value) for value in ids.iloc[choice.row]) if ids.shape[1] else str(choice.row),
            fold=choice.fold,
            truth=truth_in_words(competition, self._dataset.y[choice.row]),
            predicted=prediction_in_words(competition, choice.prediction),
            of=name,
            loss=choice.loss,
            is_worst=choice.is_worst,
            texts=() if reads_files else self._texts(choice.row, output),
            pictures=self._pictures(choice.row, output) if reads_files else (),
        )

    def _texts(self, number: int, output: int | None) -> tuple[Text, ...]:
        row = self._dataset.train.iloc[[number]].reset_index(drop=True)

        def predict(table: pd.DataFrame) -> np.ndarray:
            values = self._model.predict(run_table(self._run, table))
            values = values if output is None else values[:, output]
            return log_odds(values) if self._project.task.is_classification else values

        return tuple(Text(column, tuple(occlude(row, column, predict))) for column in self._names["text"])

    def _pictures(self, number: int, output: int | None) -> tuple[Picture, ...]:
        network, device = self._model.network, self._model.device
        layer = None if network is None else last_convolution(network)
        if network is None or device is None or layer is None:
            raise UsageError(
                f"`{self._project.config.model.name}` has no convolution, whose places could be shown",
                "explain a run of a network that has one",
            )
        row = self._model.encode(self._table, np.array([number]))
        assert row.media is not None
        heat = grad_cam(network, layer, row, output or 0, device)
        names = self._files(self._table, number)
        files = row.media.files[row.media.index[0]]
        return tuple(make_picture(*each) for each in zip(names, files, heat, strict=True))

    def _files(self, table: Table, number: int) -> list[str]:
        """Names of a row's files, in the order in which the model gets them."""
        found = []
        for name in [*self._names["image"], *self._names["audio"]]:
            code = int(table.codes[name][number])
            found.append(table.levels[name][code] if code >= 0 else f"{name}: none")
        return found
