"""What a network reads beside numbers and codes, batch by batch: tokens of texts, or images and sounds."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.data.rows import Media, Rows
from aicomp.models.texts import has_tokens, trimmed


class ExtraInput(Protocol):
    """The extra input of some rows."""

    def __call__(self, rows: Tensor | slice) -> Tensor:
        """That of some of these rows, as the network's `forward` takes it."""

    def sample(self) -> Tensor:
        """That of one row, as large as the largest, (1, ...)."""


class Tokens:
    """Tokens of texts.

    Args:
        tokens: Of all rows, int (n, length).
    """

    def __init__(self, tokens: Tensor) -> None:
        self._tokens = tokens

    def __call__(self, rows: Tensor | slice) -> Tensor:
        """Tokens (n, length), cut to the longest of these rows."""
        return trimmed(self._tokens[rows])

    def sample(self) -> Tensor:
        """Tokens of one row, with padding to the longest, (1, length)."""
        return self._tokens[:1]


class Files:
    """Decoded files, which stay on disk and in the memory of the system until a batch needs them.

    Args:
        media: The files, and which of them each row has.
        device: Where the network lies.
    """

    def __init__(self, media: Media, device: torch.device) -> None:
        self._files, self._device = media.files, device
        self._index = media.index

    def __call__(self, rows: Tensor | slice) -> Tensor:
        """Files (n, n_media, channels, height, width): float32, images from 0 to 1."""
        places = self._index[rows if isinstance(rows, slice) else rows.cpu().numpy()]
        gathered = torch.from_numpy(np.asarray(self._files[places])).to(self._device)
        return gathered.float().div_(255) if gathered.dtype == torch.uint8 else gathered.float()

    def sample(self) -> Tensor:
        """Files of the first row."""
        return self(slice(1))


View = Callable[[Tensor], Tensor]
"""Another view of the files of some rows."""


class Viewed:
    """Another view of an extra input.

    Args:
        source: The extra input.
        view: Makes the view.
    """

    def __init__(self, source: ExtraInput, view: View) -> None:
        self._source, self._view = source, view

    def __call__(self, rows: Tensor | slice) -> Tensor:
        """The view of some rows."""
        return self._view(self._source(rows))

    def sample(self) -> Tensor:
        """The view of the first row."""
        return self._view(self._source.sample())


class Picked:
    """The extra input of some of the rows.

    Args:
        source: That of all rows.
        rows: Numbers of the rows that are picked, int64 (n,).
    """

    def __init__(self, source: ExtraInput, rows: Tensor) -> None:
        self._source, self._rows = source, rows

    def __call__(self, rows: Tensor | slice) -> Tensor:
        """That of some of the picked rows."""
        return self._source(self._rows[rows])

    def sample(self) -> Tensor:
        """That of one of all rows."""
        return self._source.sample()


def extra_input(model: nn.Module, rows: Rows, device: torch.device) -> ExtraInput | None:
    """The extra input of rows for a network, None if it takes none."""
    if has_tokens(model):
        assert rows.texts is not None
        return Tokens(model.tokens(rows.texts).to(device))
    return None if rows.media is None else Files(rows.media, device)
