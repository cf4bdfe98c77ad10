"""Predictions of any framework as the array that a Run holds: right rows, right columns, right numbers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.errors import DataError
from aicomp.metrics.probability import SUM_TOLERANCE
from aicomp.predictions import prediction_columns


def align_predictions(
    name: str,
    predictions: object,
    ids: pd.DataFrame,
    n_rows: int,
    competition: Competition,
    *,
    needed: np.ndarray | None = None,
) -> np.ndarray:
    """Predictions in the order of the file's rows and of the contract's columns, checked.

    Args:
        name: What the messages call them: "oof" or "test".
        predictions: Array, list, Series or DataFrame; see `RunDraft.save`.
        ids: Id columns of the file's rows as strings; no columns where they have none.
        n_rows: Rows of the file.
        competition: The contract.
        needed: Rows that must have a prediction; None means all.

    Returns:
        float64, (n_rows,) or (n_rows, n_columns), or strings, object (n_rows,); NaN or None where not needed.

    Raises:
        DataError: With row, id and value of what is wrong.
    """
    names = prediction_columns(competition)
    if isinstance(predictions, pd.Series):
        predictions = predictions.to_frame(names[0] if len(names) == 1 else None)
    if isinstance(predictions, pd.DataFrame):
        rows, frame = _rows(name, predictions, ids, n_rows)
        values = _columns(name, frame, names, competition)
    else:
        rows, values = None, _array(name, predictions, competition)
    values = _shaped(name, values, n_rows, names, competition)
    if rows is not None:
        ordered = np.empty_like(values)
        ordered[rows] = values
        values = ordered
    wanted = np.arange(n_rows) if needed is None else needed
    _check(name, values, wanted, ids, competition)
    values[np.setdiff1d(np.arange(n_rows), wanted)] = None if values.dtype == object else np.nan
    return values


def _array(name: str, predictions: object, competition: Competition) -> np.ndarray:
    if competition.problem_type == "string":
        return np.array(predictions, dtype=object)
    try:
        return np.array(predictions, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise DataError(f"`{name}` is no array of numbers: {e}", "give probabilities or values, not labels") from e


def _shaped(name: str, values: np.ndarray, n_rows: int, names: Sequence[str], competition: Competition) -> np.ndarray:
    """(n_rows,) or (n_rows, n_columns); the second column of two classes is the probability of the second."""
    wanted = (n_rows,) if len(names) == 1 else (n_rows, len(names))
    if len(names) == 1 and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    elif competition.problem_type == "binary" and values.shape == (n_rows, 2):
        _check_sums(name, values, np.flatnonzero(np.isfinite(values).all(axis=1)), None)
        values = values[:, 1]
    if values.shape != wanted:
        columns = f", one column for each of {', '.join(names)}" if len(names) > 1 else ""
        file = competition.files.train if name == "oof" else competition.files.test
        raise DataError(
            f"`{name}` has shape {values.shape}, but {wanted} is needed{columns}",
            f"give one prediction per row of `{file}`",
        )
    return values


def _rows(name: str, frame: pd.DataFrame, ids: pd.DataFrame, n_rows: int) -> tuple[np.ndarray, pd.DataFrame]:
    """File row of each row of the frame, and the frame without its ids."""
    columns = list(map(str, ids.columns))
    if columns and set(columns) <= set(frame.columns):
        return _match(name, frame[columns], ids), frame.drop(columns=columns)
    index = frame.index
    if columns and list(index.names) == columns:
        return _match(name, index.to_frame(index=False), ids), frame
    if isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1):
        return np.arange(len(index)), frame
    if len(index) == n_rows and pd.api.types.is_integer_dtype(index) and set(index) == set(range(n_rows)):
        return index.to_numpy(dtype=np.int64), frame
    if len(columns) == 1:
        return _match(name, pd.DataFrame({columns[0]: index}), ids), frame
    what = f"has neither the columns {', '.join(columns)} nor" if columns else "does not have"
    raise DataError(
        f"`{name}` {what} an index that counts the {n_rows} rows from 0: its index has {len(index)} entries and begins "
        f"with `{index[0] if len(index) else 'nothing'}`",
        "give an array in the order of the file, or name each row by its ids",
    )


def _match(name: str, given: pd.DataFrame, ids: pd.DataFrame) -> np.ndarray:
    """Row of `ids` of each row of `given`; an id that pandas read as a number is the one of that number."""
    wanted, found = _keys(ids), _keys(given)
    if not set(found) <= set(wanted):
        numbers, given_numbers = _number_keys(ids), _number_keys(given)
        if numbers is not None and given_numbers is not None:
            wanted, found = numbers, given_numbers
    place = f"`{name}`: id"
    twice = found[found.duplicated()]
    if len(twice):
        raise DataError(f"{place} {_shown(twice[0])} appears twice", "give one prediction per row")
    if not wanted.is_unique:
        raise DataError(f"{place}s are read as numbers, which are not unique", "read them with `dtype=str`")
    rows = np.asarray(wanted.get_indexer(found), dtype=np.int64)
    if (rows < 0).any():
        unknown = found[int(np.argmax(rows < 0))]
        raise DataError(
            f"{place} {_shown(unknown)} is in no row of the file, as {int((rows < 0).sum())} of {len(rows)}",
            f"the file's first id is {_shown(wanted[0])}; read ids with `dtype=str` to keep leading zeros",
        )
    absent = np.setdiff1d(np.arange(len(ids)), rows)
    if len(absent):
        raise DataError(
            f"`{name}` has {len(rows)} rows, {len(ids)} are needed: there is none for the id "
            f"{_shown(wanted[absent[0]])}",
            "give one prediction per row",
        )
    return rows


def _keys(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([table[c].astype(str).to_numpy(dtype=object) for c in table.columns])


def _number_keys(table: pd.DataFrame) -> pd.MultiIndex | None:
    """The ids as numbers, None where one is none."""
    numbers = [pd.to_numeric(table[c], errors="coerce").to_numpy(dtype=np.float64) for c in table.columns]
    return pd.MultiIndex.from_arrays(numbers) if all(np.isfinite(n).all() for n in numbers) else None


def _shown(key: tuple[object, ...]) -> str:
    return ", ".join(f"`{part:g}`" if isinstance(part, float) else f"`{part}`" for part in key)


def _columns(name: str, frame: pd.DataFrame, names: list[str], competition: Competition) -> np.ndarray:
    """Values in the order of the contract, whatever columns are called after: targets, labels or the submission's."""
    given = list(map(str, frame.columns))
    spellings = [names, list(competition.labels), list(competition.prediction_columns)]
    fitting = next((s for s in spellings if s and set(s) == set(given)), None)
    if fitting is not None:
        frame = frame.set_axis(given, axis=1)[fitting]
    elif len(given) != 1 and any(not isinstance(c, int | np.integer) for c in frame.columns):
        known = " or ".join(dict.fromkeys(", ".join(f"`{c}`" for c in s) for s in spellings if s))
        raise DataError(
            f"`{name}` has the columns {', '.join(f'`{c}`' for c in given)}",
            f"name them {known}, beside the ids, or give an array",
        )
    return _array(name, frame.to_numpy(), competition)


