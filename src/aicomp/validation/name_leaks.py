"""What should say nothing and may tell the target: the order of rows, ids, names of files and their sizes."""

import re

import numpy as np
import pandas as pd

from aicomp.validation.files import file_columns, paths_of, sizes
from aicomp.validation.finding import Finding, Outcome, Severity
from aicomp.validation.name_parts import named_parts
from aicomp.validation.quick_model import drawn
from aicomp.validation.single import Explained, bins_of, explained, target_matrix
from aicomp.validation.subject import Subject

_MOST_ROWS = 50_000
_BEYOND_NOISE = 6.0
"""Standard errors: as many sources are tried and rows may hang together, two would not do."""
_A_LITTLE, _MUCH, _ALL = 0.01, 0.1, 0.9
_WHOLE = re.compile(r"\d{1,15}")


def check_names(subject: Subject) -> Outcome:
    """Ask of row order, ids and files how much of the target they tell, and whether test has it too."""
    rows = drawn(subject.n_train, _MOST_ROWS)
    notes = [f"names: {len(rows):,} of {subject.n_train:,} rows of train"] if len(rows) < subject.n_train else []
    targets = target_matrix(subject.y[rows], subject.task.problem_type)
    if targets is None:
        return Outcome([Finding("names", "ok", "Names were not looked at", "The targets are strings.")])
    findings = [*_of_order(subject, rows, targets)]
    test_rows = drawn(subject.n_test, _MOST_ROWS)
    for title, (train, test) in named_parts(subject, rows, test_rows).items():
        for codes, carried, how in _readings(train, test):
            findings += _told(title + how, explained(codes, targets), carried, "names")
    for column in file_columns(subject):
        train, test = (
            sizes(paths_of(subject, column.name, table, chosen))
            for table, chosen in ((subject.train, rows), (subject.test, test_rows))
        )
        told = explained(bins_of(train), targets)
        title = f"size of the files in `{column.name}`"
        findings += _told(title, told, _within(train, test), "file-size", is_natural=True)
    if not findings:
        evidence = "Row order, ids, and names and sizes of files tell nothing of the target on rows not learned from."
        findings = [Finding("names", "ok", "Ids and order say nothing", evidence)]
    return Outcome(findings, notes=notes)


def _readings(train: np.ndarray, test: np.ndarray) -> list[tuple[np.ndarray, float, str]]:
    """A part of names as levels, where they repeat, and as a number: codes, share of test that is alike, and how."""
    found = []
    codes, levels = pd.factorize(train)
    if len(levels) <= len(train) / 2:
        known = set(levels)
        found.append((codes.astype(np.int64), float(np.mean([value in known for value in test] or [False])), ""))
    if all(map(_WHOLE.fullmatch, train)) and all(map(_WHOLE.fullmatch, test)):
        numbers = train.astype(np.float64)
        if len(levels) > len(train) / 2 or len(levels) > 64:
            found.append((bins_of(numbers), _within(numbers, test.astype(np.float64)), " as a number"))
    return found


def _within(train: np.ndarray, test: np.ndarray) -> float:
    """Share of test within the range of train."""
    if np.isnan(train).all():
        return 0.0
    return float(np.mean((test >= np.nanmin(train)) & (test <= np.nanmax(train)))) if len(test) else 0.0


def _told(title: str, told: Explained, carried: float, name: str, *, is_natural: bool = False) -> list[Finding]:
    """A finding, if a source tells the target beyond noise.

    Args:
        title: The source.
        told: What it tells.
        carried: Share of test that has the same levels, or lies in the same range.
        name: Of the finding.
        is_natural: Whether it may well be a property of what the file shows.
    """
    if told.z < _BEYOND_NOISE or told.share < _A_LITTLE:
        return []
    goes_on = carried >= 0.5
    severity: Severity = "low"
    if goes_on and not is_natural:
        severity = "high" if told.share >= _ALL else "medium" if told.share >= _MUCH else "low"
    elif is_natural and told.share >= _ALL:
        severity = "medium"
    where = (
        f"{carried:.0%} of test is of the same kind" if goes_on else f"only {carried:.0%} of test is of the same kind"
    )
    evidence = (
        f"The {title} tells {told.share:.1%} of the target's variation on rows not learned from, {told.z:.0f} standard "
        f"errors from nothing; {where}."
    )
    advice = ""
    if severity in ("medium", "high"):
        advice = (
            "It is no feature as long as `features.py` does not make one of it. If rows of one source have names "
            "alike, keep them together: `--set split.group=COLUMN`. If it is a leak, the rules say if it may be used."
        )
    numbers = {"share": told.share, "z": told.z, "test_alike": carried}
    return [Finding(name, severity, f"The {title} tells the target", evidence, advice, numbers)]


def _of_order(subject: Subject, rows: np.ndarray, targets: np.ndarray) -> list[Finding]:
    told = explained(bins_of(rows.astype(np.float64)), targets)
    if told.z < _BEYOND_NOISE or told.share < _A_LITTLE:
        return []
    by = _sorted_by(subject)
    evidence = (
        f"The place of a row in train tells {told.share:.1%} of the target's variation on rows not learned from, "
        f"{told.z:.0f} standard errors from nothing."
    )
    if by:
        evidence += f" The rows are sorted by `{by}`, which is trained on anyway."
    severity: Severity = "medium" if told.share >= _MUCH and not by else "low"
    advice = ""
    if severity == "medium":
        advice = (
            "Make no feature of the row number, and shuffle rows before folds are cut, as the built-in splitters do. "
            "If rows that follow each other belong together, keep them together: `--set split.group=COLUMN`."
        )
    numbers = {"share": told.share, "z": told.z}
    return [Finding("row-order", severity, "The order of the rows tells the target", evidence, advice, numbers)]


def _sorted_by(subject: Subject) -> str:
    """A column by which train is sorted or lies in blocks, "" if there is none."""
    for name, values in {**subject.train.numbers, **subject.train.codes}.items():
        n_levels = len(np.unique(values[~np.isnan(values)])) if values.dtype.kind == "f" else len(np.unique(values))
        changes = int((values[1:] != values[:-1]).sum())
        if n_levels >= 2 and changes <= 2 * n_levels and n_levels <= len(values) / 4:
            return name
        if values.dtype.kind == "f" and n_levels > 20 and np.mean(np.diff(values) >= 0) > 0.99:
            return name
    return ""
