"""A cluster that is Ray's. Ray itself moves what it is given; files travel as bytes and are checked by their hash."""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import msgspec
import numpy as np

from aicomp.engine.cluster.cluster import Broken, Heard, Lost, Needs, Node
from aicomp.engine.cluster.node import Order, Place, perform
from aicomp.engine.cluster.scratch import remove_scratch
from aicomp.errors import NetworkError, UsageError

_AHEAD = 16
"""Messages that a task may be ahead of the driver, before it waits."""
_ANSWER = 10.0
"""Seconds in which a cluster has to answer."""
_CLEANING = 5.0
"""Seconds that nodes get to remove what was unpacked there."""


def require_ray() -> None:
    """Refuse to go on without Ray.

    Raises:
        UsageError: It is not installed.
    """
    if find_spec("ray") is None:
        raise UsageError("`--engine ray` needs the package `ray`, which is not installed", "pip install 'aicomp[ray]'")


class RayCluster:
    """A connection to a cluster.

    Args:
        address: As in `[engine] address`.

    Raises:
        UsageError: Ray is not installed, or the address is one of Ray Client.
        NetworkError: No cluster answers there.
    """

    def __init__(self, address: str) -> None:
        require_ray()
        if address.startswith("ray://"):
            raise UsageError(
                f"`--address {address}` is Ray Client's, which cannot hear a task before it ends",
                "start `aicomp` on a machine of the cluster, with `--address auto`, or by `ray job submit`",
            )
        # A usage report is the user's to give; and what Ray logs of a lost worker is said in words of ours.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray = ray
        self._began_here = not ray.is_initialized()
        if self._began_here:
            self._connect(address)
        self._sessions: set[str] = set()
        self._task, self._clean = ray.remote(_on_node), ray.remote(_clean)

    def _connect(self, address: str) -> None:
        check_answers(os.environ.get("RAY_ADDRESS", address) if address == "auto" else address)
        options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if address == "local":
            options |= {"include_dashboard": False}
        try:
            self._ray.init(address=address, **options)
        except (ConnectionError, RuntimeError, ValueError) as e:
            reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
            raise NetworkError(
                f"no Ray cluster at `{address}`: {reason[:200]}",
                "`ray start --head` starts one on this machine; `--address local` one for this command",
            ) from e

    def nodes(self) -> list[Node]:
        """As in `Cluster`."""
        return [
            Node(n["NodeID"], node_name(n), n["Resources"].get("CPU", 0.0), n["Resources"].get("GPU", 0.0))
            for n in _nodes()
            if n["Alive"]
        ]

    def put(self, piece: np.ndarray) -> Any:
        """As in `Cluster`."""
        return self._ray.put(np.asarray(piece))

    def start(self, order: Order, pieces: Mapping[str, Sequence[Any]], needs: Needs) -> Any:
        """As in `Cluster`."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._sessions.add(order.session)
        where = "SPREAD" if needs.node is None else NodeAffinitySchedulingStrategy(needs.node, soft=True)
        task = self._task.options(
            num_cpus=needs.cpus,
            num_gpus=needs.gpus,
            scheduling_strategy=where,
            max_retries=0,  # what is lost is begun anew by `ClusterPool`, with a word
            num_returns="streaming",
            _generator_backpressure_num_objects=_AHEAD,
        )
        return task.remote(msgspec.json.encode(order), {name: list(listed) for name, listed in pieces.items()})

    def poll(self, tasks: Sequence[Any], timeout: float) -> list[Heard]:
        """As in `Cluster`."""
        ready, _ = self._ray.wait(list(tasks), num_returns=len(tasks), timeout=0, fetch_local=False)
        if not ready:
            ready, _ = self._ray.wait(list(tasks), num_returns=1, timeout=timeout, fetch_local=False)
        return [(task, self._next(task)) for task in ready]

    def _next(self, task: Any) -> bytes | Lost | Broken:
        exceptions = self._ray.exceptions
        try:
            message: bytes = self._ray.get(next(task))
        except StopIteration:
            return Lost("its task ended without a last word")
        except exceptions.RayTaskError as e:
            return Broken(str(e))
        except exceptions.OutOfMemoryError:
            return Lost("its node had no memory left")
        except (exceptions.NodeDiedError, exceptions.ObjectLostError):
            return Lost("its node died")
        except exceptions.WorkerCrashedError:
            return Lost("its process or its node died")
        except exceptions.RayError as e:
            return Lost(f"Ray says {type(e).__name__}")
        return message

    def end(self, task: Any) -> None:
        """As in `Cluster`."""
        self._ray.cancel(task, force=True)

    def close(self) -> None:
        """As in `Cluster`."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        left = []
        for node in self.nodes() if self._sessions else []:
            here = NodeAffinitySchedulingStrategy(node.key, soft=False)
            task = self._clean.options(num_cpus=0, max_retries=0, scheduling_strategy=here)
            left += [task.remote(session) for session in self._sessions]
        if left:
            self._ray.wait(left, num_returns=len(left), timeout=_CLEANING)
        if self._began_here:
            self._ray.shutdown()


def check_answers(address: str) -> None:
    """Refuse an address at which nobody listens; Ray would try for minutes.

    Args:
        address: Only one with a port is looked at.

    Raises:
        NetworkError: Nobody does.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER).close()
    except (OSError, OverflowError) as e:
        raise NetworkError(
            f"no Ray cluster at `{address}`: {getattr(e, 'strerror', None) or e}",
            "`ray start --head` says at which address it starts one; `--address local` has one for this command",
        ) from e


def node_name(node: Mapping[str, Any]) -> str:
    """What to call a node: the name that it was given, else its host's, with the beginning of its id.

    >>> node_name({"NodeID": "cf5671ae", "NodeName": "10.0.0.2", "NodeManagerAddress": "10.0.0.2",
    ...     "NodeManagerHostname": "b12"})
    'b12/cf5671'
    """
    is_named = node["NodeName"] and node["NodeName"] != node["NodeManagerAddress"]
    return f"{node['NodeName'] if is_named else node['NodeManagerHostname']}/{node['NodeID'][:6]}"


def _on_node(order: bytes, pieces: dict[str, list[Any]]) -> Iterator[bytes]:
    """A task; in a process of Ray's, which is kept for the next one."""
    import ray

    key = ray.get_runtime_context().get_node_id()
    decoded = msgspec.json.decode(order, type=Order)
    yield from perform(decoded, pieces, ray.get, Place(key, _name_of(key)))


def _nodes() -> list[dict[str, Any]]:
    import ray

    listed: list[dict[str, Any]] = ray.nodes()
    return listed


def _name_of(key: str) -> str:
    return next((node_name(node) for node in _nodes() if node["NodeID"] == key), key[:6])


def _clean(session: str) -> None:
    import ray

    remove_scratch(session, ray.get_runtime_context().get_node_id())
