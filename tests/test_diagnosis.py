"""Diagnosis of out-of-fold predictions: numbers made by hand, planted weaknesses found, noise left alone."""

import json
from dataclasses import replace

import msgspec
import numpy as np
import pandas as pd
import pytest
from diagnosis_cases import validated

from aicomp.competition import BoxColumns
from aicomp.diagnosis.by_fold import FoldScore, spread
from aicomp.diagnosis.calibration import calibrations, of_probabilities, of_values
from aicomp.diagnosis.confusion import find_confusion
from aicomp.diagnosis.detection import find_detection
from aicomp.diagnosis.levels import all_levels, category_levels
from aicomp.diagnosis.noise import blocks_of, jackknife
from aicomp.diagnosis.residuals import find_residuals
from aicomp.diagnosis.segments import find_segments
from aicomp.diagnosis.worst import worst_rows
from aicomp.errors import DataError


def labels_with(random, n, probability=None):
    """Probabilities and labels drawn by them."""
    probability = random.uniform(0.02, 0.98, n) if probability is None else probability
    return (random.uniform(size=n) < probability).astype(np.int64), probability


def noise_table(random, n):
    return pd.DataFrame({"a": random.normal(size=n), "b": random.choice(list("xyz"), n), "c": random.integers(0, 5, n)})


def test_rows_of_a_cluster_are_in_one_block():
    clusters = np.repeat(np.arange(60), 7)
    blocks = blocks_of(len(clusters), clusters)
    assert all(len(set(blocks[clusters == c])) == 1 for c in range(60))
    assert set(blocks) == set(range(20))


def test_a_score_of_rows_that_all_belong_together_has_no_interval():
    with pytest.raises(DataError, match="belong together"):
        jackknife(lambda rows: 0.0, np.arange(5), np.zeros(5, dtype=np.int64))


def test_drawn_probabilities_are_calibrated_and_others_are_not():
    random = np.random.default_rng(1)
    off = 0
    for _ in range(20):
        y, p = labels_with(random, 600)
        off += of_probabilities(y == 1, p, "it").is_off
    assert off <= 4  # a twentieth of them by chance
    y, p = labels_with(random, 2000)
    found = of_probabilities(y == 1, p**2, "it")
    assert found.is_off
    assert found.lean < -0.1  # what is squared is too small
    assert sum(b.n for b in found.bins) == found.n == 2000
    assert all(b.low <= b.observed <= b.high for b in found.bins)


def test_calibration_of_values_is_that_of_means():
    random = np.random.default_rng(2)
    truth = random.normal(size=1000)
    assert not of_values(truth + random.normal(size=1000), truth, "v").is_off
    assert of_values(truth + 0.5, truth, "v").is_off


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
def test_equal_predictions_are_one_bin(constant):
    found = of_probabilities(np.arange(50) % 2 == 0, np.full(50, constant), "it")
    assert len(found.bins) == 1
    json.dumps(found.to_dict(), allow_nan=False)


def test_each_output_has_its_calibration():
    random = np.random.default_rng(3)
    p = random.dirichlet(np.ones(3), 300)
    y = np.array([random.choice(3, p=row) for row in p])
    several = validated(y, p, "log_loss", "multiclass", ("a", "b", "c"))
    assert [c.of for c in calibrations(several)][:2] == ["probability of the likeliest class", "probability of “a”"]
    both = random.uniform(size=(300, 2))
    labels = (random.uniform(size=(300, 2)) < both).astype(np.int64)
    made = validated(labels, both, "f1_macro", "multilabel", target=("big", "wide"))
    assert [c.of for c in calibrations(made)] == ["probability of any label", "“big”", "“wide”"]
    assert calibrations(validated(y[:5], p[:5], "log_loss", "multiclass", ("a", "b", "c"))) == []  # too few rows


def test_segments_of_noise_are_not_believed():
    believed = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        y, p = labels_with(random, 800)
        found = find_segments(validated(y, p, "roc_auc", table=noise_table(random, 800)))
        assert len(found.ranked) == 13
        believed += bool(found.believed)
    assert believed <= 2


