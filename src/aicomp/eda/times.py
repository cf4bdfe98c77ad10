"""Columns of dates and times: when train and test are."""

from dataclasses import dataclass

import numpy as np

from aicomp.eda.columns import Values

_MOST_BINS = 60


@dataclass(frozen=True)
class Span:
    """When the rows of train and test are.

    Attributes:
        name: The column.
        train: First and last time of train in seconds since 1970-01-01; likewise `test`.
        test: First and last time of test.
        after: Share of test's rows that are later than all of train.
        edges: Edges of equal spans of time, in seconds, (n + 1,).
        counts: Rows of train and of test in each, (2, n).
    """

    name: str
    train: tuple[float, float]
    test: tuple[float, float]
    after: float
    edges: np.ndarray
    counts: np.ndarray

    @property
    def is_later(self) -> bool:
        """Whether nearly all of test is later than train."""
        return self.after > 0.9


def find_span(values: Values) -> Span | None:
    """Look at a column of times; None where train or test has none."""
    train, test = (part[~np.isnan(part)] for part in (values.train, values.test))
    if not len(train) or not len(test):
        return None
    low, high = float(min(train.min(), test.min())), float(max(train.max(), test.max()))
    n_bins = int(np.clip(len(np.unique(np.concatenate([train, test]))), 1, _MOST_BINS))
    edges = np.linspace(low, high if high > low else low + 1, n_bins + 1)
    counts = np.stack([np.histogram(part, edges)[0] for part in (train, test)])
    spans = [(float(part.min()), float(part.max())) for part in (train, test)]
    return Span(values.name, spans[0], spans[1], float((test > train.max()).mean()), edges, counts)


def moment(seconds: float, *, with_time: bool | None = None) -> str:
    """A time for people: the day alone where it is midnight.

    >>> moment(0.0), moment(86400 * 1.5)
    ('1970-01-01', '1970-01-02 12:00')
    """
    stamp = np.datetime64(int(seconds), "s")
    show = seconds % 86400 != 0 if with_time is None else with_time
    return str(stamp.astype("datetime64[m]")).replace("T", " ") if show else str(stamp.astype("datetime64[D]"))
