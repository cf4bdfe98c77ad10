"""Train a network on rows that lie on disk: batches out of blocks, in an order that a seed and a position give again.

Blocks of rows that lie together are read in a random order, as many as fill a buffer, and mixed within it. Rows drawn
one by one from the whole file would be as random as in memory, and as slow as the disk is where the file is larger than
the system's cache: a read of a page for each row.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from aicomp.config import Config
from aicomp.data.row_file import PickedRows
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.memory import remembers_rows
from aicomp.models.texts import has_tokens
from aicomp.task import Task
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.compiling import compiled
from aicomp.training.device import reproducible
from aicomp.training.fit import BuildModel, Prepared, make_result, prepare_fold
from aicomp.training.fold import EpochReport, FoldData, FoldResult
from aicomp.training.inference import tensors_of
from aicomp.training.regularization import Batch
from aicomp.training.trainer import Trainer

BUFFER_ROWS = 2**18
"""Rows that are mixed with each other; a fold of no more is in memory, and trained as if it never had been on disk."""

PREDICTED_ROWS = 2**16
"""Rows that are read at once to be predicted."""


@dataclass(frozen=True)
class StreamedFold:
    """A fold whose rows lie on disk.

    Attributes:
        data: Targets of all rows, and a sample of the training rows in place of the rows themselves.
        train: Training rows.
        valid: Validation rows.
        test: Gives the test rows, part by part.
        buffer: See `BUFFER_ROWS`.
    """

    data: FoldData
    train: PickedRows
    valid: PickedRows
    test: Callable[[], Iterator[Rows]]
    buffer: int


class StreamedTrainer(Trainer):
    """A `Trainer` whose rows are read from disk.

    Args:
        fold: The fold.
        prepared: Its network, recipe and loss; the network is on the device.
        task: What is learned.
        device: Where it is trained.
        checkpoints: See `Trainer`.
    """

    def __init__(
        self, fold: StreamedFold, prepared: Prepared, task: Task, device: torch.device, checkpoints: Checkpoints | None
    ) -> None:
        super().__init__(prepared.model, task, prepared.objective, prepared.settings, device, checkpoints=checkpoints)
        self._fold = fold
        self._whole = fold.train.read(0, len(fold.train)) if len(fold.train) <= fold.buffer else None

    def predict_parts(self, parts: Iterator[Rows]) -> np.ndarray:
        """Predict rows that come part by part; see `predict`."""
        return np.concatenate([self.predict(part) for part in parts])

    def _batch(self, rows: Rows, y: np.ndarray) -> Batch:
        """Targets of the rows; the rows themselves are read when they are needed."""
        nothing = torch.empty((0, 0), device=self._device)
        return Batch(nothing, nothing, self._objective.encode(y).to(self._device))

    def _validate(self, model: torch.nn.Module, valid: Batch, y: np.ndarray) -> tuple[float, float]:
        predictions, losses, sizes = [], list[float](), list[int]()
        for part in self._fold.valid.parts(PREDICTED_ROWS):
            x_num, x_cat = tensors_of(part, self._device)
            start = sum(sizes)
            found, loss = self._evaluate(model, Batch(x_num, x_cat, valid.targets[start : start + len(part)]))
            predictions.append(found)
            losses.append(loss)
            sizes.append(len(part))
        mean = losses[0] if len(losses) == 1 else float(np.average(losses, weights=sizes))
        return self._task.score(y, np.concatenate(predictions)), mean

    def _batches(self, train: Batch, n_batches: int, done: int) -> Iterator[Batch]:
        if self._whole is not None:
            x_num, x_cat = tensors_of(self._whole, self._device)
            yield from super()._batches(Batch(x_num, x_cat, train.targets), n_batches, done)
            return
        n = len(self._fold.train)
        sizes = [n // n_batches + (step < n % n_batches) for step in range(n_batches)]
        left, buffers = _Left(self._fold.train, sum(sizes[:done])), iter(self._buffers())
        for size in sizes[done:]:
            while len(left) < size:
                left.add(*next(buffers))
            rows, places = left.take(size)
            x_num, x_cat = tensors_of(rows, self._device)
            numbers = torch.from_numpy(places).to(self._device)
            yield Batch(x_num, x_cat, train.targets[numbers], rows=numbers)

    def _buffers(self) -> list[tuple[list[tuple[int, int]], int]]:
        """Blocks of each buffer of an epoch in the order in which they are read, and the seed of its rows' order.

        Nothing is read here, so that an epoch can be entered anywhere.
        """
        edges = self._fold.train.edges
        buffers: list[list[tuple[int, int]]] = [[]]
        n = 0
        for b in torch.randperm(len(edges) - 1, generator=self._order).tolist():
            if n >= self._fold.buffer:
                buffers.append([])
                n = 0
            buffers[-1].append((int(edges[b]), int(edges[b + 1])))
            n += int(edges[b + 1] - edges[b])
        seeds = torch.randint(2**62, (len(buffers),), generator=self._order).tolist()
        return list(zip(buffers, seeds, strict=True))


class _Left:
    """Rows that were read and not yet given out.

    Args:
        train: Where they are read.
        skip: Rows of the epoch that were given out before a checkpoint, and are not read again where that can be.
    """

    def __init__(self, train: PickedRows, skip: int) -> None:
        self._train, self._skip = train, skip
        self._rows: Rows | None = None
        self._places = np.empty(0, dtype=np.int64)
        self._at = 0

    def __len__(self) -> int:
        return len(self._places) - self._at

    def add(self, blocks: list[tuple[int, int]], seed: int) -> None:
        """Read the blocks of a buffer behind what is left, in an order drawn with a seed."""
        n = sum(last - first for first, last in blocks)
        if self._skip >= n:
            self._skip -= n
            return
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).numpy()
        rows = [self._train.read(first, last) for first, last in blocks]
        x_num, x_cat = (np.concatenate([getattr(part, name) for part in rows]) for name in ("x_num", "x_cat"))
        places = np.concatenate([np.arange(first, last) for first, last in blocks])
        order, self._skip = order[self._skip :], 0
        added = Rows(x_num[order], x_cat[order])
        rest = slice(self._at, None)
        self._rows = added if self._rows is None or not len(self) else self._rows.take(rest).followed_by(added)
        self._places = np.concatenate([self._places[rest], places[order]])
        self._at = 0

    def take(self, size: int) -> tuple[Rows, np.ndarray]:
        """The next rows, and their places among the training rows."""
        assert self._rows is not None
        chosen = slice(self._at, self._at + size)
        self._at += size
        return self._rows.take(chosen), self._places[chosen]


def fit_streamed(
    fold: StreamedFold,
    task: Task,
    config: Config,
    build_model: BuildModel,
    *,
    seed: int,
    device: torch.device,
    report: Callable[[EpochReport], None] = lambda epoch: None,
    checkpoints: Checkpoints | None = None,
) -> FoldResult:
    """As `fit_fold`, on rows that lie on disk; a fold that fits into the buffer is trained to the same bits.

    Raises:
        UsageError: As `fit_fold`, or the model needs all rows in memory.
        DataError, AicompError: As `fit_fold`.
    """
    started = time.perf_counter()
    with reproducible(seed, device):
        prepared = prepare_fold(fold.data, task, config, build_model, device=device)
        if remembers_rows(prepared.model) or has_tokens(prepared.model):
            what = "looks up training rows" if remembers_rows(prepared.model) else "reads texts"
            raise UsageError(
                f"model `{config.model.name}` {what}, and these are read from disk part by part",
                "take another model, such as `mlp`; or write `--set data.streaming=false` if they fit into memory",
            )
        prepared.model.to(device)
        trainer = StreamedTrainer(fold, prepared, task, device, checkpoints)
        with compiled(trainer.model, asked=prepared.settings.compile):
            trainer.fit(fold.data, report)
        valid_pred = trainer.predict_parts(fold.valid.parts(PREDICTED_ROWS))
        test_pred = trainer.predict_parts(fold.test())
        weights = {name: t.cpu() for name, t in trainer.model.state_dict().items()}
    return make_result(
        prepared,
        weights,
        (valid_pred, test_pred),
        history=trainer.history,
        best_epoch=trainer.best_epoch,
        seconds=time.perf_counter() - started,
        notes=trainer.notes,
    )
