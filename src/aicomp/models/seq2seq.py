"""Model `seq2seq`: a small Transformer that learns to write targets from sources, from scratch, for translations."""

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from aicomp.data.arrays import as_objects
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.metrics.consensus import chrf_similarity
from aicomp.models.bpe import END, PAD, START, BytePairs
from aicomp.models.encoder_decoder import EncoderDecoder, beam_search, write_greedily
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch
from aicomp.models.sentences import check_has_text
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.training.device import has_bfloat16, reproducible
from aicomp.training.epochs import Epochs

SPACE = (
    Float("model.params.learning_rate", 3e-4, 3e-3, log=True),
    Float("model.params.dropout", 0.0, 0.5),
    Int("model.params.n_layers", 2, 6),
    Int("model.params.epochs", 5, 40, log=True),
)

Pair = tuple[list[int], list[int]]
"""Pieces of a source and of its target, both with `END`."""

_STEPS = 2000
"""Steps in which pairs of some ten thousand sentences are learned; fewer rows are seen more often."""

_FEWEST_EPOCHS, _MOST_EPOCHS = 6, 100
_BATCHES = 20
"""Least batches of an epoch, so that few rows are not one batch."""

_SAMPLE = 200
_PATIENCE = 8
_ROWS = 64
"""Rows that are written side by side."""


