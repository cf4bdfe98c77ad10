"""The model `detector`: what moves pixels moves boxes, targets and losses by hand, and that it learns."""

import numpy as np
import pytest
import torch
from box_cases import draw_rectangles

from aicomp.boxes import Boxes, parse_boxes, write_boxes
from aicomp.data.rows import Media, Rows
from aicomp.errors import UsageError
from aicomp.metrics.detection import map50
from aicomp.models import Detector, Goal, ModelSpec, ResNet
from aicomp.models.box_network import BoxNetwork, places
from aicomp.models.box_targets import box_loss, box_targets, focal_loss, giou_loss
from aicomp.models.spec import MediaInput, media_input
from aicomp.training.box_augmentation import BoxAugmentation

INPUT = MediaInput(1, (3, 64, 64), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
SMALL = {"width": 16, "d": 16, "batch_size": 8}


def rows_of(n, seed, width=96, height=64):
    """Images of rectangles, stretched to squares of 64 as files are, and their boxes in pixels of the file."""
    random = np.random.default_rng(seed)
    files, strings = [], np.empty(n, dtype=object)
    for i in range(n):
        image, boxes = draw_rectangles(random, width, height)
        labels = np.array([b[0] for b in boxes], dtype=object)
        corners = np.array([b[1:] for b in boxes], dtype=float).reshape(-1, 4)
        strings[i] = write_boxes(Boxes(labels, np.ones(len(boxes)), corners))
        files.append(image[:, np.arange(64) * width // 64].transpose(2, 0, 1))
    files.append(np.zeros((3, 64, 64), dtype=np.uint8))
    sides = np.array([[width, height]] * n + [[np.nan, np.nan]], dtype=np.float32)
    media = Media(np.stack(files), np.arange(n)[:, None], sides)
    return Rows(np.zeros((n, 0), np.float32), np.zeros((n, 0), np.int64), media=media), strings


def spec_of(rows):
    return ModelSpec(0, (), 1, media=media_input(rows.media))


@pytest.mark.parametrize("flip", ["none", "horizontal", "both"])
def test_a_rectangle_stays_under_its_box(flip):
    random = np.random.default_rng(1)
    images = torch.full((24, 3, 64, 64), 0.5)
    corners = []
    for i in range(24):
        (x, y), (w, h) = random.integers(4, 30, 2), random.integers(10, 30, 2)
        images[i, 0, y : y + h, x : x + w] = 1.0
        images[i, 1:, y : y + h, x : x + w] = 0.0
        corners.append(torch.tensor([[x, y, x + w, y + h]]) / 64)
    labels = [torch.tensor([i]) for i in range(24)]
    torch.manual_seed(0)
    moved, codes, found = BoxAugmentation(flip, shift=0.2, zoom=0.3, color=0.0)(images, labels, corners)
    n_left = 0
    for image, boxes in zip(moved, found, strict=True):
        for box in boxes:
            n_left += 1
            is_object = (image[0] > 0.75) & (image[1] < 0.25)
            rows, columns = torch.nonzero(is_object, as_tuple=True)
            seen = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            assert (seen - 64 * box).abs().max() <= 1.5  # edges fall between pixels
    assert n_left >= 20
    assert all(len(code) == len(boxes) for code, boxes in zip(codes, found, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(corners, found, strict=True))


def test_each_direction_of_mirroring_is_drawn():
    corners = [torch.tensor([[0.1, 0.1, 0.3, 0.3]])] * 200
    labels = [torch.tensor([0])] * 200
    torch.manual_seed(0)
    augment = BoxAugmentation("both", shift=0.0, zoom=0.0, color=0.0)
    _, _, found = augment(torch.zeros(200, 3, 8, 8), labels, corners)
    starts = {tuple(round(float(v), 2) for v in box[0, :2]) for box in found}
    assert starts == {(0.1, 0.1), (0.7, 0.1), (0.1, 0.7), (0.7, 0.7)}
    _, _, found = BoxAugmentation("horizontal", 0.0, 0.0, 0.0)(torch.zeros(200, 3, 8, 8), labels, corners)
    assert {round(float(box[0, 1]), 2) for box in found} == {0.1}


def test_boxes_that_leave_the_image_are_cut_or_gone():
    corners = [torch.tensor([[0.0, 0.4, 0.2, 0.6], [0.4, 0.4, 0.6, 0.6]])] * 100
    torch.manual_seed(0)
    augment = BoxAugmentation("none", shift=0.3, zoom=0.0, color=0.1)
    images, codes, found = augment(torch.rand(100, 3, 8, 8), [torch.tensor([0, 1])] * 100, corners)
    assert {len(boxes) for boxes in found} == {1, 2}
    assert all(1 in code for code in codes)
    assert all((boxes >= 0).all() and (boxes <= 1).all() for boxes in found)
    assert images.min() >= 0
    assert images.max() <= 1


def test_targets_by_hand():
    corners = torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0], [0.2, 0.2, 0.2, 0.9]])
    targets = box_targets([torch.tensor([1, 0, 0]), torch.empty(0, dtype=torch.int64)],
                          [corners, torch.empty(0, 4)], 2, (8, 8))  # fmt: skip
    assert targets.n_objects == 2  # the third one is empty
    assert targets.middles.shape == (2, 2, 8, 8)
    assert (targets.middles == 1).nonzero().tolist() == [[0, 0, 6, 6], [0, 1, 2, 2]]
    assert targets.weights.sum() == pytest.approx(2.0)
    first = targets.places[:, 1] < 4
    assert (targets.edges[first] == corners[0]).all()
    assert (targets.edges[~first] == corners[1]).all()


def test_losses_by_hand():
    logits, bells = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.5]])
    p = torch.sigmoid(torch.tensor(2.0))
    expected = np.log(2) * 0.25 - np.log(1 - float(p)) * float(p) ** 2 * 0.5**4
    assert float(focal_loss(logits, bells)) == pytest.approx(expected, rel=1e-5)
    a = torch.tensor([[0, 0, 2, 2], [0, 0, 1, 1.0]])
    b = torch.tensor([[1, 0, 3, 2], [0, 0, 1, 1.0]])
    # 2 of 6 overlap, and the hull is the union: 1 - 1/3. The second pair is the same box.
    assert giou_loss(a, b).tolist() == pytest.approx([2 / 3, 0.0])
    empty = box_targets([torch.empty(0, dtype=torch.int64)], [torch.empty(0, 4)], 1, (4, 4))
    loss = box_loss(torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4, 4), empty)
    assert float(loss) == pytest.approx(16 * 0.25 * np.log(2))


