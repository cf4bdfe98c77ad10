"""Model `extract`: the sentences of the source that a summary would take, and in which order.

A network looks at each sentence alone; what it is to choose is what a greedy search would, which knows the true summary
(Nallapati, Zhai, Zhou, "SummaRuNNer", arXiv 1611.04230).
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from aicomp.data.arrays import as_objects
from aicomp.data.rows import Rows
from aicomp.metrics.rouge import lcs_f
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch, with_prefix
from aicomp.models.linear_solver import one_hot
from aicomp.models.sentence_features import Document, Frequencies, describe
from aicomp.models.sentences import check_has_text, plain_words, source_column, summary_loss
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.device import reproducible
from aicomp.training.epochs import Epochs

SPACE = (
    Float("model.params.learning_rate", 3e-4, 1e-2, log=True),
    Float("model.params.dropout", 0.0, 0.5),
    Int("model.params.d_hidden", 16, 256, log=True),
)

_INNER = 0.15
"""Share of the training rows that say when a network stops and how many sentences are taken."""

_BATCH = 512
_PATIENCE = 5


class Rule(NamedTuple):
    """How sentences are taken, the likeliest first.

    Attributes:
        kind: 0 takes `size` sentences, 1 as many as have `size` times the words of the source, 2 those whose
            probability is above `size`.
        size: See `kind`.
        in_order: 1 if they stand as in the source, 0 if the network orders them.
    """

    kind: float
    size: float
    in_order: float


class Extract:
    """Takes sentences by place, length, nearness to the others, and the row's other columns.

    Args:
        spec: The inputs; at least one is a text, the longest is the source.
        d_hidden: Width of the network's two layers.
        n_networks: Networks whose mean counts.
        dropout: In training.
        learning_rate: Of Adam.
        epochs: Most passes over the training sentences.

    Raises:
        UsageError: There is no text.
    """

    numbers: ClassVar[Numbers] = "normal"
    reads_texts: ClassVar[bool] = True
    learns_strings: ClassVar[bool] = True

    def __init__(
        self,
        spec: ModelSpec,
        *,
        d_hidden: int = 64,
        n_networks: int = 3,
        dropout: float = 0.2,
        learning_rate: float = 2e-3,
        epochs: int = 40,
    ) -> None:
        check_has_text(spec, "extract")
        self._spec, self._d_hidden, self._n_networks = spec, d_hidden, n_networks
        self._dropout, self._learning_rate, self._epochs = dropout, learning_rate, epochs
        self._column, self._rule = 0, Rule(0, 1, 1)
        self._frequencies = Frequencies({}, 1.0)
        self._center, self._scale = np.zeros(1), np.ones(1)
        self._networks: list[nn.Sequential] = []

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is a network."""
        self._column = source_column(train)
        documents = self._documents(train)
        self._frequencies = Frequencies.fit(documents)
        features = self._features(documents, train)
        targets = [plain_words(text) for text in y]
        wanted = [best_sentences(d.words, t) for d, t in zip(documents, targets, strict=True)]
        shuffled = np.random.default_rng(goal.seed).permutation(len(documents))
        n_inner = max(1, round(_INNER * len(documents))) if len(documents) > 1 else 0
        inner, rest = shuffled[:n_inner], shuffled[n_inner:]
        stacked = np.concatenate([features[i] for i in rest])
        self._center, self._scale = stacked.mean(axis=0), 1 / np.maximum(stacked.std(axis=0), 1e-6)
        learned, held = (self._tensors(features, wanted, rows) for rows in (rest, inner if n_inner else rest))
        self._networks = []
        for k in range(self._n_networks):
            with reproducible(goal.seed + k, torch.device("cpu")):
                network, losses = self._train(learned, held, goal.checkpoints.part(str(k)))
            self._networks.append(network)
            rows = inner if n_inner else rest
            outputs = [self._outputs(features[i]) for i in rows]
            self._rule = _best_rule([documents[i] for i in rows], outputs, [targets[i] for i in rows])
            predicted = self.predict(valid)
            watch(Round(k + 1, self._n_networks, predicted, losses, summary_loss(valid_y, predicted)))
        return self._n_networks

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        documents = self._documents(rows)
        features = self._features(documents, rows)
        found = []
        for document, described in zip(documents, features, strict=True):
            chosen = take(document, self._outputs(described), self._rule)
            found.append(" ".join(document.sentences[i] for i in chosen).strip() or "-")
        return as_objects(found)

    def state_dict(self) -> State:
        """Networks, frequencies of words, and the rule."""
        state = {f"frequencies.{name}": array for name, array in self._frequencies.state_dict().items()}
        for k, network in enumerate(self._networks):
            state |= {f"networks.{k}.{name}": t.detach().numpy() for name, t in network.state_dict().items()}
        rule = np.array([self._column, *self._rule], dtype=np.float64)
        return {**state, "center": self._center, "scale": self._scale, "rule": rule}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._frequencies = Frequencies.of(with_prefix(state, "frequencies."))
        self._center, self._scale = state["center"], state["scale"]
        column, *rule = state["rule"].tolist()
        self._column, self._rule = int(column), Rule(*rule)
        self._networks = []
        for k in range(self._n_networks):
            network = self._network(len(self._center))
            arrays = with_prefix(state, f"networks.{k}.")
            network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
            self._networks.append(network.eval())

    def _documents(self, rows: Rows) -> list[Document]:
        assert rows.texts is not None
        return [Document.of(text) for text in rows.texts[:, self._column]]

    def _features(self, documents: Sequence[Document], rows: Rows) -> list[np.ndarray]:
        """Of each sentence, with those of its row, (n_sentences, n_features) each."""
        of_rows = np.hstack([block.toarray() for block in one_hot(rows, self._spec.cardinalities)])
        described = [describe(document, self._frequencies) for document in documents]
        return [np.hstack([d, np.tile(row, (len(d), 1))]) for d, row in zip(described, of_rows, strict=True)]

    def _network(self, n_features: int) -> nn.Sequential:
        d = self._d_hidden
        parts = [nn.Linear(n_features, d), nn.SiLU(), nn.Dropout(self._dropout)]
        return nn.Sequential(*parts, nn.Linear(d, d), nn.SiLU(), nn.Dropout(self._dropout), nn.Linear(d, 2))

    def _tensors(self, features: list[np.ndarray], wanted: list[np.ndarray], rows: np.ndarray) -> tuple[Tensor, Tensor]:
        x = (np.concatenate([features[i] for i in rows]) - self._center) * self._scale
        places = np.concatenate([wanted[i] for i in rows])
        return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(places.astype(np.float32))

    def _train(
        self, learned: tuple[Tensor, Tensor], held: tuple[Tensor, Tensor], checkpoints: Checkpoints
    ) -> tuple[nn.Sequential, float]:
        """A network, the epoch of the least loss over the held back sentences, and its loss over the others."""
        x, places = learned
        network = self._network(x.shape[1])
        optimizer = torch.optim.AdamW(network.parameters(), lr=self._learning_rate, weight_decay=1e-2)
        loop = Epochs(checkpoints, network, optimizer)
        for epoch in loop.left(self._epochs):
            network.train()
            for _, rows in loop.steps(lambda: torch.split(torch.randperm(len(x)), _BATCH)):
                loss = _loss(network(x[rows]), places[rows])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                loop.losses.append(float(loss.detach()))
            network.eval()
            with torch.no_grad():
                value = float(_loss(network(held[0]), held[1]))
            if loop.best is None or value < loop.best[0]:
                loop.keep_best((value, float(np.mean(loop.losses))), network.state_dict)
            if epoch - loop.best_epoch >= _PATIENCE:
                break
        loop.end(self._epochs)
        network.load_state_dict(loop.kept)
        return network.eval(), loop.best[1]

    def _outputs(self, features: np.ndarray) -> np.ndarray:
        """Probability of each sentence to be taken, and its place among those, float64 (n_sentences, 2)."""
        x = torch.from_numpy(((features - self._center) * self._scale).astype(np.float32))
        with torch.no_grad():
            outputs = torch.stack([network(x) for network in self._networks]).double().mean(dim=0)
        return np.column_stack([outputs[:, 0].sigmoid().numpy(), outputs[:, 1].numpy()])


