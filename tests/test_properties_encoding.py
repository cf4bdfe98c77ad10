"""What holds for any table: encoders give clean numbers, know no target of their own row, and are saved whole."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bounded import bounded, refusal
from hypothesis import given
from hypothesis import strategies as st

from aicomp.data.columns import infer_columns
from aicomp.data.encoding import Encoder
from aicomp.data.rows import Rows
from aicomp.data.statistics import INNER_FOLDS, Levels, level_means, mean_table
from aicomp.data.table import Table
from aicomp.data.targets import TargetColumns
from aicomp.errors import AicompError, DataError

FLOATS = st.one_of(
    st.floats(width=64),
    st.sampled_from([0.0, -0.0, 1.0, 1e-308, -1e308, 1.7e308, 2.0**53 + 1, float("nan")]),
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(["", " ", "NA", "nan", "None", "a", "A", "ä", "0", "007", "1e5", "yes", "no", "\x00", "x" * 300]),
)
TIMES = st.sampled_from(["2012-03-13 21:00", "1970-01-01 00:00", "2099-12-31 23:59", "2000-02-29 12:00"])

KINDS = [FLOATS, st.integers(-5, 5), st.integers(-(2**53), 2**53), TEXTS, TIMES, st.booleans()]


@st.composite
def frames(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test with columns of several kinds, and with values in test that train lacks."""
    n, m = draw(st.integers(4, 30)), draw(st.integers(1, 8))
    columns: dict[str, Any] = {}
    for k in range(draw(st.integers(1, 5))):
        few = draw(st.booleans())
        kind = draw(st.sampled_from(KINDS))
        pool = (
            draw(st.lists(kind, min_size=1, max_size=4))
            if few
            else draw(st.lists(kind, min_size=n + m, max_size=n + m))
        )
        values = [pool[draw(st.integers(0, len(pool) - 1))] for _ in range(n + m)] if few else pool
        if draw(st.booleans()):
            gap = draw(st.integers(0, n + m - 1))
            values = [None if i % (gap + 2) == 1 else v for i, v in enumerate(values)]
        columns[f"column {k}"] = values
    frame = pd.DataFrame(columns)
    return frame.iloc[:n].reset_index(drop=True), frame.iloc[n:].reset_index(drop=True)


def tables(train: pd.DataFrame, test: pd.DataFrame) -> tuple[list[Any], Table, Table]:
    columns = infer_columns(train, test, {})
    return columns, *Table.build_pair(train, test, columns)


def same(a: Rows, b: Rows) -> None:
    np.testing.assert_array_equal(a.x_num, b.x_num)
    np.testing.assert_array_equal(a.x_cat, b.x_cat)


