"""A process that applies a project's features to copies of its data: `python -m aicomp.validation.feature_process DIR`.

DIR holds a project in each of some folders. What comes out is written beside them, `<folder>.safetensors`, a number for
each cell: numbers as they are, all else as the hash of its text. The project's code runs in the copy, so that what it
reads by a path relative to itself or to the current folder is the copy's data.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.data.arrays import save_arrays
from aicomp.data.values import as_strings
from aicomp.dataset import load_dataset
from aicomp.project import Project


def cells(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Each column as numbers, float64 (n,), or as hashes of its strings, uint64 (n,)."""
    found: dict[str, np.ndarray] = {}
    for name, values in table.items():
        if pd.api.types.is_numeric_dtype(values):
            found[str(name)] = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            texts = as_strings(values).fillna("").astype(str).to_numpy(dtype=object)
            found[str(name)] = pd.util.hash_array(texts)
    return found


def main(root: Path) -> None:
    """Apply the features of the project in each folder of `root`."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        os.chdir(folder)
        save_arrays(root / f"{folder.name}.safetensors", cells(load_dataset(Project.open(folder)).train))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
