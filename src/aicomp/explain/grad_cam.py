"""Where in a picture, or a sound's spectrogram, a network found what speaks for its output.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization" (arXiv 1610.02391).
"""

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.data.rows import Rows
from aicomp.training.inference import batch_of


def last_convolution(network: nn.Module) -> nn.Conv2d | None:
    """The convolution whose output is explained, None if a network has none."""
    found = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return found[-1] if found else None


def grad_cam(network: nn.Module, layer: nn.Conv2d, row: Rows, output: int, device: torch.device) -> np.ndarray:
    """Weights of the places of one row's files.

    Args:
        network: The network.
        layer: One of its convolutions.
        row: A row with `media`.
        output: The output that is explained: a class, or 0 where there is one output.
        device: Where the network lies.

    Returns:
        float32 (n_media, height, width) of the files, from 0 to 1 at the place that speaks most for the output; all
        zero where none does.
    """
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], found: Tensor) -> None:
        found.retain_grad()
        kept.append(found)

    network.eval()
    handle = layer.register_forward_hook(keep)
    try:
        batch = batch_of(network, row, torch.empty(0), device)
        assert batch.source is not None
        files = batch.source(slice(1))
        with torch.enable_grad():
            outputs = network(batch.x_num, batch.x_cat, files)
            outputs.reshape(-1, outputs.shape[-1]).mean(0)[output].backward()
    finally:
        handle.remove()
        network.zero_grad(set_to_none=True)
    size = (int(files.shape[-2]), int(files.shape[-1]))
    return _heat(kept[0], size)


def _heat(found: Tensor, size: tuple[int, int]) -> np.ndarray:
    assert found.grad is not None
    weights = found.grad.mean(dim=(2, 3), keepdim=True)
    heat = torch.relu((weights * found.detach()).sum(dim=1, keepdim=True))
    heat = nn.functional.interpolate(heat, size=size, mode="bilinear", align_corners=False)[:, 0]
    highest = heat.amax(dim=(1, 2), keepdim=True)
    return np.asarray((heat / highest.clamp(min=torch.finfo(heat.dtype).tiny)).float().cpu().numpy())
