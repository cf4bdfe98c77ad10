"""Encoded rows: what comes out of the encoders and goes into a model."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Media:
    """Decoded files, and which of them each row has; rows are taken and joined without a copy of the files.

    Attributes:
        files: All of them, (n_files + 1, channels, height, width), mapped from disk; the last is blank.
        index: Place of each row's files, int64 (n, n_media); -1 where a row has none.
    """

    files: np.ndarray
    index: np.ndarray

    def take(self, rows: np.ndarray | slice) -> "Media":
        """Those of some rows."""
        return Media(self.files, self.index[rows])

    def followed_by(self, other: "Media") -> "Media":
        """Those of these rows and then of others, out of the same files."""
        return Media(self.files, np.concatenate([self.index, other.index]))


@dataclass(frozen=True)
class Rows:
    """Encoded rows.

    Attributes:
        x_num: Numbers, float32 (n, n_num): for networks without NaN, each column near mean 0 and standard deviation 1.
        x_cat: Codes, int64 (n, n_cat), each from 0 to the column's cardinality - 1.
        texts: Strings as they stand in the table, object (n, n_text), "" where missing; None for a model that does not
            read them itself.
        media: Images or sounds; None for a model that reads none.
        places: Number of the series and of the step of time of each row, int64 (n, 2), for a model that forecasts;
            else None.
    """

    x_num: np.ndarray
    x_cat: np.ndarray
    texts: np.ndarray | None = None
    media: Media | None = None
    places: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x_num)

    def take(self, rows: np.ndarray | slice) -> "Rows":
        """Some of the rows."""
        texts, places = (None if a is None else a[rows] for a in (self.texts, self.places))
        media = None if self.media is None else self.media.take(rows)
        return Rows(self.x_num[rows], self.x_cat[rows], texts, media, places)

    def followed_by(self, other: "Rows") -> "Rows":
        """These rows and then others."""
        pairs = ((self.texts, other.texts), (self.places, other.places))
        texts, places = (None if a is None or b is None else np.concatenate([a, b]) for a, b in pairs)
        media = None
        if self.media is not None and other.media is not None:
            media = self.media.followed_by(other.media)
        x_num, x_cat = np.concatenate([self.x_num, other.x_num]), np.concatenate([self.x_cat, other.x_cat])
        return Rows(x_num, x_cat, texts, media, places)
