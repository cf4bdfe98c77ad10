"""Ridge and penalized logistic regression (Hoerl, Kennard, Technometrics 12, 1970), solved by scikit-learn."""

from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch, mean_loss, refuse_quantile
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
        self._weights = np.zeros((0, 1))
        self._bias = np.zeros(1)
        self._loss = ""

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is a penalty that was tried, the strongest first."""
        refuse_quantile(goal, "ridge")
        self._loss = goal.loss
        x = self._one_hot(train)
        solver = _solver(goal)
        best, kept, lowest = (self._weights, self._bias), 0, np.inf
        for i, penalty in enumerate(sorted(self._penalties, reverse=True), start=1):
            self._weights, self._bias = _solve(solver, x, y, penalty, goal)
            predictions = self.predict(valid)
            loss = mean_loss(goal, valid_y, predictions)
            if loss < lowest:
                best, kept, lowest = (self._weights, self._bias), i, loss
            train_loss = mean_loss(goal, y, self.predict(train))
            watch(Round(i, len(self._penalties), predictions, train_loss, loss))
        self._weights, self._bias = best
        return kept

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        n_num = self._spec.n_num
        z = rows.x_num.astype(np.float64) @ self._weights[:n_num] + self._bias
        at = n_num
        for j, n_levels in enumerate(self._spec.cardinalities):
            z += self._weights[at : at + n_levels][rows.x_cat[:, j]]
            at += n_levels
        return _finish(z, self._loss)

    def state_dict(self) -> State:
        """The coefficients."""
        return {
            "weights": np.ascontiguousarray(self._weights),
            "bias": self._bias,
            "loss": np.frombuffer(self._loss.encode(), dtype=np.uint8).copy(),
        }

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._weights, self._bias, self._loss = state["weights"], state["bias"], state["loss"].tobytes().decode()

    def _one_hot(self, rows: Rows) -> Any:
        """Numbers and a column per level of each category, sparse (n, n_num + n_levels)."""
        from scipy import sparse

        n = len(rows)
        blocks = [sparse.csr_matrix(rows.x_num.astype(np.float64))]
        for j, n_levels in enumerate(self._spec.cardinalities):
            ones = (np.ones(n), rows.x_cat[:, j], np.arange(n + 1))
            blocks.append(sparse.csr_matrix(ones, shape=(n, n_levels)))
        return sparse.hstack(blocks, format="csr")


def _solver(goal: Goal) -> Any:
    """Of scikit-learn; that of classes starts from the weights of the stronger penalty before."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.linear_model import Ridge as LeastSquares

    if goal.loss in ("binary", "multiclass"):
        return LogisticRegression(max_iter=1000, warm_start=True)
    return LeastSquares(solver="sparse_cg", tol=1e-6)


def _solve(solver: Any, x: Any, y: np.ndarray, penalty: float, goal: Goal) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (n_inputs, n_outputs) and bias (n_outputs,)."""
    if goal.loss not in ("binary", "multiclass"):
        found = solver.set_params(alpha=penalty).fit(x, y)
        return found.coef_.reshape(-1, 1), np.atleast_1d(found.intercept_)
    n_outputs = goal.n_classes if goal.loss == "multiclass" else 1
    weights, bias = np.zeros((x.shape[1], n_outputs)), np.full(n_outputs, -30.0)
    classes = np.unique(y).astype(np.int64)
    if len(classes) == 1:  # a single class among the training rows: nothing to solve
        bias[classes if goal.loss == "multiclass" else 0] = 30.0 if goal.loss == "multiclass" or classes[0] else -30.0
        return weights, bias
    found = solver.set_params(C=1 / penalty).fit(x, y)
    if goal.loss == "binary":
        return found.coef_.T, found.intercept_
    if len(classes) == 2:  # scikit-learn has one row for two classes
        weights[:, classes[1]], bias[classes[0]], bias[classes[1]] = found.coef_[0], 0.0, found.intercept_[0]
    else:
        weights[:, classes], bias[classes] = found.coef_.T, found.intercept_
    return weights, bias


def _finish(z: np.ndarray, loss: str) -> np.ndarray:
    if loss == "binary":
        return np.asarray(1 / (1 + np.exp(-np.clip(z[:, 0], -500, 500))))
    if loss == "multiclass":
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True))
    return z[:, 0]
