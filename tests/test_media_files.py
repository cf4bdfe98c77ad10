"""Which columns name files, how files are decoded, and where the decoded ones are kept."""

import struct
import zipfile

import numpy as np
import pandas as pd
import pytest
from media_cases import striped, tone, write_image, write_wav
from PIL import Image

from aicomp.data import decoding_processes, media_cache
from aicomp.data.images import BadFileError, ImageDecoding
from aicomp.data.media_cache import decode_files, keep_array, open_decoded, open_sides, places_of
from aicomp.data.media_files import MediaIndex, find_media, resolved
from aicomp.data.pixels import find_pixels
from aicomp.data.rows import Media, Rows
from aicomp.data.sounds import SoundDecoding, read_sound
from aicomp.errors import AicompError, DataError, UsageError

RANDOM = np.random.default_rng(0)


def index_of(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return MediaIndex.of(folder)


def columns(index, train, test, bare=()):
    found = find_media(pd.DataFrame({"x": train}), pd.DataFrame({"x": test}), index, bare=bare)
    return [(c.kind, c.train, c.test) for c in found]


# Columns


def test_paths_names_and_ids_are_found_where_their_files_lie(tmp_path):
    names = [f"train_images/{i}.jpg" for i in range(4)] + [f"test_images/{i}.jpg" for i in range(4)]
    index = index_of(tmp_path, *names, "notes.txt")
    whole = [f"train_images/{i}.jpg" for i in range(3)]
    assert columns(index, whole, ["test_images/0.jpg"]) == [("image", "", "")]
    by_name = [f"{i}.jpg" for i in range(3)]
    assert columns(index, by_name, ["3.jpg"]) == [("image", "train_images", "test_images")]
    assert columns(index, ["0", "1", "2"], ["3"]) == [("image", "train_images", "test_images")]
    assert columns(index, [0, 1, 2], [3]) == []  # counts, unless they are ids
    assert columns(index, [0, 1, 2], [3], bare={"x"}) == [("image", "train_images", "test_images")]
    assert columns(index, ["red", "green", "blue"], ["red"]) == []
    values = resolved(pd.Series(["0", None, "9"]), "test_images", index)
    assert values[0] == "test_images/0.jpg"
    assert pd.isna(values[1])
    assert values[2] == "test_images/9"  # where it was looked for


def test_most_names_must_have_a_file_and_bare_values_nearly_all(tmp_path):
    index = index_of(tmp_path, *(f"a/{i}.wav" for i in range(10)))
    assert columns(index, [f"{i}.wav" for i in range(14)], ["0.wav"]) == [("audio", "a", "a")]
    assert columns(index, [f"{i}.wav" for i in range(30)], ["0.wav"]) == []
    assert columns(index, [str(i) for i in range(14)], ["0"]) == []
    assert columns(MediaIndex.of(tmp_path / "a"), ["0.wav", "1.wav"], ["2.wav"]) == [("audio", "", "")]


def test_a_name_with_two_files_is_none(tmp_path):
    index = index_of(tmp_path, "a/0.jpg", "a/0.png", "a/1.jpg")
    assert index.find("0", "a") is None
    assert index.find("1", "a") == "a/1.jpg"
    assert index.find("0.png", "a") == "a/0.png"


def test_an_archive_at_the_top_counts_as_the_folder_that_it_becomes(tmp_path):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("0.jpg", "x")
        archive.writestr("__MACOSX/0.jpg", "x")
        archive.writestr("read.me", "x")
    index = MediaIndex.of(tmp_path)
    assert index.paths == ("images/0.jpg",)
    assert index.archives == {"images": "images.zip"}
    assert MediaIndex.of(tmp_path, ["other"]).paths == ()


# Images


def test_images_come_in_one_size_and_gray_if_all_are(tmp_path):
    write_image(tmp_path / "wide.png", np.tile(np.array([0, 255], np.uint8).repeat(20), (20, 1)))
    write_image(tmp_path / "small.png", np.full((10, 10), 100, np.uint8))
    paths = [tmp_path / "wide.png", tmp_path / "small.png"]
    chosen = ImageDecoding.choose(paths, "auto", "stretch")
    assert chosen == ImageDecoding(15, 1)  # the median of 20 and 10
    wide = ImageDecoding(10, 1).read(paths[0])
    assert wide.shape == (1, 10, 10)
    assert wide[0, :, 0].max() == 0
    assert wide[0, :, -1].min() == 255
    middle = ImageDecoding(10, 1, "crop").read(paths[0])  # columns 10 to 30: both halves
    assert abs(int(middle.mean()) - 127) < 2
    write_image(tmp_path / "red.png", np.full((4, 4, 3), (255, 0, 0), np.uint8))
    assert ImageDecoding.choose([tmp_path / "red.png"], 8, "crop") == ImageDecoding(8, 3, "crop")
    np.testing.assert_array_equal(ImageDecoding(2, 3).read(tmp_path / "red.png")[:, 0, 0], [255, 0, 0])


def test_large_images_are_made_smaller(tmp_path):
    write_image(tmp_path / "large.png", np.zeros((300, 400, 3), np.uint8))
    assert ImageDecoding.choose([tmp_path / "large.png"], "auto", "stretch").size == 128


def test_sixteen_bits_are_scaled_and_not_cut(tmp_path):
    Image.fromarray(np.full((4, 4), 30_000, np.uint16)).save(tmp_path / "deep.png")
    assert ImageDecoding(4, 1).read(tmp_path / "deep.png")[0, 0, 0] == int(30_000 * 255 / 65_535)


@pytest.mark.parametrize("fault", ["missing", "text", "cut"])
def test_what_is_no_image_is_refused_with_a_reason(tmp_path, fault):
    path = tmp_path / "x.png"
    if fault == "text":
        path.write_text("hello")
    if fault == "cut":
        write_image(path, RANDOM.integers(0, 255, (50, 50), dtype=np.uint8))
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadFileError, match="is missing" if fault == "missing" else "cannot be read as an image"):
        ImageDecoding(8, 1).read(path)


