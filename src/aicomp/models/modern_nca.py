"""ModernNCA: a row is predicted from the targets of training rows that lie near it in a learned space.

Ye, Yin, Zhan, "Revisiting Nearest Neighbor for Tabular Data: A Deep Tabular Baseline Two Decades Later" (ICLR 2025,
arXiv 2407.03257), after neighbourhood components analysis (Goldberger et al., NeurIPS 2004). For data whose rows have
near twins: a network has to bend for each of them, this one looks them up.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.errors import UsageError
from aicomp.models.embeddings import FeatureEmbedding
from aicomp.models.memory import Memory
from aicomp.models.space import DROPOUT, NETWORK, Float, Int
from aicomp.models.spec import ModelSpec

SPACE = (
    *NETWORK,
    DROPOUT,
    Int("model.params.n_blocks", 0, 2),
    Int("model.params.d_key", 32, 128, step=32),
    Int("model.params.d_embedding", 8, 32, step=4),
    Float("model.params.prior", 1e-3, 0.3, log=True, default=0.01, only="classification"),
)
"""Ranges after the paper's appendix, narrower in width."""

_PAIRS = {"cpu": 2**22, "cuda": 2**27, "mps": 2**25}
"""Distances that are held at once when predicting: 16 MB on a CPU."""

_LEAST = 1e-6
"""Least squared distance and least share of a class."""

_FAR = 1e9
"""Distance of a row to itself in training."""

_ENCODED = 4096
"""Remembered rows that are encoded at once when predicting."""


