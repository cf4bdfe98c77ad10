"""What `aicomp.eda` computes, on made data whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from aicomp.data.columns import Column
from aicomp.eda.association import associate
from aicomp.eda.columns import Values, lengths
from aicomp.eda.dependence import correlation_ratio, cramers_v, depend
from aicomp.eda.drift import drift, tv_bound
from aicomp.eda.duplicates import find_duplicates
from aicomp.eda.missing import find_missing
from aicomp.eda.relation import MISSING, relate
from aicomp.eda.series import decompose
from aicomp.eda.target import Target
from aicomp.eda.texts import read_texts

N = 2000
RANDOM = np.random.default_rng(0)


def numbers(name, train, test=()):
    return Values(Column(name, "number", ""), np.asarray(train, dtype=np.float64), np.asarray(test, dtype=np.float64))


def levels(name, train, test=(), kind="category"):
    names = sorted({*train, *test} - {None})
    place = {level: i for i, level in enumerate(names)} | {None: -1}
    codes = [np.array([place[v] for v in part], dtype=np.int64) for part in (train, test)]
    return Values(Column(name, kind, ""), codes[0], codes[1], tuple(names))


def classes(y):
    y = np.asarray(y, dtype=np.int64)
    counts = {"no": int((y == 0).sum()), "yes": int((y == 1).sum())}
    return Target("classes", ("yes",), y[:, None].astype(float), "share of `y` = `yes`", y, counts)


def values(y):
    y = np.asarray(y, dtype=np.float64)
    return Target("values", ("y",), y[:, None], "mean of `y`", y)


def test_a_column_that_is_the_target_tells_all_and_noise_nothing():
    y = np.arange(N) % 2
    same = associate(levels("same", [str(v) for v in y]), classes(y))
    noise = associate(numbers("noise", RANDOM.normal(size=N)), classes(y))
    many = associate(levels("many", [str(v) for v in RANDOM.integers(0, 500, N)]), classes(y))
    assert same.share > 0.97
    assert same.is_sure
    assert not noise.is_sure
    assert not many.is_sure  # plain mutual information of 500 levels would be 0.18 here
    assert abs(noise.share) < 0.05


def test_numbers_levels_and_texts_that_say_the_same_tell_as_much():
    y = (RANDOM.random(N) < 0.5).astype(int)
    said = np.where(RANDOM.random(N) < 0.9, y, 1 - y)  # right in nine of ten rows: 1 - H(0.1) / H(0.5) = 0.531
    told = [
        associate(levels("level", [str(v) for v in said]), classes(y)),
        associate(numbers("number", said + 0.1 * RANDOM.random(N)), classes(y)),
        associate(levels("text", [f"it is {'good' if v else 'bad'} {i}" for i, v in enumerate(said)], kind="text"),
                  classes(y)),
    ]  # fmt: skip
    for score in told:
        assert score.share == pytest.approx(0.531, abs=0.06)


def test_of_values_it_is_the_variance_of_ranks():
    group = RANDOM.integers(0, 2, N)
    y = np.exp(group + 1e-3 * RANDOM.normal(size=N))  # ranks: two halves, 3/4 of their variance lies between them
    assert associate(levels("g", [str(v) for v in group]), values(y)).share == pytest.approx(0.75, abs=0.02)
    assert associate(levels("files", ["a"] * N, kind="image"), values(y)) is None


def test_bins_hold_the_mean_and_missing_values_are_a_group_of_their_own():
    x = np.repeat([1.0, 2.0, np.nan], [50, 30, 20])
    y = np.repeat([0, 1, 1], [50, 30, 20])
    relation = relate(numbers("x", x), classes(y))
    assert [(g.low, g.n, g.mean[0]) for g in relation.groups[:2]] == [(1.0, 50, 0.0), (2.0, 30, 1.0)]
    assert relation.missing.label == MISSING
    assert relation.missing.n == 20
    assert relation.overall[0] == 0.5
    below, above = relation.groups[0].margin[:, 0]
    assert below == 0
    assert above == pytest.approx(0.0714, abs=1e-3)  # Wilson: z² / (n + z²)


def test_rare_levels_become_others():
    names = [f"l{min(i // 3, 25)}" for i in range(N)]
    relation = relate(levels("c", names), values(np.arange(N)))
    assert len(relation.groups) == 11
    assert relation.groups[0].label == "l25"
    assert relation.groups[-1].label == "others (16)"
    assert sum(g.n for g in relation.groups) == N


def test_chance_is_rarely_exceeded_and_a_move_is():
    beyond = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        drawn = [list(random.choice(list("abcdefgh"), n)) for n in (300, 200)]
        found = [
            drift(numbers("x", random.normal(size=300), random.normal(size=200)), 1),
            drift(levels("c", *drawn), 1),
        ]
        beyond += sum(d.is_beyond for d in found)
    assert beyond <= 4  # 1.2 are expected at most
    moved = drift(numbers("x", RANDOM.normal(size=300), RANDOM.normal(1, size=200)), 1)
    assert moved.is_beyond
    assert moved.measure == "KS"
    assert drift(numbers("x", [1.0, 2], []), 1) is None


def test_levels_that_are_new_in_test_are_a_distance():
    found = drift(levels("c", ["a"] * 300, ["b"] * 300), 1)
    assert (found.measure, found.distance) == ("TV", 1.0)
    assert tv_bound(np.array([300, 300]), np.array([300, 300]), 0.01) < 0.15


def test_more_missing_in_test_is_told_apart_from_another_distribution():
    train, test = np.where(np.arange(1000) % 10 == 0, np.nan, 1.0), np.where(np.arange(1000) % 2 == 0, np.nan, 1.0)
    found = drift(numbers("x", train, test), 1)
    assert not found.is_beyond
    assert found.is_missing_beyond
    assert found.missing == pytest.approx(0.4)


def test_columns_missing_together_are_a_group():
    hole = np.arange(100) % 5 == 0
    other = np.arange(100) % 7 == 0
    table = pd.DataFrame({n: np.where(m, np.nan, 1.0) for n, m in (("a", hole), ("b", other), ("c", hole))})
    table["full"] = 1.0
    found = find_missing(table, table.drop(columns="b"))
    assert found.together == (("a", "c"),)
    assert found.columns == ["a", "c", "b"]
    assert found.complete == pytest.approx(1 - (hole | other).mean())
    assert "b" not in found.test


def test_rows_that_are_there_twice_whatever_their_types():
    train = pd.DataFrame({"x": [1, 1, 2, 3], "c": ["a", "a", None, "b"]})
    test = pd.DataFrame({"x": [2.0, 9.0, 9.0], "c": [None, "z", "z"]})
    found = find_duplicates(train, test, np.array([0, 1, 0, 0]))
    assert (found.train, found.test, found.across, found.differing) == (1, 1, 1, 2)


def test_strengths_are_free_of_what_chance_brings():
    codes, noise = RANDOM.integers(0, 100, N), RANDOM.normal(size=N)
    assert correlation_ratio(codes, noise) < 0.15  # without the correction 0.22
    assert cramers_v(codes, RANDOM.integers(0, 100, N)) < 0.1
    assert correlation_ratio(codes % 2, (codes % 2) * 5.0) == 1.0


def test_pairs_above_the_limit_are_found_among_many_columns():
    x = RANDOM.normal(size=500)
    columns = [numbers(f"x{j}", RANDOM.normal(size=500)) for j in range(60)]
    twin = np.where(np.arange(500) % 9 == 0, np.nan, x**3)
    columns += [numbers("x", x), numbers("twin", twin), levels("c", ["a", "b"] * 250)]
    found = depend(columns, ["c"])
    assert [pair[:2] for pair in found.pairs] == [("x", "twin")]
    assert found.pairs[0][2] == pytest.approx(1.0)
    assert len(found.names) == 40
    assert "c" in found.names
    assert depend(columns[:1], []) is None


def test_a_season_is_found_and_noise_has_little():
    t = np.arange(120)
    profile, strength = decompose(0.5 * t + 10 * np.sin(2 * np.pi * t / 12), 12)
    assert strength > 0.99
    assert profile[3] == pytest.approx(10, abs=0.3)
    assert decompose(RANDOM.normal(size=120), 12)[1] < 0.3
    assert decompose(t[:20].astype(float), 12) is None


def test_words_that_set_classes_apart():
    texts = [
        f"the {'free prize' if i % 2 else 'good dinner'} {w}" for i, w in enumerate(RANDOM.choice(["x1", "y2"], 400))
    ]
    found = read_texts("t", texts, texts[:5], classes(np.arange(400) % 2))
    assert found.by_words
    assert found.frequent.terms[0].text == "the"
    apart = {group.name: {term.text for term in group.terms} for group in found.groups}
    assert apart == {"no": {"good", "dinner"}, "yes": {"free", "prize"}}
    assert list(found.words[0][:2]) == [4, 4]
    assert found.repeated == pytest.approx(1 - 4 / 400)


def test_texts_without_blanks_have_runs_of_characters_and_none_is_no_error():
    found = read_texts("t", ["酒店很好服务好", "酒店很差服务差"] * 30, [], classes(np.arange(60) % 2))
    assert not found.by_words
    assert {"酒店", "服务"} <= {term.text for term in found.frequent.terms}
    empty = read_texts("t", ["", "!"], [""], classes([0, 1]))
    assert empty.frequent.terms == ()
    assert empty.repeated == 0


def test_lengths_of_texts_are_numbers():
    found = lengths(levels("t", ["abc", None, "a"], kind="text"))
    assert found.is_number
    np.testing.assert_array_equal(found.train, [3, np.nan, 1])