def _check(name: str, values: np.ndarray, rows: np.ndarray, ids: pd.DataFrame, competition: Competition) -> None:
    """Refuse what is not finite, probabilities that are none, and what is no string where one is needed."""
    if competition.problem_type == "string":
        _check_strings(name, values, rows, ids)
        return
    part = values[rows].reshape(len(rows), -1)
    _refuse(name, part, ~np.isfinite(part), rows, ids, "a finite number is needed")
    if competition.problem_type in ("binary", "multiclass", "multilabel"):
        _refuse(name, part, (part < 0) | (part > 1), rows, ids, "a probability lies in [0, 1]")
    if competition.problem_type == "multiclass":
        _check_sums(name, values, rows, ids)


def _check_strings(name: str, values: np.ndarray, rows: np.ndarray, ids: pd.DataFrame) -> None:
    wrong = next((row for row in rows if not isinstance(values[row], str)), None)
    if wrong is not None:
        raise DataError(f"`{name}` is `{values[wrong]}` in {_place(wrong, ids)}", "a string is needed")


def _refuse(name: str, part: np.ndarray, bad: np.ndarray, rows: np.ndarray, ids: pd.DataFrame, expected: str) -> None:
    where = np.argwhere(bad)
    if len(where):
        row, column = where[0]
        raise DataError(
            f"`{name}` is {part[row, column]:g} in {_place(rows[row], ids)}"
            + (f", column {column}" if part.shape[1] > 1 else "")
            + f", as in {int(bad.any(axis=1).sum())} of {len(part)} rows",
            expected,
        )


def _check_sums(name: str, values: np.ndarray, rows: np.ndarray, ids: pd.DataFrame | None) -> None:
    total = values[rows].sum(axis=1)
    bad = np.flatnonzero(abs(total - 1) > SUM_TOLERANCE)
    if len(bad):
        raise DataError(
            f"`{name}` sums to {total[bad[0]]:g} in {_place(rows[bad[0]], ids)}",
            "the probabilities of a row sum to 1",
        )


def _place(row: int, ids: pd.DataFrame | None) -> str:
    named = "" if ids is None or not ids.shape[1] else f" (id {_shown(tuple(ids.iloc[row]))})"
    return f"row {row}, counted from 0{named}"