def test_a_weak_segment_is_found_first():
    random = np.random.default_rng(0)
    table = noise_table(random, 1500)
    y, p = labels_with(random, 1500)
    weak = (table["b"] == "y").to_numpy()
    p = np.where(weak, 0.5, p)
    p[weak] += random.normal(0, 0.01, weak.sum())
    found = find_segments(validated(y, p, "log_loss", table=table))
    first = found.ranked[0]
    assert (first.column, first.level, first.is_worse, first.is_believed) == ("b", "y", True, True)
    assert first.n == weak.sum()
    assert first.low < first.score < first.high
    assert first.score > first.expected  # lower is better
    assert {s.column for s in found.believed} == {"b"}
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_level_is_compared_with_the_levels_of_its_column():
    """Where a column alone tells the classes apart, the area under the ROC is lower inside each of its levels."""
    random = np.random.default_rng(0)
    group = random.integers(0, 2, 3000)
    p = np.where(group == 1, 0.9, 0.1) + random.uniform(-0.05, 0.05, 3000)
    y, p = labels_with(random, 3000, p)
    found = find_segments(validated(y, p, "roc_auc", table=pd.DataFrame({"group": group})))
    assert found.overall.score > 0.85
    assert all(s.score < 0.65 for s in found.ranked)
    assert not found.believed


def test_rows_that_belong_together_are_not_counted_as_many():
    random = np.random.default_rng(4)
    clusters = np.repeat(np.arange(40), 50)
    y = random.normal(size=2000)
    error = random.normal(size=40)[clusters]  # of a cluster all rows are wrong alike
    table = pd.DataFrame({"half": np.where(clusters < 20, "a", "b")})
    alone = find_segments(validated(y, y + error, "mae", "regression", table=table))
    together = find_segments(validated(y, y + error, "mae", "regression", table=table, clusters=clusters))
    assert together.overall.error > 3 * alone.overall.error
    assert alone.believed
    assert not together.believed


def test_no_interval_goes_beyond_a_perfect_score():
    y = np.arange(200) % 2
    p = np.where(y == 1, 0.9, 0.1)
    p[:4] = 1 - p[:4]
    table = pd.DataFrame({"part": np.repeat(["a", "b", "c", "d"], 50)})
    found = find_segments(validated(y, p, "accuracy", table=table))
    assert max(s.high for s in found.ranked) == 1.0
    assert min(s.high - s.low for s in found.ranked) > 0  # one without an error is not sure


def test_segments_without_a_class_are_told_and_left_out():
    y, p = labels_with(np.random.default_rng(5), 400)
    table = pd.DataFrame({"known": np.where(y == 1, "yes", "no"), "b": np.tile(["x", "y"], 200)})
    found = find_segments(validated(y, p, "roc_auc", table=table))
    assert found.n_unscored == 2
    assert {s.column for s in found.ranked} == {"b"}


def test_along_what_is_derived_segments_stay_in_order():
    random = np.random.default_rng(6)
    step = np.tile(np.arange(1.0, 6.0), 100)
    y = random.normal(size=500)
    y_pred = y + step * random.choice([-1, 1], 500)
    found = find_segments(validated(y, y_pred, "mae", "regression", derived=[("step of the horizon", step)]))
    along = found.along["step of the horizon"]
    assert [s.level for s in along] == ["1", "2", "3", "4", "5"]
    assert [round(s.score) for s in along] == [1, 2, 3, 4, 5]
    assert along[0].is_believed


def test_levels_of_columns():
    values = pd.DataFrame({"n": [*range(100)], "c": ["a"] * 50 + ["b"] * 50, "one": ["same"] * 100})
    made = {levels.column: levels.names for levels in all_levels(validated(*labels_with(np.random.default_rng(0), 100),
                                                                          "accuracy", table=values))}  # fmt: skip
    assert made["n"] == ("0 to 19", "20 to 39", "40 to 59", "60 to 79", "80 to 99")
    assert made["c"] == ("a", "b")
    assert "one" not in made
    assert category_levels("c", pd.Series([True] * 40 + [None] * 40)).names == ("True", "missing")


def test_strings_are_scored_by_row_and_by_length():
    truth = np.array(["a b c", "a b", "x", "y z"] * 20, dtype=object)
    said = np.array(["a b c", "a q", "x", "q r"] * 20, dtype=object)
    words = np.array([3.0, 2.0, 1.0, 2.0] * 20)
    made = validated(truth, said, "exact_match", "string", derived=[("words", words)])
    found = find_segments(made)
    assert found.overall.score == 0.5
    assert [(s.level, s.score) for s in found.along["words"]] == [("1", 1.0), ("2", 0.0), ("3", 1.0)]
    assert (calibrations(made), find_confusion(made), find_residuals(made)) == ([], None, [])
    assert [r.loss for r in worst_rows(made, 3)] == [1.0, 1.0, 1.0]
    assert worst_rows(made, 1)[0].id == "row-1"


