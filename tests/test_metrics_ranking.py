"""Scores of ranked lists: by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from aicomp.errors import UsageError
from aicomp.metrics import METRICS, get_metric
from aicomp.metrics.ranking import mean_average_precision, merge_lists, normalized_gain, recall_of_lists

ITEMS = [f"i{j}" for j in range(30)]


def strings(*rows):
    return np.array(rows, dtype=object)


@pytest.mark.parametrize(
    ("truth", "listed", "k", "ap", "ndcg", "recall"),
    [
        ("a", "a b c", 3, 1.0, 1.0, 1.0),
        ("c", "a b c", 3, 1 / 3, 0.5, 1.0),
        ("c", "a b c", 2, 0.0, 0.0, 0.0),
        ("a b c d", "a x b", 2, 0.5, 1 / (1 + 1 / np.log2(3)), 0.5),  # two of four can be named: divided by 2
        ("a", "b b a", 3, 1 / 3, 0.5, 1.0),  # the second b takes a place
        ("a", "b b a", 2, 0.0, 0.0, 0.0),
        ("a b", "", 5, 0.0, 0.0, 0.0),
    ],
)
def test_by_hand(truth, listed, k, ap, ndcg, recall):
    rows = strings(truth), strings(listed)
    assert mean_average_precision(*rows, k=k) == pytest.approx(ap)
    assert normalized_gain(*rows, k=k) == pytest.approx(ndcg)
    assert recall_of_lists(*rows, k=k) == pytest.approx(recall)


def test_of_whole_lists_scikit_learn_says_the_same():
    random = np.random.default_rng(0)
    for _ in range(20):
        scores, is_true = random.normal(size=30), random.random(30) < 0.2
        is_true[0] = True
        truth = strings(" ".join(item for item, yes in zip(ITEMS, is_true, strict=True) if yes))
        listed = strings(" ".join(ITEMS[j] for j in np.argsort(-scores)))
        assert mean_average_precision(truth, listed, k=30) == pytest.approx(average_precision_score(is_true, scores))
        for k in (5, 30):
            assert normalized_gain(truth, listed, k=k) == pytest.approx(ndcg_score([is_true], [scores], k=k))


def kaggle_ap(actual: list[str], predicted: list[str], k: int) -> float:
    """`apk` as Kaggle published it: a place that names an item again is lost, and moves nothing up."""
    score, hits = 0.0, 0
    for i, item in enumerate(predicted[:k]):
        if item in actual and item not in predicted[:i]:
            hits += 1
            score += hits / (i + 1)
    return score / min(len(actual), k)


def test_an_item_that_is_named_again_loses_its_place():
    truth, listed = np.array(["b"], object), np.array(["a a b"], object)
    assert mean_average_precision(truth, listed, 3) == pytest.approx(1 / 3)
    assert mean_average_precision(truth, listed, 2) == 0.0
    assert mean_average_precision(np.array(["a b"], object), np.array(["a a b"], object), 3) == pytest.approx(5 / 6)
    rng = np.random.default_rng(0)
    for _ in range(50):
        actual = [str(i) for i in rng.permutation(6)[: rng.integers(1, 5)]]
        predicted = [str(i) for i in rng.integers(0, 6, size=rng.integers(1, 9))]
        score = mean_average_precision(np.array([" ".join(actual)], object), np.array([" ".join(predicted)], object), 5)
        assert score == pytest.approx(kaggle_ap(actual, predicted, 5))


def test_rows_without_a_true_item_are_left_out():
    assert recall_of_lists(strings("a", "", " "), strings("a", "b", ""), k=1) == 1.0
    with pytest.raises(ValueError, match="no row of `y_true` has an item"):
        recall_of_lists(strings("", ""), strings("a", "b"))


def test_the_length_stands_in_the_name():
    truth, listed = strings("b"), strings("a b")
    assert get_metric("map@1")(truth, listed) == 0.0
    assert get_metric("MAP@2")(truth, listed) == 0.5
    assert get_metric("recall@2").name == "recall@2"
    assert get_metric("recall").problem_types == {"binary"}
    for wrong in ("map@0", "map@-1", "ndcg@0.5", "recall@x", "map@"):
        with pytest.raises(UsageError, match="no whole number from 1"):
            get_metric(wrong)


def test_lists_of_several_models_become_one():
    assert merge_lists(["a b c", "a c b", "d a b"], [1, 1, 1]) == "a b c"
    assert merge_lists(["a b", "c d"], [1.0, 3.0]) == "c d"
    assert merge_lists(["a a b"], [1.0]) == "a b"
    assert merge_lists(["", "a"], [1.0, 1.0]) == "a"
    assert METRICS["map@10"].combine is merge_lists