def best_sentences(words: Sequence[Sequence[str]], target: Sequence[str]) -> np.ndarray:
    """Which sentences a greedy search takes that knows the target: each raises ROUGE-1 plus ROUGE-2 the most.

    Args:
        words: Words of each sentence.
        target: Words of the target.

    Returns:
        float64 (n_sentences,): place of the sentence in the target, from 0 to 1, and -1 where it is not taken.

    >>> best_sentences([["a", "title"], ["c", "d"], ["x", "y"], ["a", "b"]], ["a", "b", "c", "d"]).tolist()
    [-1.0, 0.5, -1.0, 0.0]
    """
    runs = [[tuple(s) for s in zip(sentence, strict=True)] + list(pairwise(sentence)) for sentence in words]
    of_target = Counter([*zip(target, strict=True), *pairwise(target)])
    numbers = {run: i for i, run in enumerate(of_target)}
    wanted = np.array(list(of_target.values()), dtype=float)
    counts = np.zeros((len(words), len(numbers)))
    for i, sentence in enumerate(runs):
        for run in sentence:
            if run in numbers:
                counts[i, numbers[run]] += 1
    lengths = np.array([len(sentence) for sentence in runs], dtype=float)
    places = np.full(len(words), -1.0)
    have, length, score = np.zeros(len(numbers)), 0.0, 0.0
    while len(numbers):
        hits = np.minimum(have + counts, wanted).sum(axis=1)
        scores = np.where(places < 0, 2 * hits / (length + lengths + wanted.sum()), -1)
        best = int(scores.argmax())
        if scores[best] <= score:
            break
        have, length, score = have + counts[best], length + lengths[best], float(scores[best])
        places[best] = _place(words[best], target)
    return places


