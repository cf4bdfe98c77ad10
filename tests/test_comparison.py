"""Two runs beside each other, by hand."""

import numpy as np
import pandas as pd
import pytest
from ensemble_cases import make_task
from submission_cases import competition

from aicomp.comparison.folds import corrected_t_test, valid_share
from aicomp.comparison.losses import row_losses
from aicomp.comparison.segments import by_levels, by_ranges, compare_segments, groupings_of, holm


def test_a_difference_that_never_varies_is_sure() -> None:
    assert corrected_t_test([0.1, 0.1], 0.5).p_value == 0
    assert corrected_t_test([0.0, 0.0], 0.5).p_value == 1


def test_the_corrected_test_finds_less_than_a_plain_one() -> None:
    """With five folds, 1 / 5 + 1 / 4 takes the place of 1 / 5: the error is half as large again."""
    differences = [0.01, 0.02, 0.0, 0.015, 0.005]
    plain = np.std(differences, ddof=1) / 5**0.5
    assert corrected_t_test(differences, 1 / 4).standard_error == pytest.approx(1.5 * plain)


def test_under_no_difference_few_are_found() -> None:
    """Differences of folds that share training rows vary together: a common part hides from the spread of the folds."""
    random = np.random.default_rng(0)
    found = {"plain": 0, "corrected": 0}
    for _ in range(400):
        differences = random.normal(size=5) + 0.5 * random.normal()  # correlation 0.2, as n_valid / n_rows
        for name, ratio in (("plain", 0.0), ("corrected", 0.25)):
            found[name] += corrected_t_test(list(differences), ratio).p_value < 0.05
    assert found["plain"] > 40  # twice the 20 that are promised
    assert found["corrected"] < 30


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("id,fold\n1,0\n2,1\n3,1\n4,2\n", (1 / 3 + 1 + 1 / 3) / 3),
        ('id,fold\n"a,b",0\n2,0\n3,-1\n4,-1\n', 1.0),
        ("id,fold\n1,0 2\n2,1 3\n", 1.0),
        ("id,fold\n1,0\n", None),
        ("id,fold\n", None),
    ],
)
def test_how_much_a_fold_validates(tmp_path, text: str, share: float | None) -> None:
    path = tmp_path / "folds.csv"
    path.write_text(text)
    assert valid_share(path) == pytest.approx(share)


@pytest.mark.parametrize(
    ("metric", "name", "expected"),
    [
        ("rmse", "squared error", [1.0, 4.0]),
        ("mae", "absolute error", [1.0, 2.0]),
        ("mape", "relative error", [1.0, 2 / 3]),
        ("rmsle", "squared error of log(1 + value)", [np.log(3 / 2) ** 2, np.log(2 / 4) ** 2]),
    ],
)
def test_what_a_row_costs(metric: str, name: str, expected: list[float]) -> None:
    y, predicted = np.array([1.0, 3.0]), np.array([2.0, 1.0])
    called, losses = row_losses(make_task("regression", metric), y, predicted, predicted)
    assert called == name
    assert losses == pytest.approx(expected)


def test_labels_cost_one_each_and_probabilities_their_logarithm() -> None:
    y, p = np.array([0, 2]), np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    assert row_losses(make_task("multiclass", "accuracy", 3), y, p, p.argmax(axis=1))[1].tolist() == [0, 1]
    assert row_losses(make_task("multiclass", "log_loss", 3), y, p, p)[1] == pytest.approx(np.log([2, 4]))


def test_a_segment_that_differs_is_found_and_luck_is_not() -> None:
    random = np.random.default_rng(0)
    n = 2000
    groupings = [by_ranges(f"noise {k}", random.normal(size=n)) for k in range(30)]
    color = pd.Series(random.choice(["red", "blue"], n), dtype=object)
    loss_a = random.gamma(2.0, size=n)
    loss_b = loss_a + random.normal(size=n) + np.where(color == "red", 0.3, -0.3)
    found = compare_segments([*groupings, by_levels("color", color)], loss_a, loss_b)
    sure = {(s.column, s.level): s.gain for s in found if s.p_value < 0.05}
    assert set(sure) == {("color", "red"), ("color", "blue")}
    assert sure[("color", "red")] < 0 < sure[("color", "blue")]
    assert len(found) == 30 * 4 + 2


def test_few_wrong_labels_tell_little() -> None:
    """Five rows of 100 that b alone gets right: by McNemar 2 * 0.5 ** 5 = 0.0625, whatever the other rows."""
    loss_a, loss_b = np.zeros(100), np.zeros(100)
    loss_a[:5] = 1
    [segment] = compare_segments([by_levels("all", pd.Series(["x"] * 100))], loss_a, loss_b)
    assert segment.p_value == pytest.approx(0.0625)
    assert segment.gain == pytest.approx(0.05)


def test_small_segments_are_not_looked_at() -> None:
    values = pd.Series(["a"] * 19 + ["b"] * 20)
    assert [s.level for s in compare_segments([by_levels("c", values)], np.zeros(39), np.zeros(39))] == ["b"]


def test_holm_of_nothing() -> None:
    assert holm([]) == []


def test_every_row_is_in_one_segment_of_each_column() -> None:
    train = pd.DataFrame(
        {
            "many": [f"level {i % 14}" for i in range(60)],
            "number": [None, *range(59)],
            "constant": [1.0] * 60,
            "when": ["2026-01-01", "2026-02-01", "2026-03-01"] * 20,
            "words": ["a b c", None, "d"] * 20,
            "file": ["x.png"] * 60,
        }
    )
    kinds = {"many": "category", "number": "number", "constant": "number", "when": "datetime", "words": "text"}
    y, fold = np.array([0, 1] * 30), np.array([0, 1, 2] * 20)
    found = {g.column: g for g in groupings_of(train, {**kinds, "file": "image"}, competition(), y, fold)}
    assert set(found) == {"target bought", "fold", "many", "number", "when", "length of words"}
    for grouping in found.values():
        assert len(grouping.codes) == 60
        assert 0 <= grouping.codes.min() <= grouping.codes.max() < len(grouping.levels)
    assert found["many"].levels[-1] == "4 rarer ones"
    assert found["number"].levels[-1] == "missing"
    assert found["target bought"].levels == ("No", "Yes")
    assert found["when"].levels[0].startswith("2026-01-01")