class Block(nn.Module):
    """A residual block: norm, hidden layer with ReLU and dropout, and back.

    Shape: (batch, d) -> (batch, d).
    """

    def __init__(self, d: int, d_block: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.hidden = nn.Linear(d, d_block)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(d_block, d)

    def forward(self, x: Tensor) -> Tensor:
        """Add to a row what the block makes of it, (batch, d) -> (batch, d)."""
        added: Tensor = self.out(self.dropout(F.relu(self.hidden(self.norm(x)))))
        return x + added


class ModernNCA(nn.Module):
    """Means of remembered rows' targets, weighted by softmax(-distance) of learned keys, and a row's own correction.

    It has to `remember` the training rows first; see `aicomp.models.memory`. In training, a batch is compared with
    itself and with rows drawn at random, a row never with itself; otherwise with all rows that are remembered.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, n_outputs): means of values, or logits of classes' shares.

    Args:
        spec: Inputs and outputs.
        n_blocks: Residual blocks of the encoder.
        d_block: Hidden units of a block.
        d_key: Length of a key.
        d_embedding: Length of a column's embedding.
        n_candidates: Rows that are drawn in each step of training.
        n_memory: Most rows that are remembered; of more, a random sample is.
        prior: For classes, the weight of their shares among all rows, where the neighbours have 1.

    Raises:
        UsageError: An argument out of range.
    """

    def __init__(
        self,
        spec: ModelSpec,
        n_blocks: int,
        d_block: int,
        d_key: int,
        d_embedding: int,
        n_candidates: int,
        n_memory: int,
        prior: float,
    ) -> None:
        super().__init__()
        _check_positive(n_candidates=n_candidates, n_memory=n_memory, d_key=d_key, prior=prior)
        self.outputs, self.n_outputs = spec.outputs, spec.n_outputs
        self.n_candidates, self.prior = n_candidates, prior
        self.embedding = FeatureEmbedding(spec, d_embedding)
        self.first = nn.Linear(self.embedding.d_out, d_key)
        self.blocks = nn.Sequential(*(Block(d_key, d_block, spec.dropout) for _ in range(n_blocks)))
        self.head_norm = nn.LayerNorm(d_key)
        self.head = nn.Linear(d_key, spec.n_outputs)
        nn.init.zeros_(self.head.weight)  # the neighbours have the first word
        nn.init.zeros_(self.head.bias)
        self.memory = Memory(n_memory)
        self.register_buffer("mean_target", torch.zeros(spec.n_outputs))
        self._keys: Tensor | None = None

    mean_target: Tensor

    def remember(self, x_num: Tensor, x_cat: Tensor, targets: Tensor) -> None:
        """Keep the training rows, see `RemembersRows`."""
        self.memory.hold(x_num, x_cat, targets)
        self.mean_target = self._as_outputs(targets).mean(dim=0)
        self._keys = None

    def train(self, mode: bool = True) -> "ModernNCA":
        """Switch between training and predicting; either may follow a change of the weights."""
        self._keys = None
        return super().train(mode)

    def forward(self, x_num: Tensor, x_cat: Tensor, rows: Tensor | None = None) -> Tensor:
        """Predict rows; `rows` are their numbers among the training rows, if they are such and are trained on."""
        if rows is not None:
            return self._forward_training(x_num, x_cat, rows)
        n_memory = len(self.memory)
        keys, targets = self._memory_keys(), self._as_outputs(self.memory.targets)
        size = max(1, _PAIRS[x_num.device.type] // n_memory)
        queries = self._encode(x_num, x_cat)
        return torch.cat([self._compare(some, keys, targets) for some in torch.split(queries, size)])

    def _forward_training(self, x_num: Tensor, x_cat: Tensor, rows: Tensor) -> Tensor:
        """Compare a batch with itself and with drawn rows; what is encoded for one side serves the other."""
        n_batch, memory = len(rows), self.memory
        drawn = torch.randint(len(memory), (min(self.n_candidates, len(memory)),), device=rows.device)
        keys = self._encode(torch.cat([x_num, memory.x_num[drawn]]), torch.cat([x_cat, memory.x_cat[drawn]]))
        targets = self._as_outputs(torch.cat([memory.all_targets[rows], memory.targets[drawn]]))
        numbers = torch.cat([rows, memory.rows[drawn]])
        return self._compare(keys[:n_batch], keys, targets, is_itself=rows.unsqueeze(1) == numbers)

    def _encode(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Keys in float32, (batch, n_num) and (batch, n_cat) -> (batch, d_key)."""
        keys: Tensor = self.blocks(self.first(self.embedding(x_num, x_cat)))
        return keys.float()

    def _memory_keys(self) -> Tensor:
        """Keys of all remembered rows; while predicting they are made once."""
        if self.training or self._keys is None:
            with torch.inference_mode(False), torch.no_grad():
                rows = zip(*(torch.split(t, _ENCODED) for t in (self.memory.x_num, self.memory.x_cat)), strict=True)
                keys = torch.cat([self._encode(x_num, x_cat) for x_num, x_cat in rows])
            if self.training:
                return keys
            self._keys = keys
        return self._keys

    def _as_outputs(self, targets: Tensor) -> Tensor:
        """Targets as rows that can be averaged, float32 (n, n_outputs)."""
        if self.outputs != "classes":
            return targets
        return F.one_hot(targets, self.n_outputs).float()

    def _compare(self, keys: Tensor, others: Tensor, targets: Tensor, is_itself: Tensor | None = None) -> Tensor:
        """Outputs of rows from the targets of others; `is_itself`, (n, n_others), says which are one row."""
        # Rounded to bfloat16, near keys could not be told apart.
        with torch.autocast(keys.device.type, enabled=False):
            distances = _distances(keys, others)
            if is_itself is None:
                weights = (-distances).softmax(dim=1)
            else:  # a row that is compared with nothing but itself has no weight at all
                weights = (-distances.masked_fill(is_itself, _FAR)).softmax(dim=1).masked_fill(is_itself, 0)
            means = weights @ targets
            own: Tensor = self.head(self.head_norm(keys))
            if self.outputs == "values":
                return own + means
            shares = (means + self.prior * self.mean_target) / (1 + self.prior)
            shares = shares.clamp(_LEAST, 1 - _LEAST)
            return own + (shares.log() if self.outputs == "classes" else shares.logit())


def _distances(keys: Tensor, others: Tensor) -> Tensor:
    """Euclidean distances, (n, d) and (m, d) -> (n, m), by a matrix product: |a|^2 + |b|^2 - 2 a b."""
    squares = torch.addmm(others.square().sum(dim=1), keys, others.T, alpha=-2) + keys.square().sum(dim=1, keepdim=True)
    return squares.clamp(min=_LEAST).sqrt()  # the root has no slope at zero


def _check_positive(**arguments: float) -> None:
    for name, value in arguments.items():
        if not value > 0:
            raise UsageError(
                f"`model.params.{name}` is {value}, but it must be above 0", f"remove `model.params.{name}`"
            )


def build_modern_nca(
    spec: ModelSpec,
    *,
    n_blocks: int = 1,
    d_block: int = 256,
    d_key: int = 64,
    d_embedding: int = 12,
    n_candidates: int = 1024,
    n_memory: int = 50_000,
    prior: float = 0.01,
) -> ModernNCA:
    """ModernNCA, which looks up near training rows; for the arguments see `ModernNCA`."""
    return ModernNCA(spec, n_blocks, d_block, d_key, d_embedding, n_candidates, n_memory, prior)
