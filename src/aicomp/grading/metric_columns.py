"""Further columns of a solution that a metric reads beside the targets: weights, groups, series."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from aicomp.errors import UsageError
from aicomp.grading.roles import Roles
from aicomp.grading.text_table import TextTable
from aicomp.metrics.base import Column, Metric
from aicomp.suggest import unknown_name


def find_metric_columns(
    solution: TextTable, metric: Metric, asked: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Which columns of the solution are what the metric reads.

    Args:
        solution: The truth.
        metric: What scores.
        asked: Columns by the metric's names of them, as a person said.

    Returns:
        The metric's names, and the columns of each. One that the metric can do without is left out if it is absent.

    Raises:
        UsageError: The metric reads no such column, or one that it needs is not there.
    """
    known = {column.name: column for column in metric.columns}
    for name in asked:
        if not known:
            raise UsageError(f"metric `{metric.name}` reads no further column, and `{name}` is one", "leave it out")
        if name not in known:
            raise unknown_name(f"column of metric `{metric.name}`:", name, list(known))
    found = []
    for name, column in known.items():
        columns = tuple(asked.get(name, (name,)))
        if name not in asked and name not in solution.frame.columns:
            if column.optional:
                continue
            there = ", ".join(map(str, solution.frame.columns))
            raise UsageError(
                f"metric `{metric.name}` reads the column `{name}` ({column.about}), and `{solution.name}` has none of "
                f"that name, but {there}",
                f"name it: `--column {name}=COLUMN`",
            )
        if len(columns) != 1 and column.kind != "flags":
            raise UsageError(
                f"metric `{metric.name}` reads one column `{name}`, and {len(columns)} are named: {', '.join(columns)}",
                f"write `--column {name}=COLUMN`",
            )
        solution.need_columns(columns)
        found.append((name, columns))
    return tuple(found)


def metric_arrays(solution: TextTable, roles: Roles, metric: Metric) -> dict[str, np.ndarray]:
    """The further columns as arrays, by the metric's names, in the order of the solution.

    Raises:
        UsageError: The roles lack one that the metric needs.
        DataError: A field is blank, no number, or of a flag neither 0 nor 1, with its line.
    """
    named = dict(roles.columns)
    arrays = {}
    for column in metric.columns:
        if column.name in named:
            arrays[column.name] = _array(solution, column, named[column.name])
        elif not column.optional:
            raise UsageError(
                f"metric `{metric.name}` reads the column `{column.name}` ({column.about}), and nothing says "
                "which it is",
                f'write `metric_columns = {{ {column.name} = ["COLUMN"] }}` into competition.toml',
            )
    return arrays


def units(arrays: Mapping[str, Any], metric: Metric) -> np.ndarray | None:
    """Which rows are one unit of a bootstrap, as codes from 0, (n,); None where each row is its own."""
    name = next((c.name for c in metric.columns if c.is_unit and c.name in arrays), None)
    return None if name is None else np.asarray(pd.factorize(arrays[name])[0], dtype=np.int64)


def _array(solution: TextTable, column: Column, names: tuple[str, ...]) -> np.ndarray:
    solution.need_columns(names)
    if column.kind == "number":
        return solution.numbers(names[0])
    if column.kind == "string":
        solution.need_values(names[0])
        return solution.strings(names[0])
    values = np.column_stack([solution.numbers(name) for name in names])
    for k, name in enumerate(names):
        solution.refuse((values[:, k] != 0) & (values[:, k] != 1), name, "but a flag is 0 or 1", "write 0 or 1")
    return values.astype(np.int64)
