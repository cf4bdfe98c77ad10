"""Optimizers by name, and which parameters weight decay may shrink.

"sgd": momentum with Nesterov's look ahead (Sutskever et al. 2013, ICML). "adam": Kingma & Ba 2015, arXiv 1412.6980.
"adamw": Loshchilov & Hutter 2019, arXiv 1711.05101. "lion": Chen et al. 2023, arXiv 2302.06675. "muon": Jordan et al.
2024, with AdamW for what is no hidden matrix. "schedule-free": Defazio et al. 2024, arXiv 2405.15682.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from aicomp.errors import UsageError
from aicomp.training.adam import FusedAdam
from aicomp.training.lion import Lion
from aicomp.training.muon import Together, hidden_matrices
from aicomp.training.recipe import Settings
from aicomp.training.schedule_free import ScheduleFreeAdamW

_NORMS = (
    nn.LayerNorm,
    nn.RMSNorm,
    nn.GroupNorm,
    nn.modules.batchnorm._NormBase,  # all batch and instance norms
)


def make_optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer | Together:
    """The optimizer of a recipe, fused (one kernel for all parameters) where torch has that.

    Raises:
        UsageError: The optimizer does not suit the model.
    """
    decayed, exempt = split_parameters(model)
    rates = _rates(model)
    if settings.optimizer == "muon":
        if rates:
            raise UsageError(
                "`training.optimizer` is `muon`, but this model has a learning rate for each layer",
                'write `--set training.optimizer="adamw"`',
            )
        return _muon(model, decayed, exempt, settings)
    if settings.optimizer == "schedule-free":
        _check_statistics(model)
    return optimizer_of(decayed, exempt, settings, rates)


def _rates(model: nn.Module) -> Mapping[int, float]:
    """Learning rate of each parameter, by its id, over the recipe's; empty for a model whose `rates` does not say."""
    rates = getattr(model, "rates", None)
    if not callable(rates):
        return {}
    by_name: Mapping[str, float] = rates()
    return {id(p): by_name[name] for name, p in model.named_parameters()}


ELEMENTWISE = ("adamw", "adam", "sgd", "lion")
"""Optimizers that treat every number of a parameter alike, whatever its shape, and hold nothing else."""


def optimizer_of(
    decayed: list[nn.Parameter],
    exempt: list[nn.Parameter],
    settings: Settings,
    rates: Mapping[int, float] | None = None,
) -> torch.optim.Optimizer:
    """The optimizer of a recipe, any but "muon", for parameters that are decayed and those that are not.

    Args:
        decayed: Parameters that weight decay shrinks.
        exempt: Parameters that it leaves alone.
        settings: The recipe.
        rates: Learning rate of a parameter, by its id, over the recipe's; 1 for those that are not named.
    """
    groups, lr = _by_rate(_groups(decayed, exempt, settings), rates or {}), settings.learning_rate
    fused = _has_fused([*decayed, *exempt])
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=0.9, nesterov=True, fused=fused)
    if settings.optimizer in ("adam", "adamw") and fused:
        return FusedAdam(groups, lr=lr, decoupled=settings.optimizer == "adamw")
    if settings.optimizer == "adam":
        return torch.optim.Adam(groups, lr=lr)
    if settings.optimizer == "lion":
        return Lion(groups, lr=lr)
    if settings.optimizer == "schedule-free":
        return ScheduleFreeAdamW(groups, lr=lr)
    return torch.optim.AdamW(groups, lr=lr)


def _groups(decayed: list[nn.Parameter], exempt: list[nn.Parameter], settings: Settings) -> list[dict[str, Any]]:
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": exempt, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _by_rate(groups: list[dict[str, Any]], rates: Mapping[int, float]) -> list[dict[str, Any]]:
    """The groups, each divided by the rates of its parameters."""
    divided = []
    for group in groups:
        found: dict[float, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            found.setdefault(rates.get(id(parameter), 1.0), []).append(parameter)
        divided += [{**group, "params": parameters, "rate": rate} for rate, parameters in found.items()]
    return divided


def _has_fused(parameters: list[nn.Parameter]) -> bool:
    return parameters[0].device.type in ("cpu", "cuda")


def _muon(
    model: nn.Module, decayed: list[nn.Parameter], exempt: list[nn.Parameter], settings: Settings
) -> torch.optim.Optimizer | Together:
    """Muon whose steps are as long as AdamW's, so that both take one learning rate and decay (arXiv 2502.16982)."""
    ours = {id(p) for p in hidden_matrices(model)}
    matrices, others = (
        _groups(
            [p for p in decayed if (id(p) in ours) == inside],
            [p for p in exempt if (id(p) in ours) == inside],
            settings,
        )
        for inside in (True, False)
    )
    lr = settings.learning_rate
    muon = torch.optim.Muon(matrices, lr=lr, adjust_lr_fn="match_rms_adamw")
    if not others:
        return muon
    return Together([muon, torch.optim.AdamW(others, lr=lr, fused=_has_fused(decayed))])


def _check_statistics(model: nn.Module) -> None:
    """Refuse norms whose statistics are gathered at other weights than those that predict.

    Raises:
        UsageError: Names the first such layer.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._NormBase) and module.track_running_stats:
            raise UsageError(
                f"`training.optimizer` is `schedule-free`, but the statistics of `{name}` "
                f"({type(module).__name__}) do not belong to averaged weights",
                'write `--set training.optimizer="adamw"`',
            )


def split_parameters(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Parameters that weight decay shrinks, and those that it leaves alone.

    Left alone are biases, norms, scales (names that begin with `scale`) and whatever is a vector or a number:
    for these, zero is no simpler a value than any other.

    Returns:
        (decayed, exempt); together they are all parameters that are trained, each once.
    """
    exempt = {id(p) for p in _exempt(model)}
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [p for p in parameters if id(p) not in exempt], [p for p in parameters if id(p) in exempt]


def _exempt(model: nn.Module) -> Iterator[nn.Parameter]:
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if name.startswith(("bias", "scale")) or isinstance(module, _NORMS) or parameter.ndim <= 1:
                yield parameter


def set_learning_rate(optimizer: torch.optim.Optimizer | Together, learning_rate: float) -> None:
    """Use this learning rate for the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group.get("rate", 1.0)


def before_training(optimizer: torch.optim.Optimizer | Together) -> None:
    """Let the model hold the weights that the optimizer moves."""
    if isinstance(optimizer, ScheduleFreeAdamW):
        optimizer.resume()


def before_validation(optimizer: torch.optim.Optimizer | Together) -> None:
    """Let the model hold the weights to predict with, which a schedule-free optimizer keeps apart."""
    if isinstance(optimizer, ScheduleFreeAdamW):
        optimizer.average()