class Seq2Seq:
    """A Transformer with its own pieces of words; the epoch that writes best on validation rows is kept.

    Args:
        spec: The inputs; at least one is a text. Texts of a row stand one behind the other; other columns are not read.
        d: Width.
        n_layers: Layers of the encoder, and of the decoder.
        n_heads: Heads of attention.
        d_hidden: Width of the perceptrons, by default twice `d`.
        n_pieces: Pieces that words are cut into, by default by the number of rows.
        dropout: By default less for more rows.
        label_smoothing: Share of each piece's probability that is spread over all.
        learning_rate: At its peak, after a tenth of the steps; then it falls along a cosine.
        epochs: Most passes, by default by the number of rows.
        batch_tokens: Pieces of targets in a step, by default by the number of rows.
        max_length: Pieces of a text that are read or written.
        n_beams: Of the search.
        length_penalty: Of the search; 0 favours short targets.

    Raises:
        UsageError: There is no text, or a parameter is out of range.
    """

    numbers: ClassVar[Numbers] = "normal"
    reads_texts: ClassVar[bool] = True
    learns_strings: ClassVar[bool] = True

    def __init__(
        self,
        spec: ModelSpec,
        *,
        d: int = 192,
        n_layers: int = 3,
        n_heads: int = 4,
        d_hidden: int | None = None,
        n_pieces: int | None = None,
        dropout: float | None = None,
        label_smoothing: float = 0.1,
        learning_rate: float = 1.5e-3,
        epochs: int | None = None,
        batch_tokens: int | None = None,
        max_length: int = 256,
        n_beams: int = 4,
        length_penalty: float = 1.0,
    ) -> None:
        check_has_text(spec, "seq2seq")
        if d % (2 * n_heads):
            raise UsageError(
                f"`model.params.d` is {d}, which {n_heads} heads do not divide into even parts",
                "write for example `--set model.params.d=192`",
            )
        self._sizes = (d, n_layers, n_heads, d_hidden or 2 * d)
        self._n_pieces, self._dropout, self._smoothing = n_pieces, dropout, label_smoothing
        self._learning_rate, self._epochs, self._batch_tokens = learning_rate, epochs, batch_tokens
        self._max_length, self._n_beams, self._length_penalty = max_length, n_beams, length_penalty
        self._bpe = BytePairs([], {})
        self._most = (1.0, 0)
        self._model: EncoderDecoder | None = None
        self._device = torch.device("cpu")

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is an epoch, of which some validation rows are written greedily."""
        self._device = torch.device(goal.device)
        sources = _joined(train)
        self._bpe = BytePairs.fit([*sources, *y], self._n_pieces or _n_pieces(len(y)))
        pairs = [self._pair(s, t) for s, t in zip(sources, y, strict=True)]
        valid_pairs = [self._pair(s, t) for s, t in zip(_joined(valid), valid_y, strict=True)]
        self._most = _longest(pairs)
        with reproducible(goal.seed, self._device):
            self._model = EncoderDecoder(len(self._bpe), *self._sizes, self._dropout_for(len(y))).to(self._device)
            return self._train(self._model, pairs, valid_pairs, valid, valid_y, goal, watch)

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`: by beam search."""
        return self._write(rows, n_beams=self._n_beams)

    def state_dict(self) -> State:
        """Weights and pieces."""
        assert self._model is not None
        state = {f"model.{name}": t.detach().cpu().numpy() for name, t in self._model.state_dict().items()}
        return {**state, "pieces": self._bpe.to_array(), "most": np.array(self._most, dtype=np.float64)}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._bpe = BytePairs.of(state["pieces"])
        ratio, more = state["most"].tolist()
        self._most = (ratio, int(more))
        self._model = EncoderDecoder(len(self._bpe), *self._sizes, 0.0)
        weights = {n.removeprefix("model."): torch.from_numpy(a) for n, a in state.items() if n.startswith("model.")}
        self._model.load_state_dict(weights)

    def _train(
        self,
        model: EncoderDecoder,
        pairs: list[Pair],
        valid_pairs: list[Pair],
        valid: Rows,
        valid_y: np.ndarray,
        goal: Goal,
        watch: Watch,
    ) -> int:
        random = np.random.default_rng(goal.seed)
        sample = np.sort(random.permutation(len(valid))[:_SAMPLE])
        n_tokens = self._batch_tokens or _batch_tokens(pairs)
        n_batches = len(list(_batches(pairs, n_tokens, random)))
        n_epochs = self._epochs or int(np.clip(round(_STEPS / n_batches), _FEWEST_EPOCHS, _MOST_EPOCHS))
        optimizer = torch.optim.AdamW(
            _decayed(model), lr=self._learning_rate, betas=(0.9, 0.98), fused=self._device.type != "mps"
        )
        loop = Epochs(goal.checkpoints, model, optimizer, random=random)
        for epoch in loop.left(n_epochs):
            model.train()
            for _, batch in loop.steps(lambda: list(_batches(pairs, n_tokens, random))):
                for group in optimizer.param_groups:
                    group["lr"] = self._learning_rate * _course(loop.step, n_batches * n_epochs)
                loop.losses.append(self._step(model, optimizer, batch))
            valid_loss = self._loss_over(model, valid_pairs, n_tokens)
            written = self._write(valid.take(sample), n_beams=1)
            score = float(np.mean([chrf_similarity(a, b) for a, b in zip(valid_y[sample], written, strict=True)]))
            if loop.best is None or score > loop.best:
                loop.keep_best(score, model.state_dict)
            watch(Round(epoch, n_epochs, written, float(np.mean(loop.losses)), valid_loss, sample))
            if epoch - loop.best_epoch >= _PATIENCE:
                break
        model.load_state_dict(loop.kept)
        model.eval()
        return loop.best_epoch

    def _step(self, model: EncoderDecoder, optimizer: torch.optim.Optimizer, batch: Sequence[Pair]) -> float:
        loss = self._loss(model, batch, self._smoothing)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    def _loss(self, model: EncoderDecoder, batch: Sequence[Pair], smoothing: float) -> Tensor:
        """Mean cross-entropy of a batch's pieces."""
        source = _padded([pair[0] for pair in batch], self._device)
        written = _padded([[START, *pair[1]] for pair in batch], self._device)
        amp = has_bfloat16(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=amp):
            logits = model(source, written[:, :-1])
        wanted = written[:, 1:].flatten()
        return functional.cross_entropy(
            logits.float().flatten(0, 1), wanted, ignore_index=PAD, label_smoothing=smoothing
        )

    @torch.no_grad()
    def _loss_over(self, model: EncoderDecoder, pairs: Sequence[Pair], n_tokens: int) -> float:
        model.eval()
        total, count = 0.0, 0
        for batch in _batches(pairs, n_tokens, np.random.default_rng(0)):
            n = sum(len(pair[1]) for pair in batch)
            total, count = total + n * float(self._loss(model, batch, 0.0)), count + n
        return total / count

    def _write(self, rows: Rows, n_beams: int) -> np.ndarray:
        """Targets of rows, those of about the same length side by side."""
        assert self._model is not None
        self._model.eval()
        sources = _joined(rows)
        cut = [self._source(text) for text in sources]
        found = as_objects([""] * len(cut))
        order = sorted(range(len(cut)), key=lambda i: len(cut[i]))
        for start in range(0, len(order), _ROWS):
            at = order[start : start + _ROWS]
            source = _padded([cut[i] for i in at], self._device)
            ratio, more = self._most
            most = min(self._max_length, int(ratio * source.shape[1]) + more)
            if n_beams == 1:
                written = write_greedily(self._model, source, most)
            else:
                written = beam_search(self._model, source, most, n_beams=n_beams, length_penalty=self._length_penalty)
            for i, pieces in zip(at, written, strict=True):
                # An empty answer is no prediction: the source says more.
                found[i] = self._bpe.decode(pieces) or sources[i].strip() or "-"
        return found

    def _pair(self, source: str, target: str) -> Pair:
        return self._source(source), [*self._bpe.encode(target)[: self._max_length - 1], END]

    def _source(self, text: str) -> list[int]:
        return [*self._bpe.encode(text)[: self._max_length - 1], END]

    def _dropout_for(self, n_rows: int) -> float:
        if self._dropout is not None:
            return self._dropout
        return 0.3 if 5_000 <= n_rows < 100_000 else 0.1


