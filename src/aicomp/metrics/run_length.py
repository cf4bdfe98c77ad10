"""Masks as run-length codes: "start length start length ...", pixels counted from 1, down each column first.

It is the form of Kaggle's competitions on masks. What overlaps is found in the runs themselves: no image is drawn, and
its size need not be known.
"""

import numpy as np


def parse_runs(text: str) -> np.ndarray:
    """Runs of a mask as (start, end) of pixels from 0, end outside, int64 (n_runs, 2), in order.

    An empty string is an empty mask, and so is "-" or, as in some competitions, "-1".

    Raises:
        ValueError: There is no even number of positive whole numbers, or runs overlap.

    >>> parse_runs("1 3 10 2").tolist()
    [[0, 3], [9, 11]]
    """
    words = text.split()
    if not words or words in (["-1"], ["-"]):
        return np.zeros((0, 2), dtype=np.int64)
    try:
        numbers = np.array(words, dtype=np.int64)
    except (ValueError, OverflowError):
        wrong = next(word for word in words if not word.lstrip("-").isdecimal() or len(word) > 18)
        raise ValueError(f"`{wrong[:20]}` is no whole number of a run-length code") from None
    if len(numbers) % 2:
        raise ValueError(f"{len(numbers)} numbers are no pairs of start and length")
    if (numbers < 1).any():
        raise ValueError(f"`{numbers[numbers < 1][0]}` is no start or length, which are counted from 1")
    runs = np.column_stack([numbers[::2] - 1, numbers[::2] - 1 + numbers[1::2]])
    runs = runs[np.argsort(runs[:, 0], kind="stable")]
    if (runs[1:, 0] < runs[:-1, 1]).any():
        row = int(np.argmax(runs[1:, 0] < runs[:-1, 1]))
        raise ValueError(f"pixel {runs[row + 1, 0] + 1} is in two runs")
    return runs


def write_runs(mask: np.ndarray) -> str:
    """The run-length code of a mask, bool (height, width).

    >>> write_runs(np.array([[1, 0, 1], [1, 1, 0]], dtype=bool))  # columns: 1 1, 0 1, 1 0
    '1 2 4 2'
    """
    pixels = np.concatenate([[0], np.asarray(mask).T.ravel() != 0, [0]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(pixels))
    starts, ends = edges[::2], edges[1::2]
    return " ".join(map(str, np.column_stack([starts + 1, ends - starts]).ravel()))


def read_mask(text: str, height: int, width: int) -> np.ndarray:
    """The mask of a run-length code, bool (height, width).

    Raises:
        ValueError: As `parse_runs`, or a run ends outside the image.

    >>> read_mask("1 2 4 2", 2, 3).astype(int).tolist()
    [[1, 0, 1], [1, 1, 0]]
    """
    runs = parse_runs(text)
    if len(runs) and runs[-1, 1] > height * width:
        raise ValueError(f"a run ends at pixel {runs[-1, 1]}, but {height} x {width} pixels are {height * width}")
    steps = np.zeros(height * width + 1, dtype=np.int64)
    np.add.at(steps, runs[:, 0], 1)
    np.add.at(steps, runs[:, 1], -1)
    mask: np.ndarray = steps.cumsum()[:-1].reshape(width, height).T > 0
    return mask


def size(runs: np.ndarray) -> int:
    """Number of pixels."""
    return int((runs[:, 1] - runs[:, 0]).sum())


def common(a: np.ndarray, b: np.ndarray) -> int:
    """Number of pixels that two masks share.

    >>> common(parse_runs("1 5"), parse_runs("4 5"))
    2
    """
    if not len(a) or not len(b):
        return 0
    # Pixels of b below x, as a piecewise linear function of x; the runs of a ask for it at both ends.
    edges = b.ravel()
    below = np.append(0, np.cumsum(np.diff(edges) * (np.arange(len(edges) - 1) % 2 == 0)))
    return int(np.sum(np.interp(a[:, 1], edges, below) - np.interp(a[:, 0], edges, below)) + 0.5)
