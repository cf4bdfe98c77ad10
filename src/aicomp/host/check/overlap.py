"""Rows of test that are in train, where their target can be looked up."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from aicomp.host.check.material import Material
from aicomp.host.check.problem import Problem, Severity

TIMES_NATURAL = 3.0
"""So many times as often as train repeats itself is more than chance."""

MANY_SHARE, FEW_SHARE = 0.05, 0.005
AGREEING = 0.9


def check_overlap(m: Material) -> Iterator[Problem]:
    """Rows of test whose features are all those of a row of train."""
    if m.train is None or m.test is None:
        return
    shared = [c for c in m.features if c in m.train.columns]
    if not shared:
        return
    keys = {name: _keys(frame[shared]) for name, frame in (("train", m.train), ("test", m.test))}
    found = np.isin(keys["test"], keys["train"])
    if not found.any():
        return
    repeated = float(pd.Series(keys["train"]).duplicated(keep=False).mean())
    share = float(found.mean())
    agree = _agreement(m, keys["train"], keys["test"], found)
    evidence = f"{found.sum()} of {len(found)} rows ({share:.1%})"
    if agree is not None:
        evidence += f"; {agree:.0%} of them have the target of their row in train"
    evidence += f"; {repeated:.1%} of the rows of train repeat others of train"
    beyond = share > TIMES_NATURAL * repeated
    many = share >= MANY_SHARE and (agree is None or agree >= AGREEING)
    severity: Severity = (
        "error" if beyond and many else "warning" if many or (beyond and share >= FEW_SHARE) else "note"
    )
    hint = "remove these rows from train or from test, or keep repeated rows together when you split"
    yield Problem(severity, "rows of test are in train", evidence, hint)


def _keys(frame: pd.DataFrame) -> np.ndarray:
    """A hash of each row, equal for equal numbers however they are written, (n_rows,) uint64."""
    plain = frame.apply(lambda c: c.astype(float) if pd.api.types.is_numeric_dtype(c) else c.astype(str))
    return pd.util.hash_pandas_object(plain, index=False).to_numpy()


def _agreement(m: Material, train: np.ndarray, test: np.ndarray, found: np.ndarray) -> float | None:
    """Share of the rows found whose target is that of a row of train with the same features; None if unknown."""
    targets = list(m.competition.roles.target)
    if m.train is None or m.test_rows is None or any(t not in m.train.columns for t in targets):
        return None
    truth = m.solution.table.frame[targets].iloc[m.test_rows].reset_index(drop=True)
    known, asked = (frame.apply(_plain).agg("\x1f".join, axis=1).to_numpy() for frame in (m.train[targets], truth))
    pairs = set(zip(train.tolist(), known, strict=True))
    return float(np.mean([(test[i], asked[i]) in pairs for i in np.flatnonzero(found)]))


def _plain(column: pd.Series) -> "pd.Series[str]":
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers.astype(str).where(numbers.notna(), column.astype(str))
