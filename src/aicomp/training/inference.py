"""Predict rows with a trained network."""

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.data.rows import Rows
from aicomp.models.texts import has_tokens, trimmed
from aicomp.training.losses import Objective
from aicomp.training.regularization import Batch

CHUNK = {"cpu": 1024, "cuda": 65_536, "mps": 65_536}
"""Rows that are predicted at once: on a CPU few enough that their activations stay in its cache."""

_TOKENS = {"cpu": 16_384, "cuda": 262_144, "mps": 65_536}
"""Tokens that are read at once: a layer of 1024 numbers holds 64 MB of 16,384."""


def outputs_of(model: nn.Module, x_num: Tensor, x_cat: Tensor, *more: Tensor, amp: bool) -> Tensor:
    """Outputs of all members in float32, (n, k, n_outputs); a single model has k = 1.

    Args:
        model: On the device of the rows.
        x_num: Numbers.
        x_cat: Codes.
        more: Tokens, for a model that reads texts; for one that remembers rows, in training, which rows these are.
        amp: Whether products are made in bfloat16.
    """
    with torch.autocast(x_num.device.type, dtype=torch.bfloat16, enabled=amp):
        outputs: Tensor = model(x_num, x_cat, *more)
    return (outputs if outputs.ndim == 3 else outputs.unsqueeze(1)).float()


@torch.inference_mode()
def evaluate(model: nn.Module, objective: Objective, rows: Batch, *, amp: bool) -> tuple[np.ndarray, float]:
    """Predictions and, where targets are known, the mean loss over rows and members (else 0).

    Args:
        model: On the device of the rows.
        objective: Turns outputs into predictions.
        rows: Rows; an empty tensor of targets says that they are unknown.
        amp: Whether products are made in bfloat16.
    """
    model.eval()
    parts, total = [], 0.0
    size = _chunk(rows)
    for start in range(0, max(1, len(rows.x_num)), size):
        chunk = slice(start, start + size)
        tokens = () if rows.tokens is None else (trimmed(rows.tokens[chunk]),)
        outputs = outputs_of(model, rows.x_num[chunk], rows.x_cat[chunk], *tokens, amp=amp)
        parts.append(objective.predict(outputs.cpu()))  # in float64, which not every device has
        if len(rows.targets):
            total += float(objective.loss(outputs, rows.targets[chunk])) * len(outputs)
    return torch.cat(parts).numpy(), total / max(1, len(rows.x_num))


def _chunk(rows: Batch) -> int:
    """Rows at once."""
    kind = rows.x_num.device.type
    if rows.tokens is None:
        return CHUNK[kind]
    return min(CHUNK[kind], max(1, _TOKENS[kind] // rows.tokens.shape[1]))


def predict(model: nn.Module, objective: Objective, rows: Rows, *, device: torch.device, amp: bool) -> np.ndarray:
    """Predict encoded rows: probabilities, or values in the target's unit, float64."""
    return evaluate(model, objective, batch_of(model, rows, torch.empty(0), device), amp=amp)[0]


def batch_of(model: nn.Module, rows: Rows, targets: Tensor, device: torch.device) -> Batch:
    """All of some rows as one batch, with their tokens if the model reads texts."""
    x_num, x_cat = tensors_of(rows, device)
    tokens = None
    if has_tokens(model):
        assert rows.texts is not None
        tokens = model.tokens(rows.texts).to(device)
    return Batch(x_num, x_cat, targets.to(device), tokens=tokens)


def tensors_of(rows: Rows, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Numbers and codes as tensors; on the CPU they share the arrays' memory."""
    return torch.from_numpy(rows.x_num).to(device), torch.from_numpy(rows.x_cat).to(device)
