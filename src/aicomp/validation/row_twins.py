"""Twins among rows of a table: with the same values, and with numbers that differ by little."""

from collections.abc import Sequence

import numpy as np

from aicomp.data.table import Table
from aicomp.validation.finding import Finding, Outcome
from aicomp.validation.quick_model import drawn
from aicomp.validation.sets import joined_pairs, neighbours
from aicomp.validation.subject import Subject
from aicomp.validation.text_twins import normalized
from aicomp.validation.twins import Twins, twin_finding

_MOST_CELLS = 200_000_000
_MOST_NEAR = 200_000
_GRID = 0.02
"""Width of a cell of the grid on which rows are near, in standard deviations of a column."""
_FEWEST_NUMBERS, _FEWEST_LEVELS = 3, 50
_GRIDS = 3


def check_rows(subject: Subject, most_cells: int = _MOST_CELLS, *, near: bool = True) -> Outcome:
    """Look for twins among rows; where a row is a file, its check looks for these.

    Args:
        subject: The data.
        most_cells: Cells of train that are looked at.
        near: Whether rows that are nearly the same are looked for.
    """
    if subject.names("image", "audio") or not (subject.train.numbers or subject.train.codes):
        return Outcome(
            [Finding("same-rows", "ok", "Rows are files", "Their contents are compared instead of columns.")]
        )
    most = most_cells // max(1, len(subject.train.numbers) + len(subject.train.codes))
    rows, test_rows = drawn(subject.n_train, most), drawn(subject.n_test, most)
    notes = [f"twins: {len(rows):,} of {subject.n_train:,} rows of train"] if len(rows) < subject.n_train else []
    keys = _exact_keys(subject, rows, test_rows)
    same = Twins(
        "rows with the same values", "same-rows", keys[: len(rows)], keys[len(rows) :], rows,
        by_chance=_by_chance(subject, rows),
    )  # fmt: skip
    findings = [twin_finding(subject, same)]
    nearly = _near(subject) if near else None
    if nearly is not None:
        findings.append(twin_finding(subject, nearly))
        if len(nearly.train_rows) < subject.n_train:
            notes.append(f"near twins: {len(nearly.train_rows):,} of {subject.n_train:,} rows of train")
    return Outcome(findings, notes=notes)


