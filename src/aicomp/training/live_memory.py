"""How much memory tensors hold while a program runs: counted storage by storage, with or without numbers in them."""

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class LiveMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside it, the bytes of all storages that operations make, until nothing refers to them any more.

    Views share a storage and count once. Saved activations, gradients, an optimizer's state and what an operation needs
    for a moment are all seen, those of layers that are computed again (checkpointing) too, whose inputs are kept by no
    hook of saved tensors. What a kernel takes for itself is not seen.

    Attributes:
        now: Bytes that are alive.
        peak: Most bytes that ever were, since `restart`.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.peak = 0
        self._alive: dict[int, weakref.ref[UntypedStorage]] = {}

    def count(self, tensors: Iterable[Tensor]) -> None:
        """Take note of tensors that are there already."""
        for tensor in tensors:
            self._note(tensor)

    def restart(self) -> None:
        """Let the peak begin anew, at what is alive."""
        self.peak = self.now

    def __torch_dispatch__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count what it made."""
        result = func(*args, **(kwargs or {}))
        for value in tree_iter(result):
            if isinstance(value, Tensor):
                self._note(value)
        return result

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._alive:
            return
        size = storage.nbytes()

        def forget(_: object) -> None:
            if self._alive.pop(key, None) is not None:
                self.now -= size

        self._alive[key] = weakref.ref(storage, forget)
        self.now += size
        self.peak = max(self.peak, self.now)
