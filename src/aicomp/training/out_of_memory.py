"""What to do where a device has not enough memory: take fewer rows at once, and say so."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from aicomp.errors import AicompError

_WORDS = ("not enough memory", "out of memory", "can't allocate memory")
"""Of the allocators of the CPU and of MPS, which have no exception of their own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory.

    >>> is_out_of_memory(RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: not enough memory"))
    True
    >>> is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    False
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)


@contextmanager
def memory_errors(what: str, hint: str) -> Iterator[None]:
    """Turn what allocators raise inside into an error for people.

    Args:
        what: What did not fit, as the beginning of a sentence.
        hint: What to do.

    Raises:
        AicompError: There was not enough memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as e:
        if not is_out_of_memory(e):
            raise
        said = (str(e).splitlines() or ["no more memory"])[0]
        raise AicompError(f"{what} did not fit into memory: {said}", hint) from e


def give_back_all(device: torch.device) -> None:
    """Give back what the allocator of a GPU keeps, so that parts of another size can have it."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


class Moment:
    """Random states and means over batches, as they are before a step: to take it again as if it had not been tried.

    Args:
        layers: Those that keep means over batches, see `batch_norms`.
        device: Where they are trained.
    """

    def __init__(self, layers: Sequence[nn.Module], device: torch.device) -> None:
        self._device = device
        self._random = torch.get_rng_state()
        self._of_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
        self._buffers = [(b, b.clone()) for layer in layers for b in layer.buffers()]

    def restore(self) -> None:
        """Be there again."""
        torch.set_rng_state(self._random)
        if self._of_device is not None:
            torch.cuda.set_rng_state(self._of_device, self._device)
        with torch.no_grad():
            for buffer, before in self._buffers:
                buffer.copy_(before)


def batch_norms(model: nn.Module) -> list[nn.Module]:
    """Layers whose outputs for a row hang on the other rows of the batch."""
    return [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


@dataclass
class Portion:
    """How many rows are predicted at once, after more did not fit.

    Attributes:
        most: None as long as all fitted.
        say: Told, as a sentence, when it becomes less.
    """

    say: Callable[[str], Any]
    most: int | None = None

    def halve(self, n: int) -> int:
        """Take half of the rows from now on.

        Raises:
            AicompError: It was one row.
        """
        if n <= 1:
            raise AicompError(
                "not even one row can be predicted: there is not enough memory",
                "take a smaller model, or a machine with more memory",
            )
        self.most = -(-n // 2)
        self.say(f"{n} rows to predict did not fit into memory: continues with {self.most} at once")
        return self.most
