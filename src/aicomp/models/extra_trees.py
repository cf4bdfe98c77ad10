"""Extremely randomized trees (Geurts, Ernst, Wehenkel, Machine Learning 63, 2006), grown by scikit-learn."""

from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch, mean_loss, refuse_quantile
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.models.tree_inputs import TreeInputs

SPACE = (
    Int("model.params.min_samples_leaf", 1, 32, log=True),
    Float("model.params.max_features", 0.1, 1.0),
)
"""After Probst, Wright, Boulesteix, "Hyperparameters and tuning strategies for random forest" (arXiv 1804.03515)."""

_MAX_ONE_HOT = 12
_ARRAYS = ("feature", "threshold", "left", "right", "value", "root")


class ExtraTrees:
    """Many trees with random thresholds, averaged; every loss of values is taken as squares.

    Args:
        spec: The inputs.
        n_estimators: Trees.
        min_samples_leaf: Fewest training rows of a leaf; by default 2, and more where rows are many.
        max_features: Share of the columns that are tried at a split; by default all for values, and for classes the
            square root of their number.
    """

    numbers: ClassVar[Numbers] = "normal"

    def __init__(
        self, spec: ModelSpec, *, n_estimators: int = 200, min_samples_leaf: int | None = None,
        max_features: float | None = None,
    ) -> None:  # fmt: skip
        self._spec, self._n_trees, self._leaf, self._share = spec, n_estimators, min_samples_leaf, max_features
        self._trees: State = {}
        self._inputs: TreeInputs | None = None

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        refuse_quantile(goal, "extra-trees")
        self._inputs, x = TreeInputs.fit(
            train, y, goal, self._spec.cardinalities, one_hot=True, max_native=_MAX_ONE_HOT
        )
        is_class = goal.loss in ("binary", "multiclass")
        forest = (ExtraTreesClassifier if is_class else ExtraTreesRegressor)(
            n_estimators=self._n_trees,
            min_samples_leaf=self._leaf or max(2, len(y) // 4000),
            max_features=self._share or ("sqrt" if is_class else 1.0),
            random_state=goal.seed,
            n_jobs=goal.threads,
        )
        try:
            forest.fit(x, y)
        except ValueError as e:
            raise UsageError(f"scikit-learn refuses: {str(e).splitlines()[0]}", "correct `[model] params`") from e
        self._trees = _arrays(forest, goal)
        predictions, fitted = self.predict(valid), self._vote(x)
        losses = mean_loss(goal, y, fitted), mean_loss(goal, valid_y, predictions)
        watch(Round(self._n_trees, self._n_trees, predictions, *losses))
        return self._n_trees

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        assert self._inputs is not None
        return self._vote(self._inputs(rows))

    def _vote(self, x: np.ndarray) -> np.ndarray:
        """Mean of the trees' leaves for each row of inputs."""
        t = self._trees
        total = np.zeros((len(x), t["value"].shape[1]))
        every = np.arange(len(x))
        for root in t["root"]:
            node = np.full(len(x), root, dtype=np.int64)
            rows = every[t["feature"][node] >= 0]
            while len(rows):
                at = node[rows]
                goes_left = x[rows, t["feature"][at]] <= t["threshold"][at]
                node[rows] = np.where(goes_left, t["left"][at], t["right"][at])
                rows = rows[t["feature"][node[rows]] >= 0]
            total += t["value"][node]
        mean: np.ndarray = total / len(t["root"])
        return mean[:, 0] if mean.shape[1] == 1 else mean

    def state_dict(self) -> State:
        """All nodes of all trees, one after the other, and the statistics of categories."""
        assert self._inputs is not None
        return {**self._trees, **self._inputs.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._trees = {name: state[name] for name in _ARRAYS}
        self._inputs = TreeInputs.restore(state, self._spec.cardinalities, one_hot=True, max_native=_MAX_ONE_HOT)


def _arrays(forest: Any, goal: Goal) -> State:
    """The forest's nodes; a leaf has feature -1. Values: probability of 1, of each class, or the mean."""
    trees = [one.tree_ for one in forest.estimators_]
    root = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    value = np.concatenate([tree.value[:, 0, :] for tree in trees])
    if goal.loss in ("binary", "multiclass"):
        n_classes = max(2, goal.n_classes)
        spread = np.zeros((len(value), n_classes))
        spread[:, forest.classes_.astype(np.int64)] = value / value.sum(axis=1, keepdims=True)
        value = spread[:, 1:] if goal.loss == "binary" else spread
    return {
        "feature": np.concatenate([tree.feature for tree in trees]).clip(-1).astype(np.int32),
        "threshold": _as_float32(np.concatenate([tree.threshold for tree in trees])),
        "left": _children([tree.children_left for tree in trees], root),
        "right": _children([tree.children_right for tree in trees], root),
        "value": value.astype(np.float32),
        "root": root.astype(np.int64),
    }


def _children(children: list[np.ndarray], root: np.ndarray) -> np.ndarray:
    return np.concatenate([c + first for c, first in zip(children, root, strict=True)]).astype(np.int32)


def _as_float32(threshold: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above each threshold: no float32 input changes sides."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(np.float32)
