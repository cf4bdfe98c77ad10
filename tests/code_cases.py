"""Tables of integer codes without numeric meaning, whose levels and pairs of levels drive the target."""

import numpy as np
import pandas as pd

LEVELS = {"resource": 1500, "manager_id": 900, "rollup": 60, "department": 90, "title": 80}
"""Columns, of which one is named as a code, and the most levels of each."""


def code_rows(n: int, seed: int = 0, *, noise: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of codes, frequent ones far more than others, and a score that follows from them.

    Args:
        n: Number of rows.
        seed: Of all values.
        noise: Whether the score says nothing about the codes.

    Returns:
        The columns, and the score (n,): effects of resources, managers and titles, of pairs of department and title,
        and noise.
    """
    random = np.random.default_rng(seed)
    codes, ids = {}, {}
    for name, n_levels in LEVELS.items():
        share = 1 / np.arange(1, n_levels + 1) ** 0.8
        codes[name] = random.choice(n_levels, n, p=share / share.sum())
        ids[name] = random.choice(300_000, n_levels, replace=False)[codes[name]] + 1
    score = random.normal(size=n) * 0.5
    if not noise:
        for name in ("resource", "manager_id", "title"):
            score += 0.7 * random.normal(size=LEVELS[name])[codes[name]]
        score += 1.5 * random.normal(size=(90, 80))[codes["department"], codes["title"]]
    return pd.DataFrame(ids), score


def rare_label(score: np.ndarray, share: float = 0.06) -> np.ndarray:
    """0 for the lowest scores, whose share is given, else 1."""
    return np.asarray((score > np.quantile(score, share)).astype(np.int64))
