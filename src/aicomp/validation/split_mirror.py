"""Which splitter mirrors the hidden test: later times, new groups, shares of classes; beside the one in use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aicomp.validation.finding import Finding, Outcome, Severity
from aicomp.validation.name_parts import named_parts
from aicomp.validation.order import BEHIND, later, time_columns
from aicomp.validation.quick_model import drawn
from aicomp.validation.subject import Subject

_MOSTLY = 0.7
_FEWEST_LEVELS = 5
_MOST_ROWS = 100_000
_SEEN, _EXPECTED = 0.05, 0.5
"""Below which share of rows with a known level levels count as new, and what chance must expect for that to say
something."""


def check_split(subject: Subject) -> Outcome:
    """Compare what lies between train and test with what lies between a fold's training and validation rows."""
    if subject.is_series:
        return Outcome([_of_series(subject)])
    times = [f for name in time_columns(subject) if (f := _of_time(subject, name)) is not None]
    is_later = any(finding.severity == "high" for finding in times)
    groups = _of_groups(subject, is_later=is_later)
    findings = [*times, *groups, *_of_unknown_groups(subject), *_of_classes(subject)]
    doubts = [finding for finding in findings if finding.severity != "ok"]
    if doubts:
        return Outcome(doubts)
    evidence = " ".join(finding.evidence for finding in findings) or (
        "No column shows that test is later than train or holds other groups, and the same is true of validation rows."
    )
    return Outcome([Finding("splitter", "ok", f"`{subject.splitter}` mirrors the test", evidence)])


def _of_series(subject: Subject) -> Finding:
    if subject.splitter == "rolling-origin":
        evidence = (
            "Series are forecast, and each fold validates windows as long as test behind all that it learns from."
        )
        return Finding("splitter", "ok", "`rolling-origin` mirrors the test", evidence)
    evidence = f"Series are forecast, and `{subject.splitter}` lets a fold learn from what comes after its rows."
    return Finding(
        "splitter-time",
        "high",
        f"`{subject.splitter}` does not mirror the test",
        evidence,
        "`aicomp train --set split.splitter=rolling-origin`",
    )


def _of_time(subject: Subject, name: str) -> Finding | None:
    train, test = subject.train.numbers[name], subject.test.numbers[name]
    of_test = later(train, test)
    of_folds = float(np.mean([later(train[f.train], train[f.valid]) for f in subject.folds]))
    numbers = {"test_later": of_test, "folds_later": of_folds}
    evidence = (
        f"By `{name}`, a row of test is later than one of train in {of_test:.0%} of pairs, and a validation row later "
        f"than a training row of its fold in {of_folds:.0%}."
    )
    forward = f'`aicomp train --set split.splitter=time-series --set split.time="{name}"`'
    if of_test >= BEHIND and of_folds < 0.9:
        title = f"Test is later than train by `{name}`, and the folds are not"
        return Finding("splitter-time", "high", title, evidence, forward, numbers, (name,))
    if of_test >= BEHIND:
        return Finding("splitter-time", "ok", "Folds go forward in time as test does", evidence, "", numbers, (name,))
    if of_test >= _MOSTLY and of_folds < of_test - 0.2:
        title = f"Test is mostly later than train by `{name}`, and the folds are not"
        return Finding("splitter-time", "medium", title, evidence, f"Compare with {forward}.", numbers, (name,))
    if abs(of_test - 0.5) < 0.1 and of_folds >= 0.9:
        title = f"Folds go forward in `{name}`, and test does not"
        advice = "Rows of test lie among those of train: `aicomp train --set split.splitter=stratified` or `kfold`."
        return Finding("splitter-time", "medium", title, evidence, advice, numbers, (name,))
    return None


@dataclass(frozen=True)
class _Levels:
    """A candidate for groups: codes of its levels in train and in test, and its name for people and in the config."""

    title: str
    column: str
    train: np.ndarray
    test: np.ndarray


