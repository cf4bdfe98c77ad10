"""Optimizers, and which parameters weight decay may shrink."""

from collections.abc import Iterator

import torch
from torch import nn

from aicomp.training.recipe import Settings

_NORMS = (
    nn.LayerNorm,
    nn.RMSNorm,
    nn.GroupNorm,
    nn.modules.batchnorm._NormBase,  # all batch and instance norms
)


def make_optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimizer of a recipe, fused (one kernel for all parameters) where torch has that."""
    decayed, exempt = split_parameters(model)
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": exempt, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = next(model.parameters()).device.type in ("cpu", "cuda")
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=0.9, nesterov=True, fused=fused)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=fused)


def split_parameters(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Parameters that weight decay shrinks, and those that it leaves alone.

    Left alone are biases, norms, scales (names that begin with `scale`) and whatever is a vector or a number:
    for these, zero is no simpler a value than any other.

    Returns:
        (decayed, exempt); together they are all parameters, each once.
    """
    exempt = {id(p) for p in _exempt(model)}
    parameters = list(model.parameters())
    return [p for p in parameters if id(p) not in exempt], [p for p in parameters if id(p) in exempt]


def _exempt(model: nn.Module) -> Iterator[nn.Parameter]:
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if name.startswith(("bias", "scale")) or isinstance(module, _NORMS) or parameter.ndim <= 1:
                yield parameter


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Use this learning rate for the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
