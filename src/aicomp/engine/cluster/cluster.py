"""What `ClusterPool` needs of a cluster: nodes, tasks that say something again and again, and objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from aicomp.engine.cluster.node import Order


@dataclass(frozen=True)
class Node:
    """A node that is alive.

    Attributes:
        key: Of the cluster.
        name: For people.
        cpus: Processors that tasks may take, whether or not they are free.
        gpus: GPUs, in the same way.
    """

    key: str
    name: str
    cpus: float
    gpus: float


@dataclass(frozen=True)
class Needs:
    """What a task takes of a node, and the node that it should be on if it has room; None leaves it to the cluster."""

    cpus: int
    gpus: int = 0
    node: str | None = None


@dataclass(frozen=True)
class Lost:
    """A task that ended without its last word, as its process or its node died; the reason is a part of a sentence."""

    reason: str


@dataclass(frozen=True)
class Broken:
    """A task that failed outside the user's code, which is a bug; with its traceback."""

    traceback: str


Heard = tuple[Any, bytes | Lost | Broken]
"""A task, and what it says next."""


class Cluster(Protocol):
    """A cluster; tasks are what `start` returns, and can be hashed."""

    def nodes(self) -> list[Node]:
        """Those that are alive."""

    def put(self, piece: np.ndarray) -> Any:
        """Put bytes into the cluster; what is returned stands for them."""

    def start(self, order: Order, pieces: Mapping[str, Sequence[Any]], needs: Needs) -> Any:
        """Begin a task as soon as a node has room for it."""

    def poll(self, tasks: Sequence[Any], timeout: float) -> list[Heard]:
        """What some of these tasks say; nothing after `timeout` seconds of silence."""

    def end(self, task: Any) -> None:
        """Stop a task, wherever it is."""

    def close(self) -> None:
        """Remove what tasks left on the nodes, and leave the cluster."""
