"""Adversarial validation: whether a model can tell train from test, by which columns, and whether folds mirror it."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from aicomp.validation.drawings import bars
from aicomp.validation.finding import Finding, Outcome, Severity, listed
from aicomp.validation.matrix import Matrix, matrix_of
from aicomp.validation.order import ordered_columns
from aicomp.validation.quick_model import classifier, drawn, one_thread, parts_of
from aicomp.validation.single import auc, auc_error
from aicomp.validation.split_mirror import new_groups
from aicomp.validation.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_ROWS = 5_000
_MOST_TEXTS = 3_000
_MOST_FILES = 1_500
_MOST_COLUMNS = 8
_SLIGHT, _STRONG, _TOTAL = 0.6, 0.75, 0.9


@dataclass(frozen=True)
class Difference:
    """How well two sets of rows can be told apart.

    Attributes:
        auc: Area under the ROC, out of fold; 0.5 is not at all.
        high: Upper end of the interval that it is in 95 times of 100 if there is no difference.
        drops: What it loses if the values of a column are shuffled among the rows, by column, the largest first.
    """

    auc: float
    high: float
    drops: dict[str, float]


def check_adversarial(subject: Subject) -> Outcome:
    """Tell train from test; times and groups that are new in test are left out, as the splitter's check has these."""
    most = _MOST_FILES if subject.names("image", "audio") else _MOST_TEXTS if subject.names("text") else _MOST_ROWS
    rows, test_rows = drawn(subject.n_train, most), drawn(subject.n_test, most)
    notes = [
        f"train against test: {len(part):,} of {whole:,} rows of {name}"
        for name, part, whole in (("train", rows, subject.n_train), ("test", test_rows, subject.n_test))
        if len(part) < whole
    ]
    ordered = list(dict.fromkeys([*ordered_columns(subject), *new_groups(subject)]))
    matrix = matrix_of(subject, rows, test_rows).without(ordered)
    if min(len(rows), len(test_rows)) < 20 or not matrix.names:
        what = "a part with too few rows" if matrix.names else "no column besides those that order or group the rows"
        return Outcome(
            [Finding("train-against-test", "ok", "Train against test was not compared", f"There are {what}.")]
        )
    is_test = np.arange(len(matrix.x)) >= len(rows)
    with one_thread():
        found = told_apart(matrix, is_test)
        mirrored = _between_folds(subject, matrix, rows)
    finding = _finding(found, mirrored, ordered, subject)
    drawings = []
    giving = {name: drop for name, drop in found.drops.items() if drop > 0.002}
    if giving and finding.severity != "ok":
        caption = "What the AUC of train against test loses if a column's values are shuffled among the rows."
        drawings.append(partial(bars, "train-against-test", giving, caption, "loss of AUC"))
    return Outcome([finding], drawings, notes)


def told_apart(matrix: Matrix, is_second: np.ndarray) -> Difference:
    """Tell two sets of rows apart by gradient-boosted trees, out of fold.

    Args:
        matrix: The rows.
        is_second: Which of them are of the second set, bool (n,).
    """
    y = is_second.astype(np.int64)
    part = parts_of(y)
    models = {k: classifier(matrix, len(y)).fit(matrix.x[part != k], y[part != k]) for k in range(part.max() + 1)}

    def predict(x: np.ndarray) -> list[float]:
        return [auc(m.predict_proba(x[part == k])[:, 1], is_second[part == k]) for k, m in models.items()]

    whole = float(np.mean(predict(matrix.x)))
    high = 0.5 + 1.96 * auc_error(int(y.sum()), int((1 - y).sum()))
    return Difference(whole, high, _drops(matrix, predict, whole) if whole > max(high, 0.55) else {})


def _drops(matrix: Matrix, predict: "Callable[[np.ndarray], list[float]]", whole: float) -> dict[str, float]:
    random = np.random.default_rng(0)
    order = random.permutation(len(matrix.x))
    drops = {}
    names = list(dict.fromkeys(matrix.names))
    for name in names:
        x = matrix.x.copy()
        places = np.flatnonzero([other == name for other in matrix.names])
        x[:, places] = x[np.ix_(order, places)]
        drops[name] = whole - float(np.mean(predict(x)))
    return dict(sorted(drops.items(), key=lambda item: -item[1])[:_MOST_COLUMNS])


def _between_folds(subject: Subject, matrix: Matrix, rows: np.ndarray) -> Difference | None:
    """The same of the last fold's validation and training rows; None where the sample has too few of them."""
    fold = subject.folds[-1]
    is_valid, is_train = np.isin(rows, fold.valid), np.isin(rows, fold.train)
    keep = np.flatnonzero(is_valid | is_train)
    if min(is_valid.sum(), is_train.sum()) < 20:
        return None
    part = Matrix(matrix.x[keep], matrix.names, matrix.is_category)
    return told_apart(part, is_valid[keep])


def _finding(found: Difference, mirrored: Difference | None, ordered: list[str], subject: Subject) -> Finding:
    giving = tuple(name for name, drop in found.drops.items() if drop > 0.002)
    is_mirrored = mirrored is not None and mirrored.auc > 0.5 + 0.7 * (found.auc - 0.5)
    severity: Severity = "ok"
    if found.auc > max(found.high, _SLIGHT):
        severity = "low" if found.auc < _STRONG or is_mirrored else "medium"
        severity = "high" if found.auc >= _TOTAL and not is_mirrored and not subject.is_series else severity
    evidence = (
        f"A model tells test rows from train rows with AUC {found.auc:.3f}, out of fold; if both are drawn alike, it "
        f"is below {found.high:.3f} in 39 of 40 cases."
    )
    if mirrored is not None:
        evidence += f" Validation rows of a fold are told from its training rows with AUC {mirrored.auc:.3f}."
    if giving:
        drops = ", ".join(f"`{name}` {found.drops[name]:.3f}" for name in giving[:5])
        evidence += f" Shuffled columns cost it: {drops}."
    if ordered:
        evidence += f" Left out, as they order or group the rows: {listed(ordered)}."
    titles = {
        "ok": "Train and test look alike",
        "low": "Train and test differ a little",
        "medium": "Train and test differ",
        "high": "Train and test are told apart almost surely",
    }
    if severity != "ok" and is_mirrored:
        titles["low"] = "Train and test differ, and the folds mirror it"
    advice = ""
    if severity in ("medium", "high"):
        worst = giving[0] if giving else "COLUMN"
        advice = (
            f'Look at what `{worst}` means in both files. Without it, by `"{worst}" = "drop"` under [columns], the '
            "model cannot lean on it; a split by a column that differs in the same way, by "
            "`--set split.group=COLUMN` or `--set split.time=COLUMN`, makes the score honest."
        )
    numbers = {"auc": found.auc, "auc_no_difference": found.high}
    if mirrored is not None:
        numbers["auc_between_folds"] = mirrored.auc
    numbers |= {f"drop:{name}": found.drops[name] for name in giving}
    return Finding("train-against-test", severity, titles[severity], evidence, advice, numbers, giving)
