"""Run-length codes and the scores of masks, against masks that are drawn, and boxes against pycocotools."""

import contextlib
import io

import numpy as np
import pytest

from aicomp.metrics import detection, masks, run_length

RANDOM = np.random.default_rng(7)


def some_mask(height=9, width=7, share=0.3):
    return RANDOM.random((height, width)) < share


def codes(drawn):
    return np.array([run_length.write_runs(m) for m in drawn], dtype=object)


def test_a_mask_comes_back_from_its_code():
    for share in (0.0, 0.2, 0.9, 1.0):
        mask = some_mask(share=share)
        text = run_length.write_runs(mask)
        np.testing.assert_array_equal(run_length.read_mask(text, *mask.shape), mask)
        assert run_length.size(run_length.parse_runs(text)) == mask.sum()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3", "3 numbers are no pairs of start and length"),
        ("0 2", "`0` is no start or length"),
        ("1 x", "`x` is no whole number of a run-length code"),
        ("1 5 3 2", "pixel 3 is in two runs"),
        ("1 2.5", "`2.5` is no whole number"),
    ],
)
def test_what_is_no_code_is_refused_with_its_row(text, message):
    with pytest.raises(ValueError, match=r"^`y_pred\[1\]`: ") as e:
        masks.dice(np.array(["1 1", "1 1"], dtype=object), np.array(["1 1", text], dtype=object))
    assert message in str(e.value)


def test_overlaps_are_those_of_the_drawn_masks():
    a, b = [some_mask() for _ in range(30)], [some_mask() for _ in range(30)]
    a[0][:] = b[0][:] = a[1][:] = False
    both = np.array([(x & y).sum() for x, y in zip(a, b, strict=True)])
    of_a, of_b = np.array([m.sum() for m in a]), np.array([m.sum() for m in b])
    with np.errstate(invalid="ignore"):
        dice = np.nan_to_num(2 * both / (of_a + of_b), nan=1.0)
        iou = np.nan_to_num(both / (of_a + of_b - both), nan=1.0)
    assert masks.dice(codes(a), codes(b)) == pytest.approx(dice.mean())
    assert masks.iou(codes(a), codes(b)) == pytest.approx(iou.mean())
    assert masks.dice_global(codes(a), codes(b)) == pytest.approx(2 * both.sum() / (of_a + of_b).sum())


def split(mask):
    """The labelled objects of a mask, as codes with semicolons between them."""
    from scipy.ndimage import label

    labelled, n = label(mask)
    return "; ".join(run_length.write_runs(labelled == k + 1) for k in range(n)), [labelled == k + 1 for k in range(n)]


def test_objects_are_matched_as_in_a_table_of_all_pairs():
    rows, expected = [], []
    for i in range(12):
        truth = some_mask(12, 12, 0.35 if i else 0.0)
        guess = truth.copy()
        guess[RANDOM.random(guess.shape) < 0.03] = False
        (text, objects), (other, found) = split(truth), split(guess)
        rows.append((text, other))
        if not objects:
            expected.append((float(not found), float(not found)))
            continue
        overlap = np.array([[(x & y).sum() / (x | y).sum() for y in found] for x in objects])
        scores = []
        for threshold in np.arange(0.5, 1.0, 0.05).round(2):
            tp = (overlap > threshold).any(axis=1).sum()
            fn, fp = len(objects) - tp, len(found) - tp
            scores.append((tp / (tp + fn + fp), 5 * tp / (5 * tp + 4 * fn + fp)))
        expected.append(np.mean(scores, axis=0))
    truth, guess = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
    precision, f2 = np.mean(expected, axis=0)
    assert 0 < precision < 1
    assert masks.mask_precision(truth, guess) == pytest.approx(precision)
    assert masks.mask_f2(truth, guess) == pytest.approx(f2)
    with pytest.raises(ValueError, match=r"^`y_pred\[0\]`: pixel 2 is in two objects$"):
        masks.mask_f2(np.array(["1 3"], dtype=object), np.array(["1 3; 2 2"], dtype=object))


def test_no_object_and_none_predicted_is_right():
    empty, one = np.array([""], dtype=object), np.array(["1 3"], dtype=object)
    for score in (masks.mask_f2, masks.mask_precision):
        assert (score(empty, empty), score(empty, one), score(one, empty)) == (1.0, 0.0, 0.0)


