"""Strings out of the probabilities of connectionist temporal classification, whose code 0 is the blank.

A path has a code for each frame; its string is what is left when repeats are one and then blanks are gone.
"""

import math
from itertools import pairwise

import numpy as np

BLANK = 0

_LEAST = math.log(1e-3)
"""Log-probability below which a code of a frame is not looked at."""


def collapsed(path: np.ndarray) -> list[int]:
    """Codes of a path, int (n_frames,), without repeats and blanks.

    >>> collapsed(np.array([0, 1, 1, 0, 1, 2, 2, 0]))
    [1, 1, 2]
    """
    is_first = np.append(True, path[1:] != path[:-1]) if len(path) else np.zeros(0, dtype=bool)
    return [int(code) for code in path[is_first & (path != BLANK)]]


def frames_needed(codes: list[int]) -> int:
    """Frames of the shortest path: one for each code, and a blank between two that are equal.

    >>> frames_needed([1, 1, 2])
    4
    """
    return len(codes) + sum(a == b for a, b in pairwise(codes))


def prefix_beam_search(log_probs: np.ndarray, n_beams: int) -> list[int]:
    """The likeliest string over all of its paths, as far as the beams see.

    Graves et al., "Connectionist Temporal Classification" (ICML 2006), section 3.2, in the form of Hannun et al.,
    "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs" (arXiv 1408.2873),
    without a language model.

    Args:
        log_probs: Of each frame and code, (n_frames, n_codes).
        n_beams: Strings that are followed.

    Returns:
        Codes without blanks.
    """
    # Of each string, the log-probabilities of its paths that end in a blank, and of those that end in its last code.
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    for frame in log_probs:
        codes = [int(c) for c in np.flatnonzero((frame >= _LEAST) | (frame == frame.max()))]
        longer: dict[tuple[int, ...], tuple[float, float]] = {}
        for prefix, (in_blank, in_code) in beams.items():
            both = _added(in_blank, in_code)
            for code in codes:
                p = float(frame[code])
                if code == BLANK:
                    _add(longer, prefix, both + p, -math.inf)
                elif prefix and code == prefix[-1]:
                    _add(longer, prefix, -math.inf, in_code + p)
                    _add(longer, (*prefix, code), -math.inf, in_blank + p)
                else:
                    _add(longer, (*prefix, code), -math.inf, both + p)
        best = sorted(longer.items(), key=lambda beam: _added(*beam[1]), reverse=True)
        beams = dict(best[:n_beams])
    return list(next(iter(beams)))


def _add(beams: dict[tuple[int, ...], tuple[float, float]], prefix: tuple[int, ...], blank: float, code: float) -> None:
    before = beams.get(prefix, (-math.inf, -math.inf))
    beams[prefix] = (_added(before[0], blank), _added(before[1], code))


def _added(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))
