"""The hidden solution: its rows, and which of them count for the public and for the private score."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aicomp.errors import DataError
from aicomp.grading import Roles, TextTable, read_text_table
from aicomp.grading.grade import true_array
from aicomp.grading.metric_columns import metric_arrays
from aicomp.metrics import Metric

USAGE_COLUMN = "Usage"
"""Column that says for each row which score it counts for."""

_USAGES = ("Public", "Private", "Ignored")


@dataclass(frozen=True)
class Solution:
    """The truth of one competition.

    Attributes:
        table: Ids and targets, without the column `Usage`.
        public: Which rows count for the public score, (n_rows,) bool.
        private: Which rows count for the private score, (n_rows,) bool; the public ones if there are no others.
    """

    table: TextTable
    public: np.ndarray
    private: np.ndarray

    def part(self, counts: np.ndarray) -> TextTable:
        """The rows that count, (n_rows,) bool."""
        return take_rows(self.table, np.flatnonzero(counts))


def take_rows(table: TextTable, rows: np.ndarray) -> TextTable:
    """Some rows of a table, (n,) int64, which still know their lines."""
    lines = table.lines[rows] if table.lines is not None else rows + 2
    return TextTable(table.frame.iloc[rows].reset_index(drop=True), table.name, lines, table.delimiter)


def read_solution_table(path: Path, encoding: str = "utf-8") -> tuple[TextTable, list[str] | None]:
    """Read a solution, and its column `Usage` if it has one.

    Returns:
        The table without `Usage`, and the usage of each row; None without such a column.

    Raises:
        DataError: The file cannot be read, or a usage is none of Public, Private and Ignored.
    """
    table = read_text_table(path, encoding=encoding)
    if USAGE_COLUMN not in table.frame.columns:
        return table, None
    table.need_values(USAGE_COLUMN)
    usage = table.frame[USAGE_COLUMN].str.strip()
    table.refuse(~usage.isin(_USAGES).to_numpy(), USAGE_COLUMN, "which is no usage", f"write {', '.join(_USAGES)}")
    rest = TextTable(table.frame.drop(columns=USAGE_COLUMN), table.name, table.lines, table.delimiter)
    return rest, list(usage)


def read_solution(path: Path, slug: str, roles: Roles, public_share: float, encoding: str = "utf-8") -> Solution:
    """Read a solution and split its rows.

    Raises:
        DataError: The file cannot be read, ids are missing or twice, or no row would be public.
    """
    table, usage = read_solution_table(path, encoding)
    table.need_columns([*roles.id, *roles.target])
    if roles.id:
        table.ids(roles.id)
    if usage is None:
        public = deal_public(table, slug, roles, public_share)
        private = ~public
    else:
        public = np.array([u == "Public" for u in usage])
        private = np.array([u == "Private" for u in usage])
        if not public.any():
            raise DataError(f"`{path.name}`: no row is `Public`", f"write `Public` in some rows of `{USAGE_COLUMN}`")
    return Solution(table, public, private if private.any() else public)


def check_solution(
    path: Path, slug: str, roles: Roles, public_share: float, encoding: str = "utf-8", metric: Metric | None = None
) -> None:
    """Refuse a solution that no submission could be graded against.

    Raises:
        DataError: As `read_solution`, or a row that counts holds no label or number, or none that the metric reads
            beside the target.
        UsageError: Nothing says which column it is that the metric reads.
    """
    solution = read_solution(path, slug, roles, public_share, encoding)
    counts = solution.part(solution.public | solution.private)
    true_array(counts, roles)
    if metric is not None:
        metric_arrays(counts, roles, metric)


def deal_public(table: TextTable, slug: str, roles: Roles, public_share: float) -> np.ndarray:
    """Say which rows are public: the same for the same solution, wherever and whenever it is asked.

    Rows stand in the order of a SHA-256 of slug, id and the whole solution; without the latter, anybody could compute
    which rows are public. The first `public_share` of each class are public, so that a metric that needs every class
    finds them in both parts.

    Returns:
        (n_rows,) bool.

    Raises:
        DataError: A class label is missing.
    """
    names = list(table.frame[list(roles.id)].astype(str).agg("\x1f".join, axis=1)) if roles.id else range(len(table))
    content = table.frame[sorted(map(str, table.frame.columns))].to_csv(index=False, lineterminator="\n")
    key = hashlib.sha256(content.encode()).hexdigest()
    order = {i: hashlib.sha256(f"{slug}\x1f{key}\x1f{name}".encode()).digest() for i, name in enumerate(names)}
    strata: dict[str, list[int]] = {}
    for i, stratum in enumerate(_strata(table, roles)):
        strata.setdefault(stratum, []).append(i)
    public = np.zeros(len(table), dtype=bool)
    for rows in strata.values():
        public[sorted(rows, key=order.__getitem__)[: round(public_share * len(rows))]] = True
    if not public.any():
        public[min(order, key=order.__getitem__)] = True
    return public


def _strata(table: TextTable, roles: Roles) -> list[str]:
    if roles.labels and len(roles.target) == 1:
        table.need_values(roles.target[0])
        return list(table.frame[roles.target[0]])
    return [""] * len(table)
