"""Some rows of a table that is read in parts: all of them as long as they are few, then every second, fourth, ..."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

SAMPLE_ROWS = 2**17
"""Rows that are kept at least where a table has more."""


class RowSample:
    """Rows by which kinds of columns are chosen; the same rows however the table is cut into parts.

    Attributes:
        step: Which rows are kept: those whose number is a multiple of it.
        extremes: Numbers of further rows: with the first extreme, missing and other values of each column.
    """

    def __init__(self) -> None:
        self.step = 1
        self.extremes: list[int] = []
        self._parts: list[tuple[np.ndarray, pd.DataFrame]] = []
        self._further: list[pd.DataFrame] = []

    def add(self, frame: pd.DataFrame, start: int, places: Sequence[int]) -> None:
        """Take some of the next rows.

        Args:
            frame: The rows.
            start: Number of the first.
            places: Rows of the frame that are kept in any case.
        """
        rows = np.arange(start, start + len(frame))
        chosen = rows % self.step == 0
        self._parts.append((rows[chosen], frame[chosen]))
        further = np.unique(np.array(places, dtype=np.int64))
        self.extremes += (further + start).tolist()
        self._further.append(frame.iloc[further])
        while sum(len(rows) for rows, _ in self._parts) > 2 * SAMPLE_ROWS:
            self.step *= 2
            kept = [(rows, rows % self.step == 0, part) for rows, part in self._parts]
            self._parts = [(rows[mask], part[mask]) for rows, mask, part in kept]

    def frame(self) -> pd.DataFrame:
        """The rows in their order, the further ones last where they are not among them."""
        found = [part for _, part in self._parts]
        if self.step > 1:
            extremes, at = np.array(self.extremes, dtype=np.int64), 0
            for part in self._further:
                numbers = extremes[at : at + len(part)]
                found.append(part[numbers % self.step != 0])
                at += len(part)
        return pd.concat([part for part in found if len(part)], ignore_index=True)
