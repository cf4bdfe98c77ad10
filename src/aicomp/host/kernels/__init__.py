"""Kernels: scripts and notebooks of teams that the host runs, one after another, without network."""

from typing import TYPE_CHECKING

from aicomp.host.datasets import Datasets
from aicomp.host.kernels.runner import Limits, Runner
from aicomp.host.kernels.store import Kernel, Kernels

if TYPE_CHECKING:
    from aicomp.host.host import Host

__all__ = ["Kernel", "Kernels", "Limits", "Runner", "attach_kernels"]


def attach_kernels(host: "Host") -> None:
    """Give a host its datasets (`parts["datasets"]`) and kernels; nothing runs before `Runner.start`."""
    state = host.settings.state
    datasets = Datasets(host.database, host.uploads, state / "archives" / "datasets")
    host.parts["datasets"] = datasets
    host.kernels = Runner(Kernels(host.database, state / "kernels"), datasets, host.competitions, state)
    host.bucket.add("datasets", datasets.resolve)
    host.bucket.add("dataset-archives", datasets.resolve_archive)
    host.bucket.add("kernels", host.kernels.store.resolve)
