"""What users of these items took too: a linear model from items to items, solved in one step.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019, arXiv 1905.03375): weights that predict each
item of a user from the others, with zeros on the diagonal and a penalty on their squares.
"""

from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.metrics.ranking import DEFAULT_K, recall_of_lists
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch
from aicomp.models.space import Float
from aicomp.models.spec import ModelSpec

SPACE = (Float("model.params.penalty", 1.0, 5000.0, log=True),)
"""Wider than the penalties that it tries by itself."""

_PENALTIES = (1000.0, 300.0, 100.0, 30.0)
_MOST_ITEMS = 6000
"""The commonest items: a matrix of their number squared is inverted."""
_CHUNK = 2000


class Ease:
    """Ranked lists of items; the validation rows choose among penalties.

    Args:
        spec: The inputs; at least one is a text, of which the first holds the items that are known of a user.
        penalty: Weight of the squared weights; by default the best of four.
        n: Items of a list; by default as many as the metric looks at.
        exclude_seen: Whether items that the user has taken are left out of the list.

    Raises:
        UsageError: There is no text, or a number is too small.
    """

    numbers: ClassVar[Numbers] = "normal"
    reads_texts: ClassVar[bool] = True
    learns_strings: ClassVar[bool] = True

    def __init__(
        self, spec: ModelSpec, *, penalty: float | None = None, n: int | None = None, exclude_seen: bool = True
    ) -> None:
        if not spec.n_text:
            raise UsageError(
                "model `ease` reads lists of items from a column of text, and there is none",
                "name the columns of users and items in competition.toml: `user` and `item`",
            )
        if n is not None and n < 1:
            raise UsageError(f"`model.params.n` is {n}, it must be at least 1", "leave it out to follow the metric")
        if penalty is not None and not penalty > 0:
            raise UsageError(f"`model.params.penalty` is {penalty}, it must be above 0", "leave it out for the best")
        self._penalties = _PENALTIES if penalty is None else (penalty,)
        self._n, self._exclude_seen = n or 0, exclude_seen
        self._items: list[str] = []
        self._weights, self._popularity = np.zeros((0, 0), np.float32), np.zeros(0, np.float32)

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is a penalty that was tried, the strongest first. The loss is 1 - recall."""
        self._n = self._n or goal.n_listed or DEFAULT_K
        taken = [f"{known} {held}" for known, held in zip(_known(train), y, strict=True)]
        names, counts = np.unique([item for text in taken for item in text.split()], return_counts=True)
        kept = np.sort(np.argsort(-counts, kind="stable")[:_MOST_ITEMS])
        self._items = [str(name) for name in names[kept]]
        self._popularity = (counts[kept] / len(taken)).astype(np.float32)
        x = self._matrix(taken)
        together = np.asarray((x.T @ x).todense(), dtype=np.float64)
        best: tuple[float, int, np.ndarray] | None = None
        for done, penalty in enumerate(self._penalties, start=1):
            self._weights = _solve(together, penalty)
            predicted = self.predict(valid)
            loss = 1 - recall_of_lists(valid_y, predicted, k=self._n)
            watch(Round(done, len(self._penalties), predicted, float("nan"), loss))
            if best is None or loss < best[0]:
                best = (loss, done, self._weights)
        assert best is not None
        self._weights = best[2]
        return best[1]

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`; what nothing is known of gets the commonest items."""
        known = _known(rows)
        lists = np.empty(len(known), dtype=object)
        for first in range(0, len(known), _CHUNK):
            part = known[first : first + _CHUNK]
            x = self._matrix(part)
            scores = np.asarray(x @ self._weights) + 1e-3 * self._popularity
            if self._exclude_seen:
                scores[x.nonzero()] = -np.inf
            order = np.argsort(-scores, axis=1, kind="stable")[:, : self._n]
            for i, best in enumerate(order):
                lists[first + i] = " ".join(self._items[j] for j in best if np.isfinite(scores[i, j]))
        return lists

    def _matrix(self, texts: list[str]) -> Any:
        """Whether each row has each item, sparse (n, n_items)."""
        from scipy import sparse

        place = {item: j for j, item in enumerate(self._items)}
        found = [sorted({place[item] for item in text.split() if item in place}) for text in texts]
        starts = np.cumsum([0, *map(len, found)])
        columns = np.array([j for row in found for j in row], dtype=np.int64)
        ones = np.ones(len(columns), dtype=np.float32)
        return sparse.csr_matrix((ones, columns, starts), shape=(len(texts), len(self._items)))

    def state_dict(self) -> State:
        """Items, weights between them, how common they are, and the length of a list."""
        items = np.frombuffer("\n".join(self._items).encode(), dtype=np.uint8).copy()
        return {"items": items, "weights": self._weights, "popularity": self._popularity, "n": np.array([self._n])}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._items = state["items"].tobytes().decode().split("\n")
        self._weights, self._popularity, self._n = state["weights"], state["popularity"], int(state["n"][0])


def _known(rows: Rows) -> list[str]:
    assert rows.texts is not None
    return list(rows.texts[:, 0])


def _solve(together: np.ndarray, penalty: float) -> np.ndarray:
    """The weights, float32 (n_items, n_items): arXiv 1905.03375, eq. 8.

    Args:
        together: How many users took both of two items, (n_items, n_items).
        penalty: Weight of the squared weights.
    """
    inverse = np.linalg.inv(together + penalty * np.eye(len(together)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32)
