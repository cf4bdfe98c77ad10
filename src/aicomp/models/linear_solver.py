"""Penalized linear models along a path of penalties, solved by scikit-learn; the validation loss chooses one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aicomp.data.rows import Rows
from aicomp.models.estimator import Goal, Round, State, Watch, mean_loss


@dataclass(frozen=True)
class Linear:
    """A solved model.

    Attributes:
        weights: (n_inputs, n_outputs).
        bias: (n_outputs,).
        loss: `Goal.loss`.
    """

    weights: np.ndarray
    bias: np.ndarray
    loss: str

    def predict(self, x: Any) -> np.ndarray:
        """Predict rows of a dense or sparse matrix, see `Estimator`."""
        return self.finish(np.asarray(x @ self.weights) + self.bias)

    def finish(self, z: np.ndarray) -> np.ndarray:
        """From sums (n, n_outputs) to what `Estimator.predict` gives."""
        if self.loss == "binary":
            return np.asarray(1 / (1 + np.exp(-np.clip(z[:, 0], -500, 500))))
        if self.loss == "multiclass":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return np.asarray(e / e.sum(axis=1, keepdims=True))
        return z[:, 0]

    def state_dict(self) -> State:
        """The coefficients."""
        loss = np.frombuffer(self.loss.encode(), dtype=np.uint8).copy()
        return {"weights": np.ascontiguousarray(self.weights), "bias": self.bias, "loss": loss}

    @classmethod
    def of(cls, state: State) -> "Linear":
        """What `state_dict` gave."""
        return cls(state["weights"], state["bias"], state["loss"].tobytes().decode())


def solve_path(
    x: Any, y: np.ndarray, valid_x: Any, valid_y: np.ndarray, penalties: Sequence[float], goal: Goal, watch: Watch
) -> tuple[Linear, int]:
    """Solve for each penalty, the strongest first, from where the one before ended.

    Args:
        x: Training rows, sparse (n, n_inputs).
        y: Targets, see `Estimator`.
        valid_x: Validation rows.
        valid_y: Their targets.
        penalties: Weights of the squared coefficients.
        goal: What is learned; every loss of values is taken as squares.
        watch: Told of each penalty as of a round.

    Returns:
        The model with the lowest validation loss, and the number of its round, from 1.
    """
    solver = _solver(goal)
    best, kept, lowest = Linear(np.zeros((x.shape[1], 1)), np.zeros(1), goal.loss), 0, np.inf
    for i, penalty in enumerate(sorted(penalties, reverse=True), start=1):
        found = Linear(*_solve(solver, x, y, penalty, goal), goal.loss)
        predictions = found.predict(valid_x)
        loss = mean_loss(goal, valid_y, predictions)
        if loss < lowest:
            best, kept, lowest = found, i, loss
        watch(Round(i, len(penalties), predictions, mean_loss(goal, y, found.predict(x)), loss))
    return best, kept


def one_hot(rows: Rows, cardinalities: Sequence[int]) -> list[Any]:
    """Numbers, and a column per level of each category: sparse blocks of (n, ...)."""
    from scipy import sparse

    n = len(rows)
    blocks = [sparse.csr_matrix(rows.x_num.astype(np.float64))]
    for j, n_levels in enumerate(cardinalities):
        ones = (np.ones(n), rows.x_cat[:, j], np.arange(n + 1))
        blocks.append(sparse.csr_matrix(ones, shape=(n, n_levels)))
    return blocks


def _solver(goal: Goal) -> Any:
    """Of scikit-learn; that of classes starts from the weights of the stronger penalty before."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if goal.loss in ("binary", "multiclass"):
        return LogisticRegression(max_iter=1000, warm_start=True)
    return Ridge(solver="sparse_cg", tol=1e-6)


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
