"""Models whose answer is known, as subjects of an explanation."""

import numpy as np

from aicomp.competition import Competition, Files
from aicomp.data.columns import Column
from aicomp.data.table import Table
from aicomp.explain.subject import Subject
from aicomp.last_step.steps import PLAIN
from aicomp.metrics import METRICS
from aicomp.task import Task


def competition(problem="regression", labels=()):
    return Competition(
        slug="known", title="Known", problem_type=problem, id=("id",), target=("y",), labels=labels, metric="mse",
        files=Files(train="train.csv", test="test.csv", sample_submission="sample_submission.csv"),
    )  # fmt: skip


def subject(function, numbers, y, *, codes=None, levels=None, n_folds=4, metric="mse", kinds=None, labels=()):
    """A subject whose folds all have the same model.

    Args:
        function: From a table to predictions.
        numbers: Columns of numbers.
        y: Targets.
        codes: Columns of codes.
        levels: Their levels.
        n_folds: Folds, each of which validates its share.
        metric: Name of the metric.
        kinds: Kinds of columns, where they are no numbers and no categories.
        labels: Of two classes.
    """
    codes, kinds = codes or {}, kinds or {}
    table = Table(len(y), numbers, codes, levels or {})
    columns = [Column(name, kinds.get(name, "number"), "") for name in numbers]
    columns += [Column(name, "category", "") for name in codes]
    problem = "binary" if labels else "regression"
    return Subject(
        competition=competition(problem, labels),
        task=Task(problem, labels, 1, METRICS[metric]),
        step=PLAIN,
        columns=tuple(columns),
        table=table,
        y=y,
        folds=tuple(np.arange(k, len(y), n_folds) for k in range(n_folds)),
        model=lambda k: function,
    )
