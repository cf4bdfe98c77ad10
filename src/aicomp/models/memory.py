"""Models that look up training rows when they predict: what training does for them, and where the rows are kept.

A network that has the method `remember` of `RemembersRows` is given its fold's training rows, before its first step.
In training its `forward` gets, beside a batch, the numbers of the batch's rows, so that no row is compared with itself.
Rows that it does not hold, such as those of the validation fold, it can never compare with.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor, nn

from aicomp.errors import AicompError


@runtime_checkable
class RemembersRows(Protocol):
    """What a network has that looks up training rows; it is an `nn.Module` all the same."""

    def remember(self, x_num: Tensor, x_cat: Tensor, targets: Tensor) -> None:
        """Keep the training rows, or a sample of them, as buffers: they are saved with the weights.

        Args:
            x_num: Numbers, float32 (n, n_num).
            x_cat: Codes, int64 (n, n_cat).
            targets: What the loss compares the outputs with: class codes int64 (n,), or float32 (n, n_outputs).
        """

    def forward(self, x_num: Tensor, x_cat: Tensor, rows: Tensor | None = None) -> Tensor:
        """Outputs of a batch.

        Args:
            x_num: Numbers, (batch, n_num).
            x_cat: Codes, (batch, n_cat).
            rows: Numbers of the batch's rows among the training rows, int64 (batch,); None for other rows.
        """


def remembers_rows(model: object) -> TypeGuard[RemembersRows]:
    """Whether a model looks up training rows."""
    return isinstance(model, RemembersRows)


_SAVED = ("x_num", "x_cat", "targets", "rows")


class Memory(nn.Module):
    """Training rows as buffers of a model, and which of all training rows they are.

    Args:
        n_rows: Most rows that are held. Of more, a random sample is.

    Attributes:
        x_num: Numbers, float32 (n, n_num).
        x_cat: Codes, int64 (n, n_cat).
        targets: Class codes int64 (n,), or float32 (n, n_outputs).
        rows: Numbers of these rows among all training rows, int64 (n,).
        all_targets: Of all training rows; not saved, for only training needs them.
    """

    x_num: Tensor
    x_cat: Tensor
    targets: Tensor
    rows: Tensor
    all_targets: Tensor

    def __init__(self, n_rows: int) -> None:
        super().__init__()
        self.n_rows = n_rows
        for name in _SAVED:
            self.register_buffer(name, None)
        self.register_buffer("all_targets", None, persistent=False)

    def hold(self, x_num: Tensor, x_cat: Tensor, targets: Tensor) -> None:
        """Keep rows in place of those that were held before."""
        n = len(targets)
        rows = torch.arange(n) if n <= self.n_rows else torch.randperm(n)[: self.n_rows].sort().values
        self.rows, self.all_targets = rows, targets
        self.x_num, self.x_cat, self.targets = (part[rows] for part in (x_num, x_cat, targets))

    def __len__(self) -> int:
        """Number of rows that are held.

        Raises:
            AicompError: None were ever given.
        """
        if self.rows is None:
            raise AicompError(
                "a model that looks up training rows is to predict before it was given any", "call `remember` first"
            )
        return len(self.rows)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        """Make room for the rows that are loaded: how many they are, the weights alone know."""
        for name in _SAVED:
            saved = state_dict.get(prefix + name)
            if saved is not None:
                held = getattr(self, name)
                device = held.device if held is not None else saved.device
                setattr(self, name, torch.empty_like(saved, device=device))
        super()._load_from_state_dict(state_dict, prefix, *arguments)
