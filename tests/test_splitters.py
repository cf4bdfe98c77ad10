import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aicomp.errors import DataError, UsageError
from aicomp.folds import Folds
from aicomp.splitter_choice import choose_splitter
from aicomp.splitters import SPLITTERS, make_folds

seeds = st.integers(0, 2**32 - 1)


def split(name: str, y: np.ndarray, **options: object) -> Folds:
    """`make_folds` with 5 folds and everything else at its default."""
    default_type = "regression" if y.dtype.kind == "f" else "multiclass"
    defaults: dict[str, object] = {
        "problem_type": "multilabel" if y.ndim == 2 else default_type,
        "groups": None,
        "time": None,
        "fold_column": None,
        "n_splits": 5,
        "n_repeats": 1,
        "seed": 0,
        "folder": None,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return make_folds(name, y=y, **{**defaults, **options})  # type: ignore[arg-type]


def assert_partition(folds: Folds, n_rows: int) -> None:
    """Each row is validated once and trained on in all other folds."""
    assert sorted(np.concatenate([f.valid for f in folds.folds])) == list(range(n_rows))
    for fold in folds.folds:
        assert sorted([*fold.train, *fold.valid]) == list(range(n_rows))
        assert fold.train.dtype == fold.valid.dtype == np.int64
        assert len(fold.train)


def same(a: Folds, b: Folds) -> bool:
    return all(
        np.array_equal(x.train, y.train) and np.array_equal(x.valid, y.valid)
        for x, y in zip(a.folds, b.folds, strict=True)
    )


def texts(values: object) -> np.ndarray:
    return np.array([str(v) for v in values], dtype=object)  # type: ignore[attr-defined]


@st.composite
def classes(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    n_splits = draw(st.integers(2, 6))
    n_classes = draw(st.integers(1, 5))
    y = draw(st.lists(st.integers(0, n_classes - 1), min_size=n_splits, max_size=60))
    return np.array(y), n_splits


@st.composite
def grouped(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    n_splits = draw(st.integers(2, 4))
    groups = draw(st.lists(st.integers(0, 9), min_size=n_splits, max_size=60).filter(lambda g: len({*g}) >= n_splits))
    y = draw(st.lists(st.integers(0, 2), min_size=len(groups), max_size=len(groups)))
    return np.array(y), texts(groups), n_splits


class TestChoice:
    @pytest.mark.parametrize(
        ("problem_type", "given_columns", "name"),
        [
            ("binary", set(), "stratified"),
            ("multiclass", set(), "stratified"),
            ("regression", set(), "kfold"),
            ("multi-target", set(), "kfold"),
            ("multilabel", set(), "multilabel-stratified"),
            ("binary", {"groups"}, "stratified-group"),
            ("regression", {"groups"}, "group"),
            ("multilabel", {"groups"}, "group"),
            ("binary", {"time"}, "time-series"),
            ("regression", {"time", "groups"}, "time-series"),
            ("binary", {"time", "groups", "fold_column"}, "fold-column"),
        ],
    )
    def test_follows_the_target_and_the_columns(self, problem_type, given_columns, name):
        chosen, reason = choose_splitter(
            problem_type=problem_type,
            has_groups="groups" in given_columns,
            has_time="time" in given_columns,
            has_fold_column="fold_column" in given_columns,
            y=np.array([0, 1, 1, 1]),
        )
        assert chosen == name
        assert chosen in SPLITTERS
        assert len(reason.split()) > 4

    def test_reason_names_the_rarest_class(self):
        y = np.array([0] * 97 + [1] * 3)
        _, reason = choose_splitter(problem_type="binary", has_groups=False, has_time=False, has_fold_column=False, y=y)
        assert reason == "each fold has its share of every class (the rarest has 3.0% of the rows)"

    def test_reason_says_how_to_choose_groups_over_time(self):
        _, reason = choose_splitter(
            problem_type="binary", has_groups=True, has_time=True, has_fold_column=False, y=np.array([0, 1])
        )
        assert 'splitter = "group"' in reason


class TestKFold:
    @given(n=st.integers(2, 50), n_splits=st.integers(2, 6), seed=seeds)
    def test_partitions_rows_into_equal_folds(self, n, n_splits, seed):
        n_splits = min(n, n_splits)
        folds = split("kfold", np.linspace(0, 1, n), n_splits=n_splits, seed=seed)
        assert_partition(folds, n)
        sizes = [len(f.valid) for f in folds.folds]
        assert max(sizes) - min(sizes) <= 1
        assert folds.notes == []

    def test_shuffles(self):
        folds = split("kfold", np.linspace(0, 1, 100))
        assert np.ptp(folds.folds[0].valid) > 50  # 20 rows in file order would span 19


class TestStratified:
    @given(case=classes(), seed=seeds)
    def test_each_class_is_within_a_row_of_its_share(self, case, seed):
        y, n_splits = case
        folds = split("stratified", y, n_splits=n_splits, seed=seed)
        assert_partition(folds, len(y))
        for c, n in Counter(y.tolist()).items():
            for fold in folds.folds:
                assert abs((y[fold.valid] == c).sum() - n / n_splits) < 1
        sizes = [len(f.valid) for f in folds.folds]
        assert max(sizes) - min(sizes) <= 1

    def test_classes_smaller_than_the_number_of_folds_are_noted(self):
        y = np.array([0] * 20 + [1] * 4 + [2])
        folds = split("stratified", y, labels=["a", "b", "c"])
        assert_partition(folds, 25)
        (rare_fold,) = [k for k, f in enumerate(folds.folds) if 24 in f.valid]
        assert folds.notes == [
            "class `b` (4 rows) is not validated in 1 of the 5 folds",
            "class `c` (1 row) is not validated in 4 of the 5 folds",
            f"class `c` (1 row) is not in the training part of fold {rare_fold}",
        ]

    def test_works_where_every_class_is_small(self):
        y = np.repeat(np.arange(10), 3)  # scikit-learn's StratifiedKFold refuses this
        folds = split("stratified", y)
        assert_partition(folds, 30)
        assert folds.notes[:5] == [f"class `{c}` (3 rows) is not validated in 2 of the 5 folds" for c in range(5)]
        assert folds.notes[5:] == ["5 more classes are not validated in every fold"]

    def test_labels_without_a_row_are_no_note(self):
        assert split("stratified", np.array([0, 2] * 10), labels=["a", "b", "c"]).notes == []

    def test_numbers_are_stratified_between_quantiles(self):
        y = np.random.default_rng(0).lognormal(sigma=2, size=100)
        folds = split("stratified", y)
        assert_partition(folds, 100)
        edges = np.quantile(y, np.arange(1, 10) / 10)
        for fold in folds.folds:  # 10 bins of 10 rows: 2 of each in each of 5 folds
            assert np.bincount(np.searchsorted(edges, y[fold.valid], side="right")).tolist() == [2] * 10

    @given(st.lists(st.sampled_from([0.0, 0.0, 1.5, 9.0]), min_size=5, max_size=30), seeds)
    def test_numbers_may_repeat(self, y, seed):
        assert_partition(split("stratified", np.array(y), seed=seed), len(y))

    @pytest.mark.parametrize(
        ("name", "problem_type", "hint"),
        [
            ("stratified", "multilabel", "multilabel-stratified"),
            ("stratified", "multi-target", "kfold"),
            ("stratified-group", "multilabel", "group"),
        ],
    )
    def test_several_targets_are_refused(self, name, problem_type, hint):
        with pytest.raises(UsageError, match=r"needs one target, the problem is .* with 3") as e:
            split(name, np.zeros((10, 3)), problem_type=problem_type, groups=texts(range(10)))
        assert e.value.hint == f"run with `--set split.splitter={hint}`"


class TestGroups:
    @pytest.mark.parametrize("name", ["group", "stratified-group"])
    @given(case=grouped(), seed=seeds)
    def test_no_group_is_on_both_sides(self, name, case, seed):
        y, groups, n_splits = case
        folds = split(name, y, groups=groups, n_splits=n_splits, seed=seed)
        assert_partition(folds, len(y))
        for fold in folds.folds:
            assert not {*groups[fold.train]} & {*groups[fold.valid]}
        assert not any("both sides" in note for note in folds.notes)

    def test_folds_are_of_about_equal_size(self):
        groups = texts([0] * 40 + [1] * 30 + [2] * 20 + [3] * 10 + [4] * 20)
        folds = split("group", np.zeros(120), groups=groups, n_splits=3)
        # Large groups first, each to the emptiest fold: 40; 30, 10; 20, 20.
        assert sorted(len(f.valid) for f in folds.folds) == [40, 40, 40]

    def test_classes_are_spread(self):
        rng = np.random.default_rng(1)
        group_of_row = np.repeat(np.arange(200), 10)
        y = (rng.random(2000) < np.repeat(rng.beta(0.3, 2.7, size=200), 10)).astype(
            int
        )  # groups differ: 10 % on average

        def spread(name: str) -> float:
            folds = split(name, y, groups=texts(group_of_row))
            return float(np.std([y[f.valid].mean() for f in folds.folds]))

        assert spread("stratified-group") < 0.005 < spread("group")

    def test_numbers_are_stratified_too(self):
        y = np.repeat(np.arange(50.0), 4)
        folds = split("stratified-group", y, groups=texts(y))
        means = [y[f.valid].mean() for f in folds.folds]
        assert max(means) - min(means) < 2.5

    def test_ignored_groups_are_noted(self):
        folds = split("kfold", np.linspace(0, 1, 20), groups=texts([0] * 10 + list(range(1, 11))))
        assert folds.notes == ["1 of 11 groups have rows on both sides of a fold"]

    def test_too_few_groups(self):
        with pytest.raises(DataError, match="train has 3 groups, 5 folds of whole groups need at least 5") as e:
            split("group", np.zeros(30), groups=texts([1, 2, 3] * 10))
        assert e.value.hint == "run with `--set split.n_splits=3`"

    @pytest.mark.parametrize("missing", [None, np.nan, " "])
    def test_missing_group(self, missing):
        groups = texts(range(10))
        groups[7] = missing
        with pytest.raises(DataError, match=r"the group of train row 7 is missing"):
            split("group", np.zeros(10), groups=groups)

    @pytest.mark.parametrize(
        ("name", "option"),
        [
            ("group", "group"),
            ("stratified-group", "group"),
            ("time-series", "time"),
            ("fold-column", "fold_column"),
        ],
    )
    def test_without_the_column(self, name, option):
        with pytest.raises(UsageError, match=f"splitter `{name}` needs a column, and `split.{option}` is not set") as e:
            split(name, np.arange(10) % 2)
        assert e.value.hint == (
            f'set `{option} = "COLUMN"` under [split] in aicomp.toml, or add `--set split.{option}=COLUMN`'
        )


class TestMultilabel:
    @given(
        rows=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=2, max_size=40),
        n_splits=st.integers(2, 6),
        seed=seeds,
    )
    def test_partitions_rows(self, rows, n_splits, seed):
        n_splits = min(n_splits, len(rows))
        assert_partition(split("multilabel-stratified", np.array(rows, float), n_splits=n_splits, seed=seed), len(rows))

    def test_rare_labels_are_spread_better_than_by_chance(self):
        rng = np.random.default_rng(0)
        y = (rng.random((500, 4)) < [0.5, 0.1, 0.03, 0.02]).astype(float)

        def worst(name: str, seed: int) -> float:
            """Largest difference between a fold's rows with a label and a fifth of the label's rows."""
            folds = split(name, y, seed=seed).folds
            return float(max(np.abs(y[f.valid].sum(axis=0) - y.sum(axis=0) / 5).max() for f in folds))

        assert max(worst("multilabel-stratified", s) for s in range(10)) <= 2
        assert min(worst("kfold", s) for s in range(10)) > 2

    def test_a_label_per_row_is_stratified_exactly(self):
        y = np.eye(3)[np.repeat([0, 1, 2], [50, 10, 5])]
        for fold in split("multilabel-stratified", y).folds:
            assert y[fold.valid].sum(axis=0).tolist() == [10, 2, 1]

    def test_rare_label_is_noted_by_name(self):
        y = np.zeros((20, 2))
        y[:10, 0] = 1
        y[0, 1] = 1
        folds = split("multilabel-stratified", y, labels=["toxic", "threat"])
        (fold,) = [k for k, f in enumerate(folds.folds) if 0 in f.valid]
        assert folds.notes == [
            "label `threat` (1 row) is not validated in 4 of the 5 folds",
            f"label `threat` (1 row) is not in the training part of fold {fold}",
        ]

    def test_single_target_is_refused(self):
        with pytest.raises(UsageError, match="needs several 0/1 targets, the problem is multiclass"):
            split("multilabel-stratified", np.arange(10) % 2)


class TestTimeSeries:
    @given(
        times=st.lists(st.integers(0, 12), min_size=6, max_size=60).filter(lambda t: len({*t}) >= 5),
        n_splits=st.integers(2, 4),
    )
    def test_every_row_lies_after_the_training_rows_of_its_fold(self, times, n_splits):
        time = np.array(times, dtype=np.float64)
        folds = split("time-series", np.zeros(len(time)), time=time, n_splits=n_splits).folds
        assert len(folds) == n_splits
        for fold in folds:
            assert time[fold.train].max() < time[fold.valid].min()  # strictly: no time is on both sides
            assert {*fold.train} == {*np.flatnonzero(time < time[fold.valid].min())}
        valid = np.concatenate([f.valid for f in folds])
        assert {*valid} == {*range(len(time))} - {*folds[0].train}
        assert len({*valid}) == len(valid)

    def test_windows_are_equal_where_times_are_distinct(self):
        time = np.arange(12.0)[::-1]  # the file is in reverse order
        folds = split("time-series", np.zeros(12), time=time, n_splits=2)
        assert [(sorted(time[f.train]), sorted(time[f.valid])) for f in folds.folds] == [
            ([0, 1, 2, 3], [4, 5, 6, 7]),
            ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11]),
        ]
        assert folds.notes == ["4 of 12 rows are in no validation part"]

    def test_too_few_times(self):
        with pytest.raises(DataError, match="train has 4 distinct times, 5 folds in time need at least 6") as e:
            split("time-series", np.zeros(20), time=np.arange(20.0) % 4)
        assert e.value.hint == "run with `--set split.n_splits=3`"

    def test_missing_time(self):
        time = np.arange(10.0)
        time[4] = np.nan
        with pytest.raises(DataError, match="the time of train row 4 is missing"):
            split("time-series", np.zeros(10), time=time)


