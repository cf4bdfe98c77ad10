"""A competition: its contract lies in `shapes/`, and its data is made here, the same everywhere."""

from pathlib import Path

import pandas as pd

from aicomp.catalogue import CatalogueEntry


def shapes() -> pd.DataFrame:
    """300 rectangles with width and height, and `shape`: flat, square or tall."""
    rows = [(20 + 7 * i % 61, 20 + 11 * i % 53) for i in range(300)]
    names = ["flat" if w > 1.2 * h else "tall" if h > 1.2 * w else "square" for w, h in rows]
    return pd.DataFrame(rows, columns=["width", "height"]).assign(shape=names)


SHAPES = CatalogueEntry.from_folder(Path(__file__).parent / "shapes", shapes)