def take(document: Document, outputs: np.ndarray, rule: Rule) -> list[int]:
    """Numbers of the sentences that are taken, in the order in which they are written; one at least.

    Args:
        document: The source.
        outputs: Probability and place of each sentence, (n_sentences, 2).
        rule: How they are taken.
    """
    likeliest = np.argsort(-outputs[:, 0], kind="stable")
    if rule.kind == 0:
        n = int(rule.size)
    elif rule.kind == 1:
        lengths = np.array([len(words) for words in document.words])
        budget = rule.size * lengths.sum()
        # The sentence that goes beyond it is taken if most of it lies within.
        n = int((np.cumsum(lengths[likeliest]) - lengths[likeliest] / 2 <= budget).sum())
    else:
        n = int((outputs[:, 0] > rule.size).sum())
    chosen = likeliest[: max(1, n)]
    by = chosen if rule.in_order else outputs[chosen, 1]
    return [int(i) for i in chosen[np.argsort(by, kind="stable")]]


def _place(sentence: Sequence[str], target: Sequence[str]) -> float:
    """Where in the target the words of a sentence stand, from 0 to 1: the median of their first places."""
    first: dict[tuple[str, ...], int] = {}
    for n in (1, 2, 3):
        for i in range(len(target) - n + 1):
            first.setdefault(tuple(target[i : i + n]), i)
    for n in (3, 2, 1):
        found = [first.get(tuple(sentence[i : i + n])) for i in range(len(sentence) - n + 1)]
        places = [i for i in found if i is not None]
        if places:
            return float(np.median(places)) // 1 / len(target) if n > 1 else min(places) / len(target)
    return 0.0


def _loss(outputs: Tensor, places: Tensor) -> Tensor:
    """Cross-entropy of being taken, and squares of the places of those that are."""
    taken = (places >= 0).float()
    choice = functional.binary_cross_entropy_with_logits(outputs[:, 0], taken)
    squares = ((outputs[:, 1] - places) ** 2 * taken).sum() / taken.sum().clamp(min=1)
    return choice + squares


def _best_rule(documents: Sequence[Document], outputs: Sequence[np.ndarray], targets: Sequence[list[str]]) -> Rule:
    """The rule of the best mean ROUGE-L over some rows, of equal ones the first."""
    taken = [len(t) / max(1, sum(map(len, d.words))) for d, t in zip(documents, targets, strict=True)]
    share = float(np.mean(taken))
    sizes = [(0, float(k)) for k in range(1, 11)]
    sizes += [(1, share * factor) for factor in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35)]
    sizes += [(2, threshold) for threshold in (0.2, 0.3, 0.4, 0.5, 0.6)]
    rules = [Rule(kind, size, in_order) for kind, size in sizes for in_order in (1, 0)]

    def score(rule: Rule) -> float:
        found = []
        for document, output, target in zip(documents, outputs, targets, strict=True):
            words = [word for i in take(document, output, rule) for word in document.words[i]]
            found.append(lcs_f(target, words))
        return float(np.mean(found))

    scores = [score(rule) for rule in rules]
    return rules[int(np.argmax(scores))]
