"""Biases and vectors of users and items, whose product is the rating, averaged over draws from their posterior.

Biases and factors: Koren, Bell, Volinsky, "Matrix Factorization Techniques for Recommender Systems" (IEEE Computer 42,
2009). What somebody rated says something, whatever the rating: Koren, "Factorization Meets the Neighborhood" (KDD
2008). Here that, and the columns of users and of items, move the mean of a vector's prior (`gibbs.py`).
"""

from dataclasses import dataclass
from functools import partial
from math import nan
from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch, mean_loss, refuse_quantile, with_prefix
from aicomp.models.gibbs import Ratings, Vectors, draw_precision
from aicomp.models.linear_solver import one_hot
from aicomp.models.sides import FIRST_LEVEL, Side, required
from aicomp.models.space import Choice, Int
from aicomp.models.spec import ModelSpec

SPACE = (Int("model.params.rank", 4, 48, log=True), Choice("model.params.implicit", (True, False)))
"""The strength of the regularization is no entry: it is drawn with the rest."""

_KEPT = 40
"""Most draws that are kept to predict with: those that follow each other differ little."""
_MOST_IMPLICIT = 2000
"""Most items whose being rated counts for a user, the commonest ones, and the other way round."""
_MOST_LEVELS = 200
_SURE = 1e-3
"""Probabilities stay so far from 0 and 1."""


@dataclass(frozen=True)
class Draw:
    """One side of one draw.

    Attributes:
        vectors: Of each user, or item, by code, float32 (n, 1 + rank); the first number is the bias.
        mean: Of the prior.
        weights: What the columns of the side add to it, (n_columns, 1 + rank).
    """

    vectors: np.ndarray
    mean: np.ndarray
    weights: np.ndarray


