"""Ridge and penalized logistic regression (Hoerl, Kennard, Technometrics 12, 1970), solved by scikit-learn."""

from typing import ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.models.estimator import Goal, Numbers, State, Watch, refuse_quantile
from aicomp.models.linear_solver import Linear, one_hot, solve_path
from aicomp.models.space import Float
from aicomp.models.spec import ModelSpec

SPACE = (Float("model.params.penalty", 1e-2, 1e4, log=True),)
"""Wider than the penalties that it tries by itself."""

_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)


class Ridge:
    """A penalized linear model solved to the end; the validation loss chooses among penalties.

    Every loss of values is taken as squares; a quantile other than the median is refused.

    Args:
        spec: The inputs.
        penalty: Weight of the squared coefficients; by default the best of five powers of ten.
    """

    numbers: ClassVar[Numbers] = "normal"

    def __init__(self, spec: ModelSpec, *, penalty: float | None = None) -> None:
        self._spec, self._penalties = spec, _PENALTIES if penalty is None else (penalty,)
        self._linear = Linear(np.zeros((0, 1)), np.zeros(1), "")

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is a penalty that was tried, the strongest first."""
        from scipy import sparse

        refuse_quantile(goal, "ridge")
        x, valid_x = (sparse.hstack(one_hot(rows, self._spec.cardinalities), format="csr") for rows in (train, valid))
        self._linear, kept = solve_path(x, y, valid_x, valid_y, self._penalties, goal, watch)
        return kept

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        n_num, weights = self._spec.n_num, self._linear.weights
        z = rows.x_num.astype(np.float64) @ weights[:n_num] + self._linear.bias
        at = n_num
        for j, n_levels in enumerate(self._spec.cardinalities):
            z += weights[at : at + n_levels][rows.x_cat[:, j]]
            at += n_levels
        return self._linear.finish(z)

    def state_dict(self) -> State:
        """The coefficients."""
        return self._linear.state_dict()

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._linear = Linear.of(state)
