"""`aicomp train --plan`: what a training would hold in memory, beside what there is, before anything is trained."""

import inspect
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aicomp.config import Config
from aicomp.engine.local import n_processes
from aicomp.engine.memory import free_memory
from aicomp.engine.ranks import n_ranks
from aicomp.errors import UsageError
from aicomp.project import Project
from aicomp.training.allocator import gives_back

if TYPE_CHECKING:
    import torch
    from torch import nn

    from aicomp.engine.fold_job import Folds
    from aicomp.engine.series_fold import EncodedFold
    from aicomp.training.footprint import Footprint

_RANK = 8
"""Of the adapters that are proposed: what most of the paper's tables have (arXiv 2106.09685)."""


@dataclass(frozen=True)
class MemoryPlan:
    """Memory of a training, in bytes.

    Attributes:
        device: Kind of the device that holds the network.
        footprint: What one process holds on it.
        process: What a process has on a CPU beside it: Python, its packages, and the fold's rows.
        rest: What the process that starts the others has; 0 on a GPU, and where there are no others.
        processes: How many train at the same time.
        free: What the device has free.
        changes: Entries of the config, for `--set`, with which it would fit; empty if it fits, or if nothing helps.
    """

    device: str
    footprint: "Footprint"
    process: int
    rest: int
    processes: int
    free: int
    changes: tuple[str, ...] = ()

    @property
    def allocator(self) -> int:
        """What the C library keeps of what was freed, on a CPU: a third of what comes and goes in a step, as measured.

        Nothing where the tensors of large networks are given back to the system (`training.allocator`).
        """
        found = self.footprint
        if self.device != "cpu" or gives_back(found.parameters):
            return 0
        lasting = found.weights + found.gradients + found.optimizer + found.kept
        return max(0, found.peak - lasting) // 3

    @property
    def per_process(self) -> int:
        """Most bytes of one process."""
        return self.process + self.footprint.peak + self.allocator

    @property
    def total(self) -> int:
        """Most bytes of all processes."""
        return self.rest + self.processes * self.per_process

    @property
    def fits(self) -> bool:
        """Whether that is there."""
        return self.total <= self.free


def plan_memory(project: Project) -> MemoryPlan:
    """Count the memory of a training of the project's network; nothing is trained, and no run is left.

    Raises:
        UsageError: The config or the project's code is wrong, or the model is no network.
        DataError: The data breaks the contract.
    """
    from aicomp.cross_validation import fingerprinted, lay_out

    info, source = fingerprinted(project)
    with tempfile.TemporaryDirectory() as folder:
        run = lay_out(project, Path(folder), info, source)
        rest = resident_bytes()
        from aicomp.engine.fold_job import Folds

        folds = Folds(run, project.folder)
        if not folds.is_network:
            raise UsageError(
                f"`{project.config.model.name}` is no network, and what it holds is not known before it is trained",
                "leave `--plan` out",
            )
        return _plan(folds, folds.encode(0), run.read("plan.json")["n_folds"], rest)


def _plan(folds: "Folds", encoded: "EncodedFold", n_folds: int, rest: int) -> MemoryPlan:
    from aicomp.training.device import choose_device

    device = choose_device(folds.config.device)
    counter = _Counter(folds, encoded, device)
    footprint = counter.count(folds.config)
    on_cpu = device.type == "cpu"
    processes = min(n_folds, n_processes(folds.config)) if on_cpu else 1
    if on_cpu and folds.config.training.shard:
        processes = n_ranks(folds.config, device)
    plan = MemoryPlan(
        device=device.type,
        footprint=footprint,
        process=resident_bytes() if on_cpu else counter.rows,
        rest=rest if on_cpu and folds.config.workers != 0 else 0,
        processes=processes,
        free=free_bytes(device),
    )
    return plan if plan.fits else replace(plan, changes=_helpful_changes(plan, counter))