# Sounds


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_every_width_are_read(tmp_path, width):
    samples = np.linspace(-0.9, 0.9, 50)
    write_wav(tmp_path / "x.wav", np.stack([samples, samples], axis=1), width=width)
    rate, found = read_sound(tmp_path / "x.wav")
    assert rate == 8000
    np.testing.assert_allclose(found, samples, atol=0.01)


def test_a_spectrogram_shows_the_pitch_and_has_one_size(tmp_path):
    write_wav(tmp_path / "low.wav", tone(0, RANDOM, seconds=0.5))
    write_wav(tmp_path / "high.wav", tone(1, RANDOM, seconds=0.2, rate=16_000), rate=16_000)
    paths = [tmp_path / "low.wav", tmp_path / "high.wav"]
    decoding = SoundDecoding.choose(paths, rate=8000, seconds="auto", n_mels=32)
    assert decoding.seconds == pytest.approx(0.48)  # nearly the longer of 0.2 and 0.5
    low, high = (decoding.read(path) for path in paths)
    assert low.shape == high.shape == decoding.shape == (1, 32, 49)
    middle = decoding.shape[2] // 2
    assert low[0, :, middle].argmax() < high[0, :, middle].argmax()
    assert high[0, :, 0].max() == decoding.blank  # silence around what is shorter


@pytest.mark.parametrize("fault", ["missing", "text", "empty"])
def test_what_is_no_sound_is_refused_with_a_reason(tmp_path, fault):
    path = tmp_path / "x.wav"
    if fault == "text":
        path.write_text("hello")
    if fault == "empty":
        write_wav(path, np.zeros(0))
    with pytest.raises(BadFileError, match="is missing" if fault == "missing" else "cannot be read as sound"):
        read_sound(path)


def test_other_sounds_need_a_package_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("aicomp.data.sounds.find_spec", lambda name: None)
    (tmp_path / "x.mp3").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"`x.mp3` needs the package soundfile") as caught:
        read_sound(tmp_path / "x.mp3")
    assert caught.value.hint == "pip install 'aicomp[audio]'"
    header = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, 8000, 32000, 4, 32)
    (tmp_path / "floats.wav").write_bytes(header + b"data" + struct.pack("<I", 4) + struct.pack("<f", 0.5))
    with pytest.raises(UsageError, match=r"`floats.wav` needs the package soundfile"):
        read_sound(tmp_path / "floats.wav")