def test_confusion_of_several_labels_and_of_whole_numbers():
    labels = np.array([[1, 0], [1, 1], [0, 1], [0, 0]])
    made = find_confusion(validated(labels, labels * 0.8 + 0.1, "f1_macro", "multilabel", target=("big", "wide")))
    assert made.counts == ()
    assert [(c.label, c.n, c.precision, c.recall) for c in made.classes] == [
        ("big", 2, 1.0, 1.0),
        ("wide", 2, 1.0, 1.0),
    ]
    whole = find_confusion(
        validated(np.array([1.0, 2.0, 5.0]), np.array([1.2, 4.8, 4.9]), "quadratic_weighted_kappa", "regression")
    )
    assert whole.labels == ("1", "2", "5")
    assert whole.mistaken == [("2", "5", 1)]
    assert find_confusion(validated(np.array([1.0, 2.0]), np.array([1.0, 2.0]), "mae", "regression")) is None


def test_a_class_that_is_never_predicted_has_no_precision():
    p = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.6, 0.4, 0.0]])
    made = find_confusion(validated(np.array([0, 1, 0]), p, "accuracy", "multiclass", ("a", "b", "c")))
    assert [(c.precision, c.recall) for c in made.classes] == [(2 / 3, 1.0), (None, 0.0), (None, None)]


def test_residuals_are_on_the_scale_of_the_metric():
    y, y_pred = np.array([9.0, 99.0, 999.0]), np.array([99.0, 99.0, 99.0])
    (found,) = find_residuals(validated(y, y_pred, "rmsle", "regression"))
    assert found.is_log
    assert found.mean == pytest.approx(0.0)
    assert found.std == pytest.approx(np.log(10))
    (plain,) = find_residuals(validated(y, y_pred, "rmse", "regression"))
    assert plain.mean == pytest.approx(270)
    assert sum(plain.counts) == 3
    both = np.column_stack([y, y])
    two = find_residuals(validated(both, both + 1, "mcrmse", "multi-target", target=("u", "v")))
    assert [(r.target, r.mean, r.std) for r in two] == [("u", -1.0, 0.0), ("v", -1.0, 0.0)]
    json.dumps([r.to_dict() for r in two], allow_nan=False)


def test_worst_rows_are_ranked_by_their_loss():
    table = pd.DataFrame({"n": [1.0, np.nan, 3.0], "c": ["x", None, "z"]})
    made = validated(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.4]), "accuracy", table=table)
    rows = worst_rows(made, 2)
    assert [(r.row, r.truth, r.predicted) for r in rows] == [(1, "no", "yes (80.0%)"), (2, "yes", "no (60.0%)")]
    assert rows[0].loss == pytest.approx(-np.log(0.2))
    assert rows[0].values == {"n": None, "c": None}
    unscored = replace(made, losses=np.array([np.nan, 1.0, 2.0]))
    assert [r.row for r in worst_rows(unscored, 3)] == [2, 1]


def test_folds_that_differ_beyond_noise():
    def folds(scores):
        return [FoldScore(k, 100, s, 0.01, 0.5) for k, s in enumerate(scores)]

    assert spread(folds([0.80, 0.81, 0.80, 0.79])) > 0.3
    assert spread(folds([0.80, 0.81, 0.80, 0.70])) < 1e-6
    assert spread(folds([0.8])) is None
    assert spread([*folds([0.8]), FoldScore(1, 3, 0.9, None, None)]) is None


def test_labels_of_boxes_are_counted_one_by_one():
    truth = np.array(["a 1 0 0 10 10 b 1 20 20 30 30", "a 1 0 0 10 10"], dtype=object)
    said = np.array(["a 0.9 0 0 10 9 b 0.8 60 60 70 70", "a 0.7 0 0 9 10"], dtype=object)
    made = validated(truth, said, "exact_match", "string")
    assert find_detection(made) is None
    boxes = BoxColumns(columns=("x", "y", "w", "h"), labels=("a", "b"))
    found = find_detection(replace(made, competition=msgspec.structs.replace(made.competition, boxes=boxes)))
    assert [(c.label, c.n, c.precision, c.found, c.wrong) for c in found.labels] == [
        ("a", 2, 1.0, 2, 0),
        ("b", 1, 0.0, 0, 1),
    ]
    assert found.cut == 0.7