class TestRollingOrigin:
    @given(
        n_series=st.integers(1, 4),
        n_steps=st.integers(20, 60),
        horizon=st.integers(1, 4),
        gap=st.integers(0, 2),
        n_splits=st.integers(2, 4),
    )
    def test_windows_lie_behind_what_is_trained_on(self, n_series, n_steps, horizon, gap, n_splits):
        steps = np.repeat(np.arange(n_steps), n_series)[::-1].copy()  # not in order
        y = np.zeros(len(steps))
        folds = split("rolling-origin", y, steps=steps, horizon=horizon, gap=gap, n_splits=n_splits).folds
        assert len(folds) == n_splits
        for fold in folds:
            validated = np.unique(steps[fold.valid])
            assert len(validated) == horizon
            assert len(fold.valid) == horizon * n_series
            assert steps[fold.train].max() == validated.min() - gap - 1
            assert len(fold.train) == (validated.min() - gap) * n_series
        starts = [steps[fold.valid].min() for fold in folds]
        assert np.diff(starts).tolist() == [horizon] * (n_splits - 1)
        assert steps[folds[-1].valid].max() == n_steps - 1

    def test_uneven_series_and_holes_are_cut_by_step_and_not_by_row(self):
        steps = np.array([0, 1, 2, 3, 5, 6, 7, 4, 6])
        folds = split("rolling-origin", np.zeros(9), steps=steps, horizon=2, n_splits=2).folds
        assert [steps[f.valid].tolist() for f in folds] == [[5, 4], [6, 7, 6]]
        assert [steps[f.train].tolist() for f in folds] == [[0, 1, 2, 3], [0, 1, 2, 3, 5, 4]]

    def test_too_few_steps_are_refused_with_the_number_that_fits(self):
        y, steps = np.zeros(20), np.arange(20)
        with pytest.raises(DataError, match="20 steps, too few for 6 windows of 4 after a gap of 1") as raised:
            split("rolling-origin", y, steps=steps, horizon=4, gap=1, n_splits=6)
        assert raised.value.hint == "run with `--set split.n_splits=4`"
        for n_splits in (4, 5):  # of the usual five, as many as fit
            assert len(split("rolling-origin", y, steps=steps, horizon=4, gap=1, n_splits=n_splits).folds) == 4
        with pytest.raises(DataError, match="too few") as raised:
            split("rolling-origin", np.zeros(6), steps=np.arange(6), horizon=3, n_splits=2)
        assert raised.value.hint == "take the splitter `time-series`"

    def test_without_steps_it_is_refused(self):
        with pytest.raises(UsageError, match="needs steps of time, and nothing is forecast"):
            split("rolling-origin", np.zeros(20))

    def test_it_is_chosen_for_series(self):
        name, reason = choose_splitter(
            problem_type="regression", has_groups=True, has_time=True, has_fold_column=False, y=np.zeros(2),
            forecasts=True,
        )  # fmt: skip
        assert name == "rolling-origin"
        assert "as many steps as test has" in reason


