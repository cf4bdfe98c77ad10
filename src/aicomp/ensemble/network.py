"""Stacking by small networks: they begin as the mean of the members and learn to depart from it.

The output is a linear combination of the members, which starts at equal weights and is pulled back to them, plus a
perceptron of one narrow hidden layer whose last layer starts at zero. Inputs are log odds or values. A network stops by
rows that are held back from those it is fitted on: the fold that scores it stays unseen. A few, each with other rows
held back, are trained side by side and averaged. Wolpert, "Stacked generalization", 1992.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.ensemble.budget import UNLIMITED, Budget
from aicomp.ensemble.members import Part
from aicomp.ensemble.stacking import inverse, link, linked_values
from aicomp.task import Task
from aicomp.training.device import reproducible

N_NETWORKS = 3
_MAX_ROWS = 20_000
"""Rows that are fitted on; more are thinned: a network of this size has learned by then."""

_HIDDEN = 16
_DROPOUT = 0.2
_LEARNING_RATE = 0.005
_WEIGHT_DECAY = 0.1
_PULL = 1e-2
_EPOCHS = 40
_PATIENCE = 5
_N_BATCHES = 6
_BATCH_SIZES = (32, 1024)
_HELD_BACK = 0.2
_PROBED_ROWS = 1000


class Stackers(nn.Module):
    """Networks side by side, each with its own rows.

    Args:
        n_networks: Networks.
        n_members: Members.
        n_columns: Columns of each, which are also the outputs.
    """

    def __init__(self, n_networks: int, n_members: int, n_columns: int) -> None:
        super().__init__()
        n_inputs = n_members * n_columns
        bound = n_inputs**-0.5
        self.weights = nn.Parameter(torch.full((n_networks, n_members), 1 / n_members))
        self.intercept = nn.Parameter(torch.zeros(n_networks, 1, n_columns))
        self.hidden = nn.Parameter(torch.empty(n_networks, n_inputs, _HIDDEN).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_networks, 1, _HIDDEN).uniform_(-bound, bound))
        self.last = nn.Parameter(torch.zeros(n_networks, _HIDDEN, n_columns))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (n_networks, n, n_columns) of standardized inputs (n_networks, n, n_members, n_columns)."""
        linear = torch.einsum("knmc,km->knc", x, self.weights) + self.intercept
        hidden = F.silu(torch.baddbmm(self.bias, x.flatten(2), self.hidden))
        return torch.baddbmm(linear, F.dropout(hidden, _DROPOUT, self.training), self.last)


@dataclass(frozen=True)
class NetworkStack:
    """Fitted networks.

    Attributes:
        task: The learning problem.
        networks: Their outputs are averaged in the unit of `link`.
        centre: Of each column, subtracted from inputs and added to outputs, (n_columns,).
        scale: Of each column, (n_columns,).
        weights: How much the output moves with each member, a mean over rows, (n_members,); 1 in sum if all that the
            networks learned is a mean.
    """

    task: Task
    networks: Stackers
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray

    @torch.no_grad()
    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """Predictions (n_members, n) or (n_members, n, n_columns) as one, (n,) or (n, n_columns)."""
        x = _inputs(self.task, predictions, self.centre, self.scale)
        outputs = self.networks(x.expand(N_NETWORKS, *x.shape)).double().mean(dim=0).numpy()
        return inverse(self.task, outputs * self.scale + self.centre).reshape(predictions.shape[1:])


def fit_network_stack(task: Task, parts: Sequence[Part], *, seed: int = 0, budget: Budget = UNLIMITED) -> NetworkStack:
    """Fit the networks; the same bits for the same seed.

    Args:
        task: The learning problem.
        parts: Rows to fit on.
        seed: Of weights, batches, and of which rows are held back to stop.
        budget: Looked at before each epoch.

    Raises:
        OutOfTime: The budget is spent.
    """
    y = np.concatenate([part.y for part in parts])
    predictions = np.concatenate([part.predictions for part in parts], axis=1)
    random = np.random.default_rng(seed)
    rows = random.permutation(len(y))[:_MAX_ROWS]
    y, predictions = y[rows], predictions[:, rows]
    centre, scale = _standard(task, predictions, y)
    x = _inputs(task, predictions, centre, scale)
    targets = _targets(task, y, centre, scale)
    with reproducible(seed, torch.device("cpu")), _single_thread():
        networks = _train(task, x, targets, budget)
    return NetworkStack(task, networks, centre, scale, _sensitivity(networks, x[:_PROBED_ROWS]))


