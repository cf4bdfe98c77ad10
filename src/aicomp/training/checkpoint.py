"""What it takes, beside weights and encoder, to build a fold's model again: `spec.json`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from aicomp.files import atomic_write, reading
from aicomp.models.sides import Sides
from aicomp.models.spec import MediaInput, ModelSpec, SeriesSpec
from aicomp.training.targets import TargetTransform, transform_from


def save_spec(folder: Path, spec: ModelSpec, transform: TargetTransform | None) -> None:
    """Write `spec.json`; floats are written so that they come back with the same bits."""
    content = {
        "n_num": spec.n_num,
        "cardinalities": spec.cardinalities,
        "n_outputs": spec.n_outputs,
        "dropout": spec.dropout,
        "outputs": spec.outputs,
        "n_text": spec.n_text,
        "monotone": spec.monotone,
        "series": None if spec.series is None else asdict(spec.series),
        "media": None if spec.media is None else asdict(spec.media),
        "sides": None if spec.sides is None else asdict(spec.sides),
        "bins": [edges.tolist() for edges in spec.bins],
        "target": None
        if transform is None
        else {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in asdict(transform).items()},
    }
    atomic_write(folder / "spec.json", json.dumps(content) + "\n")


def load_spec(folder: Path) -> tuple[ModelSpec, TargetTransform | None]:
    """Read what `save_spec` wrote.

    Raises:
        DataError: The file is damaged.
    """
    path = folder / "spec.json"
    with reading(path):
        return _parse_spec(json.loads(path.read_text(encoding="utf-8")))


def _parse_spec(content: dict[str, Any]) -> tuple[ModelSpec, TargetTransform | None]:
    series = content.get("series")
    media = content.get("media")
    spec = ModelSpec(
        n_num=content["n_num"],
        cardinalities=tuple(content["cardinalities"]),
        n_outputs=content["n_outputs"],
        bins=tuple(torch.tensor(edges, dtype=torch.float32) for edges in content["bins"]),
        dropout=content["dropout"],
        outputs=content.get("outputs", "values"),  # absent in runs of old, whose models do not ask for it
        n_text=content.get("n_text", 0),
        monotone=tuple(content.get("monotone", ())),
        series=None if series is None else SeriesSpec(**{**series, "seasons": tuple(series["seasons"])}),
        media=None if media is None else msgspec.convert(media, MediaInput),
        sides=None if content.get("sides") is None else msgspec.convert(content["sides"], Sides),
    )
    target = content["target"]
    return spec, None if target is None else transform_from(target)