class Factorization:
    """Bayesian factorization of ratings; every loss of values is taken as squares, labels as 0 and 1.

    Users and items that were not seen get the mean that their columns suggest. Columns that are about neither, such as
    the time of a rating, are not looked at.

    Args:
        spec: The inputs, with the columns of users and items.
        rank: Length of the vectors beside the bias.
        sweeps: Draws of all vectors; the first quarter is only there to arrive.
        implicit: Whether what was rated counts beside how.

    Raises:
        UsageError: Which columns name users and items is not known, or a number is too small.
    """

    numbers: ClassVar[Numbers] = "normal"

    def __init__(self, spec: ModelSpec, *, rank: int = 16, sweeps: int = 160, implicit: bool = True) -> None:
        self._sides = required(spec.sides, "factorization")
        for name, value, least in (("rank", rank, 1), ("sweeps", sweeps, 4)):
            if value < least:
                raise UsageError(
                    f"`model.params.{name}` is {value}, it must be at least {least}",
                    f"write `--set model.params.{name}={least}`, or leave it out",
                )
        self._spec, self._rank, self._sweeps, self._implicit = spec, rank, sweeps, implicit
        self._draws: list[tuple[Draw, Draw]] = []
        self._scale = np.array([0.0, 1.0, 0.0, 1.0])

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is a draw of everything, and all are kept."""
        refuse_quantile(goal, "factorization")
        if goal.loss == "multiclass":
            raise UsageError(
                "model `factorization` learns values and yes or no, and no classes",
                'write `--set model.name="two-tower"`',
            )
        random = np.random.default_rng(goal.seed)
        z = self._standardize(y, goal)
        codes = [train.x_cat[:, side.code] for side in (self._sides.user, self._sides.item)]
        sizes = [self._spec.cardinalities[side.code] for side in (self._sides.user, self._sides.item)]
        ratings = [Ratings.of(codes[i], codes[1 - i], sizes[i], sizes[1 - i]) for i in (0, 1)]
        users, items = (
            Vectors(sizes[i], 1 + self._rank, self._features(train, side, ratings[i]), random)
            for i, side in enumerate((self._sides.user, self._sides.item))
        )
        self._draws, burn_in = [], self._sweeps // 4
        every = max(1, -(-(self._sweeps - burn_in) // _KEPT))
        begun, precision, total = self._resume(goal, users, items, random) or (0, 1.0, np.zeros(len(valid)))
        for done in range(begun + 1, self._sweeps + 1):
            so_far = (done - 1, precision, total)
            goal.checkpoints.keep(partial(self._so_far, so_far, users, items, random))
            for vectors in (users, items):
                vectors.draw_prior()
            users.draw(ratings[0], items, z, precision)
            items.draw(ratings[1], users, z, precision)
            fitted = _products(users.values[codes[0]], items.values[codes[1]])
            precision = draw_precision(z - fitted, random)
            if done <= burn_in and Round.is_due(done, self._sweeps):
                watch(Round(done, self._sweeps, None, nan, nan))
            if done <= burn_in or (done - burn_in) % every:
                continue
            self._draws.append((self._kept(users, self._sides.user), self._kept(items, self._sides.item)))
            total += self._predict_draw(self._draws[-1], valid)
            if len(self._draws) == 1 or done + every > self._sweeps or Round.is_due(done, self._sweeps):
                seen = self._finish(total / len(self._draws))
                loss = mean_loss(goal, y, self._finish(fitted))
                watch(Round(done, self._sweeps, seen, loss, mean_loss(goal, valid_y, seen)))
        return self._sweeps

    def _so_far(
        self, numbers: tuple[int, float, np.ndarray], users: Vectors, items: Vectors, random: np.random.Generator
    ) -> dict[str, Any]:
        """What a checkpoint keeps: sweeps done, precision, sums of predictions, both sides, and the draws."""
        draws = self.state_dict() if self._draws else None
        sides = (users.state(), items.state())
        return {"numbers": numbers, "sides": sides, "random": random.bit_generator.state, "draws": draws}

    def _resume(
        self, goal: Goal, users: Vectors, items: Vectors, random: np.random.Generator
    ) -> tuple[int, float, np.ndarray] | None:
        """Be as the newest checkpoint is; its numbers, None if there is none."""
        state = goal.checkpoints.resume()
        if state is None:
            return None
        for vectors, kept in zip((users, items), state["sides"], strict=True):
            vectors.restore(kept)
        random.bit_generator.state = state["random"]
        if state["draws"] is not None:
            self.load_state_dict(state["draws"])
        numbers: tuple[int, float, np.ndarray] = state["numbers"]
        return numbers

    def _standardize(self, y: np.ndarray, goal: Goal) -> np.ndarray:
        values = y.astype(np.float64)
        low, high = (_SURE, 1 - _SURE) if goal.loss == "binary" else (values.min(), values.max())
        self._scale = np.array([values.mean(), values.std() or 1.0, low, high])
        return np.asarray((values - self._scale[0]) / self._scale[1])

    def _finish(self, z: np.ndarray) -> np.ndarray:
        """Back to the unit of the targets and into their range: a mean of ratings lies between them."""
        mean, deviation, low, high = self._scale
        return np.asarray(np.clip(z * deviation + mean, low, high))

    def _features(self, train: Rows, side: Side, ratings: Ratings) -> Any:
        """What is known of each level of a side: its columns, and what it met; sparse (n_levels, n_features)."""
        from scipy import sparse

        levels, first = np.unique(ratings.own, return_index=True)
        known = levels >= FIRST_LEVEL
        columns = self._columns(train.take(first[known]), side)
        n_levels, n_known = ratings.counts.shape[0], int(known.sum())
        ones = (np.ones(n_known), (levels[known], np.arange(n_known)))
        place = sparse.csr_matrix(ones, shape=(n_levels, n_known))
        blocks = [place @ columns]
        if self._implicit:
            met = (ratings.counts > 0).astype(np.float64)
            common = np.argsort(-np.asarray(met.sum(axis=0))[0], kind="stable")[:_MOST_IMPLICIT]
            degree = np.asarray(met.sum(axis=1))[:, 0]
            blocks.append(sparse.diags(1 / np.sqrt(np.maximum(degree, 1))) @ met[:, np.sort(common)])
        return sparse.hstack(blocks, format="csr")

    def _columns(self, rows: Rows, side: Side) -> Any:
        """A side's numbers and levels, sparse (n, n_columns); categories of a great many levels are left out."""
        from scipy import sparse

        cats = [j for j in side.cat if self._spec.cardinalities[j] <= _MOST_LEVELS]
        own = Rows(rows.x_num[:, list(side.num)], rows.x_cat[:, cats])
        return sparse.hstack(one_hot(own, [self._spec.cardinalities[j] for j in cats]), format="csr")

    def _kept(self, vectors: Vectors, side: Side) -> Draw:
        n_columns = len(side.num) + sum(n for j in side.cat if (n := self._spec.cardinalities[j]) <= _MOST_LEVELS)
        arrays = (vectors.values, vectors.mean, vectors.weights[:n_columns])
        return Draw(*(a.astype(np.float32) for a in arrays))

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`; the mean over the draws."""
        total = np.zeros(len(rows))
        for draw in self._draws:
            total += self._predict_draw(draw, rows)
        return self._finish(total / len(self._draws))

    def _predict_draw(self, draw: tuple[Draw, Draw], rows: Rows) -> np.ndarray:
        found = []
        for of_side, side in zip(draw, (self._sides.user, self._sides.item), strict=True):
            codes = rows.x_cat[:, side.code]
            vectors = of_side.vectors[codes].astype(np.float64)
            new = np.flatnonzero(codes < FIRST_LEVEL)
            if len(new):
                vectors[new] = of_side.mean + self._columns(rows.take(new), side) @ of_side.weights
            found.append(vectors)
        return _products(*found)

    def state_dict(self) -> State:
        """The draws that are kept, and the unit of the targets."""
        state = {"scale": self._scale}
        for name in ("vectors", "mean", "weights"):
            for i, side in enumerate(("user", "item")):
                state[f"{side}.{name}"] = np.stack([getattr(draw[i], name) for draw in self._draws])
        return state

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._scale = state["scale"]
        users, items = (with_prefix(state, f"{side}.") for side in ("user", "item"))
        self._draws = [
            (Draw(**{name: a[i] for name, a in users.items()}), Draw(**{name: a[i] for name, a in items.items()}))
            for i in range(len(users["mean"]))
        ]


def _products(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Ratings of rows: both biases, and the product of the vectors behind them; (n,)."""
    return np.asarray(users[:, 0] + items[:, 0] + np.einsum("ij,ij->i", users[:, 1:], items[:, 1:]))