def _of_groups(subject: Subject, *, is_later: bool) -> list[Finding]:
    findings = []
    rows, test_rows = drawn(subject.n_train, _MOST_ROWS), drawn(subject.n_test, _MOST_ROWS)
    folds = [(np.isin(rows, fold.train), np.isin(rows, fold.valid)) for fold in subject.folds]
    for levels in _candidates(subject, rows, test_rows):
        counts = np.bincount(np.concatenate([levels.train, levels.test]) + 1)[1:]
        if (counts > 0).sum() < _FEWEST_LEVELS or counts.sum() < 2 * (counts > 0).sum():
            continue
        share = len(levels.train) / (len(levels.train) + len(levels.test))
        seen, expected = _seen(levels.train, levels.test), _chance(levels.test, counts, share)
        in_folds = float(np.mean([_seen(levels.train[train], levels.train[valid]) for train, valid in folds]))
        found = _group_finding(levels, seen, expected, in_folds, is_later=is_later)
        if found is not None:
            findings.append(found)
    return findings


def new_groups(subject: Subject) -> list[str]:
    """Columns of which test has new levels, where chance would give known ones."""
    found = _of_groups(subject, is_later=False)
    return [column for f in found for column in f.columns if f.numbers["test_seen"] <= _SEEN]


def _group_finding(levels: _Levels, seen: float, expected: float, in_folds: float, *, is_later: bool) -> Finding | None:
    numbers = {"test_seen": seen, "test_seen_by_chance": expected, "folds_seen": in_folds}
    evidence = (
        f"{seen:.0%} of the test rows have a level of {levels.title} that train has, where a random draw would give "
        f"{expected:.0%}; of validation rows, {in_folds:.0%} have one that their fold's training rows have."
    )
    columns = (levels.column,) if levels.column else ()
    keep = f'`aicomp train --set split.group="{levels.column}"`' if levels.column else _own_groups(levels.title)
    if seen <= _SEEN and expected >= _EXPECTED:
        if in_folds <= max(2 * seen, _SEEN):
            return Finding("splitter-group", "ok", f"Folds hold {levels.title} apart", evidence, "", numbers, columns)
        title = f"Test has new levels of {levels.title}, and the folds have not"
        severity: Severity = "medium" if is_later else "high"
        return Finding("splitter-group", severity, title, evidence, keep, numbers, columns)
    if seen < 0.5 * expected and expected >= _EXPECTED and in_folds > 0.8 * expected:
        title = f"Many levels of {levels.title} in test are new, fewer in the folds"
        return Finding("splitter-group", "medium", title, evidence, f"Compare with {keep}", numbers, columns)
    if seen >= 0.9 * expected >= _EXPECTED and in_folds <= _SEEN:
        title = f"Folds hold {levels.title} apart, and test does not"
        advice = "Validation is harder than the test: `aicomp train --set split.splitter=stratified` or `kfold`."
        return Finding("splitter-group", "medium", title, evidence, advice, numbers, columns)
    return None


def _own_groups(title: str) -> str:
    return (
        f"Write {title} into a column of train and name it: `aicomp train --set split.group=COLUMN`, or give each row "
        "its fold by `--set split.fold_column=COLUMN`."
    )


def _candidates(subject: Subject, rows: np.ndarray, test_rows: np.ndarray) -> list[_Levels]:
    """Whatever may name a group, in some rows: columns whose values may be names, and parts of ids and file names."""
    found = []
    if subject.groups is not None and subject.test_groups is not None:
        name = subject.project.config.split.group or subject.competition.group or ""
        found.append(_levels(f"`{name}`", name, subject.groups[rows], subject.test_groups[test_rows]))
    for name in subject.names("category"):
        codes = subject.train.codes[name][rows], subject.test.codes[name][test_rows]
        found.append(_Levels(f"`{name}`", name, *codes))
    for name in subject.names("code", "number"):
        train, test = subject.train.numbers[name][rows], subject.test.numbers[name][test_rows]
        if (train[:1000] % 1 == 0).all() or subject.kind(name) == "code":
            found.append(_levels(f"`{name}`", name, train, test))
    for title, (train, test) in named_parts(subject, rows, test_rows).items():
        found.append(_levels(title, "", train, test))
    return found


