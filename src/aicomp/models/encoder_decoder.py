"""The Transformer that reads one text and writes another, and how it writes: greedily, or by beam search.

Vaswani et al., "Attention Is All You Need" (arXiv 1706.03762), with the norm before each block instead of behind it,
which learns without a long warm-up (Xiong et al., arXiv 2002.04745).
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from aicomp.models.bpe import END, PAD, START, UNKNOWN
from aicomp.models.dropout import Dropout

Cache = list[tuple[Tensor, Tensor]]
"""Keys and values of what is written so far, of each block of the decoder: (batch, n_heads, length, d_head)."""


class Attention(nn.Module):
    """Attention with several heads; keys and values come from the same sequence or from another one.

    Args:
        d: Width.
        n_heads: Heads; they divide the width.
    """

    def __init__(self, d: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query, self.key_value, self.out = nn.Linear(d, d), nn.Linear(d, 2 * d), nn.Linear(d, d)

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, length, d) -> keys and values, (batch, n_heads, length, d_head) each."""
        keys, values = self.key_value(x).chunk(2, dim=-1)
        return self._heads(keys), self._heads(values)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend from `x`, (batch, length, d); `mask` is True where it may look, broadcast over heads and length."""
        queries = self._heads(self.query(x))
        # Written out: on a CPU, the backward pass of torch's fused kernel is slower for texts of a sentence.
        scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        seen = scores.softmax(dim=-1) @ values
        mixed: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return mixed

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.n_heads, -1).transpose(1, 2)


class Block(nn.Module):
    """A layer of the encoder, or with `looks_back` one of the decoder, which attends to the source too.

    Args:
        d: Width.
        n_heads: Heads.
        d_hidden: Width of the perceptron.
        dropout: Of what each part adds.
        looks_back: Whether it attends to a source.
    """

    def __init__(self, d: int, n_heads: int, d_hidden: int, dropout: float, *, looks_back: bool) -> None:
        super().__init__()
        self.own_norm, self.own = nn.LayerNorm(d), Attention(d, n_heads)
        self.source_norm = nn.LayerNorm(d) if looks_back else None
        self.source = Attention(d, n_heads) if looks_back else None
        self.norm = nn.LayerNorm(d)
        self.perceptron = nn.Sequential(nn.Linear(d, d_hidden), nn.ReLU(), nn.Linear(d_hidden, d))
        self.drop = Dropout(dropout)

    def read(self, x: Tensor, mask: Tensor) -> Tensor:
        """A source's states, (batch, length, d); `mask`, (batch, 1, 1, length), is False at padding."""
        h = self.own_norm(x)
        x = x + self.drop(self.own(h, *self.own.keys_values(h), mask))
        return self._think(x)

    def write(
        self, x: Tensor, memory: tuple[Tensor, Tensor], mask: Tensor, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """States of what is written, and its keys and values.

        Args:
            x: (batch, length, d): all of it in training, and one piece, behind `past`, when it is written.
            memory: Keys and values of the source, see `Attention.keys_values`.
            mask: (batch, 1, 1, source_length), False at padding.
            past: Keys and values of what stands before.
        """
        assert self.source is not None
        assert self.source_norm is not None
        h = self.own_norm(x)
        keys, values = self.own.keys_values(h)
        if past is not None:
            keys, values = torch.cat([past[0], keys], dim=2), torch.cat([past[1], values], dim=2)
        x = x + self.drop(self.own(h, keys, values, _earlier(h, keys)))
        x = x + self.drop(self.source(self.source_norm(x), *memory, mask))
        return self._think(x), (keys, values)

    def memory(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of a source's states."""
        assert self.source is not None
        return self.source.keys_values(states)

    def _think(self, x: Tensor) -> Tensor:
        states: Tensor = x + self.drop(self.perceptron(self.norm(x)))
        return states


class EncoderDecoder(nn.Module):
    """A Transformer whose source, target and output share one table of vectors.

    Args:
        n_pieces: Pieces that texts are cut into; the first ones are those of `aicomp.models.bpe`.
        d: Width.
        n_layers: Layers of the encoder, and as many of the decoder.
        n_heads: Heads of attention.
        d_hidden: Width of the perceptrons.
        dropout: In training.
    """

    def __init__(self, n_pieces: int, d: int, n_layers: int, n_heads: int, d_hidden: int, dropout: float) -> None:
        super().__init__()
        self.d = d
        self.pieces = nn.Embedding(n_pieces, d, padding_idx=PAD)
        self.bias = nn.Parameter(torch.zeros(n_pieces))
        sizes = (d, n_heads, d_hidden, dropout)
        self.encoder = nn.ModuleList([Block(*sizes, looks_back=False) for _ in range(n_layers)])
        self.decoder = nn.ModuleList([Block(*sizes, looks_back=True) for _ in range(n_layers)])
        self.read_norm, self.write_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.drop = Dropout(dropout)
        nn.init.normal_(self.pieces.weight, std=d**-0.5)

    def forward(self, source: Tensor, written: Tensor) -> Tensor:
        """Logits of the piece behind each written one, (batch, target_length, n_pieces).

        Args:
            source: Pieces, int64 (batch, source_length), `PAD` behind the end.
            written: Pieces of the target from `START` on, int64 (batch, target_length).
        """
        states, mask = self.read(source)
        x = self._embed(written, 0)
        for block in _blocks(self.decoder):
            x, _ = block.write(x, block.memory(states), mask)
        return self._logits(x)

    def read(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """States of sources, (batch, source_length, d), and where they are no padding, (batch, 1, 1, source_length)."""
        mask = (source != PAD)[:, None, None, :]
        x = self._embed(source, 0)
        for block in _blocks(self.encoder):
            x = block.read(x, mask)
        return self.read_norm(x), mask

    def step(self, last: Tensor, at: int, memory: Cache, mask: Tensor, past: Cache) -> tuple[Tensor, Cache]:
        """Log probabilities of the next piece, (batch, n_pieces), and the cache with this one.

        Args:
            last: The piece that was written last, int64 (batch,).
            at: How many stand before it.
            memory: Keys and values of the source, of each block.
            mask: As `read` gives it.
            past: Cache of what stands before; empty for the first piece.
        """
        x = self._embed(last[:, None], at)
        cache = []
        for i, block in enumerate(_blocks(self.decoder)):
            x, grown = block.write(x, memory[i], mask, past[i] if past else None)
            cache.append(grown)
        logits = self._logits(x)[:, 0].float()
        logits[:, [PAD, START, UNKNOWN]] = -torch.inf
        return logits.log_softmax(dim=-1), cache

    def memory(self, states: Tensor) -> Cache:
        """Keys and values of a source's states for each block of the decoder."""
        return [block.memory(states) for block in _blocks(self.decoder)]

    def _embed(self, pieces: Tensor, start: int) -> Tensor:
        places = _places(pieces.shape[1] + start, self.d, pieces.device)[start:]
        embedded: Tensor = self.drop(self.pieces(pieces) * math.sqrt(self.d) + places)
        return embedded

    def _logits(self, x: Tensor) -> Tensor:
        return functional.linear(self.write_norm(x), self.pieces.weight, self.bias)


def _earlier(x: Tensor, keys: Tensor) -> Tensor:
    """Which keys each place of `x` may look at: its own and those before, bool (length, n_keys)."""
    n, n_keys = x.shape[1], keys.shape[2]
    return torch.ones(n, n_keys, dtype=torch.bool, device=x.device).tril(n_keys - n)


def _blocks(layers: nn.ModuleList) -> Iterator[Block]:
    for layer in layers:
        assert isinstance(layer, Block)
        yield layer


def _places(n: int, d: int, device: torch.device) -> Tensor:
    """Sines and cosines of places, (n, d): section 3.5 of the paper."""
    rates = torch.exp(torch.arange(0, d, 2, device=device) * (-math.log(10_000.0) / d))
    angles = torch.arange(n, device=device)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :d]


@torch.no_grad()
def write_greedily(model: EncoderDecoder, source: Tensor, most: int) -> list[list[int]]:
    """Of each source the target whose every piece is the likeliest one: beam search with a single beam."""
    return beam_search(model, source, most, n_beams=1)


@torch.no_grad()
def beam_search(
    model: EncoderDecoder, source: Tensor, most: int, *, n_beams: int = 4, length_penalty: float = 1.0
) -> list[list[int]]:
    """The likeliest targets that a search with several beginnings side by side finds.

    A finished target counts by its log probability over ((5 + length) / 6) ** `length_penalty` (Wu et al., arXiv
    1609.08144), so that long ones have their chance. It ends when each row has a finished target that counts as much as
    its best beginning does now.

    Args:
        model: In evaluation mode.
        source: Pieces, int64 (batch, source_length).
        most: Most pieces of a target.
        n_beams: Beginnings that are kept of each source.
        length_penalty: 0 counts probability alone.

    Returns:
        Pieces of each row's target, without start and end.
    """
    n, k, device = len(source), n_beams, source.device
    states, mask = model.read(source)
    memory = [(a.repeat_interleave(k, 0), b.repeat_interleave(k, 0)) for a, b in model.memory(states)]
    mask = mask.repeat_interleave(k, 0)
    written = torch.full((n * k, 1), START, device=device)
    scores = torch.full((n, k), -torch.inf, device=device)
    scores[:, 0] = 0  # all beginnings are the same at first
    past: Cache = []
    best: list[tuple[float, list[int]]] = [(-math.inf, []) for _ in range(n)]
    for length in range(1, most + 1):
        log_p, past = model.step(written[:, -1], length - 1, memory, mask, past)
        total = (scores.view(-1, 1) + log_p).view(n, -1)
        scores, picks = total.topk(min(2 * k, total.shape[1]), dim=1)  # at most k of these end here
        n_pieces = log_p.shape[1]
        ends = picks % n_pieces == END
        penalty = ((5 + length) / 6) ** length_penalty
        # An end counts if it is among the best k: with a single beam, if it is the likeliest piece.
        _keep_finished(best, written, scores[:, :k], picks[:, :k], ends[:, :k], penalty, n_pieces)
        scores, order = scores.masked_fill(ends, -torch.inf).topk(k, dim=1)
        picks = picks.gather(1, order)
        beams = (picks // n_pieces + torch.arange(n, device=device)[:, None] * k).view(-1)
        written = torch.cat([written[beams], (picks % n_pieces).view(-1, 1)], dim=1)
        past = [(a[beams], b[beams]) for a, b in past]
        if all(score >= hope for (score, _), hope in zip(best, (scores[:, 0] / penalty).tolist(), strict=True)):
            break
    longest = written.view(n, k, -1)[:, 0, 1:].tolist()
    return [found if score > -math.inf else longest[i] for i, (score, found) in enumerate(best)]


def _keep_finished(
    best: list[tuple[float, list[int]]],
    written: Tensor,
    scores: Tensor,
    picks: Tensor,
    ends: Tensor,
    penalty: float,
    n_pieces: int,
) -> None:
    """Take the best target of each row that ends now, if it is better than what had ended before."""
    k = len(written) // len(scores)
    of_end = scores.masked_fill(~ends, -torch.inf)
    value, where = of_end.max(dim=1)
    beams = (picks.gather(1, where[:, None])[:, 0] // n_pieces).tolist()
    for i, score in enumerate((value / penalty).tolist()):
        if score > best[i][0]:
            best[i] = (score, written[i * k + beams[i], 1:].tolist())
