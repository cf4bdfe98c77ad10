"""Which weights Muon may move, and an optimizer made of two."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from aicomp.errors import UsageError

_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


class Together:
    """Optimizers that share a model; each moves its own parameters.

    Attributes:
        optimizers: The optimizers.
    """

    def __init__(self, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        self.optimizers = tuple(optimizers)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all of them."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none)

    def step(self) -> None:
        """Move all parameters."""
        for optimizer in self.optimizers:
            optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Those of all of them."""
        return {"optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be as `state` was."""
        for optimizer, own in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(own)


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """Parameters for Muon: the matrices of linear layers, without the last layer.

    Muon makes all directions of a matrix's step equally long. That suits layers which map vectors to vectors. The rows
    of an embedding do not act together and the outputs of the last layer have each their own size: AdamW is for these
    (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/). The last layer is the one defined last, beside
    embeddings. Linear layers are torch's and those whose class is called so.

    Raises:
        UsageError: There is none.
    """
    weights = ((m, getattr(m, "weight", None)) for m in model.modules() if not isinstance(m, _EMBEDDINGS))
    layers = [(m, w) for m, w in weights if isinstance(w, nn.Parameter) and w.ndim >= 2]
    hidden = [w for m, w in layers[:-1] if w.ndim == 2 and _is_linear(m)]
    if not hidden:
        raise UsageError(
            "`training.optimizer` is `muon`, which needs a hidden linear layer, and the model has none",
            'write `--set training.optimizer="adamw"`',
        )
    return list({id(weight): weight for weight in hidden}.values())


def _is_linear(module: nn.Module) -> bool:
    """Whether a layer is torch's or one of its kind, such as `BatchEnsembleLinear`, by its name."""
    return isinstance(module, nn.Linear) or type(module).__name__.endswith("Linear")
