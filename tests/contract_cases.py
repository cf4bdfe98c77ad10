"""Folders in Kaggle's form for the tests of `aicomp init`: a few rows, every number chosen by hand."""

from pathlib import Path

import pandas as pd

TRAIN = pd.DataFrame(
    {
        "id": ["001", "002", "003", "004", "005", "006"],
        "size": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
        "color": ["red", "blue", "red", "red", "blue", "blue"],
        "paid": ["No", "Yes", "No", "No", "Yes", "Yes"],
    }
)
TEST = pd.DataFrame({"id": ["007", "008"], "size": [7.5, 8.5], "color": ["red", "blue"]})
SAMPLE = pd.DataFrame({"id": ["007", "008"], "paid": [0.5, 0.5]})


def write_tables(folder: Path, train=TRAIN, test=TEST, sample=SAMPLE) -> Path:
    """Write three tables as train.csv, test.csv and sample_submission.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("train", train), ("test", test), ("sample_submission", sample)):
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder
