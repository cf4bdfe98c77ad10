"""What each column adds to a network's output, by gradients along straight lines from other rows to this one.

Integrated gradients: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks" (arXiv 1703.01365); other rows
instead of one made-up row of zeros: Erion et al., "Improving performance of deep learning models with axiomatic
attribution priors and expected gradients" (arXiv 1906.10670). Numbers are followed as they are encoded. Codes have no
line between them: the vectors that they are turned into have, at the outputs of the network's layers that take codes
alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.data.encoding import Encoder
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.explain.shapley import Shares
from aicomp.models.memory import remembers_rows
from aicomp.training.inference import outputs_of, tensors_of

Output = Callable[[Tensor], Tensor]
"""From a network's outputs, (n, k, n_outputs), to the one number that is explained, (n,)."""

N_OTHERS = 16
N_STEPS = 96
_INSTEAD = "write `--method shapley`, which asks for nothing but predictions"


def expected_gradients(
    network: nn.Module,
    output: Output,
    rows: Rows,
    others: Rows,
    device: torch.device,
    *,
    columns: np.ndarray,
    seed: int = 0,
) -> Shares:
    """Attributions of the columns of some encoded rows.

    Args:
        network: The network.
        output: What of its outputs is explained.
        rows: The rows.
        others: Rows that they are compared with; 16 are drawn for each.
        device: Where the network lies.
        columns: Which column each number and then each code is made of, (n_num + n_cat,), see `columns_of`.
        seed: Of what is drawn.

    Returns:
        They add up to the prediction less the mean of the compared rows but for the error of 96 steps instead of an
        integral.

    Raises:
        UsageError: The network takes texts or files, looks up training rows, or has no layer that takes codes alone.
    """
    if rows.texts is not None or rows.media is not None:
        raise UsageError("a network that reads texts or files has no line between two of them", _INSTEAD)
    if remembers_rows(network):
        raise UsageError("a network that looks up training rows turns their codes into vectors too", _INSTEAD)
    network.eval()
    random = np.random.default_rng(seed)
    lines = _Lines(network, output, device, columns)
    drawn = [others.take(random.integers(0, len(others), N_OTHERS)) for _ in range(len(rows))]
    found = [lines.follow(rows.take(slice(i, i + 1)), other) for i, other in enumerate(drawn)]
    return Shares(*(np.stack(part) for part in zip(*found, strict=True)))


