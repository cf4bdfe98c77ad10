"""How much of the spread of fold scores is noise, and the gain that a new run needs to be believed."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from aicomp.errors import DataError
from aicomp.last_step.noise import N_BLOCKS, blocks_of
from aicomp.task import Task
from aicomp.validation.drawings import fold_scores
from aicomp.validation.finding import Finding, Outcome, Severity
from aicomp.validation.out_of_fold import QUICK, Predicted, Predictions
from aicomp.validation.subject import Subject

_MOST_ROWS = 100_000
_MOST_STRINGS = 2_500
_UNLIKELY = 0.001
"""Probability of a spread by chance below which folds differ."""


def check_noise(subject: Subject, predictions: Predictions) -> Outcome:
    """Take the fold scores of the newest run apart, by the jackknife over blocks of rows."""
    predicted = predictions.newest or predictions.quick
    if predicted is None:
        evidence = "There is no run yet, and no quick model for this problem."
        return Outcome([Finding("noise", "ok", "Noise was not measured", evidence, "`aicomp train` first.")])
    try:
        return _measured(subject, predictions, predicted)
    except DataError as e:
        return Outcome([Finding("noise", "ok", "Noise was not measured", f"{e.message[:1].upper()}{e.message[1:]}.")])


def _measured(subject: Subject, predictions: Predictions, predicted: Predicted) -> Outcome:
    task = subject.task
    sample, scale = _sampled(subject, predicted)
    scores, without = leaving_out(task, subject.y, sample)
    errors = _errors(without, task)
    mean_error = float(_errors(without.mean(axis=1)[:, None], task)[0] * scale)
    spread = float(scores.std(ddof=1)) if len(scores) > 1 else 0.0
    expected = float(np.sqrt(np.mean(errors**2)))
    needed, how = _needed(subject, predictions, predicted, mean_error)
    metric, better = task.metric.name, "higher" if task.metric.greater_is_better else "lower"
    evidence = (
        f"{metric} of {predicted.by}: {scores.mean():.5g} on average ({better} is better), standard deviation of the "
        f"folds {spread:.2g}; the choice of rows alone gives folds of this size {expected:.2g}. The mean has a "
        f"standard error of {mean_error:.2g}. A new run on the same folds is to be believed from a gain of "
        f"{needed:.2g} on, two standard errors of the difference {how}."
    )
    numbers = {
        "mean": float(scores.mean()),
        "spread": spread,
        "spread_by_rows": expected,
        "standard_error": mean_error,
        "gain_needed": needed,
    }
    drawings = [partial(fold_scores, scores, 2 * errors, metric)] if len(scores) > 1 else []
    probability = _by_chance(scores, errors)
    numbers["probability_of_spread"] = probability
    findings = []
    if probability < _UNLIKELY:
        odd = int(np.argmax(np.abs(scores - np.median(scores)) / np.maximum(errors, 1e-12)))
        said = (
            f"Rows alone would give such a spread with a probability below {_UNLIKELY:g}. Farthest off is fold {odd}, "
            f"{scores[odd]:.5g}. {evidence}"
        )
        advice = f"Look at what fold {odd} validates: a time, a group or a class of its own; compare runs fold by fold."
        severity: Severity = "low" if subject.splitter in ("time-series", "rolling-origin") else "medium"
        findings.append(Finding("noise", severity, "Folds differ by more than noise", said, advice, numbers))
    else:
        title = f"A gain below {needed:.2g} is noise" if needed > 0 else "No fold errs: nothing is left to gain"
        advice = "`aicomp runs compare A B` sets two runs side by side, fold by fold."
        findings.append(Finding("noise", "ok", title, evidence, advice, numbers))
    return Outcome(findings, drawings)


def _sampled(subject: Subject, predicted: Predicted) -> tuple[Predicted, float]:
    """At most so many rows, and what standard errors on them are multiplied with for all validated rows."""
    most = _MOST_STRINGS if subject.task.is_string else _MOST_ROWS
    n = sum(len(rows) for rows in predicted.rows)
    whole = max(n, sum(len(fold.valid) for fold in subject.folds))
    if n <= most:
        return predicted, float(np.sqrt(n / whole))
    random = np.random.default_rng(0)
    chosen = [np.sort(random.permutation(len(r))[: max(2, len(r) * most // n)]) for r in predicted.rows]
    rows = [r[c] for r, c in zip(predicted.rows, chosen, strict=True)]
    values = [v[c] for v, c in zip(predicted.values, chosen, strict=True)]
    return Predicted(predicted.by, rows, values), float(np.sqrt(sum(map(len, rows)) / whole))


def leaving_out(task: Task, y: np.ndarray, predicted: Predicted) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the folds, (n_folds,), and the same without each block of rows, (n_blocks, n_folds).

    Strings are scored slowly: of them, the second are the scores of the blocks alone.

    Raises:
        DataError: The metric is not defined for a fold without one of the blocks.
    """
    pairs = list(zip(predicted.rows, predicted.values, strict=True))
    scores = np.array([task.score(y[rows], values) for rows, values in pairs])
    found = np.empty((N_BLOCKS, len(pairs)))
    for k, (rows, values) in enumerate(pairs):
        blocks = blocks_of(rows) if len(np.unique(blocks_of(rows))) == N_BLOCKS else np.arange(len(rows)) % N_BLOCKS
        for g in range(N_BLOCKS):
            keep = blocks == g if task.is_string else blocks != g
            found[g, k] = task.score(y[rows[keep]], values[keep]) if keep.any() else scores[k]
    return scores, found