# The cache


def test_files_are_decoded_once_and_bad_ones_are_blank(tmp_path, monkeypatch):
    for i in range(3):
        write_image(tmp_path / f"{i}.png", np.full((4, 4), 10 * (i + 1), np.uint8))
    (tmp_path / "1.png").write_text("no image")
    names, decoding, cache = ["0.png", "1.png", "2.png"], ImageDecoding(4, 1), tmp_path / "cache"
    decoded = decode_files(names, tmp_path, decoding, cache)
    array = open_decoded(decoded.path)
    assert array.shape == (4, 1, 4, 4)
    assert array[:, 0, 0, 0].tolist() == [10, 0, 30, 0]
    assert list(decoded.bad) == ["1.png"]
    monkeypatch.setattr(ImageDecoding, "read", lambda self, path: pytest.fail("decoded twice"))
    assert decode_files(names, tmp_path, decoding, cache) == decoded
    with pytest.raises(DataError, match=r"no: 1.png cannot be read"):
        decode_files(names, tmp_path, decoding, cache, on_bad=lambda name, why: DataError(f"no: {name} {why}", ""))


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_processes_decode_many_files_as_threads_do(tmp_path, monkeypatch, kind):
    decoding = ImageDecoding(4, 3) if kind == "image" else SoundDecoding(4000, 0.1, 8)
    names = [f"{i:02}.{'png' if kind == 'image' else 'wav'}" for i in range(11)]
    for name in names:
        if kind == "image":
            write_image(tmp_path / name, RANDOM.integers(0, 255, (5, 6, 3), dtype=np.uint8))
        else:
            write_wav(tmp_path / name, RANDOM.normal(size=400) / 4)
    for name in (names[3], names[9]):
        (tmp_path / name).write_text("nothing")
    threads = decode_files(names, tmp_path, decoding, tmp_path / "threads")
    monkeypatch.setattr(media_cache, "MANY", 11)
    monkeypatch.setattr(media_cache, "n_cores", lambda: 2)
    monkeypatch.setattr(decoding_processes, "n_cores", lambda: 3)
    monkeypatch.setattr(media_cache, "_fill", lambda *_: pytest.fail("threads decode"))
    processes = decode_files(names, tmp_path, decoding, tmp_path / "processes")
    np.testing.assert_array_equal(open_decoded(processes.path), open_decoded(threads.path))
    np.testing.assert_array_equal(open_sides(processes.path), open_sides(threads.path))
    assert processes.bad == threads.bad
    assert list(processes.bad) == [names[3], names[9]]
    with pytest.raises(DataError, match=rf"{names[3]} cannot be read"):
        decode_files(names, tmp_path, decoding, tmp_path / "no", on_bad=lambda n, why: DataError(f"{n} {why}", ""))
    assert not list((tmp_path / "no").iterdir())


