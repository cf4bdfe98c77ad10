"""Strings of boxes, mean average precision and weighted boxes fusion, against cases computed by hand."""

import numpy as np
import pytest

from aicomp.boxes import overlaps, parse_boxes, write_boxes
from aicomp.errors import DataError
from aicomp.metrics import canonical_name, get_metric
from aicomp.metrics.detection import map50, map50_95
from aicomp.metrics.fusion import fuse_boxes, fuse_strings
from aicomp.task import Task


def strings(*texts):
    return np.array(texts, dtype=object)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("label conf xmin ymin xmax ymax", "cat 0.5 10 20 40.5 60"),
        ("label conf x y w h", "cat 0.5 10 20 30.5 40"),
        ("conf xmin ymin xmax ymax", "0.5 10 20 40.5 60"),
        ("conf x y w h", "0.5 10 20 30.5 40"),
    ],
)
def test_a_string_of_each_form_is_read_and_written(form, text):
    boxes = parse_boxes(f"{text} {text}", form)
    assert boxes.corners.tolist() == [[10, 20, 40.5, 60]] * 2
    assert boxes.scores.tolist() == [0.5, 0.5]
    assert write_boxes(boxes, form) == f"{text} {text}"
    assert len(parse_boxes(" ", form)) == 0
    assert write_boxes(parse_boxes("", form), form) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat 0.9 1 2 3", "5 parts are no whole number of boxes, each `label conf xmin ymin xmax ymax`"),
        ("cat 0.9 1 2 3 4 cat 0.9 1 b 3 4", "`ymin` of box 2 is `b`, which is no number"),
        ("cat nan 1 2 3 4", "`conf` of box 1 is `nan`, which is no number"),
        ("cat 0.9 5 2 3 4", "box 1 is `cat 0.9 5 2 3 4`, which ends before it begins"),
    ],
)
def test_a_string_of_another_form_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_boxes(text)


def test_overlaps_by_hand():
    a = np.array([[0, 0, 2, 2], [5, 5, 5, 5.0]])
    b = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [9, 9, 10, 10.0]])
    np.testing.assert_allclose(overlaps(a, b), [[1, 1 / 7, 0], [0, 0, 0]])


def test_average_precision_of_two_labels_and_images():
    truth = strings("a 1 0 0 10 10 a 1 20 0 30 10", "a 1 0 0 10 10 b 1 50 50 60 60")
    # Of `a`, surest first: right, wrong (a second one on the same box), right, wrong place, and one box is missed.
    # Precision 1 at recall 1/3, 2/3 at recall 2/3: (1 + 2/3) / 3. Of `b`: right at once, 1.
    found = strings(
        "a 0.9 0 0 10 10 a 0.8 1 0 10 10 c 0.95 0 0 10 10", "a 0.7 0 0 10 9 a 0.6 80 80 90 90 b 0.2 50 50 60 60"
    )
    assert map50(truth, found) == pytest.approx(((1 + 2 / 3) / 3 + 1) / 2)


def test_precision_at_a_recall_is_the_highest_beyond_it():
    truth = strings("a 1 0 0 10 10 a 1 20 0 30 10")
    # Wrong, right, right: precision 1/2 and 2/3, of which the latter counts at both recalls.
    found = strings("a 0.9 80 80 90 90 a 0.8 0 0 10 10 a 0.7 20 0 30 10")
    assert map50(truth, found) == pytest.approx(2 / 3)


def test_a_prediction_takes_the_free_box_that_it_overlaps_most():
    truth = strings("a 1 0 0 10 10 a 1 2 0 12 10")
    # The first one is the second box, and 8 of 12 with the first; to the other one the first box is left.
    assert map50(truth, strings("a 0.9 2 0 12 10 a 0.8 3 0 11 10")) == pytest.approx(1.0)