def _errors(without: np.ndarray, task: Task) -> np.ndarray:
    """Standard errors of the columns: of the jackknife, or of means of blocks."""
    if task.is_string:
        return np.asarray(without.std(axis=0, ddof=1) / np.sqrt(N_BLOCKS))
    return np.asarray(np.sqrt((N_BLOCKS - 1) * np.mean((without - without.mean(axis=0)) ** 2, axis=0)))


def _needed(subject: Subject, predictions: Predictions, predicted: Predicted, error: float) -> tuple[float, str]:
    """Two standard errors of the difference to another run, and between which two."""
    other = predictions.other
    if other is None and predicted.by != QUICK:
        other = predictions.quick
    if other is None:
        return 2 * float(np.sqrt(2)) * error, "if runs err independently of each other; they hardly do, and it is less"
    a, b, scale = _paired(subject, predicted, other)
    of_a, of_b = (leaving_out(subject.task, subject.y, part)[1].mean(axis=1, keepdims=True) for part in (a, b))
    needed = 2 * float(_errors(of_b - of_a, subject.task)[0]) * scale
    return needed, f"as measured between it and {other.by}"


def _paired(subject: Subject, a: Predicted, b: Predicted) -> tuple[Predicted, Predicted, float]:
    """The rows that both predict in the same fold."""
    most = _MOST_STRINGS if subject.task.is_string else _MOST_ROWS
    rows, of_a, of_b = [], [], []
    n = sum(len(r) for r in a.rows)
    for ra, va, rb, vb in zip(a.rows, a.values, b.rows, b.values, strict=True):
        common, ia, ib = np.intersect1d(ra, rb, return_indices=True)
        step = max(1, -(-n // most))
        rows.append(common[::step])
        of_a.append(va[ia][::step])
        of_b.append(vb[ib][::step])
    scale = float(np.sqrt(sum(map(len, rows)) / n))
    return Predicted(a.by, rows, of_a), Predicted(b.by, rows, of_b), scale


def _by_chance(scores: np.ndarray, errors: Sequence[float] | np.ndarray) -> float:
    """Probability of such differences between folds if only rows differ (chi-squared, Cochran's Q)."""
    from scipy.stats import chi2

    weights = 1 / np.maximum(np.asarray(errors), 1e-12) ** 2
    if len(scores) < 2 or not np.isfinite(weights).all():
        return 1.0
    mean = float((weights * scores).sum() / weights.sum())
    return float(chi2.sf(float((weights * (scores - mean) ** 2).sum()), len(scores) - 1))
