"""What keeps a network from memorizing its training rows, one small piece per entry of `[regularization]`.

Weight decay lies in `optimizers.py`, dropout in the models, label smoothing in `losses.py`.
"""

import copy
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from aicomp.metrics import METRICS
from aicomp.metrics.base import Metric

if TYPE_CHECKING:  # it imports models, of which `detector` imports this
    from aicomp.training.extra_inputs import ExtraInput


@dataclass(frozen=True)
class Batch:
    """Rows of one training step.

    Attributes:
        x_num: Numbers, float32 (n, n_num).
        x_cat: Codes, int64 (n, n_cat).
        targets: Encoded targets, (n,) or (n, n_targets).
        partner_targets: With mixup, the targets of each row's partner.
        share: With mixup, each row's own share of the blend; the partner has the rest.
        rows: Numbers of these rows among the training rows, int64 (n,); None if they are no training rows.
        source: Where the extra input of these rows comes from; None unless the model reads texts or files.
        extra: The extra input of a step: tokens (n, length), or files (n, n_media, channels, height, width).
    """

    x_num: Tensor
    x_cat: Tensor
    targets: Tensor
    partner_targets: Tensor | None = None
    share: float = 1.0
    rows: Tensor | None = None
    source: "ExtraInput | None" = None
    extra: Tensor | None = None


def mixup(batch: Batch, alpha: float) -> Batch:
    """Blend each row with another row of the batch (Zhang et al. 2018, arXiv 1710.09412).

    One share is drawn from Beta(alpha, alpha) for the batch. Numbers are blended; a category cannot be, so
    each takes the partner's with the probability of the partner's share. The loss blends the same way:
    `share` of the loss against the row's own target and the rest against its partner's, which for
    cross-entropy equals blended targets. Images and sounds are blended as numbers are.
    """
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    partner = torch.randperm(len(batch.targets), device=batch.targets.device)
    swapped = torch.rand(batch.x_cat.shape, device=batch.x_cat.device) > share
    return Batch(
        x_num=torch.lerp(batch.x_num[partner], batch.x_num, share),
        x_cat=torch.where(swapped, batch.x_cat[partner], batch.x_cat),
        targets=batch.targets,
        partner_targets=batch.targets[partner],
        share=share,
        rows=batch.rows,
        extra=None if batch.extra is None else torch.lerp(batch.extra[partner], batch.extra, share),
    )


def add_noise(batch: Batch, deviation: float) -> Batch:
    """Add Gaussian noise of this standard deviation to the numbers (Bishop 1995: near to weight decay)."""
    return replace(batch, x_num=batch.x_num + deviation * torch.randn_like(batch.x_num))


class Average:
    """A second copy of a model that holds an average of its weights.

    Args:
        model: The model whose weights are followed.

    Attributes:
        model: The copy. Buffers, such as the statistics of batch norm, are not averaged but those of the last
            update. Weights that are not trained are the model's own.
    """

    def __init__(self, model: nn.Module) -> None:
        frozen: dict[int, object] = {id(p): p for p in model.parameters() if not p.requires_grad}
        self.model = copy.deepcopy(model, frozen)
        self._n_updates = 0

    @torch.no_grad()
    def update_ema(self, model: nn.Module, decay: float) -> None:
        """After a step, move towards the model's weights: average = decay * average + (1 - decay) * weights.

        In the first steps the decay is at most (1 + n) / (10 + n), else the random start would weigh in for
        long.
        """
        self._n_updates += 1
        self._move(model, 1 - min(decay, (1 + self._n_updates) / (10 + self._n_updates)))

    @torch.no_grad()
    def update_swa(self, model: nn.Module) -> None:
        """After an epoch, take the weights into the plain mean (Izmailov et al., arXiv 1803.05407)."""
        self._n_updates += 1
        self._move(model, 1 / self._n_updates)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"n_updates": self._n_updates, "model": trained_state(self.model)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as `state` was."""
        self._n_updates = state["n_updates"]
        load_trained(self.model, state["model"])

    def _move(self, model: nn.Module, share: float) -> None:
        torch._foreach_lerp_(_trained(self.model), _trained(model), share)
        for mine, theirs in zip(self.model.buffers(), model.buffers(), strict=True):
            mine.copy_(theirs)


def _trained(model: nn.Module) -> list[Tensor]:
    return [p for p in model.parameters() if p.requires_grad]


def trained_state(model: nn.Module) -> dict[str, Tensor]:
    """A model's weights and buffers without those that are not trained: these are as the model was built."""
    frozen = {name for name, p in model.named_parameters(remove_duplicate=False) if not p.requires_grad}
    return {name: t for name, t in model.state_dict().items() if name not in frozen}


