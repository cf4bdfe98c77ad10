"""Model `detector`: finds the boxes of objects in images, without anchors, small enough for a CPU."""

import math
from collections.abc import Iterator
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.boxes import Boxes, overlaps, parse_boxes, write_boxes
from aicomp.data.arrays import as_objects, decode_strings, encode_strings
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.box_network import BoxNetwork
from aicomp.models.box_targets import box_loss, box_targets
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch
from aicomp.models.media import media_of
from aicomp.models.space import Choice, Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.training.box_augmentation import BoxAugmentation
from aicomp.training.device import has_bfloat16, reproducible
from aicomp.training.epochs import Epochs
from aicomp.training.image_augmentation import Flip
from aicomp.training.regularization import Average
from aicomp.training.schedules import one_cycle

SPACE = (
    Float("model.params.learning_rate", 5e-4, 5e-3, log=True),
    Int("model.params.width", 16, 64, step=16),
    Float("model.params.zoom", 0.0, 0.6),
    Float("model.params.color", 0.0, 0.5),
    Choice("model.params.flip", ("horizontal", "both")),
)

_STEPS = 600
"""Steps in which some hundred images of common objects are learned; fewer images are seen more often."""
_FEWEST_EPOCHS, _MOST_EPOCHS = 12, 100
_LOOKS = 10
"""How often validation images are predicted while it learns."""
_SAMPLE = 200
"""Validation images that are predicted then."""
_SAME = 0.6
"""Overlap from which on two boxes of one label are taken for the same object."""
_PREDICTED = 16
"""Images that are predicted side by side."""

_Batch = tuple[Tensor, list[Tensor], list[Tensor]]
"""Images, float32 (n, channels, height, width) from 0 to 1; codes of the labels and corners of each image's boxes."""


