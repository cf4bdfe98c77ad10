"""Byte-pair encoding: words cut into pieces that training texts have often, so that no word is unknown.

Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016 (arXiv 1508.07909).
"""

import heapq
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

SPECIAL = ("<pad>", "<start>", "<end>", "<unknown>")
PAD, START, END, UNKNOWN = range(len(SPECIAL))

_PART = re.compile(r"\n| ?[^\W\d_]{1,24}| ?\d| ?[^\w\s]| ?_| ")
"""A line's end, or with the blank before it: letters in a row, one digit, one sign."""

_BLANKS = re.compile(r"[^\S\n]+")
_FEWEST = 2
_MOST_CHARACTERS = 4000


@dataclass
class BytePairs:
    """Pieces of words, and how a text is cut into them.

    A blank belongs to the piece behind it, so that pieces put together are the text again, but for blanks in a row.

    Attributes:
        pieces: Piece by number; `SPECIAL` come first, then single characters, then what was merged, in that order.
        merges: Pairs of numbers in the order in which they are merged, and number of what comes out.
    """

    pieces: list[str]
    merges: dict[tuple[int, int], int]
    _known: dict[str, list[int]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._numbers = {piece: i for i, piece in enumerate(self.pieces)}

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.pieces)

    @classmethod
    def fit(cls, texts: Iterable[str], n_pieces: int) -> "BytePairs":
        """Learn pieces: again and again, the commonest pair of neighbours becomes one piece.

        Args:
            texts: Training texts.
            n_pieces: Most pieces, special ones and characters included.
        """
        words = Counter(part for text in texts for part in _parts(text))
        characters: Counter[str] = Counter()
        for word, count in words.items():
            for character in word:
                characters[character] += count
        common = [c for c, n in sorted(characters.items(), key=lambda item: (-item[1], item[0])) if n >= _FEWEST]
        pieces = [*SPECIAL, *common[:_MOST_CHARACTERS]]
        numbers = {piece: i for i, piece in enumerate(pieces)}
        cut = [[numbers.get(c, UNKNOWN) for c in word] for word in words]
        return cls(pieces, _merge(pieces, cut, list(words.values()), n_pieces))

    def encode(self, text: str) -> list[int]:
        """Numbers of a text's pieces, without start and end."""
        found: list[int] = []
        for part in _parts(text):
            if part not in self._known:
                self._known[part] = self._cut(part)
            found += self._known[part]
        return found

    def decode(self, numbers: Sequence[int]) -> str:
        """The text of some pieces; special ones say nothing."""
        return "".join(self.pieces[i] for i in numbers if i >= len(SPECIAL)).strip()

    def to_array(self) -> np.ndarray:
        """What was learned, as bytes of UTF-8 JSON, uint8."""
        content = {"pieces": self.pieces, "merges": [[*pair, new] for pair, new in self.merges.items()]}
        return np.frombuffer(json.dumps(content).encode(), dtype=np.uint8).copy()

    @classmethod
    def of(cls, raw: np.ndarray) -> "BytePairs":
        """What `to_array` gave."""
        content = json.loads(raw.tobytes())
        return cls(content["pieces"], {(a, b): new for a, b, new in content["merges"]})

    def _cut(self, word: str) -> list[int]:
        """Characters of a word, of which pairs are merged in the order in which they were learned."""
        cut = [self._numbers.get(c, UNKNOWN) for c in word]
        while len(cut) > 1:
            new, at = min((self.merges.get(pair, len(self)), i) for i, pair in enumerate(pairwise(cut)))
            if new == len(self):
                break
            cut[at : at + 2] = [new]
        return cut


def _parts(text: str) -> list[str]:
    """Words, digits and signs, each with the blank before it; the first word of a text has one too."""
    squeezed = _BLANKS.sub(" ", text).strip(" ")
    return _PART.findall(f" {squeezed}") if squeezed else []


def _merge(pieces: list[str], cut: list[list[int]], counts: Sequence[int], n_pieces: int) -> dict[tuple[int, int], int]:
    """Merge pairs until there are enough pieces, which are added to `pieces`, or no pair comes twice."""
    pairs = _Pairs(cut, counts)
    merges: dict[tuple[int, int], int] = {}
    while len(pieces) < n_pieces and (pair := pairs.commonest()) is not None:
        merges[pair] = len(pieces)
        pieces.append(pieces[pair[0]] + pieces[pair[1]])
        pairs.merge(pair, merges[pair])
    return merges


class _Pairs:
    """How often each pair of neighbours is there, and in which words.

    Args:
        words: Pieces of each distinct word.
        counts: How often each word is there.
    """

    def __init__(self, words: list[list[int]], counts: Sequence[int]) -> None:
        self._words, self._counts = words, counts
        self._totals: Counter[tuple[int, int]] = Counter()
        self._where: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for w in range(len(words)):
            self._add(w, 1)
        self._queue = [(-n, pair) for pair, n in self._totals.items()]
        heapq.heapify(self._queue)

    def commonest(self) -> tuple[int, int] | None:
        """The pair that is there most often, of several the first by number; None if none is there twice."""
        while self._queue:
            n, pair = heapq.heappop(self._queue)
            # Where a count has changed since it was queued, the pair stands there once more.
            if -n == self._totals[pair] and UNKNOWN not in pair:
                return pair if -n >= _FEWEST else None
        return None

    def merge(self, pair: tuple[int, int], new: int) -> None:
        """Put a new piece into all places of a pair."""
        changed: set[tuple[int, int]] = set()
        for w in self._where.pop(pair):
            changed |= self._add(w, -1)
            self._words[w] = _merged(self._words[w], pair, new)
            changed |= self._add(w, 1)
        for other in changed - {pair}:
            heapq.heappush(self._queue, (-self._totals[other], other))

    def _add(self, w: int, sign: int) -> set[tuple[int, int]]:
        """Count the pairs of a word, or take them away; returns them."""
        found = set()
        for pair in pairwise(self._words[w]):
            self._totals[pair] += sign * self._counts[w]
            self._where[pair].add(w)
            found.add(pair)
        return found


def _merged(word: Sequence[int], pair: tuple[int, int], new: int) -> list[int]:
    found: list[int] = []
    i = 0
    while i < len(word):
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            found.append(new)
            i += 2
        else:
            found.append(word[i])
            i += 1
    return found