def _joined(rows: Rows) -> list[str]:
    assert rows.texts is not None
    return ["\n".join(row) for row in rows.texts]


def _n_pieces(n_rows: int) -> int:
    return 4000 if n_rows < 50_000 else 8000 if n_rows < 200_000 else 16_000


def _batch_tokens(pairs: Sequence[Pair]) -> int:
    total = sum(len(pair[1]) for pair in pairs)
    return int(np.clip(total // _BATCHES, 64, 2500))


def _longest(pairs: Sequence[Pair]) -> tuple[float, int]:
    """Pieces that a target may have: times those of the source, and beyond that; no training target has more."""
    ratios = np.array([len(target) / len(source) for source, target in pairs])
    ratio = float(np.quantile(ratios, 0.99))
    return ratio, int(max([10, *(len(t) - ratio * len(s) for s, t in pairs)])) + 1


def _batches(pairs: Sequence[Pair], n_tokens: int, random: np.random.Generator) -> Iterator[list[Pair]]:
    """Pairs of about the same length, in random order, so that little of a batch is padding."""
    noise = random.random(len(pairs))
    order = sorted(range(len(pairs)), key=lambda i: (len(pairs[i][1]), len(pairs[i][0]), noise[i]))
    batches: list[list[Pair]] = []
    longest = 0
    for i in order:
        longest = max(longest, *map(len, pairs[i]))
        if not batches or longest * (len(batches[-1]) + 1) > n_tokens:
            batches.append([])
            longest = max(map(len, pairs[i]))
        batches[-1].append(pairs[i])
    for b in random.permutation(len(batches)):
        yield batches[b]


def _padded(rows: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    filled = np.full((len(rows), max(map(len, rows))), PAD, dtype=np.int64)
    for i, row in enumerate(rows):
        filled[i, : len(row)] = row
    return torch.from_numpy(filled).to(device)


def _decayed(model: EncoderDecoder) -> list[dict[str, object]]:
    """Matrices shrink a little in each step; norms, biases and the vectors of pieces do not."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and name != "pieces.weight"]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or name == "pieces.weight"]
    return [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]


def _course(step: int, n_steps: int) -> float:
    """Share of the peak learning rate: up along a line in the first tenth, then down along a cosine."""
    rise = max(1, n_steps // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, n_steps - rise)))
