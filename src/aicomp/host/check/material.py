"""What the checks look at: the tables of a hosted folder, read once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.data.reading import read_pair, read_table
from aicomp.errors import DataError
from aicomp.grading import TextTable, match_ids, read_text_table
from aicomp.grading.grade import true_array
from aicomp.host.folder import HostedCompetition, find_table, load_hosted
from aicomp.host.solution import Solution, read_solution


@dataclass(frozen=True)
class Material:
    """The tables of a hosted folder.

    Attributes:
        competition: Its settings and roles.
        solution: The truth and the rows that are public.
        y: Targets as the metric takes them, by row of the solution; see `aicomp.grading.grade.true_array`.
        sample: The sample submission.
        train: None if there is no table of it.
        test: None if there is no table of it.
        test_rows: Row of the solution of each row of `test`, (n_rows,) int64; None where ids do not fit or there are
            none.
        test_fault: Why `test_rows` is None, None if it need not be said.
    """

    competition: HostedCompetition
    solution: Solution
    y: np.ndarray
    sample: TextTable
    train: pd.DataFrame | None
    test: pd.DataFrame | None
    test_rows: np.ndarray | None
    test_fault: DataError | None

    @classmethod
    def read(cls, folder: Path) -> "Material":
        """Read all tables.

        Raises:
            UsageError: A setting is wrong.
            DataError: A table is absent or wrong.
        """
        c = load_hosted(folder)
        solution = read_solution(c.solution, c.slug, c.roles, c.public_share, c.encoding)
        y = true_array(solution.table, c.roles)
        sample = read_text_table(folder / c.sample_submission, encoding=c.encoding)
        train, test = _tables(c)
        rows, fault = _test_rows(c, solution, test)
        return cls(c, solution, y, sample, train, test, rows, fault)

    def strings(self, column: str) -> "pd.Series[str]":
        """A column of the solution as the strings of its file, in the order of test."""
        assert self.test_rows is not None
        return self.solution.table.frame[column].iloc[self.test_rows].reset_index(drop=True)

    @property
    def features(self) -> list[str]:
        """Columns of test that are neither an id nor a target."""
        roles = self.competition.roles
        return [] if self.test is None else [c for c in self.test.columns if c not in (*roles.id, *roles.target)]


def _tables(c: HostedCompetition) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Train and test, with ids and labels as strings, and the rest typed alike in both."""
    train, test = find_table(c.folder, "train"), find_table(c.folder, "test")
    strings = [*c.roles.id, *(c.roles.target if c.roles.labels else ())]
    if train is not None and test is not None:
        return read_pair(train, test, strings=strings, encoding=c.encoding)
    one = [None if path is None else read_table(path, strings=strings, encoding=c.encoding) for path in (train, test)]
    return one[0], one[1]


def _test_rows(
    c: HostedCompetition, solution: Solution, test: pd.DataFrame | None
) -> tuple[np.ndarray | None, DataError | None]:
    path = find_table(c.folder, "test")
    if test is None or path is None:
        return None, None
    if not c.roles.id:
        fits = len(test) == len(solution.table)
        return (np.arange(len(test)), None) if fits else (None, DataError(f"`{path.name}` has {len(test)} rows"))
    try:
        return match_ids(solution.table, read_text_table(path, encoding=c.encoding), c.roles.id), None
    except DataError as e:
        return None, e
