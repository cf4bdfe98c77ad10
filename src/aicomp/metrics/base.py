"""The noun Metric."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Needs = Literal["label", "probability", "value", "string"]
ProblemType = Literal["binary", "multiclass", "regression", "multilabel", "multi-target", "string"]

ScoreFunction = Callable[..., float]
"""(y_true, y_pred) -> score; where the metric has `columns`, these are keyword arguments."""

Combine = Callable[[Sequence[str], Sequence[float]], str]
"""One prediction of a row from several of them, at least two, and the weight of each."""


@dataclass(frozen=True)
class Column:
    """A further column of the solution that a metric reads, such as the weight of each row.

    Attributes:
        name: Keyword argument of the function, and the column's name where nobody says another.
        kind: "number" (float64, (n,)), "string" (object, (n,)), or "flags": several columns of 0 and 1 (int64,
            (n, n_columns)).
        optional: Whether the metric is defined without it.
        is_unit: Whether rows of the same value are one unit, such as the rows of a query: a bootstrap draws these.
        about: What it holds, for people.
    """

    name: str
    kind: Literal["number", "string", "flags"]
    about: str
    optional: bool = False
    is_unit: bool = False


@dataclass(frozen=True)
class Metric:
    """A score and how to read it: its own unit, its direction, and what a model must hand it.

    Arrays that `fn(y_true, y_pred)` takes, with n rows:

    | needs | problem type | y_true | y_pred |
    |---|---|---|---|
    | label | binary, multiclass | class codes, (n,) int | class codes, (n,) int |
    | label | regression | whole numbers, (n,) int | whole numbers, (n,) int |
    | label | multilabel | 0 or 1, (n, n_labels) int | 0 or 1, (n, n_labels) int |
    | probability | binary | 0 or 1, (n,) int | probability of class 1, (n,) |
    | probability | multiclass | class codes, (n,) int | (n, n_classes), rows sum to 1 |
    | probability | multilabel | 0 or 1, (n, n_labels) | (n, n_labels) |
    | value | regression | (n,) float | (n,) float |
    | value | multi-target | (n, n_targets) float | (n, n_targets) float |
    | string | string | (n,) object | (n,) object |

    Class codes follow the order of the competition's `labels`. What stands between predictions and `y_pred`, such as a
    threshold, is the last step (`aicomp.last_step`); only built-in metrics have others than the plain one.

    Attributes:
        name: Name in `aicomp.toml` and on the command line.
        fn: The score, in its own unit; a direction is never hidden in its sign.
        greater_is_better: Direction.
        needs: What `y_pred` holds.
        problem_types: Problem types the metric is defined for.
        level: Of a metric of quantiles, between 0 and 1; it stands in the name as in "pinball@0.9". Of ranked lists,
            the number of items that count, as in "map@12".
        combine: Of a metric of strings, which have no mean: how several predictions of a row become one. None takes the
            one that is nearest to the others by characters (`aicomp.metrics.consensus`).
        package: Package that the score needs beside aicomp's own, None for none.
        columns: Further columns of the solution that the function reads, as keyword arguments; only `aicomp score`
            and a host's grader know them, so that such a metric can grade and not guide a training.
        parts: Names of the numbers that one prediction is made of, such as a lower and an upper bound: `y_pred` is
            (n, n_parts) beside targets of (n,). Such a metric only grades, too.
        graded_only: Why no training can follow the metric, where its columns and parts do not say it.
        is_mean: Whether the score is the mean of what each row alone scores, rows that alone have no score left out.
    """

    name: str
    fn: ScoreFunction
    greater_is_better: bool
    needs: Needs
    problem_types: frozenset[ProblemType]
    level: float | None = None
    combine: Combine | None = None
    package: str | None = None
    columns: tuple[Column, ...] = ()
    parts: tuple[str, ...] = ()
    graded_only: str = ""
    is_mean: bool = False

    @property
    def why_graded_only(self) -> str:
        """Why it can grade files and not guide a training; empty where it can do both."""
        needed = [column.name for column in self.columns if not column.optional]
        if needed:
            return f"it reads the column {' and '.join(f'`{name}`' for name in needed)} of the solution"
        if self.parts:
            return f"each prediction is made of {len(self.parts)} numbers ({', '.join(self.parts[:4])})"
        return self.graded_only

    @property
    def base_name(self) -> str:
        """The name without a level.

        >>> Metric("pinball@0.9", abs, False, "value", frozenset({"regression"}), 0.9).base_name
        'pinball'
        """
        return self.name.partition("@")[0]

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray, **columns: Any) -> float:
        """Score predictions; see the class for the arrays' shapes, and `Column` for those of `columns`.

        Raises:
            ValueError: The score is NaN or infinite: runs could not be compared by it, nor JSON hold it.
        """
        score = float(self.fn(y_true, y_pred, **columns))
        if not math.isfinite(score):
            raise ValueError(f"the score is {score}")
        return score

    def better(self, a: float, b: float) -> bool:
        """Whether score `a` is strictly better than score `b`."""
        return a > b if self.greater_is_better else a < b
