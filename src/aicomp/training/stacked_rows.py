"""Rows of several folds in one tensor, and places of batches in it."""

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor

from aicomp.training.fit import Prepared
from aicomp.training.inference import tensors_of
from aicomp.training.regularization import Batch
from aicomp.training.stacked_weights import pad_columns


class StackedRows:
    """Training or validation rows of folds, one fold behind the other; columns are padded to the most.

    Args:
        folds: The folds.
        part: Which of their rows.
        device: Where the rows shall lie.
    """

    def __init__(self, folds: Sequence[Prepared], part: Literal["train", "valid"], device: torch.device) -> None:
        is_train = part == "train"
        rows = [tensors_of(fold.data.train if is_train else fold.data.valid) for fold in folds]
        x_num, x_cat = ([tensors[i] for tensors in rows] for i in range(2))
        targets = [fold.objective.encode(fold.data.y if is_train else fold.data.valid_y) for fold in folds]
        self._x_num = torch.cat(pad_columns(x_num)).to(device)
        self._x_cat = torch.cat(pad_columns(x_cat)).to(device)
        self._targets = torch.cat(targets).to(device)
        self._sizes = [len(t) for t in targets]
        self._starts = [sum(self._sizes[:i]) for i in range(len(self._sizes))]
        self._device = device

    def keep(self, folds: Sequence[int]) -> None:
        """Go on with some of the folds; the others' rows stay where they are."""
        self._sizes = [self._sizes[i] for i in folds]
        self._starts = [self._starts[i] for i in folds]

    def at(self, places: Tensor) -> Batch:
        """Rows at places (n_folds, n): tensors of (n_folds, n, ...)."""
        flat = places.flatten()
        x_num, x_cat, targets = (
            t[flat].view(*places.shape, *t.shape[1:]) for t in (self._x_num, self._x_cat, self._targets)
        )
        return Batch(x_num, x_cat, targets)

    def shuffled(self, n_batches: int, generators: Sequence[torch.Generator]) -> tuple[Tensor, list[list[int]]]:
        """Batches of an epoch, each fold in an order of its own.

        Returns:
            Places (n_batches, n_folds, n), short batches padded with their last row, and how many rows of each batch
            and fold are not padding.
        """
        longest = -(-max(self._sizes) // n_batches)
        places, sizes = [], []
        for start, n, generator in zip(self._starts, self._sizes, generators, strict=True):
            order = torch.randperm(n, generator=generator) + start
            own = torch.full((n_batches,), n // n_batches)
            own[: n % n_batches] += 1  # as `Tensor.tensor_split` does
            ends = own.cumsum(0)
            inside = torch.minimum(torch.arange(longest), own[:, None] - 1)
            places.append(order[(ends - own)[:, None] + inside])
            sizes.append(own)
        return torch.stack(places, dim=1).to(self._device), torch.stack(sizes, dim=1).tolist()

    def chunks(self, size: int) -> Iterator[tuple[Tensor, list[int]]]:
        """All rows in their order, `size` of each fold at once: places (n_folds, n) and how many are not padding."""
        starts, sizes = torch.tensor(self._starts)[:, None], torch.tensor(self._sizes)[:, None]
        for begin in range(0, max(self._sizes), size):
            inside = torch.arange(begin, min(begin + size, max(self._sizes)))[None, :]
            places = starts + torch.minimum(inside, sizes - 1)
            n_own = (sizes[:, 0] - begin).clamp(0, inside.shape[1])
            yield places.to(self._device), n_own.tolist()