def test_hausdorff():
    from scipy.spatial.distance import directed_hausdorff

    a, b = [some_mask() for _ in range(10)], [some_mask() for _ in range(10)]
    size = {"height": np.full(10, 9), "width": np.full(10, 7)}
    far = []
    for x, y in zip(a, b, strict=True):
        p, q = np.argwhere(x), np.argwhere(y)
        far.append(max(directed_hausdorff(p, q)[0], directed_hausdorff(q, p)[0]))
    assert masks.hausdorff(codes(a), codes(b), **size) == pytest.approx(np.mean(far))
    dice = [2 * (x & y).sum() / (x.sum() + y.sum()) for x, y in zip(a, b, strict=True)]
    expected = 0.4 * np.array(dice) + 0.6 * (1 - np.array(far) / np.hypot(8, 6))
    assert masks.dice_hausdorff(codes(a), codes(b), **size) == pytest.approx(expected.mean())
    one = {"height": np.array([2]), "width": np.array([2])}
    with pytest.raises(ValueError, match=r"^`y_pred\[0\]`: a run ends at pixel 6, but 2 x 2 pixels are 4$"):
        masks.hausdorff(np.array(["1 1"], dtype=object), np.array(["1 6"], dtype=object), **one)
    assert masks.hausdorff(np.array(["1 1"], object), np.array([""], object), **one) == pytest.approx(np.sqrt(2))


def boxes_of(random, n_images, with_scores):
    rows = []
    for _ in range(n_images):
        n = random.integers(0, 6)
        corners = random.integers(0, 60, (n, 2))
        size = random.integers(10, 40, (n, 2))
        scores = np.round(random.random(n), 3) if with_scores else np.ones(n)
        rows.append(
            [("ab"[i % 2], s, *c, *(c + z)) for i, (c, z, s) in enumerate(zip(corners, size, scores, strict=True))]
        )
    return rows


def as_strings(rows):
    return np.array([" ".join(f"{b[0]} {b[1]} {b[2]} {b[3]} {b[4]} {b[5]}" for b in row) for row in rows], dtype=object)


def test_coco_map_is_that_of_pycocotools():
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    random = np.random.default_rng(1)
    truth = boxes_of(random, 40, with_scores=False)
    guess = [
        [
            (c, round(float(random.random()), 6), x + random.integers(-4, 5), y, r, b + random.integers(0, 6))
            for c, _, x, y, r, b in row
        ]
        for row in truth
    ]
    guess = [row + extra for row, extra in zip(guess, boxes_of(random, 40, with_scores=True), strict=True)]

    def annotations(rows):
        for image, row in enumerate(rows):
            for label, score, x, y, r, b in row:
                w, h = int(r - x), int(b - y)
                yield {"image_id": image + 1, "category_id": "ab".index(label) + 1, "bbox": [int(x), int(y), w, h],
                       "area": w * h, "iscrowd": 0, "score": score}  # fmt: skip

    with contextlib.redirect_stdout(io.StringIO()):
        dataset = coco.COCO()
        dataset.dataset = {
            "images": [{"id": i + 1} for i in range(40)],
            "categories": [{"id": 1}, {"id": 2}],
            "annotations": [{"id": i + 1, **a} for i, a in enumerate(annotations(truth))],
        }
        dataset.createIndex()
        found = evaluation.COCOeval(dataset, dataset.loadRes(list(annotations(guess))), "bbox")
        found.evaluate()
        found.accumulate()
        found.summarize()
    assert 0.1 < found.stats[0] < 0.95
    assert detection.coco_map(as_strings(truth), as_strings(guess)) == pytest.approx(found.stats[0], abs=1e-9)


def test_box_precision_by_hand():
    truth = np.array(["a 1 0 0 10 10", "a 1 0 0 10 10", "", ""], dtype=object)
    guess = np.array(["a 0.9 0 0 10 6", "b 0.9 0 0 10 10", "a 0.5 0 0 1 1", ""], dtype=object)
    # 0.6 of the box reaches three of six thresholds; another label and a box of nothing reach none.
    assert detection.box_precision(truth, guess) == pytest.approx((3 / 6 + 0 + 0) / 3)