def test_the_network_begins_at_the_usual_size_and_shares_the_stages_of_the_image_model():
    model = BoxNetwork(INPUT, 2, width=16, n_blocks=1, d=16, stride=4)
    model.set_usual(torch.tensor([[0.0, 0.0, 0.2, 0.4], [0.5, 0.5, 0.7, 0.9]]))
    middles, edges = model(torch.rand(2, 3, 64, 64))
    assert middles.shape == (2, 2, 16, 16)
    assert edges.shape == (2, 4, 16, 16)
    middle = places(16, 16)
    torch.testing.assert_close(edges[0, :2], middle - torch.tensor([0.1, 0.2]).view(2, 1, 1))
    torch.testing.assert_close(edges[1, 2:], middle + torch.tensor([0.1, 0.2]).view(2, 1, 1))
    image_model = ResNet(ModelSpec(0, (), 2, media=INPUT), 16, 1, "image-resnet", "images")
    assert sum(p.numel() for p in model.stages.parameters()) == sum(p.numel() for p in image_model.stages.parameters())


def test_it_learns_coloured_rectangles_and_comes_back_from_its_state():
    train, y = rows_of(64, seed=0)
    valid, valid_y = rows_of(24, seed=1)
    model = Detector(spec_of(train), epochs=30, learning_rate=4e-3, ema=0.95, **SMALL)
    told = []
    kept = model.fit(train, y, valid, valid_y, Goal("string", 1, 0, 1), told.append)
    assert kept == 30
    assert [step.done for step in told] == list(range(1, 31))
    assert told[-1].train_loss < 0.5 * told[0].train_loss
    predicted = model.predict(valid)
    assert map50(valid_y, predicted) > 0.8
    boxes = parse_boxes(predicted[0])
    assert (np.diff(boxes.scores) <= 0).all()
    assert (boxes.corners[:, 2:] <= [96, 64]).all()
    again = Detector(spec_of(train), **SMALL)
    again.load_state_dict(model.state_dict())
    assert again.predict(valid).tolist() == predicted.tolist()


def test_the_same_seed_gives_the_same_boxes():
    train, y = rows_of(12, seed=0)
    y[3] = ""
    found = []
    for seed in (0, 0, 1):
        model = Detector(spec_of(train), epochs=1, flip="both", **SMALL)
        model.fit(train, y, train, y, Goal("string", 1, seed, 1), lambda step: None)
        found.append(model.predict(train).tolist())
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"flip": "vertical"}, "`model.params.flip` is `vertical`"),
        ({"zoom": 1.5}, r"`model.params.zoom` is 1.5, it must lie in \[0, 1\)"),
        ({"epochs": 0}, "`model.params.epochs` is 0"),
    ],
)
def test_parameters_out_of_range_are_refused(params, message):
    with pytest.raises(UsageError, match=message):
        Detector(ModelSpec(0, (), 1, media=INPUT), **params)


def test_data_without_images_or_boxes_are_refused():
    with pytest.raises(UsageError, match="model `detector` reads images, and no column names any"):
        Detector(ModelSpec(1, (), 1))
    train, y = rows_of(4, seed=0)
    y[:] = ""
    with pytest.raises(UsageError, match="no training image has a box"):
        Detector(spec_of(train), **SMALL).fit(train, y, train, y, Goal("string", 1, 0, 1), lambda step: None)