def _train(task: Task, x: Tensor, targets: Tensor, budget: Budget) -> Stackers:
    """Each network has the weights of the epoch in which the loss on the rows it does not see was lowest."""
    n_held = max(1, round(_HELD_BACK * len(x)))
    order = torch.stack([torch.randperm(len(x)) for _ in range(N_NETWORKS)])
    held_back, train = order[:, :n_held], order[:, n_held:]
    size = min(max(train.shape[1] // _N_BATCHES, _BATCH_SIZES[0]), _BATCH_SIZES[1])
    networks = Stackers(N_NETWORKS, *x.shape[1:])
    equal = networks.weights.detach().clone()
    decayed, rest = [networks.hidden, networks.last], [networks.weights, networks.intercept, networks.bias]
    groups = [{"params": decayed, "weight_decay": _WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=_LEARNING_RATE, fused=True)
    best = [parameter.detach().clone() for parameter in networks.parameters()]
    best_loss, since = _held_loss(task, networks, x, targets, held_back), torch.zeros(N_NETWORKS)
    for _ in range(_EPOCHS):
        budget.check()
        networks.train()
        shuffled = train.gather(1, torch.rand(train.shape).argsort(dim=1))
        for rows in shuffled.tensor_split(max(1, train.shape[1] // size), dim=1):
            optimizer.zero_grad(set_to_none=True)
            pull = _PULL * (networks.weights - equal).square().sum()
            loss = _losses(task, networks(x[rows]), targets[rows]).sum() + pull
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        losses = _held_loss(task, networks, x, targets, held_back)
        lower = losses < best_loss
        since = torch.where(lower, 0, since + 1)
        best_loss = torch.where(lower, losses, best_loss)
        for kept, parameter in zip(best, networks.parameters(), strict=True):
            kept[lower] = parameter.detach()[lower]
        if bool((since >= _PATIENCE).all()):
            break
    with torch.no_grad():
        for kept, parameter in zip(best, networks.parameters(), strict=True):
            parameter.copy_(kept)
    return networks.eval()


@contextmanager
def _single_thread() -> Iterator[None]:
    """Products this small are slower on several threads."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@torch.no_grad()
def _held_loss(task: Task, networks: Stackers, x: Tensor, targets: Tensor, rows: Tensor) -> Tensor:
    networks.eval()
    return _losses(task, networks(x[rows]), targets[rows])


def _losses(task: Task, outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean loss of each network, (n_networks,), of outputs (n_networks, n, n_columns)."""
    if task.problem_type == "multiclass":
        return F.cross_entropy(outputs.transpose(1, 2), targets, reduction="none").mean(dim=1)
    if task.is_classification:
        return F.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(dim=(1, 2))
    distance = F.l1_loss if task.metric.name == "mae" else F.mse_loss
    return distance(outputs, targets, reduction="none").mean(dim=(1, 2))


def _standard(task: Task, predictions: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and scale of each column: of the target where it is a value; log odds stay as they are."""
    n_columns = int(np.prod(predictions.shape[2:]))
    if task.is_classification:
        return np.zeros(n_columns), np.ones(n_columns)
    values = linked_values(task, y)
    std = values.std(axis=0)
    return values.mean(axis=0), np.where(std > 0, std, 1.0)


def _inputs(task: Task, predictions: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> Tensor:
    """Standardized inputs, float32 (n, n_members, n_columns)."""
    linked = link(task, predictions)
    if task.problem_type == "multiclass":
        linked = linked - linked.mean(axis=2, keepdims=True)
    standard = ((linked - centre) / scale).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(standard.transpose(1, 0, 2)))


def _targets(task: Task, y: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> Tensor:
    if task.problem_type == "multiclass":
        return torch.from_numpy(y.astype(np.int64))
    values = y.reshape(len(y), -1) if task.is_classification else (linked_values(task, y) - centre) / scale
    return torch.from_numpy(values.astype(np.float32))


def _sensitivity(networks: Stackers, x: Tensor) -> np.ndarray:
    """Mean over networks, rows and columns of the derivative of a column by the same column of each member."""
    probe = x.expand(N_NETWORKS, *x.shape).clone().requires_grad_()
    outputs = networks(probe)
    total = np.zeros(x.shape[1])
    for c in range(x.shape[2]):
        (slope,) = torch.autograd.grad(outputs[:, :, c].sum(), probe, retain_graph=True)
        total += slope[..., c].double().mean(dim=(0, 1)).numpy()
    return np.asarray(total / x.shape[2])
