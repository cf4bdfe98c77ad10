"""Parts of a row side by side, also where several models of different widths are stacked into one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name


class Join(nn.Module):
    """Parts of a row, one beside the other.

    When models whose parts have different widths are stacked (`training.stacked_weights`), every part is padded to the
    widest. The padding then lies between the parts; this layer moves it behind all of them, so that each model's row
    begins with what it would be alone.

    Shape: a list of (batch, d_i) -> (batch, sum of the d_i).

    Args:
        widths: The d_i; 0 for a part that is absent.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.register_buffer("places", None, persistent=False)

    places: Tensor | None

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Put the parts side by side; those that are absent are left out."""
        x = torch.cat(list(parts), dim=1)
        if self.places is None:
            return x
        return F.pad(x, (0, 1)).index_select(1, self.places)  # the column of zeros is what padding is read from


def places_of(joins: Sequence[Join]) -> list[Tensor] | None:
    """Where each stacked model's own columns lie among padded parts; None where nothing is padded.

    >>> [places.tolist() for places in places_of([Join([2, 1]), Join([1, 2])])]
    [[0, 1, 2], [0, 2, 3]]
    """
    padded = [max(widths) for widths in zip(*(join.widths for join in joins), strict=True)]
    if all(join.widths == tuple(padded) for join in joins):
        return None
    starts = [sum(padded[:i]) for i in range(len(padded))]
    d_out = max(sum(join.widths) for join in joins)
    places = []
    for join in joins:
        own = [s + i for s, width in zip(starts, join.widths, strict=True) for i in range(width)]
        places.append(torch.tensor(own + [sum(padded)] * (d_out - len(own))))
    return places
