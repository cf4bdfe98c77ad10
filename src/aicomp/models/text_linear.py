"""A penalized linear model on the words and runs of characters of texts, beside the other columns.

Wang, Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012, show how far such
models go; runs of characters forgive spelling and stand for words where a language does not divide them by blanks.
"""

from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.estimator import Goal, Numbers, State, Watch, refuse_quantile, with_prefix
from aicomp.models.linear_solver import Linear, one_hot, solve_path
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.models.terms import Terms, analyzers_for

SPACE = (
    Float("model.params.penalty", 1e-2, 10.0, log=True),
    Int("model.params.max_terms", 10_000, 500_000, log=True),
)
"""Around the penalties that it tries by itself."""

_PENALTIES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01)


class TextLinear:
    """Logistic or ridge regression on weighted terms; the validation loss chooses among penalties.

    Args:
        spec: The inputs; at least one is a text.
        penalty: Weight of the squared coefficients; by default the best of six.
        max_terms: Most words, and as many runs of characters, of each column of text; the commonest are kept.

    Raises:
        UsageError: There is no text.
    """

    numbers: ClassVar[Numbers] = "normal"
    reads_texts: ClassVar[bool] = True
    name: ClassVar[str] = "text-linear"

    def __init__(self, spec: ModelSpec, *, penalty: float | None = None, max_terms: int = 200_000) -> None:
        if not spec.n_text:
            raise UsageError(
                f"model `{self.name}` reads columns of text, and there is none",
                'name one under [columns] in aicomp.toml, such as `"review" = "text"`, or take another model',
            )
        self._spec, self._max_terms = spec, max_terms
        self._penalties = _PENALTIES if penalty is None else (penalty,)
        self._terms: list[list[Terms]] = []
        self._linear = Linear(np.zeros((0, 1)), np.zeros(1), "")

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is a penalty that was tried, the strongest first."""
        from scipy import sparse

        refuse_quantile(goal, self.name)
        assert train.texts is not None
        self._terms, blocks = [], one_hot(train, self._spec.cardinalities)
        for texts in train.texts.T:
            analyzers = analyzers_for(texts) if self._max_terms else []
            fitted = [Terms.fit(texts, analyzer, self._max_terms) for analyzer in analyzers]
            self._terms.append([terms for terms, _ in fitted])
            blocks += [matrix for _, matrix in fitted]
        x = sparse.hstack(blocks + self._more(train), format="csr")
        self._linear, kept = solve_path(x, y, self._inputs(valid), valid_y, self._penalties, goal, watch)
        return kept

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        return self._linear.predict(self._inputs(rows))

    def state_dict(self) -> State:
        """Terms and coefficients."""
        state = {f"linear.{name}": array for name, array in self._linear.state_dict().items()}
        for j, of_column in enumerate(self._terms):
            for i, terms in enumerate(of_column):
                state |= {f"terms.{j}.{i}.{name}": array for name, array in terms.state_dict().items()}
        return state

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._linear = Linear.of(with_prefix(state, "linear."))
        self._terms = []
        for j in range(self._spec.n_text):
            of_column = with_prefix(state, f"terms.{j}.")
            n = len({name.partition(".")[0] for name in of_column})
            self._terms.append([Terms.of(with_prefix(of_column, f"{i}.")) for i in range(n)])

    def _inputs(self, rows: Rows) -> Any:
        """Numbers, levels and terms, sparse (n, n_inputs)."""
        from scipy import sparse

        assert rows.texts is not None
        blocks = one_hot(rows, self._spec.cardinalities)
        for texts, of_column in zip(rows.texts.T, self._terms, strict=True):
            blocks += [terms(texts) for terms in of_column]
        return sparse.hstack(blocks + self._more(rows), format="csr")

    def _more(self, rows: Rows) -> list[Any]:
        """Further sparse blocks (n, ...), for models that know more of a text."""
        return []
