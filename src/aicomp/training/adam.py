"""Adam and AdamW in torch's fused kernel, without what its own classes do beside it in every step.

The same numbers as `torch.optim.AdamW(fused=True)`, bit for bit. Its `step` imports torch's compiler, a second in every
process that trains, and sorts its tensors anew each time, which small networks notice.
"""

import sys
from collections.abc import Iterable
from typing import Any

import torch


class FusedAdam(torch.optim.Optimizer):
    """Adam (Kingma & Ba 2015, arXiv 1412.6980), or AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101).

    Args:
        params: Parameters or groups of them, on a CPU or a CUDA device.
        lr: Learning rate.
        betas: Share of the old in the means of gradients and of squared gradients.
        eps: Keeps the division by a small gradient finite.
        weight_decay: Shrinks weights by this, times `lr`, in each step; in Adam it is part of the gradient instead.
        decoupled: Whether it is AdamW.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        decoupled: bool,
    ) -> None:
        _spare_compiler()
        # "fused" tells `load_state_dict` that numbers of steps lie on the device, as this kernel wants them.
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "fused": True}
        super().__init__(params, defaults)
        self._kernel = torch._fused_adamw_ if decoupled else torch._fused_adam_

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move the weights; those without a gradient stay."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            states = [self.state[p] or self._begin(p) for p in params]
            steps = [state["step"] for state in states]
            torch._foreach_add_(steps, 1)
            beta1, beta2 = group["betas"]
            self._kernel(
                params,
                [p.grad for p in params],
                [state["mean"] for state in states],
                [state["square"] for state in states],
                [],
                steps,
                lr=group["lr"],
                beta1=beta1,
                beta2=beta2,
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )

    def _begin(self, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
        state: dict[str, torch.Tensor] = self.state[parameter]
        state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
        state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return state


def _spare_compiler() -> None:
    """Keep torch's optimizers from importing its compiler when one is made.

    Some of their methods are marked as not to be compiled, and the mark takes `torch._dynamo`; nothing compiles them
    here. Where torch keeps the mark in another way than under the name below, nothing changes.
    """
    if "torch._dynamo" in sys.modules:
        return
    for method in vars(torch.optim.Optimizer).values():
        plain, code = getattr(method, "__wrapped__", None), getattr(method, "__code__", None)
        if plain is not None and code is not None and "torch._dynamo" in code.co_names:
            plain.__dict__.setdefault("__dynamo_disable", plain)
