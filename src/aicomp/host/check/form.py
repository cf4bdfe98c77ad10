"""Whether the files of a hosted folder fit together, and whether its sample submission can be graded."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from aicomp.errors import DataError
from aicomp.grading import TextTable, grade, match_ids
from aicomp.grading.grade import predicted_array
from aicomp.host.check.material import Material
from aicomp.host.check.problem import Problem, Severity

FEW_ROWS = 20
"""A part of the solution with fewer rows scores by luck."""

N_SHUFFLES = 20
GOOD_SHARE = 0.5
SUSPICIOUS_SHARE = 0.1


def check_form(m: Material) -> Iterator[Problem]:
    """What does not fit together."""
    yield from _missing_tables(m)
    yield from _parts(m)
    yield from _labels(m)
    yield from _sample(m)


def _missing_tables(m: Material) -> Iterator[Problem]:
    roles = m.competition.roles
    if m.train is None:
        yield Problem("warning", "there is no table `train`", "", "add `train.csv`, or describe the data in words")
    elif missing := [c for c in roles.target if c not in m.train.columns]:
        evidence = f"its columns: {', '.join(map(str, m.train.columns[:20]))}"
        hint = "name the target in train as in the solution"
        yield Problem("warning", f"train has no target column `{missing[0]}`", evidence, hint)
    if m.test is None:
        yield Problem("warning", "there is no table `test`", "", "add `test.csv` with the ids to predict")
    elif m.test_fault is not None:
        evidence, hint = m.test_fault.message, m.test_fault.hint
        yield Problem("error", "the ids of test and of the solution differ", evidence, hint)


def _parts(m: Material) -> Iterator[Problem]:
    public, private = m.solution.public, m.solution.private
    if (public == private).all():
        hint = "mark rows `Private` in the column `Usage`, or lower `public_share`"
        yield Problem("warning", "the private score counts the same rows as the public one", "", hint)
    for name, rows in (("public", public), ("private", private)):
        if rows.sum() < FEW_ROWS:
            evidence = f"{rows.sum()} of {len(rows)} rows are {name}"
            yield Problem("warning", f"the {name} score counts few rows", evidence, "hold more rows back for it")


def _labels(m: Material) -> Iterator[Problem]:
    roles = m.competition.roles
    if not roles.labels or len(roles.target) != 1 or m.train is None or roles.target[0] not in m.train.columns:
        return
    known = set(m.train[roles.target[0]].dropna())
    if unseen := sorted(set(m.solution.table.frame[roles.target[0]].dropna()) - known):
        evidence = f"for example `{unseen[0]}`, {len(unseen)} in all"
        yield Problem("warning", "the solution holds labels that train has not", evidence, "correct their spelling")


def _sample(m: Material) -> Iterator[Problem]:
    roles, metric = m.competition.roles, m.competition.metric
    try:
        rows = match_ids(m.solution.table, m.sample, roles.id)
    except DataError as e:
        yield Problem("error", "the ids of the sample submission and of the solution differ", e.message, e.hint)
        return
    try:
        truth = _truth(m)
        predicted_array(m.sample, roles, metric)
        parts = (m.solution.public | m.solution.private, m.solution.public, m.solution.private)
        for counts in parts:
            _score(m, truth, np.flatnonzero(counts), np.flatnonzero(counts))
            score = _score(m, m.sample, np.flatnonzero(counts), np.flatnonzero(counts[rows]))
    except DataError as e:
        yield Problem("error", "the sample submission cannot be graded", e.message, e.hint)
        return
    every = np.arange(len(m.solution.table))
    best, score = (_score(m, table, every, np.arange(len(table))) for table in (truth, m.sample))
    yield from _good_sample(m, score, best)


def _good_sample(m: Material, score: float, best: float) -> Iterator[Problem]:
    """Whether the sample tells which rows have which target: mixed among the rows, it would score worse."""
    columns = list(m.competition.roles.predictions)
    every, rng = np.arange(len(m.sample)), np.random.default_rng(0)
    if (m.sample.frame[columns] == m.sample.frame[columns].iloc[0]).all(axis=None):
        return
    mixed = []
    for _ in range(N_SHUFFLES):
        values = m.sample.frame[columns].iloc[rng.permutation(every)].to_numpy()
        frame = m.sample.frame.assign(**{column: values[:, k] for k, column in enumerate(columns)})
        mixed.append(_score(m, replace(m.sample, frame=frame), every, every))
    luck, better = float(np.mean(mixed)), m.competition.metric.better
    if best == luck or not all(better(score, one) for one in mixed):
        return
    share = (score - luck) / (best - luck)
    if share >= SUSPICIOUS_SHARE:
        evidence = f"it scores {score:.5g}, with its rows mixed {luck:.5g}; the truth scores {best:.5g}"
        hint = "write one constant into all rows of the sample submission"
        severity: Severity = "error" if share >= GOOD_SHARE else "warning"
        yield Problem(severity, "the sample submission tells of the targets", evidence, hint)


def _score(m: Material, table: TextTable, rows: np.ndarray, own_rows: np.ndarray) -> float:
    """Score of a table on some rows of the solution, which are `own_rows` of its own."""
    c = m.competition
    return grade(_part(m.solution.table, rows), _part(table, own_rows), c.metric, c.roles)


def _part(table: TextTable, rows: np.ndarray) -> TextTable:
    lines = None if table.lines is None else table.lines[rows]
    return TextTable(table.frame.iloc[rows].reset_index(drop=True), table.name, lines, table.delimiter)


def _truth(m: Material) -> TextTable:
    """The solution as a submission, which scores best."""
    roles, metric, truth = m.competition.roles, m.competition.metric, m.solution.table
    frame = truth.frame[list(roles.id)].copy()
    if metric.needs == "label" and roles.labels:
        values = [np.array(roles.labels, dtype=object)[m.y]]
    elif roles.labels:
        codes = range(len(roles.labels))
        wanted = codes if len(roles.predictions) == len(codes) else codes[-1:]
        values = [(m.y == code).astype(int).astype(str) for code in wanted]
    else:
        values = [truth.frame[column].to_numpy() for column in roles.target]
    for column, value in zip(roles.predictions, values, strict=True):
        frame[column] = value
    return TextTable(frame, truth.name, truth.lines, truth.delimiter)
