"""A model of your own that predicts lists, used where `aicomp.toml` says `name = "model:Popular"`."""

from collections import Counter
from typing import ClassVar

import numpy as np
from aicomp.models import Goal, ModelSpec, Round, Rows, State, Watch


class Popular:
    """The commonest items that a user has not taken yet: a floor that any other model has to beat.

    Args:
        spec: What the data is like.
        n: Items of a list; by default as many as the metric looks at.
        exclude_seen: Whether items that the user has taken are left out.
    """

    numbers: ClassVar[str] = "normal"
    reads_texts: ClassVar[bool] = True  # `rows.texts[:, 0]` is the column `history`
    learns_strings: ClassVar[bool] = True  # `predict` returns lists, their items between blanks

    def __init__(self, spec: ModelSpec, *, n: int | None = None, exclude_seen: bool = True) -> None:
        self.n, self.exclude_seen = n or 0, exclude_seen
        self.items: list[str] = []

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """Count; what it learns is told by `watch`, at least once."""
        assert train.texts is not None
        self.n = self.n or goal.n_listed or 10
        counts = Counter(item for text in (*train.texts[:, 0], *y) for item in text.split())
        self.items = [item for item, _ in counts.most_common()]
        watch(Round(1, 1, self.predict(valid), 0.0, 0.0))
        return 1

    def predict(self, rows: Rows) -> np.ndarray:
        """Lists, object (n,)."""
        assert rows.texts is not None
        lists = np.empty(len(rows), dtype=object)
        for i, text in enumerate(rows.texts[:, 0]):
            seen = set(text.split()) if self.exclude_seen else set()
            lists[i] = " ".join([item for item in self.items[: self.n + len(seen)] if item not in seen][: self.n])
        return lists

    def state_dict(self) -> State:
        """What was learned, as arrays."""
        items = np.frombuffer("\n".join(self.items).encode(), dtype=np.uint8).copy()
        return {"items": items, "n": np.array([self.n])}

    def load_state_dict(self, state: State) -> None:
        """Take what `state_dict` gave."""
        self.items, self.n = state["items"].tobytes().decode().split("\n"), int(state["n"][0])
