"""How much of the target one column tells by itself, on one scale for numbers, levels and texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from aicomp.eda.columns import Values, lengths
from aicomp.eda.relation import bin_edges
from aicomp.eda.target import Target

_FOLDS = 5
_BINS = 20
_PRIOR_ROWS = (1, 10, 100)
_LEAST = 1e-6
_MOST_TEXTS, _MOST_TERMS = 3000, 5000


@dataclass(frozen=True)
class Score:
    """What a column tells.

    Attributes:
        share: Of what the target leaves open without the column, how much is settled with it, on rows that it was not
            learned from: 1 is all, 0 nothing. Of classes and labels it is the log loss, so that it is mutual
            information over the target's entropy; of others the squared error of ranks, so that it is R².
            Below 0 where what was learned did not hold.
        error: Its standard error over rows.
    """

    share: float
    error: float

    @property
    def is_sure(self) -> bool:
        """Whether it is above 0 by more than three standard errors."""
        return self.share > 3 * self.error


Losses = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From training rows and other rows to these rows' losses, without and with the column."""


def associate(values: Values, target: Target) -> Score | None:
    """Learn the target's mean per bin or level in four of five parts of train, and see what that says of the fifth.

    A mean of few rows is drawn towards that of all, as if 1, 10 or 100 rows more had that, whichever predicts rows of
    train best from the other rows. Texts are told by a linear model on their words, or, where strings are to be
    predicted, by their length.

    Args:
        values: The column.
        target: Of the same rows.

    Returns:
        None for columns of files, and where the target does not vary.
    """
    if values.column.kind in ("image", "audio"):
        return None
    y = _outcomes(target)
    if len(y) < 2 * _FOLDS or (y == y[0]).all():
        return None
    if values.column.kind == "text" and (target.form == "classes" or (target.form == "values" and y.shape[1] == 1)):
        return _of_texts(values.texts("train"), target, y)
    shown = lengths(values) if values.column.kind == "text" else values
    codes = _codes(shown)
    n_codes = int(codes.max(initial=0)) + 1
    weight = _prior_rows(codes, n_codes, y, target)

    def losses(train: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        prior = y[train].mean(axis=0)
        n, sums = _sums(codes[train], n_codes, y[train])
        means = (sums + weight * prior) / (n + weight)[:, None]
        return _loss(y[valid], prior, target), _loss(y[valid], means[codes[valid]], target)

    return _score(len(y), losses)


def _sums(codes: np.ndarray, n_codes: int, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of each code, (n_codes,), and the sums of their outcomes, (n_codes, k)."""
    sums = np.stack([np.bincount(codes, weights=column, minlength=n_codes) for column in y.T], axis=1)
    return np.bincount(codes, minlength=n_codes), sums


def _prior_rows(codes: np.ndarray, n_codes: int, y: np.ndarray, target: Target) -> int:
    """How strongly means are drawn to that of all rows: what predicts each row best from the others."""
    n, sums = _sums(codes, n_codes, y)
    others, n_others, prior = sums[codes] - y, (n[codes] - 1)[:, None], y.mean(axis=0)
    losses = [_loss(y, (others + w * prior) / (n_others + w), target).sum() for w in _PRIOR_ROWS]
    return _PRIOR_ROWS[int(np.argmin(losses))]


def _outcomes(target: Target) -> np.ndarray:
    """What is predicted, (n, k): all classes, labels, or ranks from 0 to 1."""
    if target.form == "classes":
        return np.asarray(np.eye(len(target.counts))[target.y])
    if target.form == "labels":
        return np.asarray(target.y, dtype=np.float64)
    from scipy.stats import rankdata

    return np.asarray(rankdata(target.numbers, axis=0), dtype=np.float64) / max(len(target.numbers), 1)


def _loss(y: np.ndarray, predicted: np.ndarray, target: Target) -> np.ndarray:
    if not target.are_shares:
        return np.asarray(((y - predicted) ** 2).sum(axis=1))
    predicted = np.clip(np.broadcast_to(predicted, y.shape), _LEAST, 1 - _LEAST)
    losses: np.ndarray = -y * np.log(predicted)
    if target.form == "labels":
        losses = losses - (1 - y) * np.log(1 - predicted)
    return np.asarray(losses.sum(axis=1))


def _score(n_rows: int, losses: Losses) -> Score:
    parts = np.array_split(np.random.default_rng(0).permutation(n_rows), _FOLDS)
    found = [losses(np.concatenate([*parts[:k], *parts[k + 1 :]]), parts[k]) for k in range(_FOLDS)]
    without, with_ = (np.concatenate(side) for side in zip(*found, strict=True))
    base = without.mean()
    gain = (without - with_) / base
    return Score(float(gain.mean()), float(gain.std() / np.sqrt(len(gain))))


def _codes(values: Values) -> np.ndarray:
    """Bins or levels of train from 1 on, 0 where missing."""
    if not values.is_number:
        return np.asarray(values.train + 1)
    places = np.searchsorted(bin_edges(values.train, _BINS), values.train, side="right") + 1
    return np.asarray(np.where(np.isnan(values.train), 0, places))


def _of_texts(texts: Sequence[str], target: Target, y: np.ndarray) -> Score | None:
    from sklearn.linear_model import LogisticRegression, Ridge

    from aicomp.models.terms import Terms, analyzers_for

    rows = np.random.default_rng(1).permutation(len(texts))[:_MOST_TEXTS]
    shown, y = [texts[i] for i in rows], y[rows]
    terms, matrix = Terms.fit(shown, analyzers_for(shown)[0], _MOST_TERMS)
    if not terms.terms or (target.form == "classes" and (y.sum(axis=0) < _FOLDS).any()):
        return None

    def losses(train: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        prior = y[train].mean(axis=0)
        if target.form == "classes":
            model = LogisticRegression(C=10, max_iter=200).fit(matrix[train], y[train].argmax(axis=1))
            predicted = np.tile(prior, (len(valid), 1))
            predicted[:, model.classes_] = model.predict_proba(matrix[valid])
        else:
            predicted = Ridge(alpha=1.0).fit(matrix[train], y[train]).predict(matrix[valid]).reshape(len(valid), -1)
        return _loss(y[valid], prior, target), _loss(y[valid], predicted, target)

    return _score(len(y), losses)
