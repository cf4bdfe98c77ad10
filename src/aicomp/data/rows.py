"""Encoded rows: what comes out of the encoders and goes into a model."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rows:
    """Encoded rows.

    Attributes:
        x_num: Numbers, float32 (n, n_num): for networks without NaN, each column near mean 0 and standard deviation 1.
        x_cat: Codes, int64 (n, n_cat), each from 0 to the column's cardinality - 1.
        texts: Strings as they stand in the table, object (n, n_text), "" where missing; None for a model that does not
            read them itself.
    """

    x_num: np.ndarray
    x_cat: np.ndarray
    texts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x_num)

    def take(self, rows: np.ndarray | slice) -> "Rows":
        """Some of the rows."""
        return Rows(self.x_num[rows], self.x_cat[rows], None if self.texts is None else self.texts[rows])

    def followed_by(self, other: "Rows") -> "Rows":
        """These rows and then others."""
        texts = None
        if self.texts is not None and other.texts is not None:
            texts = np.concatenate([self.texts, other.texts])
        return Rows(np.concatenate([self.x_num, other.x_num]), np.concatenate([self.x_cat, other.x_cat]), texts)