def _levels(
    title: str, column: str, train: Sequence[object] | np.ndarray, test: Sequence[object] | np.ndarray
) -> _Levels:
    codes = pd.factorize(np.concatenate([np.asarray(train), np.asarray(test)]))[0].astype(np.int64)
    return _Levels(title, column, codes[: len(train)], codes[len(train) :])


def _seen(first: np.ndarray, second: np.ndarray) -> float:
    """Share of the second's rows whose level the first has."""
    size = int(max(first.max(initial=-1), second.max(initial=-1))) + 2
    known = np.zeros(size, dtype=bool)
    known[first + 1] = True
    return float(known[second + 1].mean()) if len(second) else 0.0


def _chance(test: np.ndarray, counts: np.ndarray, share: float) -> float:
    """What `_seen` would be if each row had been drawn into train with probability `share`."""
    of_rows = counts[test[test >= 0]]
    return float((1 - (1 - share) ** (of_rows - 1)).mean()) if len(of_rows) else 0.0


def _of_unknown_groups(subject: Subject) -> list[Finding]:
    """Columns that only train has: whether test holds their levels cannot be seen."""
    named = subject.project.config.split.group or subject.competition.group
    if subject.groups is not None and subject.test_groups is None:
        n = len(set(subject.groups))
        evidence = (
            f"`{named}` has {n} levels in train, and test does not name it. Folds hold its levels apart: their "
            "score is that of new levels. If test has the same ones, test will be better."
        )
        advice = (
            f"If the competition says that test has the same `{named}`: `aicomp train --set split.splitter=stratified`."
        )
        return [
            Finding(
                "splitter-group", "low", f"Test does not name `{named}`", evidence, advice, {"levels": n}, (str(named),)
            )
        ]
    findings = []
    for name in subject.only_train.columns:
        values = subject.only_train[name]
        n = values.nunique()
        if pd.api.types.is_float_dtype(values) or not _FEWEST_LEVELS - 2 <= n <= len(values) / 5:
            continue
        if subject.y.ndim == 1 and len(set(zip(values, subject.y, strict=True))) <= n:
            continue  # the target in other words
        evidence = f"`{name}` has {n} levels in train, {len(values) / n:.0f} rows each, and test lacks it."
        advice = f'If test has other levels, keep them apart: `aicomp train --set split.group="{name}"`.'
        title = f"`{name}` is only in train: its levels may be groups"
        findings.append(Finding("splitter-group", "low", title, evidence, advice, {"levels": n}, (str(name),)))
    return findings


def _of_classes(subject: Subject) -> list[Finding]:
    """Classes whose shares differ much between folds that could have been stratified."""
    if subject.task.problem_type not in ("binary", "multiclass") or subject.splitter not in ("kfold", "group"):
        return []
    counts = np.array([np.bincount(subject.y[f.valid], minlength=int(subject.y.max()) + 1) for f in subject.folds])
    shares = counts / counts.sum(axis=1, keepdims=True)
    whole = np.bincount(subject.y) / len(subject.y)
    worst = float((np.abs(shares - whole).max(axis=0) / whole).max())
    if worst < 0.25:
        return []
    evidence = f"In a fold, the share of a class is {worst:.0%} off its share in train."
    name = "stratified" if subject.splitter == "kfold" else "stratified-group"
    severity: Severity = "medium" if (counts == 0).any() else "low"
    advice = f"`aicomp train --set split.splitter={name}`"
    return [Finding("splitter-classes", severity, "Folds differ in their classes", evidence, advice, {"worst": worst})]
