"""The state of a training in one file: tensors in safetensors, all else as JSON in the file's header.

One file, because it is then whole or not there at all, which two files beside each other cannot promise.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from aicomp.errors import DataError
from aicomp.files import partial_file

_VERSION = "1"
_HEADER = "state"

_Place = tuple[int, tuple[int, ...], tuple[int, ...], torch.dtype]


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state, whole or not at all.

    Args:
        path: The file; its folder is made if needed.
        state: Dictionaries, lists and tuples of tensors, arrays, numbers, strings, booleans and None. Numbers come back
            with the same bits, NaN and infinity too.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
        TypeError: Something else is in it.
    """
    packed = _Packed()
    header = json.dumps(packed.pack(dict(state)))
    with partial_file(path) as temporary:
        save_file(packed.tensors, temporary, metadata={"version": _VERSION, _HEADER: header})


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote; tensors are on the CPU.

    Raises:
        DataError: The file is damaged, or of another version.
    """
    hint = f"remove `{path}`: the training begins anew"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("version") != _VERSION:
                raise DataError(f"`{path}` is no state of version {_VERSION}", hint)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
        state: dict[str, Any] = _unpack(json.loads(metadata[_HEADER]), tensors)
    except (SafetensorError, KeyError, ValueError) as e:
        raise DataError(f"`{path}` is damaged: {e}", hint) from e
    return state


class _Packed:
    """Takes a state apart.

    Attributes:
        tensors: By a number, written as a string.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[_Place, str] = {}
        self._storages: set[int] = set()

    def pack(self, value: Any) -> Any:
        """What stands in the header for a value."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, Tensor):
            return {"tensor": self._tensor(value.detach())}
        if isinstance(value, np.ndarray):
            return {"array": self._tensor(torch.from_numpy(np.ascontiguousarray(value)))}
        if isinstance(value, np.generic):
            return self.pack(value.item())
        if isinstance(value, list | tuple):
            return {type(value).__name__: [self.pack(item) for item in value]}
        if isinstance(value, Mapping):
            return {"dict": [[self.pack(key), self.pack(item)] for key, item in value.items()]}
        raise TypeError(f"a state holds a {type(value).__name__}")

    def _tensor(self, tensor: Tensor) -> str:
        """Its name in the file; tensors that are the same memory, such as tied weights, are written once."""
        place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
        if tensor.numel() and place in self._names:
            return self._names[place]
        name = str(len(self.tensors))
        self._names[place] = name
        storage = tensor.untyped_storage().data_ptr()
        whole = tensor.cpu().contiguous()
        # A view of what is written already: the format refuses tensors that share memory.
        self.tensors[name] = whole.clone() if storage in self._storages else whole
        self._storages.add(storage)
        return name


def _unpack(packed: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(packed, dict):
        return packed
    [(kind, content)] = packed.items()
    match kind:
        case "tensor":
            return tensors[content]
        case "array":
            return tensors[content].numpy()
        case "list":
            return [_unpack(item, tensors) for item in content]
        case "tuple":
            return tuple(_unpack(item, tensors) for item in content)
        case "dict":
            return {_unpack(key, tensors): _unpack(item, tensors) for key, item in content}
    raise ValueError(f"unknown kind `{kind}`")
