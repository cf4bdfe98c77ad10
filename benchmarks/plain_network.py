"""The network that `throughput.py` gives to everyone: a plain perceptron on numbers. It needs nothing but torch."""

from typing import Any

from torch import Tensor, nn

WIDTH, DEPTH = 256, 3


class PlainNetwork(nn.Module):
    """Linear layers with ReLU, one logit. Shape: (batch, n_num) -> (batch, 1); `x_cat` is taken and not looked at."""

    def __init__(self, n_num: int, width: int = WIDTH, depth: int = DEPTH) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for j in range(depth):
            layers += [nn.Linear(width if j else n_num, width), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, x_num: Tensor, x_cat: Tensor | None = None) -> Tensor:
        outputs: Tensor = self.layers(x_num)
        return outputs


def build(spec: Any, width: int = WIDTH) -> PlainNetwork:
    """As a model of aicomp: `--set model.name="plain_network:build"`."""
    return PlainNetwork(spec.n_num, width)
