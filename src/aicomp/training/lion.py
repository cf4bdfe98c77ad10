"""Lion: steps of the same size for every weight, in the direction of the momentum's sign."""

from collections.abc import Iterable
from typing import Any

import torch


class Lion(torch.optim.Optimizer):
    """EvoLved Sign Momentum (Chen et al. 2023, arXiv 2302.06675, algorithm 2); decay as in AdamW.

    Args:
        params: Parameters or groups of them.
        lr: Length of a step in each weight.
        betas: Share of the old momentum in the direction of a step, and in the new momentum.
        weight_decay: Shrinks weights by this, times `lr`, in each step.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move the weights; those without a gradient stay."""
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            grads = [p.grad for p in params]
            momenta = [self._momentum_of(p) for p in params]
            directions = torch._foreach_lerp(momenta, grads, 1 - beta1)
            torch._foreach_sign_(directions)
            torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_add_(params, directions, alpha=-group["lr"])
            torch._foreach_lerp_(momenta, grads, 1 - beta2)

    def _momentum_of(self, parameter: torch.Tensor) -> torch.Tensor:
        state: dict[str, torch.Tensor] = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        return state["momentum"]