class _Lines:
    """Follows a network along lines between rows.

    Args:
        network: The network.
        output: What of its outputs is explained.
        device: Where the network lies.
        columns: See `expected_gradients`.
    """

    def __init__(self, network: nn.Module, output: Output, device: torch.device, columns: np.ndarray) -> None:
        self._network, self._output, self._device = network, output, device
        self._belongs = np.eye(columns.max() + 1)[columns]

    def follow(self, row: Rows, others: Rows) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Values and errors of the columns of one row, mean output of the others, output of the row."""
        x_num, x_cat = (t.expand(len(others), -1).contiguous() for t in tensors_of(row, self._device))
        z_num, z_cat = tensors_of(others, self._device)
        layers = _code_layers(self._network, x_num, x_cat) if x_cat.shape[1] else []
        of_columns = [
            self._vectors(layers, x_num, z_cat.clone().index_copy_(1, j, x_cat[:, j])) for j in self._each(x_cat)
        ]
        start, end = (self._vectors(layers, x_num, codes) for codes in (z_cat, x_cat))
        shifts = [[column[i] - start[i] for column in of_columns] for i in range(len(layers))]
        _check_apart(start, end, shifts, x_cat.shape[1])
        n = len(others)
        share = ((torch.arange(N_STEPS, device=self._device) + 0.5) / N_STEPS).repeat_interleave(n)  # all steps at once
        at = _between(z_num, x_num, share).requires_grad_()
        vectors = [_between(a, b, share).requires_grad_() for a, b in zip(start, end, strict=True)]
        with _given(layers, vectors), torch.enable_grad():
            wanted = self._run(at, x_cat.repeat(N_STEPS, 1)).sum()
        slopes = torch.autograd.grad(wanted, [at, *vectors], allow_unused=True)
        means = [None if slope is None else slope.view(N_STEPS, n, *slope.shape[1:]).mean(dim=0) for slope in slopes]
        totals = self._step(means, x_num - z_num, shifts)
        with torch.no_grad():
            base, prediction = float(self._run(z_num, z_cat).mean()), float(self._run(x_num[:1], x_cat[:1])[0])
        values = totals.double().cpu().numpy() @ self._belongs
        return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values)), base, prediction

    def _step(self, slopes: Sequence[Tensor | None], moved: Tensor, shifts: list[list[Tensor]]) -> Tensor:
        first, *rest = slopes
        parts = [torch.zeros_like(moved) if first is None else first * moved]
        n_cat = len(shifts[0]) if shifts else 0
        for j in range(n_cat):
            part = torch.zeros(len(moved), device=moved.device)
            for slope, of_layer in zip(rest, shifts, strict=True):
                if slope is not None:
                    part = part + (slope * of_layer[j]).flatten(1).sum(dim=1)
            parts.append(part[:, None])
        return torch.cat(parts, dim=1)

    def _each(self, x_cat: Tensor) -> Iterator[Tensor]:
        for j in range(x_cat.shape[1]):
            yield torch.tensor([j], device=self._device)

    def _vectors(self, layers: list[nn.Module], x_num: Tensor, x_cat: Tensor) -> list[Tensor]:
        """What the layers make of codes."""
        kept: dict[int, Tensor] = {}
        handles = [
            layer.register_forward_hook(lambda module, inputs, out, i=i: kept.__setitem__(i, out.detach()))
            for i, layer in enumerate(layers)
        ]
        try:
            with torch.no_grad():
                self._network(x_num, x_cat)
        finally:
            for handle in handles:
                handle.remove()
        return [kept[i] for i in range(len(layers))]

    def _run(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        return self._output(outputs_of(self._network, x_num, x_cat, amp=False))


def _between(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Places between two, all pairs for the first share, then all for the next: (n, ...) -> (n_steps * n, ...)."""
    n_steps = len(share) // len(start)
    a, b = (t.repeat(n_steps, *[1] * (t.ndim - 1)) for t in (start, end))
    return (a + share.view(-1, *[1] * (a.ndim - 1)) * (b - a)).detach()


@contextmanager
def _given(layers: Sequence[nn.Module], vectors: Sequence[Tensor]) -> Iterator[None]:
    """Let layers give these vectors, whatever codes they take."""
    handles = [
        layer.register_forward_hook(lambda module, inputs, out, v=vector: v.to(out.dtype))
        for layer, vector in zip(layers, vectors, strict=True)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _code_layers(network: nn.Module, x_num: Tensor, x_cat: Tensor) -> list[nn.Module]:
    """The outermost layers that turn codes, and nothing else, into vectors.

    Raises:
        UsageError: One of them is used twice.
    """
    found: list[nn.Module] = []

    def see(module: nn.Module, inputs: Any, out: Any) -> None:
        tensors = [value for value in inputs if isinstance(value, Tensor)]
        takes_codes = tensors and not any(tensor.is_floating_point() for tensor in tensors)
        if takes_codes and isinstance(out, Tensor) and out.is_floating_point():
            found.append(module)

    handles = [module.register_forward_hook(see) for module in network.modules() if module is not network]
    try:
        with torch.no_grad():
            network(x_num, x_cat)
    finally:
        for handle in handles:
            handle.remove()
    if len({*map(id, found)}) < len(found):
        raise UsageError("a layer of this network turns codes into vectors twice", _INSTEAD)
    inner = {id(part) for layer in found for part in layer.modules() if part is not layer}
    return [layer for layer in found if id(layer) not in inner]


def _check_apart(start: list[Tensor], end: list[Tensor], shifts: list[list[Tensor]], n_cat: int) -> None:
    """Refuse layers whose vectors are no sum of what each column gives, and codes that pass no such layer."""
    if n_cat and not start:
        raise UsageError("this network turns codes into numbers outside of any layer", _INSTEAD)
    for first, last, parts in zip(start, end, shifts, strict=True):
        if not torch.allclose(first + sum(parts), last, atol=1e-4, rtol=1e-4):
            raise UsageError("a layer of this network mixes the codes of several columns", _INSTEAD)


def columns_of(encoder: Encoder) -> tuple[list[str], np.ndarray]:
    """Names of columns, and which of them each number and then each code is made of; pairs are named by both."""
    labels = [", ".join(source) for source in encoder.sources] + encoder.cat_names
    names = list(dict.fromkeys(labels))
    return names, np.array([names.index(label) for label in labels])
