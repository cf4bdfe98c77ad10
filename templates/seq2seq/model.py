"""A model of your own that predicts strings, used where `aicomp.toml` says `name = "model:TranslationMemory"`."""

import json
from typing import Any, ClassVar

import numpy as np
from aicomp.models import Goal, ModelSpec, Round, Rows, State, Watch


class TranslationMemory:
    """Answers with the target of the training text that is most like the one that is asked for.

    A floor that anything that writes has to beat, and useful where test repeats train with small changes.

    Args:
        spec: What the data is like: numbers of columns and texts.
        most_terms: Runs of characters that texts are compared by, the commonest.
    """

    numbers: ClassVar[str] = "normal"
    reads_texts: ClassVar[bool] = True
    learns_strings: ClassVar[bool] = True

    def __init__(self, spec: ModelSpec, *, most_terms: int = 50_000) -> None:
        self.most_terms = most_terms
        self.sources: list[str] = []
        self.targets: list[str] = []

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """Remember the training rows; what it learns is told by `watch`, at least once."""
        self.sources, self.targets = _joined(train), list(y)
        predicted = self.predict(valid)
        watch(Round(1, 1, predicted, 0.0, float(np.mean(predicted != valid_y))))
        return 1

    def predict(self, rows: Rows) -> np.ndarray:
        """Strings, object (n,)."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        terms = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), max_features=self.most_terms, sublinear_tf=True)
        known = terms.fit_transform(self.sources)
        asked = terms.transform(_joined(rows))
        found = np.empty(len(rows), dtype=object)
        for start in range(0, len(rows), 500):
            nearest = np.asarray((asked[start : start + 500] @ known.T).argmax(axis=1)).ravel()
            found[start : start + 500] = [self.targets[i] for i in nearest]
        return found

    def state_dict(self) -> State:
        """What was learned, as arrays: here the rows themselves, as bytes of JSON."""
        content: Any = [self.sources, self.targets]
        return {"rows": np.frombuffer(json.dumps(content).encode(), dtype=np.uint8).copy()}

    def load_state_dict(self, state: State) -> None:
        """Take what `state_dict` gave."""
        self.sources, self.targets = json.loads(state["rows"].tobytes())


def _joined(rows: Rows) -> list[str]:
    assert rows.texts is not None
    return ["\n".join(row) for row in rows.texts]
