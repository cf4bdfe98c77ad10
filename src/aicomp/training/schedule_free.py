"""AdamW whose averaged weights make up for a learning rate that does not fall."""

import math
from collections.abc import Iterable
from typing import Any

import torch


class ScheduleFreeAdamW(torch.optim.Optimizer):
    """Schedule-free AdamW (Defazio et al. 2024, arXiv 2405.15682, algorithm 1).

    Adam moves weights z. Their mean x, in which each step weighs as much as its squared learning rate, is what the
    model should predict with. The gradient is taken between the two, at y = (1 - beta1) z + beta1 x, which stands for
    momentum. The model holds y in training and x after `average()`, until `resume()`.

    Args:
        params: Parameters or groups of them.
        lr: Learning rate.
        betas: Place of y between z and x, and share of the old in the mean of squared gradients.
        eps: Keeps the division by a small gradient finite.
        weight_decay: Shrinks weights by this, times `lr`, in each step.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})
        self._averaged = False

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move the weights; those without a gradient stay.

        Raises:
            RuntimeError: The model holds the average.
        """
        if self._averaged:
            raise RuntimeError("the model holds averaged weights: call `resume()` before the next step")
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if params:
                self._step_group(group, params)

    def _step_group(self, group: dict[str, Any], params: list[torch.Tensor]) -> None:
        beta1, beta2 = group["betas"]
        lr = group["lr"]
        grads: list[Any] = [p.grad for p in params]
        x, z, squares = ([self._state_of(p)[name] for p in params] for name in ("x", "z", "squares"))
        group["steps"] = group.get("steps", 0) + 1
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, grads, grads, 1 - beta2)
        sizes = torch._foreach_sqrt(squares)
        torch._foreach_div_(sizes, math.sqrt(1 - beta2 ** group["steps"]))
        torch._foreach_add_(sizes, group["eps"])
        torch._foreach_add_(z, params, alpha=-lr * group["weight_decay"])  # `params` are y
        torch._foreach_addcdiv_(z, grads, sizes, -lr)
        group["weights"] = group.get("weights", 0.0) + lr**2
        if group["weights"]:  # a rise that starts at 0 has moved nothing yet
            torch._foreach_lerp_(x, z, lr**2 / group["weights"])
        torch._foreach_copy_(params, torch._foreach_lerp(z, x, beta1))

    def _state_of(self, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
        state: dict[str, torch.Tensor] = self.state[parameter]
        if not state:
            state["x"], state["z"] = parameter.detach().clone(), parameter.detach().clone()
            state["squares"] = torch.zeros_like(parameter)
        return state

    @torch.no_grad()
    def average(self) -> None:
        """Let the model hold the averaged weights, to predict with."""
        self._averaged = True
        for group in self.param_groups:
            for p in (p for p in group["params"] if p in self.state):
                p.copy_(self.state[p]["x"])

    @torch.no_grad()
    def resume(self) -> None:
        """Let the model hold the weights at which the next gradient is taken."""
        self._averaged = False
        for group in self.param_groups:
            for p in (p for p in group["params"] if p in self.state):
                p.copy_(torch.lerp(self.state[p]["z"], self.state[p]["x"], group["betas"][0]))
