"""The one number of a fold's network that is explained, as torch computes it."""

import torch
from torch import Tensor, nn

from aicomp.errors import UsageError
from aicomp.explain.gradients import Output
from aicomp.fold_model import FoldModel
from aicomp.task import Task

_EPSILON = 1e-7


def network_output(model: FoldModel, task: Task, output: int | None) -> tuple[nn.Module, Output]:
    """A fold's network, and from its outputs to log-odds of a label, or values in the target's unit.

    Args:
        model: The fold's model.
        task: What is learned.
        output: Which column of its predictions, None where they have one.

    Raises:
        UsageError: The model is no network.
    """
    network, objective = model.network, model.objective
    if network is None or objective is None:
        raise UsageError(
            "`--method gradients` asks for the gradients of a network, and this model is none",
            "write `--method shapley`, which asks for nothing but predictions",
        )

    def explained(outputs: Tensor) -> Tensor:
        values = objective.predict(outputs.cpu())
        values = values if output is None else values[:, output]
        return torch.logit(values, eps=_EPSILON) if task.is_classification else values

    return network, explained
