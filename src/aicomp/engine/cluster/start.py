"""An engine on a Ray cluster, as a config asks for it."""

from pathlib import Path

from aicomp.config import Config
from aicomp.engine.cluster.on_ray import RayCluster
from aicomp.engine.cluster.pool import ClusterPool


def start_on_ray(project: Path, config: Config, n_local: int) -> ClusterPool:
    """Connect to the cluster.

    Args:
        project: The project's folder.
        config: Its config.
        n_local: Processes that this machine would train with.

    Raises:
        UsageError: Ray is not installed.
        NetworkError: No cluster answers.
    """
    cluster = RayCluster(config.engine.address)
    return ClusterPool(project, cluster, n_local=n_local, device=config.device, retries=max(0, config.engine.retries))
