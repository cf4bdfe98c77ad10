"""A competition with a column of every kind, and projects on it whose runs predict new rows."""

from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.cli.main import main

KINDS = {
    "size": "number",
    "items": "number",
    "shop_id": "code",
    "color": "category",
    "level": "category",
    "member": "boolean",
    "sold": "datetime",
    "zoned": "datetime",
    "day": "datetime",
    "stamp": "datetime",
    "title": "text",
    "cabin": "text",
}
_WORDS = ["red", "green", "warm", "cold", "house", "garden", "old", "new", "small", "large", "door", "window", "roof"]


def rich_rows(n: int, seed: int = 0, *, new: bool = False) -> pd.DataFrame:
    """Rows with every kind of column, each with missing values.

    Args:
        n: Number of rows.
        seed: Of all values.
        new: Whether categories, codes and words occur that no other row has, and dates, numbers and levels are fewer.
    """
    random = np.random.default_rng(seed)
    days = pd.Timestamp("2019-01-01") + pd.to_timedelta(random.integers(0, 900, n), unit="D")
    minutes = pd.to_timedelta(random.integers(0, 1440, n), unit="min")
    zones = np.array(["+00:00", "+02:00"])[np.zeros(n, int) if new else random.integers(0, 2, n)]
    words = [*_WORDS, "never", "seen"] if new else _WORDS
    frame = pd.DataFrame(
        {
            "size": random.normal(size=n).round(5),
            "items": random.poisson(3, n).astype(float),
            "shop_id": random.choice([3, 17, 99, 1234, *([777] if new else [])], n),
            "color": random.choice(["red", "green", "blue", *(["violet"] if new else [])], n),
            # Only in train is one of them no digit: new rows alone would be read as numbers.
            "level": random.choice(["01", "1", "2"] if new else ["01", "1", "2", "x"], n),
            "member": random.choice(["Yes", "No"], n),
            "sold": days.strftime("%Y-%m-%d %H:%M"),
            "zoned": [f"{d:%Y-%m-%dT%H:%M}{z}" for d, z in zip(days + minutes, zones, strict=True)],
            "day": days.strftime("%Y%m%d").astype(int),
            "stamp": random.integers(1_500_000_000, 1_600_000_000, n) * (1 if new else 1000) * (1000 if new else 1),
            "title": [" ".join(random.choice(words, random.integers(4, 9))) for _ in range(n)],
            "cabin": [
                f"{random.choice(list('ABC'))}/{random.integers(0, 3000)}/{random.choice(['P', 'S'])}" for _ in range(n)
            ],
        }
    )
    for name in ("size", "items", "color", "level", "member", "sold", "title", "cabin"):
        frame[name] = frame[name].astype(object).mask(random.random(n) < 0.08)
    frame.insert(0, "id", [f"{seed}-{i:05d}" for i in range(n)])
    return frame


def rich_target(frame: pd.DataFrame, problem: str) -> pd.DataFrame:
    """Targets that follow from the columns."""
    signal = (
        frame["size"].astype(float).fillna(0) + (frame["color"] == "red") + 0.2 * frame["items"].astype(float).fillna(3)
    )
    middle = signal.median()
    match problem:
        case "binary":
            return pd.DataFrame({"bought": np.where(signal > middle, "Yes", "No")})
        case "multiclass":
            return pd.DataFrame(
                {"grade": np.array(["low", "middle", "high"])[np.digitize(signal, [middle - 0.5, middle + 0.5])]}
            )
        case "multi-target":
            return pd.DataFrame({"height": (5 + signal).round(3), "width": (2 - signal).round(3)})
    return pd.DataFrame({"price": (100 + 10 * signal).round(2)})


def write_rich_folder(folder: Path, problem: str, n_train: int = 150, n_test: int = 40) -> Path:
    """Write train.csv, test.csv and sample_submission.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = rich_rows(n_train + n_test)
    targets = rich_target(frame, problem)
    train, test = frame.iloc[:n_train], frame.iloc[n_train:]
    pd.concat([train, targets.iloc[:n_train]], axis=1).to_csv(folder / "train.csv", index=False)
    write_test(folder, test, targets)
    return folder


def write_test(folder: Path, test: pd.DataFrame, targets: pd.DataFrame) -> None:
    """Write test.csv and a sample submission for its rows."""
    folder.mkdir(parents=True, exist_ok=True)
    test.to_csv(folder / "test.csv", index=False)
    sample = test[["id"]].copy()
    for name in targets:
        sample[name] = 0.5 if name == "bought" else targets[name].iloc[0]
    sample.to_csv(folder / "sample_submission.csv", index=False)


METRIC = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "rmsle", "multi-target": "mcrmse"}


def init_rich(tmp_path: Path, problem: str = "binary") -> Path:
    """Make a project on `write_rich_folder`; returns its folder."""
    source = write_rich_folder(tmp_path / "downloads" / problem, problem)
    into = tmp_path / f"{problem}-project"
    assert main(["init", str(source), "--metric", METRIC[problem], "--into", str(into), "--json"]) == 0
    config = into / "aicomp.toml"
    text = config.read_text(encoding="utf-8")
    kinds = "\n".join(f'{name} = "{kind}"' for name, kind in KINDS.items())
    assert "[columns]" in text
    config.write_text(text.replace("[columns]", f"[columns]\n{kinds}", 1), encoding="utf-8")
    return into
