"""Small data of series for the tests of forecasts."""

from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.data.rows import Rows
from aicomp.models.estimator import Goal
from aicomp.models.spec import ModelSpec, SeriesSpec

MAE = Goal("mae", 1, seed=0, threads=1)


def a_spec(n_series=1, *, horizon=3, gap=0, seasons=(1.0,), n_keys=0, cardinalities=(), n_num=0):
    """What a model of series is told."""
    return ModelSpec(n_num, cardinalities, 1, series=SeriesSpec(n_series, n_keys, horizon, gap, seasons))


def rows_of(series, steps, keys=None, numbers=None):
    """Rows by series and step; keys are codes by series, numbers covariates by row."""
    places = np.column_stack([series, steps]).astype(np.int64)
    x_num = np.zeros((len(places), 0)) if numbers is None else np.asarray(numbers)
    x_cat = np.zeros((len(places), 0)) if keys is None else np.asarray(keys)[places[:, 0]]
    return Rows(x_num.astype(np.float32), x_cat.astype(np.int64), places=places)


def grid_rows(values, first=0, **more):
    """Rows and targets of a table (n_series, n_steps), without those that are NaN."""
    values = np.asarray(values, dtype=np.float64)
    series, steps = np.nonzero(~np.isnan(values))
    return rows_of(series, steps + first, **more), values[series, steps]


def a_panel(n_steps=60, *, seed=0, noise=1.0):
    """Quarterly series of four regions and three kinds, with trend, season and promotions."""
    random = np.random.default_rng(seed)
    rows = []
    for region in range(4):
        for kind in range(3):
            size, growth = 20 * (1 + region), random.normal(0.15, 0.1)
            season = random.normal(0, 4, 4)
            for t in range(n_steps):
                promotion = int(random.random() < 0.2)
                value = size + growth * t + season[t % 4] + 8 * promotion + noise * random.normal()
                rows.append((f"{2000 + t // 4} Q{t % 4 + 1}", f"r{region}", f"k{kind}", promotion, round(value, 3)))
    return pd.DataFrame(rows, columns=["quarter", "region", "kind", "promotion", "sales"])


def write_panel(folder: Path, table: pd.DataFrame, horizon: int = 8, gap: int = 0, time: str = "quarter"):
    """Write train, test and sample submission: test holds the last steps."""
    folder.mkdir(parents=True, exist_ok=True)
    times = list(dict.fromkeys(table[time]))
    test = table[table[time].isin(times[-horizon:])].reset_index(drop=True)
    table[table[time].isin(times[: len(times) - horizon - gap])].to_csv(folder / "train.csv", index=False)
    test.insert(0, "id", range(len(test)))
    test.drop(columns="sales").to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(sales=1.5).to_csv(folder / "sample_submission.csv", index=False)
    return test["sales"].to_numpy()
