"""Operations on images and sounds, and how "auto" decides among them."""

import numpy as np
import pytest
import torch
from PIL import Image
from training_cases import BINARY, MULTILABEL, REGRESSION

from aicomp.config import AugmentationConfig
from aicomp.data.rows import Media
from aicomp.errors import UsageError
from aicomp.report.contact_sheet import draw_contact_sheet
from aicomp.task import Task
from aicomp.training.augmentation import (
    augment,
    augmentation_of,
    choose_augmentation,
    described,
    may_be_mirrored,
)
from aicomp.training.image_augmentation import OPERATIONS, ImageAugmentation, cut_and_mix, warp
from aicomp.training.regularization import Batch
from aicomp.training.sound_augmentation import SoundAugmentation


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def some_images(n=40, channels=3, side=12):
    return torch.rand(n, channels, side, side)


def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    files = np.concatenate([data.images, np.zeros((1, 8, 8))])[:, None] * 255 / 16
    task = Task("multiclass", tuple("0123456789"), 1, BINARY.metric)
    return Media(files.astype(np.uint8), np.arange(1797)[:, None]), data.target, task


def signs_and_disks():
    """Images whose class is how large a disk is: mirrored, they mean the same."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 200)
    rows, columns = np.mgrid[:16, :16]
    centers = random.uniform(6, 10, (200, 2))
    far = np.hypot(rows - centers[:, :1, None], columns - centers[:, 1:, None])
    images = np.where(far < np.where(labels, 5, 3)[:, None, None], 200, 20).astype(np.uint8)
    return Media(np.concatenate([images, images[:1]])[:, None], np.arange(200)[:, None]), labels


# Images


def test_what_is_off_leaves_images_as_they_are():
    images = some_images()
    assert ImageAugmentation()(images) is images


@pytest.mark.parametrize("channels", [1, 3])
def test_every_operation_keeps_shape_and_range(channels):
    images = some_images(channels=channels)
    everything = ImageAugmentation("both", 0.2, 0.2, 20, 0.5, 2, 1.0)
    for _ in range(5):
        changed = everything(images)
        assert changed.shape == images.shape
        assert changed.min() >= 0
        assert changed.max() <= 1
        assert not torch.equal(changed, images)
    for operation in OPERATIONS:
        changed = operation(images, 2 * torch.rand(len(images)) - 1)
        assert changed.shape == images.shape
        assert changed.min() >= -1e-5
        assert changed.max() <= 1 + 1e-5


def test_mirroring_is_exact_and_for_half_of_the_images():
    images = some_images(200)
    changed = ImageAugmentation(flip="horizontal")(images)
    mirrored = [torch.allclose(b, a.flip(-1), atol=1e-5) for a, b in zip(images, changed, strict=True)]
    same = [torch.allclose(b, a, atol=1e-5) for a, b in zip(images, changed, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 70 < sum(mirrored) < 130
    upside = ImageAugmentation(flip="both")(images)
    assert sum(torch.allclose(b, a.flip(-2), atol=1e-5) for a, b in zip(images, upside, strict=True)) > 20


def test_moving_is_by_whole_pixels_unless_sizes_change():
    images = torch.zeros(50, 1, 10, 10)
    images[:, :, 5, 5] = 1
    changed = ImageAugmentation(shift=0.2)(images)
    assert set(changed.round(decimals=4).unique().tolist()) == {0.0, 1.0}
    places = {tuple(torch.nonzero(image[0])[0].tolist()) for image in changed}
    assert all(3 <= row <= 7 and 3 <= column <= 7 for row, column in places)
    assert len(places) > 10


def test_a_quarter_turn_is_one():
    images = some_images(3)
    turned = warp(images, torch.ones(3, 2), torch.full((3,), torch.pi / 2), torch.zeros(3, 2))
    torch.testing.assert_close(turned, torch.rot90(images, 1, (2, 3)), atol=1e-4, rtol=0)


def test_erasing_takes_a_part_of_some():
    images = torch.full((200, 1, 20, 20), 2.0)  # no noise is as bright
    changed = ImageAugmentation(erasing=0.5)(images)
    shares = (changed != 2).float().mean(dim=(1, 2, 3))
    assert 60 < (shares > 0).sum() < 140
    assert shares.max() < 0.6


def test_cutmix_shares_targets_by_area():
    images = torch.arange(8.0).view(8, 1, 1, 1, 1).expand(8, 1, 1, 10, 10).clone()
    batch = Batch(torch.zeros(8, 0), torch.zeros(8, 0, dtype=torch.int64), torch.arange(8), extra=images)
    mixed = cut_and_mix(batch, 1.0)
    assert mixed.extra is not None
    assert mixed.partner_targets is not None
    for i in range(8):
        own = float((mixed.extra[i] == i).float().mean())
        expected = 1.0 if int(mixed.partner_targets[i]) == i else mixed.share
        assert own == pytest.approx(expected)
        assert set(mixed.extra[i].unique().tolist()) <= {float(i), float(mixed.partner_targets[i])}


def test_views_are_mirror_images():
    images = some_images(2)
    assert ImageAugmentation(flip="horizontal").views == []
    [view] = ImageAugmentation(flip="horizontal", tta=True).views
    torch.testing.assert_close(view(images), images.flip(-1))
    assert len(ImageAugmentation(flip="both", tta=True).views) == 3
    assert ImageAugmentation(tta=True).views == []


# Sounds


def test_sounds_keep_their_shape_and_silence_stays_the_floor():
    sounds = torch.full((30, 1, 20, 40), -80.0)
    sounds[:, :, 5:10, 10:30] = -10
    everything = SoundAugmentation(0.2, 0.2, 0.1, 10, 0, 1)
    changed = everything(sounds)
    assert changed.shape == sounds.shape
    assert changed.min() >= -80
    noisy = SoundAugmentation(noise=40)(sounds)
    assert noisy.mean() > sounds.mean() + 5
    assert SoundAugmentation()(sounds) is sounds


def test_a_higher_voice_moves_pitches_up():
    torch.manual_seed(1)
    sounds = torch.full((200, 1, 60, 10), -80.0)
    sounds[:, :, 30] = 0
    changed = SoundAugmentation(pitch=0.3)(sounds)
    peaks = changed[:, 0, :, 5].argmax(dim=1)
    assert peaks.min() < 28
    assert peaks.max() > 32


def test_masks_leave_bands_and_moments_out():
    sounds = torch.randn(20, 1, 30, 50)
    changed = SoundAugmentation(masks=2)(sounds)
    replaced = changed != sounds
    assert 0.05 < replaced.float().mean() < 0.6
    assert replaced.all(dim=2).any()  # whole moments
    assert replaced.all(dim=3).any()  # whole bands


# What "auto" decides


def test_digits_are_not_mirrored_and_disks_are():
    media, labels, task = digits()
    mirrored, reason = may_be_mirrored(media, labels, task)
    assert not mirrored
    assert reason.startswith("images are not mirrored: the nearest image agrees on the target for 9")
    disks, sizes = signs_and_disks()
    assert may_be_mirrored(disks, sizes, BINARY)[0]
    assert may_be_mirrored(disks, sizes.astype(float) * 10, REGRESSION)[0]
    both = np.stack([sizes, 1 - sizes], axis=1).astype(float)
    assert may_be_mirrored(disks, both, MULTILABEL)[0]
    left = np.array([image[0, :, :8].mean() > image[0, :, 8:].mean() for image in disks.files[:200]]).astype(int)
    assert not may_be_mirrored(disks, left, BINARY)[0]


def test_noise_speaks_neither_way():
    random = np.random.default_rng(0)
    media = Media(random.integers(0, 255, (101, 3, 8, 8), dtype=np.uint8), np.arange(100)[:, None])
    mirrored, reason = may_be_mirrored(media, random.integers(0, 2, 100), BINARY)
    assert mirrored
    assert "says nothing against it" in reason


def test_the_config_wins_and_the_rest_follows_the_rows():
    media, labels, task = digits()
    chosen, notes = choose_augmentation(AugmentationConfig(), media, labels, task)
    assert isinstance(chosen, ImageAugmentation)
    assert (chosen.flip, chosen.color, chosen.tta) == ("none", 0.0, False)
    assert chosen.rotate > 0
    assert len(notes) == 1
    given = AugmentationConfig(flip="horizontal", shift=0, cutmix=1.0)
    chosen, notes = choose_augmentation(given, media, labels, task)
    assert isinstance(chosen, ImageAugmentation)
    assert (chosen.flip, chosen.shift, chosen.cutmix, chosen.tta) == ("horizontal", 0, 1.0, True)
    assert notes == []
    assert augmentation_of({"augmentation": described(chosen)}) == chosen
    assert augmentation_of({}) is None


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"pitch": 0.1}, "`augmentation.pitch` is 0.1, which does nothing to images"),
        ({"shift": 2.0}, "`augmentation.shift` is 2.0, but it must be from 0 to 1"),
        ({"rotate": -5.0}, "`augmentation.rotate` is -5.0, but it must be from 0 to 180"),
    ],
)
def test_what_has_no_effect_or_no_sense_is_refused(entry, message):
    media, labels, task = digits()
    with pytest.raises(UsageError, match=message):
        choose_augmentation(AugmentationConfig(**entry), media, labels, task)


def test_sounds_have_operations_of_their_own():
    media = Media(np.zeros((5, 1, 8, 8), np.float16), np.arange(4)[:, None])
    chosen, _ = choose_augmentation(AugmentationConfig(pitch=0.3), media, np.array([0, 1, 0, 1]), BINARY)
    assert isinstance(chosen, SoundAugmentation)
    assert chosen.pitch == 0.3
    with pytest.raises(UsageError, match=r"`augmentation.flip` is 'none', which does nothing to sounds"):
        choose_augmentation(AugmentationConfig(flip="none"), media, np.array([0, 1, 0, 1]), BINARY)


def test_a_batch_of_several_images_a_row_is_changed_image_by_image():
    batch = Batch(torch.zeros(4, 0), torch.zeros(4, 0), torch.zeros(4), extra=torch.rand(4, 2, 3, 8, 8))
    changed = augment(batch, ImageAugmentation(shift=0.2))
    assert changed.extra is not None
    assert batch.extra is not None
    assert changed.extra.shape == (4, 2, 3, 8, 8)
    assert changed.partner_targets is None
    cutmix = ImageAugmentation(cutmix=1.0)
    assert augment(batch, cutmix).partner_targets is not None
    mixed = [augment(batch, cutmix, with_mixup=True).partner_targets is not None for _ in range(60)]
    assert 15 < sum(mixed) < 45


@pytest.mark.parametrize(
    ("dtype", "channels", "mode"), [(np.uint8, 3, "RGB"), (np.uint8, 1, "L"), (np.float16, 1, "L")]
)
def test_the_contact_sheet_shows_files_and_what_becomes_of_them(tmp_path, dtype, channels, mode):
    files = (np.random.default_rng(0).random((11, channels, 10, 20)) * 200).astype(dtype)
    draw_contact_sheet(Media(files, np.arange(10)[:, None]), lambda some: 0 * some, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.mode == mode
        pixels = np.asarray(sheet)
    first, second = pixels[: 80 - 4, : 160 - 4], pixels[: 80 - 4, 164:320]
    assert first.std() > 10
    assert second.std() == 0
