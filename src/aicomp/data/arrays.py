"""Arrays in safetensors files, strings included, which the format does not know."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from aicomp.files import partial_file, reading

_STRINGS = "strings:"
"""Stands before the name of an array of strings, which lies in the file as bytes of UTF-8 JSON."""


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays, whole or not at all; of objects, arrays of strings and None, (n,).

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    tensors = {}
    for name, array in arrays.items():
        if array.dtype == object:
            tensors[_STRINGS + name] = encode_strings(array)
        else:
            tensors[name] = np.ascontiguousarray(array)
    with partial_file(path) as temporary:
        save_file(tensors, temporary)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read what `save_arrays` wrote.

    Raises:
        DataError: The file is damaged.
    """
    arrays = {}
    with reading(path):
        for name, array in load_file(path).items():
            is_strings = name.startswith(_STRINGS)
            arrays[name.removeprefix(_STRINGS)] = decode_strings(array) if is_strings else array
    return arrays


_DTYPES = {
    "F64": np.float64, "F32": np.float32, "I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8,
    "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip


def map_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a safetensors file as read-only views of it, which all processes share.

    Raises:
        DataError: The file is damaged.
    """
    # safetensors' own loader copies. Its format is a length, a JSON header with offsets, and the raw tensors.
    arrays = {}
    with reading(path):
        raw = np.memmap(path, mode="r", dtype=np.uint8)
        n_header = int(raw[:8].view("<u8")[0])
        header: dict[str, Any] = json.loads(raw[8 : 8 + n_header].tobytes())
        header.pop("__metadata__", None)
        for key, entry in header.items():
            start, stop = (8 + n_header + offset for offset in entry["data_offsets"])
            arrays[key] = raw[start:stop].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def encode_strings(values: np.ndarray) -> np.ndarray:
    """Strings as bytes, uint8.

    >>> decode_strings(encode_strings(np.array(["ä", None], object))).tolist()
    ['ä', None]
    """
    text = json.dumps(list(values), ensure_ascii=False)
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8).copy()


def decode_strings(raw: np.ndarray) -> np.ndarray:
    """Strings of bytes, object (n,)."""
    return as_objects(json.loads(raw.tobytes().decode("utf-8", "surrogatepass")))


def as_objects(values: list[str | None] | list[str]) -> np.ndarray:
    """A list of strings as an array, object (n,)."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
