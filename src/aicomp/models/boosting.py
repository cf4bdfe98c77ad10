"""What the boosted trees of three libraries have in common: an optional import, checked parameters, files as arrays."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from aicomp.errors import UsageError
from aicomp.suggest import unknown_name

INSTALL = "pip install 'aicomp[boost]'"


def require(package: str) -> Any:
    """Import an optional package.

    Raises:
        UsageError: It is not installed.
    """
    if find_spec(package) is None:
        raise UsageError(f"model `{package}` needs the package `{package}`, which is not installed", INSTALL)
    return import_module(package)


def check_params(params: Mapping[str, Any], known: Iterable[str], own: Mapping[str, str]) -> None:
    """Refuse parameters that a library does not know, or that follow from the task.

    Args:
        params: `[model] params`, without those that the model itself takes.
        known: Names that the library knows.
        own: Names that are not to be set here -> what to write instead.

    Raises:
        UsageError: With the nearest name, or with what to write instead.
    """
    names = sorted(set(known) - set(own))
    for name in params:
        if name in own:
            raise UsageError(f"`model.params.{name}` is not set here", own[name])
        if name not in names:
            raise unknown_name("parameter", f"model.params.{name}", [f"model.params.{n}" for n in names])


def check_rounds(n_rounds: int, patience: int, name: str) -> None:
    """Refuse numbers of rounds that make no model.

    Raises:
        UsageError: No round, or negative patience.
    """
    if not (isinstance(n_rounds, int) and n_rounds > 0):
        raise UsageError(f"`model.params.{name}` is {n_rounds!r}, but it must be a whole number above 0")
    if not (isinstance(patience, int) and patience >= 0):
        raise UsageError(f"`model.params.patience` is {patience!r}, but it must be a whole number from 0 up (0 is off)")


def refuse_monotone(monotone: Sequence[int], loss: str, name: str) -> None:
    """Refuse monotone columns under a loss whose leaves a library sets anew, by quantiles, after it grew a tree.

    XGBoost does not say so, and its predictions then fall where they may only rise.

    Raises:
        UsageError: The loss is such a one, and there are monotone columns.
    """
    if any(monotone) and loss in ("mae", "quantile"):
        raise UsageError(
            f"`model.monotone`: `{name}` does not keep to it under the loss `{loss}`",
            'write `--set training.loss="huber"`, or take `catboost`',
        )


def as_array(content: bytes) -> np.ndarray:
    """A file's bytes as an array."""
    return np.frombuffer(content, dtype=np.uint8).copy()


def as_bytes(array: np.ndarray) -> bytes:
    """The bytes that `as_array` took."""
    return bytes(array.tobytes())


FOLLOWS_METRIC = "the loss follows the metric; write `--set training.loss=...`"
FOLLOWS_SEED = "write `--set seed=...`"
FOLLOWS_WORKERS = "write `--set workers=...`: the cores are shared among the processes that train folds"
FOLLOWS_COLUMNS = "categories follow from `[columns]`"
FOLLOWS_MONOTONE = "name the columns under `monotone` of `[model]`, such as monotone = { age = 1 }"