class Detector:
    """Finds boxes by their middles, see `BoxNetwork`; what is kept is a moving average of the weights.

    Args:
        spec: The inputs; the first column of images is read, no other.
        width: Channels of the first stage of the residual network.
        n_blocks: Blocks of a stage.
        d: Channels of the pyramid and of the heads.
        stride: Pixels of the decoded image between the places at which objects are looked for, at least.
        learning_rate: At its peak; a cycle goes up to it and down.
        weight_decay: Shrinks the weights a little in each step.
        epochs: Passes over the images, by default by their number.
        batch_size: Images in a step.
        ema: Decay of the moving average.
        flip: How images are mirrored at random: "none", "horizontal" or "both". Mirror images are predicted too.
        shift: Largest move, as a share of the side.
        zoom: Largest change of size, as a share.
        color: Largest change of brightness, contrast and saturation, as a share.
        min_score: Least confidence of a box that is predicted; low, as the metric wants unsure ones too.
        max_detections: Most boxes of an image.

    Raises:
        UsageError: There are no images, or a parameter is out of range.
    """

    numbers: ClassVar[Numbers] = "raw"
    reads_media: ClassVar[str] = "image"
    learns_strings: ClassVar[bool] = True

    def __init__(
        self,
        spec: ModelSpec,
        *,
        width: int = 32,
        n_blocks: int = 1,
        d: int = 48,
        stride: int = 4,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        epochs: int | None = None,
        batch_size: int = 8,
        ema: float = 0.99,
        flip: Flip = "horizontal",
        shift: float = 0.1,
        zoom: float = 0.25,
        color: float = 0.2,
        min_score: float = 0.01,
        max_detections: int = 100,
    ) -> None:
        self._media = media_of(spec, "detector", "images")
        _check(flip=flip, shift=shift, zoom=zoom, color=color, min_score=min_score, epochs=epochs, ema=ema)
        self._sizes = (width, n_blocks, d, stride)
        self._learning_rate, self._weight_decay, self._ema = learning_rate, weight_decay, ema
        self._epochs, self._batch_size = epochs, batch_size
        self._augmentation = BoxAugmentation(flip, shift, zoom, color)
        self._min_score, self._max_detections = min_score, max_detections
        self._labels: list[str] = []
        self._model: BoxNetwork | None = None
        self._device = torch.device("cpu")

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is an epoch, and after some of them validation images are predicted.

        Raises:
            UsageError: No training image has a box.
        """
        self._device = torch.device(goal.device)
        parsed = [parse_boxes(text) for text in y]
        self._labels = sorted({str(label) for boxes in parsed for label in boxes.labels})
        if not self._labels:
            raise UsageError("no training image has a box", "look at [boxes] in competition.toml")
        data, valid_data = self._images(train, parsed), self._images(valid, [parse_boxes(t) for t in valid_y])
        with reproducible(goal.seed, self._device):
            self._model = self._network()
            self._model.set_usual(torch.cat(data.corners))
            return self._train(self._model, data, valid_data, valid, goal, watch)

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`: strings of `aicomp.boxes.FORM`, the surest boxes first."""
        assert self._model is not None
        self._model.eval()
        data = self._images(rows, None)
        found: list[str] = []
        for start in range(0, len(rows), _PREDICTED):
            at = np.arange(start, min(start + _PREDICTED, len(rows)))
            middles, edges = self._look(self._model, data.pixels(at).to(self._device))
            for i, (scores, corners) in enumerate(zip(middles.cpu(), edges.cpu(), strict=True)):
                found.append(write_boxes(self._decoded(scores, corners, data.sides[at[i]])))
        return as_objects(found)

    def state_dict(self) -> State:
        """Weights and labels."""
        assert self._model is not None
        state = {f"model.{name}": t.detach().cpu().numpy() for name, t in self._model.state_dict().items()}
        return {**state, "labels": encode_strings(as_objects(self._labels))}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._labels = [str(label) for label in decode_strings(state["labels"])]
        self._model = self._network()
        weights = {n.removeprefix("model."): torch.from_numpy(a) for n, a in state.items() if n.startswith("model.")}
        self._model.load_state_dict(weights)

    def _network(self) -> BoxNetwork:
        return BoxNetwork(self._media, len(self._labels), *self._sizes).to(self._device)

    def _images(self, rows: Rows, boxes: list[Boxes] | None) -> "_Images":
        return _Images(rows, boxes, self._labels)

    def _train(
        self, model: BoxNetwork, data: "_Images", valid_data: "_Images", valid: Rows, goal: Goal, watch: Watch
    ) -> int:
        random = np.random.default_rng(goal.seed)
        sample = np.sort(random.permutation(len(valid))[:_SAMPLE])
        n_batches = -(-len(data) // self._batch_size)
        n_epochs = self._epochs or int(np.clip(round(_STEPS / n_batches), _FEWEST_EPOCHS, _MOST_EPOCHS))
        optimizer = torch.optim.AdamW(_decayed(model, self._weight_decay), lr=self._learning_rate)
        average = Average(model)
        loop = Epochs(goal.checkpoints, model, optimizer, random=random, average=average)
        for epoch in loop.left(n_epochs):
            model.train()
            for step, at in loop.steps(lambda: np.array_split(random.permutation(len(data)), n_batches)):
                progress = (epoch - 1 + step / n_batches) / n_epochs
                for group in optimizer.param_groups:
                    group["lr"] = self._learning_rate * one_cycle(progress)
                loop.losses.append(self._step(model, optimizer, self._augmentation(*data.batch(at))))
                average.update_ema(model, self._ema)
            if epoch % max(1, n_epochs // _LOOKS) and epoch < n_epochs:
                watch(Round(epoch, n_epochs, None, float(np.mean(loop.losses)), math.nan))
                continue
            self._model = cast(BoxNetwork, average.model)
            predicted = self.predict(valid.take(sample))
            loss = self._loss_over(self._model, valid_data)
            watch(Round(epoch, n_epochs, predicted, float(np.mean(loop.losses)), loss, sample))
        self._model = cast(BoxNetwork, average.model)
        return n_epochs

    def _step(self, model: BoxNetwork, optimizer: torch.optim.Optimizer, batch: _Batch) -> float:
        loss = self._loss(model, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        return float(loss.detach())

    def _loss(self, model: BoxNetwork, batch: _Batch) -> Tensor:
        images, labels, corners = batch
        with torch.autocast(self._device.type, torch.bfloat16, enabled=has_bfloat16(self._device)):
            middles, edges = model(images.to(self._device))
        grid = (middles.shape[-2], middles.shape[-1])
        return box_loss(middles, edges, box_targets(labels, corners, len(self._labels), grid))

    @torch.no_grad()
    def _loss_over(self, model: BoxNetwork, data: "_Images") -> float:
        """Mean loss over validation images, as they are."""
        model.eval()
        n_batches = -(-len(data) // _PREDICTED)
        losses = [float(self._loss(model, data.batch(at))) for at in _batches(np.arange(len(data)), n_batches)]
        return float(np.mean(losses))

    @torch.no_grad()
    def _look(self, model: BoxNetwork, images: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of middles and edges, means over an image and its mirror images."""
        flip = self._augmentation.flip
        axes: list[tuple[int, ...]] = [()]
        axes += [(-1,)] if flip != "none" else []
        axes += [(-2,), (-2, -1)] if flip == "both" else []
        probabilities, edges = [], []
        for mirrored in axes:
            with torch.autocast(self._device.type, torch.bfloat16, enabled=has_bfloat16(self._device)):
                middles, found = model(torch.flip(images, mirrored))
            probabilities.append(torch.sigmoid(torch.flip(middles, mirrored)))
            edges.append(_mirrored(torch.flip(found, mirrored), mirrored))
        return torch.stack(probabilities).mean(dim=0), torch.stack(edges).mean(dim=0)

    def _decoded(self, middles: Tensor, edges: Tensor, sides: np.ndarray) -> Boxes:
        """Boxes of one image: the places that are likelier than those around them.

        Args:
            middles: Probabilities, (n_labels, rows, columns).
            edges: Shares of the sides, (4, rows, columns).
            sides: Width and height in pixels.
        """
        is_peak = middles == F.max_pool2d(middles[None], 3, stride=1, padding=1)[0]
        scores = torch.where(is_peak, middles, 0.0).flatten()
        best, at = scores.topk(min(self._max_detections, len(scores)))
        at = at[best >= self._min_score]
        code, place = at // edges[0].numel(), at % edges[0].numel()
        corners = edges.flatten(1)[:, place].T.clamp(0, 1).numpy().astype(np.float64) * np.tile(sides, 2)
        found = Boxes(np.array(self._labels, dtype=object)[code.numpy()], scores[at].numpy(), corners)
        return _without_doubles(found)


class _Images:
    """Decoded images of some rows, and their boxes as shares of the sides.

    Raises:
        UsageError: The sizes of the files are not known.
    """

    def __init__(self, rows: Rows, boxes: list[Boxes] | None, labels: list[str]) -> None:
        assert rows.media is not None
        if rows.media.sides is None:
            raise UsageError("the sizes of the image files are not known", "`aicomp train --fresh` reads them")
        self.files, self.index = rows.media.files, rows.media.index[:, 0]
        # An image that could not be decoded is blank and has no size; whatever is found in it is nothing.
        self.sides = np.nan_to_num(rows.media.sides[self.index].astype(np.float64), nan=1.0)
        code = {label: i for i, label in enumerate(labels)}
        self.labels: list[Tensor] = []
        self.corners: list[Tensor] = []
        for found, sides in zip(boxes or [], self.sides, strict=boxes is not None):
            known = found.take(np.array([label in code for label in found.labels], dtype=bool))
            self.labels.append(torch.tensor([code[label] for label in known.labels], dtype=torch.int64))
            shares = np.clip(known.corners / np.tile(sides, 2), 0, 1)
            self.corners.append(torch.from_numpy(shares.astype(np.float32)))

    def __len__(self) -> int:
        return len(self.index)

    def pixels(self, at: np.ndarray) -> Tensor:
        """Some images, float32 (n, channels, height, width), 0 to 1."""
        return torch.from_numpy(self.files[self.index[at]]).float() / 255

    def batch(self, at: np.ndarray) -> _Batch:
        """Some images and their boxes."""
        return self.pixels(at), [self.labels[i] for i in at], [self.corners[i] for i in at]


def _batches(order: np.ndarray, n: int) -> Iterator[np.ndarray]:
    """Parts of about equal size, so that none is a single image whose statistics mislead."""
    yield from np.array_split(order, n)


def _mirrored(edges: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Edges of mirror images, (batch, 4, rows, columns), as those of the image itself."""
    left, top, right, bottom = edges.unbind(dim=1)
    if -1 in axes:
        left, right = 1 - right, 1 - left
    if -2 in axes:
        top, bottom = 1 - bottom, 1 - top
    return torch.stack([left, top, right, bottom], dim=1)


def _without_doubles(boxes: Boxes) -> Boxes:
    """Without boxes that overlap a surer one of their label by more than `_SAME`."""
    overlap = overlaps(boxes.corners, boxes.corners) * (boxes.labels[:, None] == boxes.labels[None, :])
    kept: list[int] = []
    for i in range(len(boxes)):  # the surest first
        if not (overlap[i, kept] > _SAME).any():
            kept.append(i)
    return boxes.take(np.array(kept, dtype=np.int64))


def _decayed(model: BoxNetwork, weight_decay: float) -> list[dict[str, object]]:
    """Filters shrink a little in each step; biases and norms do not."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _check(*, flip: str, epochs: int | None, **shares: float) -> None:
    if flip not in ("none", "horizontal", "both"):
        raise UsageError(f"`model.params.flip` is `{flip}`", 'write "none", "horizontal" or "both"')
    if epochs is not None and epochs < 1:
        raise UsageError(f"`model.params.epochs` is {epochs}, it must be at least 1", "leave it out")
    for name, value in shares.items():
        if not 0 <= value < 1:
            raise UsageError(f"`model.params.{name}` is {value}, it must lie in [0, 1)", "leave it out")
