"""Whether the order of ids or of rows tells of the targets."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from aicomp.data.strings import for_patterns
from aicomp.host.check.material import Material
from aicomp.host.check.problem import Problem, Severity

STRONG, WEAK = 0.5, 0.1
"""Sizes of an effect, 1 is a perfect order: an error, and a warning."""

SURE = 5.0
"""Standard deviations from chance; several orders and targets are looked at."""

FEWEST_ROWS = 20
MOST_TARGETS = 20
_WAYS = ("follows the target", "stands in blocks of equal targets")


def check_order(m: Material) -> Iterator[Problem]:
    """Orders of test, which give hidden targets away, and of train, which hint at how the ids were made."""
    if m.test is not None and m.test_rows is not None:
        y = m.y[m.test_rows]
        ids = [m.strings(column) for column in m.competition.roles.id]
        yield from _check(m, "test", y, ids, is_hidden=True)
    train_y = _train_targets(m)
    if m.train is not None and train_y is not None:
        ids = [m.train[c].astype(str) for c in m.competition.roles.id if c in m.train.columns]
        yield from _check(m, "train", train_y, ids, is_hidden=False)


def _check(
    m: Material, name: str, y: np.ndarray, ids: "Sequence[pd.Series[str]]", *, is_hidden: bool
) -> Iterator[Problem]:
    orders = {"the rows": np.arange(len(y))}
    by_id = _id_order(ids)
    if by_id is not None and not np.array_equal(by_id, np.arange(len(y))):
        orders["the ids"] = by_id
    elif by_id is not None:
        orders = {"the ids, and the rows with them": by_id}
    for what, order in orders.items():
        for target, values in _targets(m, y[order]):
            for way, effect, sure in _effects(values, is_label=bool(m.competition.roles.labels)):
                if sure < SURE or effect < WEAK:
                    continue
                severity: Severity = "error" if effect >= STRONG else "warning"
                if not is_hidden:  # the targets of train are known anyway
                    severity = "warning" if effect >= STRONG else "note"
                evidence = f"{target}: effect {effect:.2f} of at most 1, {sure:.0f} standard deviations from chance"
                hint = "mix the rows and number them anew, in train and test together, before you split"
                yield Problem(severity, f"the order of {what} of {name} {_WAYS[way]}", evidence, hint)
                break


def _targets(m: Material, y: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Each target as numbers: the value, or the code of the label."""
    if y.ndim == 1:
        yield f"`{m.competition.roles.target[0]}`" if len(m.competition.roles.target) == 1 else "the class", y
        return
    for k, column in enumerate(m.competition.roles.target[:MOST_TARGETS]):
        yield f"`{column}`", y[:, k]


def _effects(y: np.ndarray, *, is_label: bool) -> Iterator[tuple[int, float, float]]:
    """Way (an index into `_WAYS`), size in [0, 1] and certainty in standard deviations of each effect."""
    n = len(y)
    if n < FEWEST_ROWS or len(np.unique(y)) < 2:
        return
    few_values = is_label or len(np.unique(y)) <= 10
    positions = np.arange(n, dtype=float)
    if few_values:
        yield max(((0, *_separation(positions, y == value)) for value in np.unique(y)), key=lambda e: e[1])
        yield (1, *_blocks(y))
    else:
        ranks = pd.Series(y).rank().to_numpy()
        correlation = abs(float(np.corrcoef(positions, ranks)[0, 1]))
        yield 0, correlation, correlation * np.sqrt(n - 1)
        rises = np.mean(np.diff(ranks) >= 0)
        yield 0, abs(2 * float(rises) - 1) if abs(2 * rises - 1) >= STRONG else 0.0, abs(2 * rises - 1) * np.sqrt(3 * n)


def _separation(positions: np.ndarray, chosen: np.ndarray) -> tuple[float, float]:
    """How far the places of one class are before or behind the others: |2 AUC - 1|, and in standard deviations."""
    a, b = int(chosen.sum()), int((~chosen).sum())
    if min(a, b) < 5:
        return 0.0, 0.0
    auc = (positions[chosen].sum() - a * (a - 1) / 2) / (a * b)
    effect = abs(2 * float(auc) - 1)
    return effect, effect / np.sqrt((a + b + 1) / (3 * a * b))


def _blocks(y: np.ndarray) -> tuple[float, float]:
    """How much more often neighbours are alike than by chance, as a share of what is possible."""
    _, counts = np.unique(y, return_counts=True)
    n = len(y)
    chance = float((counts * (counts - 1)).sum() / (n * (n - 1)))
    alike = float(np.mean(y[1:] == y[:-1]))
    if chance >= 1:
        return 0.0, 0.0
    return max(0.0, (alike - chance) / (1 - chance)), (alike - chance) / np.sqrt(chance * (1 - chance) / (n - 1))


def _id_order(ids: "Sequence[pd.Series[str]]") -> np.ndarray | None:
    """Rows in the order of their ids: digits count as numbers; None without ids."""
    if not ids:
        return None
    parts: list[pd.Series] = []
    for column in ids:
        text = for_patterns(column.astype(str)).str.strip()
        number = pd.to_numeric(text.str.extract(r"(\d{1,15})(?!.*\d)")[0], errors="coerce").fillna(-1)
        parts += [text.str.replace(r"\d+", "", regex=True), number, text]
    frame = pd.concat(parts, axis=1, keys=range(len(parts))).reset_index(drop=True)
    return frame.sort_values(list(frame.columns), kind="stable").index.to_numpy()


def _train_targets(m: Material) -> np.ndarray | None:
    """Targets of train as numbers, (n_rows,) or (n_rows, n_targets); None if there are none to compare."""
    roles = m.competition.roles
    if m.train is None or any(column not in m.train.columns for column in roles.target):
        return None
    frame = m.train[list(roles.target)]
    if roles.labels and len(roles.target) == 1:
        return pd.Index(list(roles.labels), dtype=object).get_indexer(pd.Index(frame[roles.target[0]]))
    values = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    return None if np.isnan(values).any() else values