def test_thresholds_of_overlap():
    truth = strings("a 1 0 0 10 10")
    assert map50(truth, strings("a 1 0 0 10 5")) == 1.0  # one half is enough
    assert map50(truth, strings("a 1 0 0 10 4.9")) == 0.0
    assert map50_95(truth, strings("a 1 0 0 10 6.1")) == pytest.approx(0.3)  # 0.5, 0.55, 0.6


def test_perfect_and_empty_predictions_and_an_image_without_boxes():
    truth = strings("a 1 0 0 10 10", "", "b 1 5 5 9 9")
    assert map50(truth, truth) == map50_95(truth, truth) == 1.0
    assert map50(truth, strings("", "", "")) == 0.0
    assert map50(truth, strings("a 0.5 0 0 10 10", "a 0.9 0 0 10 10", "")) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="no image has a box"):
        map50(strings("", ""), strings("", "a 1 0 0 1 1"))


@pytest.mark.parametrize("name", ["map50", "mAP50", "mAP@0.5"])
def test_names_of_the_metric(name):
    assert canonical_name(name) == "map50"
    metric = get_metric(name)
    assert (metric.name, metric.greater_is_better, metric.needs) == ("map50", True, "string")


def test_the_name_with_a_colon_is_no_file():
    assert get_metric("map@50:95").fn is map50_95
    assert canonical_name("mAP@[.5:.95]") == "map50_95"


def test_a_wrong_string_is_named_by_its_row():
    task = Task("string", (), 1, get_metric("map50"))
    with pytest.raises(DataError, match=r"`y_pred\[1\]`: 1 parts are no whole number of boxes"):
        task.score(strings("a 1 0 0 1 1", ""), strings("", "nothing"))


def test_fusion_by_hand():
    a = parse_boxes("x 0.8 0 0 10 10 y 0.5 0 0 10 10")
    b = parse_boxes("x 0.4 3 0 10 10 x 0.6 40 40 50 50")
    fused = fuse_boxes([a, b], [1, 1])
    # Edges weighted by confidence: (0.8 * 0 + 0.4 * 3) / 1.2 = 1. What one of two models sees is half as sure.
    assert write_boxes(fused) == "x 0.6 1 0 10 10 x 0.3 40 40 50 50 y 0.25 0 0 10 10"


def test_fusion_with_weights():
    a, b = parse_boxes("x 0.5 0 0 10 10"), parse_boxes("x 0.5 2 0 10 10")
    fused = fuse_boxes([a, b], [3, 1])
    assert fused.corners[0].tolist() == [0.5, 0, 10, 10]
    assert fused.scores[0] == pytest.approx(0.5)
    alone = fuse_boxes([a, parse_boxes("")], [3, 1])
    assert alone.scores[0] == pytest.approx(0.375)  # three quarters of the weight see it
    assert len(fuse_boxes([a, parse_boxes("z 0.9 0 0 5 5")], [1, 0])) == 1


def test_fusion_of_more_boxes_than_models_is_no_surer_than_they_are():
    double = parse_boxes("x 0.8 0 0 10 10 x 0.6 0 0 10 10 x 0.4 0 0 10 10")
    fused = fuse_boxes([double, parse_boxes("")], [1, 1])
    assert fused.scores.tolist() == pytest.approx([0.6])


def test_the_task_puts_predictions_together_by_fusion():
    task = Task("string", (), 1, get_metric("map50_95"))
    truth = strings("x 1 0 0 10 10", "")
    one, two = strings("x 0.9 1 0 11 10", "x 0.2 0 0 5 5"), strings("x 0.9 -1 0 9 10", "")
    joined = task.combine([one, two])
    assert joined.tolist() == ["x 0.9 0 0 10 10", "x 0.1 0 0 5 5"]
    assert joined[0] == fuse_strings([one[0], two[0]], [1, 1])
    assert task.score(truth, one) == pytest.approx(0.7)  # 9 of 11 overlap
    assert task.score(truth, joined) == 1.0
