"""A run in the making whose predictions another framework makes: it is written when they are there."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from aicomp.errors import DataError, UsageError
from aicomp.project import Project
from aicomp.run import Run

if TYPE_CHECKING:
    from aicomp.dataset import Dataset
    from aicomp.folds import Folds


@dataclass(frozen=True)
class RunDraft:
    """What `Run.create` gives: the folds to train on, and where to put the predictions.

    Attributes:
        name: What to call the model.
        project: The project.
        params: The model's settings.
        began: When it was made, by the clock of `time.monotonic`, in seconds.
    """

    name: str
    project: Project
    params: dict[str, Any]
    began: float

    @cached_property
    def _dataset(self) -> "Dataset":
        from aicomp.dataset import load_dataset
        from aicomp.raw_data import check_manifest

        check_manifest(self.project.folder)
        return load_dataset(self.project)

    @cached_property
    def _choice(self) -> "tuple[str, str, Folds]":
        from aicomp.fold_choice import choose_folds

        return choose_folds(self.project, self._dataset)

    @property
    def folds(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Pairs of row numbers of train, to train on and to validate on: those of `aicomp train`."""
        return [(fold.train, fold.valid) for fold in self._choice[2].folds]

    def save(self, oof: object, test: object) -> Run:
        """Check the predictions, score them on the project's folds and write a Run that lists, submits and blends.

        Predictions are probabilities or values, in the shapes of docs/architecture.md: for two classes the probability
        of the second label (or a column for each), for more a column per label. Rows stand in the order of the files,
        or under their ids in any order: a DataFrame with the id columns, or a Series or DataFrame with the ids as
        index. An index that counts the rows from 0 stands for the rows of the files.

        Args:
            oof: Out-of-fold predictions of train, array, Series or DataFrame; rows that no fold validates may be NaN.
            test: Predictions of test. A list of arrays, Series or DataFrames, one per fold, are those of the model
                that was trained on that fold: their mean is taken, and `--pseudo` can learn from them.

        Raises:
            DataError: A shape, an id or a number is wrong; the message names which of the two, the row and the value.
            AicompError: The disk is full or the folder cannot be written.
        """
        from aicomp.provenance import describe
        from aicomp.recording.align import align_predictions
        from aicomp.recording.write import Predicted, write_run

        dataset, competition = self._dataset, self.project.competition
        splitter, reason, made = self._choice
        valid_rows = [fold.valid for fold in made.folds]
        validated = np.unique(np.concatenate(valid_rows))
        of_train = align_predictions("oof", oof, dataset.train_ids, len(dataset.y), competition, needed=validated)
        tests = _by_fold(test, len(valid_rows))
        of_test = [
            align_predictions("test", one, dataset.test_ids, len(dataset.test_ids), competition) for one in tests
        ]
        info = describe(self.project)
        info["config"]["model"] = {"name": self.name, "params": self.params}
        predicted = Predicted(
            y=dataset.y,
            train_ids=dataset.train_ids,
            test_ids=dataset.test_ids,
            valid_rows=valid_rows,
            valid=[of_train[rows] for rows in valid_rows],
            test=of_test if len(of_test) > 1 else of_test[0],
        )
        plan = {"splitter": splitter, "splitter_reason": reason, "notes": made.notes}
        # One script trains all folds: what each of them took is not known.
        seconds = (monotonic() - self.began) / len(valid_rows)
        results = [{"seconds": seconds}] * len(valid_rows)
        info |= {"kind": "saved", "test_by_fold": len(of_test) > 1}
        return write_run(self.project, info, predicted, results, plan)


def _by_fold(test: object, n_folds: int) -> list[object]:
    """Predictions of each fold's model, or those of all together.

    Raises:
        DataError: Not one per fold.
    """
    import pandas as pd

    if not isinstance(test, list | tuple) or not any(
        isinstance(t, np.ndarray | pd.Series | pd.DataFrame) for t in test
    ):
        return [test]
    if len(test) != n_folds:
        raise DataError(
            f"`test` is a list of {len(test)} predictions, but there are {n_folds} folds", "give one per fold"
        )
    return list(test)


def begin_run(
    name: str, project: "Project | Path | str", params: dict[str, Any], overrides: list[str] | None
) -> RunDraft:
    """Open the project and check what can be checked before hours of training; see `Run.create`."""
    import json

    if not name.strip() or not name.isprintable():
        raise UsageError(f"the name `{name!r}` is no name", 'write for example `Run.create("my-xgb")`')
    try:
        json.dumps(params, allow_nan=False)
    except (TypeError, ValueError) as e:
        raise UsageError(f"`params` cannot be written as JSON: {e}", "give numbers, strings, lists and dicts") from e
    opened = project if isinstance(project, Project) else Project.open(Path(project), overrides)
    opened.task  # noqa: B018 - a wrong metric is an error now, not after training
    return RunDraft(name, opened, params, monotonic())
