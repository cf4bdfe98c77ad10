"""Vectors of users (or of items) under a prior that is learned with them, drawn by Gibbs sampling.

Salakhutdinov, Mnih, "Bayesian Probabilistic Matrix Factorization using Markov Chain Monte Carlo" (ICML 2008): how far
vectors spread around their mean is learned from the data, and is the regularization; what is known of few rows stays
near the mean. The mean itself may depend on features: Simm et al., "Macau: Scalable Bayesian Multi-relational
Factorization with Side Information using MCMC" (arXiv 1509.04610).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_CHUNK = 20_000
"""Vectors that are drawn at once: each takes a matrix of its own."""
_MEAN_ROWS = 2.0
"""Vectors that the prior of their mean, 0, counts for."""
_SMALL = 1e-3
"""Shape and rate of the wide Gamma priors."""
_DRAWN = ("values", "mean", "weights", "_precision", "_penalty")
"""What `Vectors` draws; the rest follows from the features."""


@dataclass
class Ratings:
    """Ratings by row: of which vector of this side and of the other one.

    Attributes:
        own: Number of the vector that is drawn, int64 (n,).
        other: Number of the other side's vector, int64 (n,).
        counts: Ratings of each pair of both, sparse (n_own, n_other).
    """

    own: np.ndarray
    other: np.ndarray
    counts: Any

    @classmethod
    def of(cls, own: np.ndarray, other: np.ndarray, n_own: int, n_other: int) -> "Ratings":
        """From the numbers of both sides."""
        return cls(own, other, _table(own, other, np.ones(len(own)), n_own, n_other))

    def sums(self, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """For each vector of this side the sum over its ratings of value times the other side's vector."""
        table = _table(self.own, self.other, values, *self.counts.shape)
        return np.asarray(table @ vectors)


def _table(own: np.ndarray, other: np.ndarray, values: np.ndarray, n_own: int, n_other: int) -> Any:
    from scipy import sparse

    return sparse.csr_matrix((values, (own, other)), shape=(n_own, n_other))


class Vectors:
    """One side's vectors, the first number of each its bias: as far as the chain has come.

    Args:
        n: Vectors.
        d: Length of each.
        features: What is known of each, sparse (n, n_features); may have no column.
        random: Draws.

    Attributes:
        values: The vectors, (n, d).
        mean: Mean of their prior, where all features are 0, (d,).
        weights: What the features add to it, (n_features, d).
    """

    def __init__(self, n: int, d: int, features: Any, random: np.random.Generator) -> None:
        self._features, self._random = features, random
        self.values = 0.1 * random.normal(size=(n, d))
        self.mean = np.zeros(d)
        self.weights = np.zeros((features.shape[1], d))
        self._precision = np.eye(d)
        self._penalty = 1.0  # of the weights, learned too
        self._spread: np.ndarray = np.zeros(0)
        self._axes: np.ndarray = np.zeros((0, 0))
        if features.shape[1]:
            self._spread, self._axes = np.linalg.eigh(np.asarray((features.T @ features).todense()))

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it; the generator is not in it."""
        return {name: getattr(self, name) for name in _DRAWN}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as `state` was."""
        for name in _DRAWN:
            setattr(self, name, state[name])

    @property
    def prior(self) -> np.ndarray:
        """Mean of each vector before its ratings are seen, (n, d)."""
        return np.asarray(self.mean + self._features @ self.weights)

    def draw_prior(self) -> None:
        """Draw mean, precision and weights given the vectors."""
        random, (n, d) = self._random, self.values.shape
        rest = self.values - self._features @ self.weights
        center = rest.mean(axis=0)
        scatter = (rest - center).T @ (rest - center) + _MEAN_ROWS * n / (_MEAN_ROWS + n) * np.outer(center, center)
        scatter += np.eye(d) + self._penalty * self.weights.T @ self.weights
        self._precision = _draw_wishart(d + n + len(self.weights), scatter, random)
        noise = _draw_normal(self._precision * (_MEAN_ROWS + n), 1, random)[0]
        self.mean = n * center / (_MEAN_ROWS + n) + noise
        if len(self.weights):
            self._draw_weights()

    def _draw_weights(self) -> None:
        """A ridge regression of the vectors on the features, with noise added to both (arXiv 1509.04610)."""
        random, n_features = self._random, len(self.weights)
        targets = self.values - self.mean + _draw_normal(self._precision, len(self.values), random)
        wanted = self._features.T @ targets
        wanted += np.sqrt(self._penalty) * _draw_normal(self._precision, n_features, random)
        self.weights = self._axes @ ((self._axes.T @ wanted) / (self._spread + self._penalty)[:, None])
        squares = float(((self.weights @ self._precision) * self.weights).sum())
        self._penalty = random.gamma(_SMALL + self.weights.size / 2) / (_SMALL + squares / 2)

    def draw(self, ratings: Ratings, other: "Vectors", y: np.ndarray, precision: float) -> None:
        """Draw the vectors given the other side's.

        Args:
            ratings: Which vectors meet.
            other: The other side.
            y: The ratings, (n_ratings,).
            precision: One over the variance of a rating's noise.
        """
        d = self.values.shape[1]
        inputs = other.values.copy()
        inputs[:, 0] = 1  # what this side's bias is multiplied by
        wanted = precision * ratings.sums(y - other.values[ratings.other, 0], inputs) + self.prior @ self._precision
        outer = (inputs[:, :, None] * inputs[:, None, :]).reshape(len(inputs), d * d)
        for first in range(0, len(self.values), _CHUNK):
            part = slice(first, first + _CHUNK)
            of_each = precision * np.asarray(ratings.counts[part] @ outer).reshape(-1, d, d) + self._precision
            means = np.linalg.solve(of_each, wanted[part][:, :, None])
            half = np.linalg.cholesky(of_each).transpose(0, 2, 1)
            self.values[part] = (means + np.linalg.solve(half, self._random.normal(size=means.shape)))[:, :, 0]


def _draw_wishart(freedom: int, inverse_scale: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A precision matrix (Bartlett 1933)."""
    d = len(inverse_scale)
    root = np.linalg.cholesky(np.linalg.inv(inverse_scale))
    lower = np.tril(random.normal(size=(d, d)), -1) + np.diag(np.sqrt(random.chisquare(freedom - np.arange(d))))
    half = root @ lower
    return np.asarray(half @ half.T)


def _draw_normal(precision: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Draws around 0, (n, d)."""
    half = np.linalg.cholesky(precision).T
    return np.asarray(np.linalg.solve(half, random.normal(size=(len(precision), n))).T)


def draw_precision(errors: np.ndarray, random: np.random.Generator) -> float:
    """One over the variance of ratings, given by how much they are missed."""
    return float(random.gamma(_SMALL + len(errors) / 2) / (_SMALL + (errors**2).sum() / 2))
