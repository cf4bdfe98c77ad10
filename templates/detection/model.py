"""A model of your own that finds boxes, used where `aicomp.toml` says `name = "model:Regions"`."""

from typing import ClassVar

import numpy as np
from aicomp.boxes import Boxes, parse_boxes, write_boxes
from aicomp.models import Goal, ModelSpec, Round, Rows, State, Watch
from scipy import ndimage


class Regions:
    """Takes each region that differs from the background for the kind of object whose usual area is nearest.

    A floor without a network: right where objects lie apart on a plain background.

    Args:
        spec: What the data is like: numbers of columns, and the images.
        contrast: Difference from an image's median color from which on a pixel belongs to an object, 0 to 1.
    """

    numbers: ClassVar[str] = "raw"
    reads_media: ClassVar[str] = "image"
    learns_strings: ClassVar[bool] = True

    def __init__(self, spec: ModelSpec, *, contrast: float = 0.15) -> None:
        self.contrast = contrast
        self.labels: list[str] = []
        self.areas = np.zeros(0)

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """Learn the usual area of each kind of object; what comes of it is told by `watch`, at least once."""
        found = [parse_boxes(text) for text in y]
        labels = np.concatenate([boxes.labels for boxes in found])
        sides = np.concatenate([boxes.corners[:, 2:] - boxes.corners[:, :2] for boxes in found])
        self.labels = sorted(set(labels))
        self.areas = np.array([np.median(sides[labels == label].prod(axis=1)) for label in self.labels])
        watch(Round(1, 1, self.predict(valid), 0.0, 0.0))
        return 1

    def predict(self, rows: Rows) -> np.ndarray:
        """A string of boxes per image, object (n,)."""
        assert rows.media is not None
        assert rows.media.sides is not None
        found = np.empty(len(rows), dtype=object)
        for i, place in enumerate(rows.media.index[:, 0]):
            found[i] = write_boxes(self._regions(rows.media.files[place] / 255, rows.media.sides[place]))
        return found

    def _regions(self, image: np.ndarray, sides: np.ndarray) -> Boxes:
        """Boxes of one image, (channels, height, width), whose file has these sides in pixels."""
        background = np.median(image, axis=(1, 2), keepdims=True)
        regions, _ = ndimage.label((abs(image - background) > self.contrast).any(axis=0))
        spans = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(regions)]
        corners = np.array(spans, dtype=float).reshape(-1, 4) * np.tile(sides / image.shape[:0:-1], 2)
        areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
        distance = abs(np.log(areas)[:, None] - np.log(self.areas)[None, :])
        labels = np.array(self.labels, dtype=object)[distance.argmin(axis=1)]
        return Boxes(labels, np.exp(-distance.min(axis=1)), corners)

    def state_dict(self) -> State:
        """What was learned, as arrays."""
        return {"areas": self.areas, "labels": np.frombuffer(" ".join(self.labels).encode(), dtype=np.uint8).copy()}

    def load_state_dict(self, state: State) -> None:
        """Take what `state_dict` gave."""
        self.areas, self.labels = state["areas"], state["labels"].tobytes().decode().split()