def hashed(columns: Sequence[np.ndarray]) -> np.ndarray:
    """A number for each row that rows of the same values share, int64 (n,); 64 bits, so that others hardly ever do.

    >>> a = hashed([np.array([1.0, 2.0, 1.0]), np.array([np.nan, 1.0, np.nan])])
    >>> bool(a[0] == a[2]), bool(a[0] == a[1])
    (True, False)
    """
    state = np.full(len(columns[0]), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in columns:
        values = np.asarray(column, dtype=np.float64) + 0.0  # -0.0 is 0.0
        values = np.where(np.isnan(values), np.nan, values)  # one NaN
        state ^= np.ascontiguousarray(values).view(np.uint64)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return state.view(np.int64)


def _exact_keys(subject: Subject, rows: np.ndarray, test_rows: np.ndarray) -> np.ndarray:
    parts: list[list[np.ndarray]] = []
    texts = {name: _same_text(subject.train.levels[name]) for name in subject.names("text")}
    for table, chosen in ((subject.train, rows), (subject.test, test_rows)):
        columns = [values[chosen] for values in table.numbers.values()]
        for name, codes in table.codes.items():
            columns.append(texts[name][codes[chosen]] if name in texts else codes[chosen])
        parts.append(columns)
    return np.concatenate([hashed(columns) if len(columns[0]) else np.zeros(0, np.int64) for columns in parts])


def _same_text(levels: list[str]) -> np.ndarray:
    """A code for each level that levels share which differ in case and blanks alone; -1 for missing at the end."""
    known: dict[str, int] = {}
    return np.array([*(known.setdefault(normalized(level), len(known)) for level in levels), -1])


def _by_chance(subject: Subject, rows: np.ndarray) -> float:
    """Share of the rows that would have a twin in four fifths of the others if columns were independent."""
    rows = rows if len(rows) <= _MOST_NEAR else drawn(subject.n_train, _MOST_NEAR)
    random = np.random.default_rng(0)
    columns = [*subject.train.numbers.values(), *subject.train.codes.values()]
    if len(columns) < 2:  # shuffled, a single one is what it was
        return 0.0
    keys = hashed([random.permutation(column[rows]) for column in columns])
    cut = len(keys) // 5
    return float(np.isin(keys[:cut], keys[cut:]).mean()) if cut else 0.0


def _near(subject: Subject) -> Twins | None:
    """Rows whose numbers lie in one cell of a fine grid and whose codes are the same; not those that are the same.

    None where there are too few numbers that vary for that to say something.
    """
    rows, test_rows = drawn(subject.n_train, _MOST_NEAR), drawn(subject.n_test, _MOST_NEAR)
    cells = _cells(subject.train, subject.test, rows, test_rows)
    if cells is None:
        return None
    numbers, codes = cells
    exact = hashed([*numbers.values(), *codes])
    # One of each set of the same rows: these have their own finding.
    first = np.unique(exact, return_index=True)[1]
    sets = _joined_sets([hashed([*grid, *(c[first] for c in codes)]) for grid in _grids(numbers, first, len(rows))])
    place = np.full(len(exact), -1)
    place[first] = sets
    own = -2 - np.arange(len(exact))
    keys = np.where(place >= 0, place, own)
    chance = _near_by_chance(numbers, codes, len(rows))
    return Twins(
        "rows with nearly the same values", "near-rows", keys[: len(rows)], keys[len(rows) :], rows,
        by_chance=chance, copies=False,
    )  # fmt: skip


def _cells(
    train: Table, test: Table, rows: np.ndarray, test_rows: np.ndarray
) -> tuple[dict[str, np.ndarray], list[np.ndarray]] | None:
    """Numbers that vary, and all others, of the chosen rows of train and then of test."""
    numbers, codes = {}, [np.concatenate([train.codes[n][rows], test.codes[n][test_rows]]) for n in train.codes]
    for name in train.numbers:
        values = np.concatenate([train.numbers[name][rows], test.numbers[name][test_rows]])
        if len(np.unique(values[:5000])) >= _FEWEST_LEVELS:
            numbers[name] = values
        else:
            codes.append(values)
    return (numbers, codes) if len(numbers) >= _FEWEST_NUMBERS else None


def _grids(numbers: dict[str, np.ndarray], rows: np.ndarray, n_train: int) -> list[list[np.ndarray]]:
    """Cells of the numbers on grids that are shifted by chance: near rows share one of them."""
    random = np.random.default_rng(0)
    spreads = {name: float(np.nanstd(values[:n_train])) or 1.0 for name, values in numbers.items()}
    return [
        [np.floor(values[rows] / (_GRID * spreads[name]) + random.random()) for name, values in numbers.items()]
        for _ in range(_GRIDS)
    ]


def _joined_sets(keys: Sequence[np.ndarray]) -> np.ndarray:
    """Sets of rows that share a key on one of the grids, also by way of others; int64 (n,)."""
    return joined_pairs(np.concatenate([neighbours(key) for key in keys]), len(keys[0]))


def _near_by_chance(numbers: dict[str, np.ndarray], codes: Sequence[np.ndarray], n_train: int) -> float:
    random = np.random.default_rng(1)
    shuffled = {name: random.permutation(values[:n_train]) for name, values in numbers.items()}
    others = [random.permutation(column[:n_train]) for column in codes]
    sets = _joined_sets([hashed([*grid, *others]) for grid in _grids(shuffled, np.arange(n_train), n_train)])
    cut = n_train // 5
    return float(np.isin(sets[:cut], sets[cut:]).mean()) if cut else 0.0