class TestRepeated:
    @pytest.mark.parametrize(
        "y", [np.arange(30) % 3, np.linspace(0, 1, 30), (np.arange(60).reshape(30, 2) % 3 == 0) * 1.0]
    )
    def test_each_repeat_is_a_partition_of_its_own(self, y):
        folds = split("repeated", y, n_repeats=3).folds
        assert len(folds) == 15
        repeats = [Folds(folds[i : i + 5], []) for i in (0, 5, 10)]
        for repeat in repeats:
            assert_partition(repeat, 30)
        assert not same(repeats[0], repeats[1])
        assert not same(repeats[1], repeats[2])

    def test_is_stratified(self):
        y = np.repeat([0, 1], [50, 10])
        assert all(y[f.valid].sum() == 2 for f in split("repeated", y, n_repeats=2).folds)

    def test_keeps_groups_together(self):
        folds = split("repeated", np.arange(40) % 2, groups=texts(np.arange(40) // 4), n_repeats=2)
        assert folds.notes == []
        assert len(folds.folds) == 10

    def test_one_repeat_is_refused(self):
        with pytest.raises(UsageError, match="repeats nothing") as e:
            split("repeated", np.arange(30) % 2)
        assert e.value.hint == "add `--set split.n_repeats=3`"


class TestFoldColumn:
    def test_folds_are_those_of_the_column_in_numeric_order(self):
        column = texts(["10", "9", " 9", "2", "10"])
        folds = split("fold-column", np.zeros(5), fold_column=column)
        assert [f.valid.tolist() for f in folds.folds] == [[3], [1, 2], [0, 4]]
        assert_partition(folds, 5)

    def test_names_are_sorted(self):
        folds = split("fold-column", np.zeros(3), fold_column=texts(["north", "east", "north"]), n_splits=5)
        assert [f.valid.tolist() for f in folds.folds] == [[1], [0, 2]]

    def test_minus_one_is_only_trained_on(self):
        folds = split("fold-column", np.zeros(5), fold_column=texts([-1, 0, 0, -1, -1]))
        assert [(f.train.tolist(), f.valid.tolist()) for f in folds.folds] == [([0, 3, 4], [1, 2])]
        assert folds.notes == ["3 of 5 rows are in no validation part"]

    def test_one_value(self):
        with pytest.raises(DataError, match="the fold column is `3` in every row"):
            split("fold-column", np.zeros(5), fold_column=texts([3] * 5))

    def test_missing_value(self):
        with pytest.raises(DataError, match="the fold column is empty in train row 1"):
            split("fold-column", np.zeros(5), fold_column=np.array(["0", np.nan, "1", "0", "1"], dtype=object))

    def test_other_number_of_folds_is_refused(self):
        with pytest.raises(UsageError, match=r"`split\.n_splits` is 4, but the fold column names 2 folds"):
            split("fold-column", np.zeros(6), fold_column=texts([0, 1] * 3), n_splits=4)

    def test_is_refused_where_another_splitter_ignores_it(self):
        with pytest.raises(UsageError, match=r"`split\.fold_column` is set, but splitter `kfold` does not use it"):
            split("kfold", np.zeros(6), fold_column=texts([0, 1] * 3))


class TestOptions:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("kfold", {}),
            ("stratified", {}),
            ("group", {"groups": texts(np.arange(60) // 3)}),
            ("stratified-group", {"groups": texts(np.arange(60) // 3)}),
            ("repeated", {"n_repeats": 2}),
        ],
    )
    def test_the_seed_decides(self, name, options):
        y = np.arange(60) % 2
        first = split(name, y, seed=1, **options)
        assert same(first, split(name, y, seed=1, **options))
        assert not same(first, split(name, y, seed=2, **options))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n_splits": 1}, "`split.n_splits` is 1, it must be at least 2"),
            ({"n_repeats": 0}, "`split.n_repeats` is 0, it must be at least 1"),
            ({"seed": -1}, "`seed` is -1, it must be at least 0"),
            ({"n_repeats": 3}, "`split.n_repeats` is 3, but splitter `kfold` does not repeat"),
        ],
    )
    def test_options_that_do_not_fit(self, options, message):
        with pytest.raises(UsageError, match=message) as e:
            split("kfold", np.zeros(10), **options)
        assert "--set" in e.value.hint

    def test_fewer_rows_than_folds(self):
        with pytest.raises(DataError, match="train has 3 rows, 5 folds need at least 5") as e:
            split("stratified", np.array([0, 1, 1]))
        assert e.value.hint == "run with `--set split.n_splits=3`"

    def test_as_many_rows_as_folds(self):
        assert_partition(split("kfold", np.zeros(5)), 5)

    def test_unknown_name(self):
        with pytest.raises(UsageError, match="unknown splitter `kfolds`") as e:
            split("kfolds", np.zeros(10))
        assert "did you mean `kfold`?" in e.value.hint


def own_splitter(folder: Path, body: str, signature: str = "y, n_splits, seed") -> str:
    (folder / "split.py").write_text(f"import numpy as np\n\ndef halves({signature}):\n    {body}\n")
    return "split:halves"


class TestOwnSplitter:
    def test_takes_the_arguments_it_names(self, tmp_path):
        body = "n = len(y); yield range(n // 2), np.arange(n // 2, n, dtype='int32')"
        folds = split(own_splitter(tmp_path, body), np.linspace(0, 1, 10), folder=tmp_path)
        assert [(f.train.tolist(), f.valid.tolist()) for f in folds.folds] == [([0, 1, 2, 3, 4], [5, 6, 7, 8, 9])]
        assert folds.folds[0].valid.dtype == np.int64
        assert folds.notes == ["5 of 10 rows are in no validation part"]

    def test_may_take_all_arguments(self, tmp_path):
        body = "names = sorted(options); assert len(names) == 12, names; return [([0], [1])]"
        name = own_splitter(tmp_path, body, "**options")
        fold_column, groups = texts([0, 1]), texts(["a", "b"])
        folds = split(
            name,
            np.array([0, 1]),
            groups=groups,
            time=np.zeros(2),
            fold_column=fold_column,
            n_splits=2,
            n_repeats=7,
            folder=tmp_path,
        )
        assert len(folds.folds) == 1

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("return [([0], [1], [2])]", r"fold 0 is a tuple, not a pair"),
            ("return []", r"yields no fold"),
            ("return [([0], [1]), ([], [1])]", r"fold 1, training part: no rows"),
            ("return [([0], [10])]", r"fold 0, validation part: no row 10"),
            ("return [([-1], [1])]", r"fold 0, training part: no row -1"),
            ("return [([0, 3], [2, 3])]", r"fold 0: row 3 is in both parts"),
            ("return [([0, 0], [1])]", r"training part: row 0 more than once"),
            ("return [([0.0], [1])]", r"training part: float64 of shape \(1,\), not row numbers"),
            ("return [(np.arange(10) < 5, [9])]", r"training part: bool of shape \(10,\), not row numbers"),
            ("raise ValueError('odd')", r"splitter `split:halves` failed with ValueError: odd"),
            ("return None", r"failed with TypeError"),
        ],
    )
    def test_wrong_results_are_errors_with_the_place(self, tmp_path, body, message):
        with pytest.raises(UsageError, match=message):
            split(own_splitter(tmp_path, body), np.zeros(10), folder=tmp_path)

    def test_mask_gets_a_hint(self, tmp_path):
        with pytest.raises(UsageError) as e:
            split(own_splitter(tmp_path, "return [(y == 0, y == 1)]"), np.arange(10) % 2, folder=tmp_path)
        assert e.value.hint == "turn a mask into rows by `np.flatnonzero(mask)`"

    def test_unknown_argument(self, tmp_path):
        with pytest.raises(UsageError, match="wants an argument `X`, which aicomp does not have") as e:
            split(own_splitter(tmp_path, "return []", "X, y"), np.zeros(10), folder=tmp_path)
        assert "groups" in e.value.hint

    def test_no_function(self, tmp_path):
        (tmp_path / "split.py").write_text("halves = 3\n")
        with pytest.raises(UsageError, match="splitter `split:halves` is no function but int"):
            split("split:halves", np.zeros(10), folder=tmp_path)


class TestHoldout:
    @pytest.mark.parametrize(("share", "n_valid"), [("auto", 10), (0.2, 20), (0.5, 50)])
    def test_one_fold_validates_a_share(self, share: object, n_valid: int) -> None:
        strings = np.array([f"text {i}" for i in range(100)], dtype=object)
        (fold,) = split("holdout", strings, problem_type="string", holdout=share).folds
        assert len(fold.valid) == n_valid
        assert sorted([*fold.train, *fold.valid]) == list(range(100))

    def test_a_tenth_is_at_most_five_thousand_rows(self) -> None:
        (fold,) = split("holdout", np.zeros(100_000), problem_type="regression").folds
        assert len(fold.valid) == 5000

    def test_it_has_its_share_of_each_class(self) -> None:
        y = np.repeat([0, 1], [80, 20])
        (fold,) = split("holdout", y).folds
        assert y[fold.valid].sum() == 2

    def test_groups_stay_on_one_side(self) -> None:
        groups = np.array([f"g{i // 5}" for i in range(100)], dtype=object)
        (fold,) = split("holdout", np.zeros(100), groups=groups).folds
        assert len(fold.valid) == 10
        assert not set(groups[fold.valid]) & set(groups[fold.train])

    def test_the_latest_rows_are_held_out(self) -> None:
        time = np.random.default_rng(0).permutation(100).astype(float)
        (fold,) = split("holdout", np.zeros(100), time=time).folds
        assert time[fold.valid].min() > time[fold.train].max()
        assert len(fold.valid) == 10

    def test_other_splitters_refuse_the_share(self) -> None:
        with pytest.raises(UsageError, match="splitter `kfold` does not use it"):
            split("kfold", np.zeros(100), holdout=0.1)
