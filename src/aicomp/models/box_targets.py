"""What a `BoxNetwork` is to find, and how far it is from it.

A middle is not one place alone: near it, too, a network that finds the object is punished less, and learns the edges
(Liu et al., "Training-Time-Friendly Network for Real-Time Object Detection", arXiv 1909.00700). A place between two
objects belongs to the one whose middle is nearer, in units of its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

_WIDTH = 0.54 / 6
"""Standard deviation of a middle as a share of the object's side, as in the paper."""
_LEAST_WIDTH = 0.4
"""The same in places of the grid, at least."""
_NEAR = 0.1
"""Height of the bell above which a place learns the edges."""
_EDGES = 2.0
"""Weight of the edges beside that of the middles."""


@dataclass(frozen=True)
class BoxTargets:
    """Targets of a batch, on the network's grid.

    Attributes:
        middles: 1 at the middle of an object, less around it, float32 (n, n_labels, rows, columns).
        places: Image, row and column of the places that learn edges, int64 (k, 3).
        edges: The edges that they learn, as shares of the sides, float32 (k, 4).
        weights: Weights of these places, which sum to about 1 for each object, float32 (k,).
        n_objects: Objects of the batch.
    """

    middles: Tensor
    places: Tensor
    edges: Tensor
    weights: Tensor
    n_objects: int


def box_targets(
    labels: Sequence[Tensor], corners: Sequence[Tensor], n_labels: int, grid: tuple[int, int]
) -> BoxTargets:
    """Targets of a batch.

    Args:
        labels: Codes of each image's boxes, int64 (n_boxes,).
        corners: Edges of each image's boxes as shares of its sides, float32 (n_boxes, 4); empty boxes are left out.
        n_labels: Labels.
        grid: Rows and columns of the network's grid.
    """
    middles = torch.zeros(len(labels), n_labels, *grid)
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    n_objects = 0
    for i, (codes, edges) in enumerate(zip(labels, corners, strict=True)):
        is_box = ((edges[:, 2:] - edges[:, :2]) > 0).all(dim=1)
        codes, edges = codes[is_box], edges[is_box]
        if not len(codes):
            continue
        n_objects += len(codes)
        bells = _bells(edges, grid)
        index = codes[:, None, None].expand_as(bells)
        middles[i].scatter_reduce_(0, index, bells, reduce="amax")
        highest, owner = bells.max(dim=0)
        rows, columns = torch.nonzero(highest > _NEAR, as_tuple=True)
        own = owner[rows, columns]
        total = torch.zeros(len(codes)).index_add_(0, own, highest[rows, columns])
        at = torch.stack([torch.full_like(rows, i), rows, columns], dim=1)
        found.append((at, edges[own], highest[rows, columns] / total[own]))
    if not found:
        return BoxTargets(middles, torch.empty(0, 3, dtype=torch.int64), torch.empty(0, 4), torch.empty(0), 0)
    at, edges, weights = (torch.cat(parts) for parts in zip(*found, strict=True))
    return BoxTargets(middles, at, edges, weights, n_objects)


def _bells(edges: Tensor, grid: tuple[int, int]) -> Tensor:
    """A bell around the place that holds each box's middle, 1 there, (n_boxes, rows, columns)."""
    sides = torch.tensor([grid[1], grid[0]])
    middle = ((edges[:, :2] + edges[:, 2:]) / 2 * sides).floor().clamp(min=torch.zeros(2), max=sides - 1)
    width = ((edges[:, 2:] - edges[:, :2]) * sides * _WIDTH).clamp(min=_LEAST_WIDTH)
    across, down = (
        torch.exp(-0.5 * ((torch.arange(int(sides[j])) - middle[:, j, None]) / width[:, j, None]) ** 2) for j in (0, 1)
    )
    return down[:, :, None] * across[:, None, :]


def box_loss(middles: Tensor, edges: Tensor, targets: BoxTargets) -> Tensor:
    """Loss of a batch, per object.

    Args:
        middles: Logits of the network.
        edges: Edges of the network.
        targets: What it is to find.
    """
    n = max(1, targets.n_objects)
    found = focal_loss(middles, targets.middles.to(middles.device)) / n
    if not len(targets.places):
        return found
    image, row, column = targets.places.to(edges.device).T
    of_edges = giou_loss(edges[image, :, row, column], targets.edges.to(edges.device))
    return found + _EDGES * (targets.weights.to(edges.device) * of_edges).sum() / n


def focal_loss(logits: Tensor, bells: Tensor) -> Tensor:
    """Sum of CenterNet's focal loss (arXiv 1904.07850, equation 1): places near a middle count little as misses."""
    p = torch.sigmoid(logits)
    of_middles = -F.logsigmoid(logits) * (1 - p) ** 2
    of_others = -F.logsigmoid(-logits) * p**2 * (1 - bells) ** 4
    return torch.where(bells == 1, of_middles, of_others).sum()


def giou_loss(a: Tensor, b: Tensor) -> Tensor:
    """One less the generalized intersection over union (Rezatofighi et al., arXiv 1902.09630), 0 to 2, (n,).

    Args:
        a: Corners, (n, 4).
        b: Corners, (n, 4), of boxes that are not empty.

    >>> giou_loss(torch.tensor([[0, 0, 1, 1.0]]), torch.tensor([[2, 0, 3, 1.0]]))  # 1 - (0 / 2 - (3 - 2) / 3)
    tensor([1.3333])
    """
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    union = (a[:, 2:] - a[:, :2]).prod(dim=1) + (b[:, 2:] - b[:, :2]).prod(dim=1) - shared
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(dim=1)
    tiny = torch.finfo(a.dtype).tiny
    return 1 - shared / union.clamp(min=tiny) + (hull - union) / hull.clamp(min=tiny)
