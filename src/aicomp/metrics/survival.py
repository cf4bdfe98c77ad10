"""Scores of predicted risks of an event, where some rows were watched for a while without one."""

import numpy as np

from aicomp.metrics.checks import check_column, check_groups, check_values, require
from aicomp.metrics.pairs import count_equal_before, count_smaller_before


def concordance_index(y_true: np.ndarray, y_pred: np.ndarray, *, event: np.ndarray | None = None) -> float:
    """Share of the comparable pairs in which the row with the higher risk has its event first; higher is better.

    1 is perfect, 0.5 is chance; equal risks count half. A pair is comparable if the earlier time is that of an event;
    at equal times, if exactly one is. Harrell et al., "Evaluating the yield of medical tests", 1982, with the ties of
    lifelines, whose function takes the negative of a risk.

    Args:
        y_true: Times, (n,).
        y_pred: Risks: the higher, the earlier the event, (n,).
        event: 1 where the time is that of the event, 0 where watching ended (censored), (n,); None means all 1.

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or no pair is comparable.

    >>> event = np.array([1, 0, 1])
    >>> concordance_index(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.9, 0.1]), event=event)  # no, yes
    0.5
    """
    true, risk, happened = _checked(y_true, y_pred, event)
    index = _index(true, risk, happened)
    if index is None:
        raise ValueError(f"no pair of {len(true)} rows is comparable: an `event` has to lie before another row's time")
    return index


def stratified_concordance_index(
    y_true: np.ndarray, y_pred: np.ndarray, *, group: np.ndarray, event: np.ndarray | None = None
) -> float:
    """Mean over groups of the concordance index less its standard deviation; higher is better, 1 is perfect.

    The measure of Kaggle's CIBMTR - Equity in post-HCT Survival Predictions (2025), where groups are races; the
    deviation is that of all groups (divided by their number).

    Args:
        y_true: Times, (n,).
        y_pred: Risks: the higher, the earlier the event, (n,).
        group: Which rows belong together, (n,).
        event: As `concordance_index`.

    Raises:
        ValueError: As `concordance_index`, for the group that is named.

    >>> group = np.array(["a", "a", "b", "b"], object)
    >>> times, risk = np.array([1.0, 2.0, 1.0, 2.0]), np.array([0.9, 0.1, 0.1, 0.9])
    >>> stratified_concordance_index(times, risk, group=group)  # 1 and 0: 1/2 - 1/2
    0.0
    """
    true, risk, happened = _checked(y_true, y_pred, event)
    codes, names = check_groups("group", group, len(true))
    scores = []
    for k, name in enumerate(names):
        rows = codes == k
        index = _index(true[rows], risk[rows], happened[rows])
        if index is None:
            raise ValueError(f"no pair of `group` {name} is comparable, so that it has no index")
        scores.append(index)
    return float(np.mean(scores) - np.std(scores))


def _checked(
    y_true: np.ndarray, y_pred: np.ndarray, event: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    true, risk = check_values(y_true, y_pred, ndim=1)
    happened = np.ones(len(true)) if event is None else check_column("event", event, len(true))
    require("event", happened, (happened == 0) | (happened == 1), "an event is 0 or 1")
    return true, risk, happened == 1


def _index(true: np.ndarray, risk: np.ndarray, happened: np.ndarray) -> float | None:
    # The latest first, at equal times censored rows first: then a row's partners stand before it, but for the events at
    # its own time. These come by falling risk, so that among the smaller risks before a row there is none of them.
    order = np.lexsort((-risk, happened, -true))
    t, r, e = true[order], risk[order], happened[order]
    batch = np.cumsum(np.append(True, (np.diff(t) != 0) | (e[1:] != e[:-1])))
    starts = np.flatnonzero(np.append(True, np.diff(batch) != 0))
    n_partners = starts[batch - 1]
    # Equal risks before a row, less those of its own batch.
    equal = count_equal_before(r) - count_equal_before(np.cumsum(np.append(True, np.diff(batch) + (np.diff(r) != 0))))
    n_pairs = int(n_partners[e].sum())
    if not n_pairs:
        return None
    return float((count_smaller_before(r)[e].sum() + equal[e].sum() / 2) / n_pairs)
