"""Places of images and sounds that moved a prediction: Grad-CAM on networks whose answer is known, and the page."""

import base64
import io
import json

import numpy as np
import pytest
import torch
from media_cases import write_competition
from PIL import Image
from torch import nn

from aicomp.cli.main import main
from aicomp.data.rows import Media, Rows
from aicomp.explain.grad_cam import grad_cam, last_convolution
from aicomp.explain.pictures import make_picture

CPU = torch.device("cpu")


class Bright(nn.Module):
    """Output 0 grows with how bright an image is, output 1 with how dark."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.layer.weight, 1.0)

    def forward(self, x_num, x_cat, media):
        found = self.layer(media[:, 0]).mean(dim=(2, 3))
        return torch.cat([found, -found], dim=1)


def a_row(image):
    return Rows(
        np.zeros((1, 0), np.float32), np.zeros((1, 0), np.int64), media=Media(image[None], np.zeros((1, 1), int))
    )


def test_the_place_that_speaks_for_an_output_is_found():
    image = np.zeros((1, 12, 8), dtype=np.uint8)
    image[0, 9:11, 1:3] = 200
    network = Bright()
    layer = last_convolution(network)
    heat = grad_cam(network, layer, a_row(image), 0, CPU)
    assert heat.shape == (1, 12, 8)
    np.testing.assert_array_equal(heat[0] > 0.5, image[0] > 0)
    assert heat.max() == 1
    assert not grad_cam(network, layer, a_row(image), 1, CPU).any()  # nothing speaks for dark
    assert network.layer.weight.grad is None
    picture = make_picture("a.png", image, heat[0])
    assert picture.centre == (0.25, pytest.approx(10 / 12, abs=1e-3))


def test_pictures_are_large_enough_and_low_pitches_are_below():
    sound = np.zeros((1, 4, 6), dtype=np.float16)
    sound[0, 0] = 10  # the lowest pitch
    picture = make_picture("a.wav", sound, np.zeros((4, 6)))
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.plain.split(",")[1]))))
    assert shown.shape == (112, 168, 3)
    assert (shown[-1] == 255).all()
    assert (shown[0] == 0).all()
    assert picture.marked == picture.plain
    assert picture.centre == (0.5, 0.5)


def test_a_network_without_convolution_has_none():
    assert last_convolution(nn.Sequential(nn.Linear(2, 2))) is None


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_files_of_a_run_are_explained(tmp_path, capsys, kind):
    (tmp_path / "data").mkdir()
    write_competition(tmp_path / "data", kind, n=40, n_test=4)
    project = tmp_path / "project"
    assert main(["init", str(tmp_path / "data"), "--metric", "accuracy", "--into", str(project)]) == 0
    quick = ["split.n_splits=2", "training.epochs=2", "model.params.width=8", "workers=0", f"model.name={kind}-resnet"]
    settings = [part for entry in quick for part in ("--set", entry)]
    assert main(["train", "--project", str(project), *settings]) == 0
    capsys.readouterr()
    assert main(["explain", "--project", str(project), "--rows", "4", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    for row in answer["rows"]:
        assert row["texts"] == []
        [picture] = row["pictures"]
        assert picture["name"] == f"files/{int(row['id']):03}.{'png' if kind == 'image' else 'wav'}"
        assert all(0 <= place <= 1 for place in picture["centre"])
    page = (project / "runs" / answer["run"] / "explain.html").read_text()
    assert page.count('<img src="data:image/png;base64,') == 8