@pytest.mark.parametrize("numbers", ["normal", "robust", "raw"])
@bounded(60)
@given(made=frames(), seed=st.integers(0, 1000))
def test_any_table_is_encoded_cleanly_or_refused(
    numbers: Any, made: tuple[pd.DataFrame, pd.DataFrame], seed: int
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if refusal(lambda: tables(*made)) is not None:
            return
        columns, train, test = tables(*made)
        fitted_rows = np.flatnonzero(np.random.default_rng(seed).random(train.n_rows) < 0.7)
        if not len(fitted_rows):
            return
        error = refusal(lambda: Encoder(columns, numbers).fit(train, fitted_rows))
        if error is not None:
            assert isinstance(error, DataError)
            assert "is constant among the training rows" in error.message
            return
        encoder = Encoder(columns, numbers).fit(train, fitted_rows)
        whole, later = (
            encoder.transform(train, np.arange(train.n_rows)),
            encoder.transform(test, np.arange(test.n_rows)),
        )
    for rows in (whole, later):
        assert rows.x_num.dtype == np.float32
        assert rows.x_num.shape[1] == len(encoder.num_names)
        assert not np.isinf(rows.x_num).any()
        assert numbers == "raw" or np.isfinite(rows.x_num).all()
        for j, cardinality in enumerate(encoder.cardinalities):
            assert rows.x_cat[:, j].min() >= 0
            assert rows.x_cat[:, j].max() < cardinality
    # A row is encoded by itself: whichever rows stand beside it, it gets the same numbers.
    some = np.array([train.n_rows - 1, 0])
    alone = encoder.transform(train, some)
    same(alone, Rows(whole.x_num[some], whole.x_cat[some]))
    with tempfile.TemporaryDirectory() as folder:
        encoder.save(Path(folder))
        loaded = Encoder.load(Path(folder), columns)
    assert (loaded.num_names, loaded.cat_names) == (encoder.num_names, encoder.cat_names)
    same(loaded.transform(test, np.arange(test.n_rows)), later)


@bounded(60)
@given(data=st.data())
def test_statistics_of_the_target_know_nothing_of_their_own_row(data: st.DataObject) -> None:
    n, n_levels = data.draw(st.integers(2 * INNER_FOLDS, 40)), data.draw(st.integers(1, 6))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    levels = random.integers(0, n_levels, n)
    are_shares = data.draw(st.booleans())
    targets = random.integers(0, 2, (n, 1)).astype(float) if are_shares else random.normal(size=(n, 1))
    inner = random.permutation(n) % INNER_FOLDS
    row = data.draw(st.integers(0, n - 1))
    changed = targets.copy()
    changed[row] = 1 - changed[row] if are_shares else changed[row] + 100

    def of_row(values: np.ndarray) -> np.ndarray:
        x_cat = levels[:, None]
        found = Levels.of(x_cat, 0, -1, 1)
        table = mean_table(found.means(values, inner), are_shares=are_shares)
        assert np.isfinite(table).all()
        return table[inner[row], found.of_row[row]]

    # Sums of all parts but one are rounded with the part in them: up to that, they know nothing of it.
    np.testing.assert_allclose(of_row(targets), of_row(changed), rtol=1e-9, atol=1e-12)
    means = [level_means(levels, n_levels, values, inner).oof(levels, inner)[row] for values in (targets, changed)]
    np.testing.assert_allclose(*means, rtol=1e-9, atol=1e-12)


@bounded(8)
@given(seed=st.integers(0, 2**32 - 1), n_levels=st.integers(120, 160))
def test_what_is_learned_with_targets_is_encoded_and_saved_like_the_rest(seed: int, n_levels: int) -> None:
    random = np.random.default_rng(seed)
    level = random.integers(0, n_levels, 1600)
    frame = pd.DataFrame({"town": [f"t{v}" for v in level], "size": random.normal(size=1600)})
    y = (random.random(1600) < random.random(n_levels)[level]).astype(float)
    columns, train, test = tables(frame.iloc[:1500], frame.iloc[1500:].reset_index(drop=True))
    rows = np.arange(1500)
    targets = TargetColumns(y[rows, None], True, [""])
    encoder = Encoder(columns)
    fitted = encoder.fit_transform(train, rows, targets, seed)
    again = Encoder(columns).fit_transform(train, rows, targets, seed)
    same(fitted, again)
    assert any("mean" in name for name in encoder.num_names)
    plain = Encoder(columns).fit(train, rows)
    n_plain = len(plain.num_names)
    np.testing.assert_array_equal(fitted.x_num[:, :n_plain], plain.transform(train, rows).x_num)
    later = encoder.transform(test, np.arange(test.n_rows))
    assert np.isfinite(later.x_num).all()
    assert np.isfinite(fitted.x_num).all()
    with tempfile.TemporaryDirectory() as folder:
        encoder.save(Path(folder))
        same(Encoder.load(Path(folder), columns).transform(test, np.arange(test.n_rows)), later)


def test_an_error_is_one_that_people_can_read() -> None:
    frame = pd.DataFrame({"x": [1.0, 1.0, 1.0]})
    with pytest.raises(AicompError) as e:
        tables(frame, frame)
    assert e.value.hint