def load_trained(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give a model what `trained_state` told of one that was built alike."""
    model.load_state_dict({**model.state_dict(), **state})


@contextmanager
def worst_point(model: nn.Module, radius: float) -> Iterator[None]:
    """Inside, the weights stand where the loss is highest within `radius` of them, to first order.

    Sharpness-aware minimization (Foret et al. 2021, arXiv 2010.01412): the gradient taken there, used for the
    step from here, leads to flat minima. Expects the gradient at the present weights, and clears it.
    """
    parameters: list[Tensor] = [p for p in model.parameters() if p.grad is not None]
    gradients = [p.grad for p in parameters if p.grad is not None]
    before = [p.detach().clone() for p in parameters]
    scale = radius / (float(torch.nn.utils.get_total_norm(gradients)) + 1e-12)
    with torch.no_grad():
        torch._foreach_add_(parameters, gradients, alpha=scale)
    model.zero_grad(set_to_none=True)
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(parameters, before)


class EarlyStopping:
    """Keeps the weights of the best epoch by the competition's metric, and says when to stop.

    Under metrics of labels whose threshold is fitted after training (F1, MCC, kappa and their like) the validation
    loss tells: before a threshold is fitted, they prefer a network that has learned nothing to one that rightly gives a
    rare class less than one half.

    Args:
        metric: The metric.
        patience: Epochs without a better score before training stops; 0 never stops.

    Attributes:
        best_score: Score of the best epoch; NaN before the first.
        best_epoch: Its number, from 1.
        best_state: Its weights.
    """

    def __init__(self, metric: Metric, patience: int) -> None:
        self.metric = metric
        self.patience = patience
        self.best_score = float("nan")
        self.best_epoch = 0
        self.best_state: dict[str, Tensor] = {}
        self._best_loss = float("inf")
        self._by_loss = METRICS.get(metric.name) is metric and metric.needs == "label" and metric.name != "accuracy"

    def update(self, epoch: int, score: float, loss: float, model: nn.Module) -> bool:
        """Take note of an epoch; of two equal scores (common with accuracy) the lower validation loss wins.

        Returns:
            Whether training should stop.
        """
        if self.best_epoch == 0 or self._is_better(score, loss):
            self.best_score, self.best_epoch, self._best_loss = score, epoch, loss
            self.best_state = {name: t.detach().clone() for name, t in model.state_dict().items()}
        return bool(self.patience) and epoch - self.best_epoch >= self.patience

    def state(self, frozen: Collection[str] = ()) -> dict[str, Any]:
        """What a checkpoint keeps of it, without the weights named in `frozen`."""
        best = {name: t for name, t in self.best_state.items() if name not in frozen}
        return {"score": self.best_score, "epoch": self.best_epoch, "loss": self._best_loss, "weights": best}

    def restore(self, state: Mapping[str, Any], model: nn.Module) -> None:
        """Be as `state` was; the weights that it lacks are those of `model`."""
        self.best_score, self.best_epoch, self._best_loss = state["score"], state["epoch"], state["loss"]
        own = {name: t.detach() for name, t in model.state_dict().items()}
        saved: Mapping[str, Tensor] = state["weights"]
        self.best_state = (
            {name: saved[name].to(t.device) if name in saved else t.clone() for name, t in own.items()}
            if self.best_epoch
            else {}
        )

    def _is_better(self, score: float, loss: float) -> bool:
        if self._by_loss:
            return loss < self._best_loss
        return self.metric.better(score, self.best_score) or (score == self.best_score and loss < self._best_loss)