def test_a_process_that_dies_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(media_cache, "MANY", 1)
    monkeypatch.setattr(media_cache, "n_cores", lambda: 2)
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(AicompError, match="a process that decodes files ended with exit status 1"):
        decode_files(["0.png"], tmp_path, ImageDecoding(4, 1), tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_other_files_or_parameters_are_decoded_anew(tmp_path):
    write_image(tmp_path / "0.png", np.full((4, 4), 10, np.uint8))
    paths = [decode_files(["0.png"], tmp_path, ImageDecoding(size, 1), tmp_path / "cache").path for size in (4, 8)]
    write_image(tmp_path / "0.png", RANDOM.integers(0, 255, (9, 9), dtype=np.uint8))
    paths.append(decode_files(["0.png"], tmp_path, ImageDecoding(4, 1), tmp_path / "cache").path)
    assert len(set(paths)) == 3


def test_a_file_that_ends_all_leaves_nothing_behind(tmp_path):
    with pytest.raises(DataError, match=r"0.png is missing"):
        decode_files(["0.png"], tmp_path, ImageDecoding(4, 1), tmp_path, on_bad=lambda n, w: DataError(f"{n} {w}", ""))
    assert not list(tmp_path.glob("*.npy"))
    assert not list(tmp_path.glob(".*.part"))


def test_decoded_files_that_are_gone_are_told(tmp_path):
    with pytest.raises(DataError, match="is gone"):
        open_decoded(tmp_path / "x.npy")


def test_arrays_are_kept_by_their_content(tmp_path):
    array = RANDOM.integers(0, 255, (5, 1, 8, 8), dtype=np.uint8)
    one, two = (keep_array(part, ImageDecoding(8, 1), tmp_path) for part in (array, array + 1))
    assert one.path != two.path
    kept = open_decoded(one.path)
    np.testing.assert_array_equal(kept[:-1], array)
    assert kept[-1].max() == 0


def test_places_of_levels_lead_to_the_sorted_files():
    places = places_of({"a": ["x", "z"], "b": ["y"], "c": ["no file"]}, ["a", "b"])
    assert {name: p.tolist() for name, p in places.items()} == {"a": [0, 2, -1], "b": [1, -1]}
    assert media_cache.names_of([["x", "z"], ["y"]]) == ["x", "y", "z"]


def test_rows_are_taken_and_joined_without_a_copy_of_the_files():
    files = np.zeros((4, 1, 2, 2), np.uint8)
    media = Media(files, np.array([[0], [1], [-1]]))
    rows = Rows(np.zeros((3, 0), np.float32), np.zeros((3, 0), np.int64), media=media)
    both = rows.take(np.array([2, 0])).followed_by(rows.take(slice(1)))
    assert both.media is not None
    assert both.media.files is files
    assert both.media.index[:, 0].tolist() == [-1, 0, 0]
    assert len(both) == 3


# Pixels in a table


def pixel_table(images, name="pixel{}"):
    flat = images.reshape(len(images), -1)
    return pd.DataFrame(flat, columns=[name.format(i) for i in range(flat.shape[1])])


def test_columns_of_pixels_are_an_image():
    images = np.stack([striped(i % 2, RANDOM) for i in range(20)])
    found = find_pixels(pixel_table(images).assign(other=1), pixel_table(images).assign(other=2))
    assert found is not None
    assert (found.size, found.channels, found.top) == (16, 1, 255)
    np.testing.assert_array_equal(found.images(pixel_table(images))[:, 0], images)
    assert "256 columns, `pixel0` to `pixel255`: 16 x 16 pixels" in found.reason


def test_digits_of_sixteen_grays_reach_white():
    from sklearn.datasets import load_digits

    data = load_digits()
    table = pd.DataFrame(data.data.astype(int), columns=data.feature_names)
    found = find_pixels(table, table)
    assert found is not None
    assert (found.size, found.top) == (8, 16)
    assert found.images(table).max() == 255


def test_other_numbered_columns_are_no_image():
    random = np.random.default_rng(1)
    noise = pixel_table(random.integers(0, 255, (200, 64)), "feature{}")
    assert find_pixels(noise, noise) is None  # neighbours have nothing in common
    assert find_pixels(pixel_table(random.integers(0, 255, (9, 60))), pixel_table(noise.to_numpy()[:, :60])) is None
    smooth = pixel_table(np.stack([striped(i % 2, random) for i in range(50)]), "x_{}")
    assert find_pixels(smooth, smooth) is not None
    assert find_pixels(smooth.assign(x_3=-1), smooth) is None
    assert find_pixels(smooth.assign(x_3=0.5).mask(smooth == 1), smooth.mask(smooth > 100)) is None


def test_a_pixel_that_is_none_is_told():
    images = np.stack([striped(i % 2, RANDOM) for i in range(4)])
    found = find_pixels(pixel_table(images), pixel_table(images))
    assert found is not None
    with pytest.raises(DataError, match="row 1, counted from 0: `pixel3` is 300"):
        found.images(pixel_table(images.astype(int)).assign(pixel3=[0, 300, 0, 0]))
