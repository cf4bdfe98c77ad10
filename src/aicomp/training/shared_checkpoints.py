"""Checkpoints of a training by several processes: each keeps its own share of the same step."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, Shard

from aicomp.training.checkpoints import Checkpoints
from aicomp.training.share import Share

_GENERATIONS = 2
"""States that are kept: while one process writes the newest, another may still have the one before alone."""

_SECONDS_BETWEEN_QUESTIONS = 1.0
_LOCAL = "local tensor"


@dataclass
class SharedCheckpoints(Checkpoints):
    """As `Checkpoints`, in a file for each process and state: `<name>.rank-<rank>-of-<n>.<number>.safetensors`.

    Whether to write is decided by the first process, which also says after how many steps it is asked again, so that
    asking costs nothing. No process begins a state before all have written the last one: of the two newest, one is
    whole in all processes.

    Args:
        share: This process's share.
        model: The network, whose weights may be divided.
    """

    share: Share = field(default_factory=Share)
    model: nn.Module = field(default_factory=nn.Module)
    _number: int = field(default=0, init=False)
    _steps_left: int = field(default=1, init=False)
    _steps: int = field(default=1, init=False)
    _asked: float = field(default=0.0, init=False)

    @classmethod
    def of(cls, checkpoints: Checkpoints, share: Share, model: nn.Module) -> "SharedCheckpoints":
        """Those of this process, in the place of one that trains alone."""
        return cls(checkpoints.path, checkpoints.every, checkpoints.clock, share=share, model=model)

    def resume(self) -> dict[str, Any] | None:
        """The newest state that all processes have, None if there is none.

        Raises:
            DataError: The file is damaged.
        """
        if self.path is None:
            return None
        kept = sorted(self._kept())
        newest = self._newest_of_all(kept)
        for number in kept:
            if number > newest:  # of a step that another process has not written: it is made again
                self._file(number).unlink()
        self._number = max(newest, 0)
        if newest < 0:
            return None
        state = Checkpoints(self._file(newest)).resume()
        return None if state is None else {k: _unfolded(v, self.model) for k, v in state.items()}

    def keep(self, state: Callable[[], Mapping[str, Any]], *, now: bool = False) -> None:
        """Write a state if the first process says that it is time to; each process has to ask after the same steps."""
        self._steps_left -= 1
        if self.path is None or not self.every or self._steps_left > 0:
            return
        if not self._is_time():
            return
        self._number += 1
        began = self.clock()
        Checkpoints(self._file(self._number)).write({k: _folded(v) for k, v in state().items()})
        self.wrote(began)
        self._file(self._number - _GENERATIONS).unlink(missing_ok=True)

    def _is_time(self) -> bool:
        """What the first process says, which also tells when to ask again."""
        now = time.monotonic()
        seconds = max(1e-6, now - self._asked) / self._steps
        steps = 1 if not self._asked else max(1, min(1000, int(_SECONDS_BETWEEN_QUESTIONS / seconds)))
        steps = steps if self.every > _SECONDS_BETWEEN_QUESTIONS else 1
        said = torch.tensor([self.is_time(), steps], dtype=torch.int64, device=_device(self.model))
        torch.distributed.broadcast(said, 0)
        is_time, self._steps = (int(value) for value in said.tolist())
        self._steps_left, self._asked = self._steps, now
        return bool(is_time)

    def _file(self, number: int) -> Path:
        assert self.path is not None
        name = f"{self.path.stem}.rank-{self.share.rank}-of-{self.share.n}.{number:06}{self.path.suffix}"
        return self.path.with_name(name)

    def _kept(self) -> Iterator[int]:
        """Numbers of the states that this process has."""
        assert self.path is not None
        pattern = f"{self.path.stem}.rank-{self.share.rank}-of-{self.share.n}.*{self.path.suffix}"
        for path in self.path.parent.glob(pattern):
            if found := re.fullmatch(r"\d+", path.name.split(".")[-2]):
                yield int(found[0])

    def _newest_of_all(self, kept: list[int]) -> int:
        """The newest number that every process has, -1 if there is none."""
        mine = torch.tensor(([-1] * _GENERATIONS + kept)[-_GENERATIONS:], device=_device(self.model))
        all_of_them = [torch.empty_like(mine) for _ in range(self.share.n)]
        torch.distributed.all_gather(all_of_them, mine)
        common = set.intersection(*(set(numbers.tolist()) for numbers in all_of_them))
        return max(common, default=-1)


def _device(model: nn.Module) -> torch.device:
    return next(p.device for p in model.parameters())


def _folded(value: Any) -> Any:
    """The same with this process's part of each divided tensor."""
    if isinstance(value, DTensor):
        [place] = value.placements
        assert isinstance(place, Shard)
        return {_LOCAL: value.to_local(), "shape": list(value.shape), "stride": list(value.stride()), "dim": place.dim}
    if isinstance(value, Mapping):
        return {key: _folded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_folded(item) for item in value)
    return value


def _unfolded(value: Any, model: nn.Module) -> Any:
    """The same with divided tensors, of which this process has its part."""
    if isinstance(value, Mapping) and _LOCAL in value:
        mesh = next(p.device_mesh for p in model.parameters() if isinstance(p, DTensor))
        local: Tensor = value[_LOCAL].to(_device(model))
        return DTensor.from_local(
            local,
            mesh,
            [Shard(value["dim"])],
            run_check=False,
            shape=torch.Size(value["shape"]),
            stride=tuple(value["stride"]),
        )
    if isinstance(value, Mapping):
        return {key: _unfolded(item, model) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_unfolded(item, model) for item in value)
    return value