class _Counter:
    """Counts configs that differ in what takes memory, on the same rows.

    Args:
        folds: The run.
        encoded: One of its folds.
        device: Where it would be trained.

    Attributes:
        config: The run's config.
        rows: Bytes of the fold's rows.
    """

    def __init__(self, folds: "Folds", encoded: "EncodedFold", device: "torch.device") -> None:
        self.config = folds.config
        self._folds, self._encoded, self._device = folds, encoded, device
        data = encoded.data
        self.rows = sum(r.x_num.nbytes + r.x_cat.nbytes for r in (data.train, data.valid, data.test))
        self._length: int | None = None

    def count(self, config: Config) -> "Footprint":
        """Memory of a training with this config."""
        from aicomp.models import with_params
        from aicomp.training.fit import Prepared, prepare_fold
        from aicomp.training.footprint import count_footprint
        from aicomp.training.share import BUCKET_BYTES

        build = with_params(self._folds.found, config.model.params)
        task, data = self._folds.task, self._encoded.data

        def prepare(is_sketch: bool) -> Prepared:
            return prepare_fold(data, task, config, build, device=self._device, is_sketch=is_sketch)

        n = n_ranks(config, self._device) if config.training.shard else 1
        found = count_footprint(prepare, task, self._device, self._longest, n)
        if n == 1:
            return found
        return found.divided(n) if config.training.sharding == "fsdp" else found.added_up(BUCKET_BYTES)

    def takes(self, name: str) -> bool:
        """Whether the model has a parameter of this name."""
        return name in inspect.signature(self._folds.found).parameters

    def _longest(self, model: "nn.Module") -> int:
        from aicomp.models.texts import has_tokens

        if not has_tokens(model):
            return 0
        if self._length is None:
            data, self._length = self._encoded.data, 1
            for rows in (data.train, data.valid, data.test):
                assert rows.texts is not None
                tokens = model.tokens(rows.texts)
                self.rows += tokens.nbytes
                self._length = max(self._length, tokens.shape[1])
        return self._length


def _helpful_changes(plan: MemoryPlan, counter: _Counter) -> tuple[str, ...]:
    """The first of the usual remedies, from the cheapest on, with which the training fits; each is counted."""
    config = counter.config
    most = plan.processes
    if not config.training.shard:  # which has to have several
        for processes in range(most - 1, 0, -1):
            if replace(plan, processes=processes).fits:
                return (f"workers={processes}",)
        most = 1
    few = ("workers=1",) if plan.processes > most else ()
    for params in _remedies(config, counter):
        for rows in _fewer_rows(plan.footprint.rows, bool(params)):
            changed = _changed(config, params, rows)
            if replace(plan, processes=most, footprint=counter.count(changed)).fits:
                micro_batch = () if rows is None else (f"training.micro_batch={rows}",)
                entries = [f"model.params.{name}={_toml(value)}" for name, value in params.items()]
                return (*few, *micro_batch, *entries)
    return ()


def _remedies(config: Config, counter: _Counter) -> Iterator[dict[str, Any]]:
    yield {}
    again = {"checkpointing": True} if counter.takes("checkpointing") else {}
    again = {} if config.model.params.get("checkpointing") else again
    if again:
        yield again
    if counter.takes("lora") and not config.model.params.get("lora") and find_spec("peft") is not None:
        yield again | {"lora": _RANK}
        yield again | {"lora": _RANK, "weights": "bfloat16"}


def _fewer_rows(rows: int, as_they_are: bool) -> Iterator[int | None]:
    if as_they_are:
        yield None
    while rows > 1:
        rows = -(-rows // 2)
        yield rows


def _changed(config: Config, params: dict[str, Any], rows: int | None) -> Config:
    model = msgspec.structs.replace(config.model, params={**config.model.params, **params})
    training = config.training
    if rows is not None:
        training = msgspec.structs.replace(training, micro_batch=rows)
    return msgspec.structs.replace(config, model=model, training=training)


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def resident_bytes() -> int:
    """Memory that this process has now; 0 where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text().split()
    except OSError:
        return 0
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE")


def free_bytes(device: "torch.device") -> int:
    """Memory that a device has free: of a GPU, as its driver says; else what the system and its limits leave.

    Raises:
        UsageError: The system does not say.
    """
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    found = free_memory()
    if found is None:
        raise UsageError("this system does not say how much memory is free", "leave `--plan` out")
    return found
