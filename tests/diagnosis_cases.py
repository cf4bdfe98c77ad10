"""Validated rows that tests make, without a run."""

import numpy as np
import pandas as pd

from aicomp.competition import Competition, SubmissionSchema
from aicomp.data.columns import Column
from aicomp.diagnosis.losses import row_losses
from aicomp.diagnosis.rows import Derived, Validated
from aicomp.metrics import get_metric
from aicomp.task import Task

NEEDS = {"binary": "probability", "multiclass": "probability", "multilabel": "probability", "string": "string"}


def validated(y, y_pred, metric, problem="binary", labels=("no", "yes"), table=None, **more):
    """Rows with columns of a table, whose kinds follow from their types."""
    table = pd.DataFrame(index=range(len(y))) if table is None else table
    names = more.pop("target", ("y",))
    labels = labels if problem in ("binary", "multiclass") else ()
    schema = SubmissionSchema(columns=("id", *names), wants=NEEDS.get(problem, "value"))
    competition = Competition(
        slug="made", title="Made", problem_type=problem, metric=metric, id=("id",), target=names, labels=labels,
        submission=schema,
    )  # fmt: skip
    task = Task(problem, labels, len(names), get_metric(metric))
    kinds = [
        Column(name, "number" if pd.api.types.is_numeric_dtype(table[name]) else "category", "made") for name in table
    ]
    derived = more.pop("derived", ())
    return Validated(
        competition=competition,
        task=task,
        rows=np.arange(len(y)),
        fold=np.arange(len(y)) % 5,
        y=y,
        y_pred=y_pred,
        final=task.final(y_pred),
        losses=row_losses(y, y_pred, task, competition),
        table=table,
        columns=tuple(kinds),
        ids=np.array([f"row-{i}" for i in range(len(y))], dtype=object),
        derived=tuple(Derived(*d) for d in derived),
        **more,
    )
