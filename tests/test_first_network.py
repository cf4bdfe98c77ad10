"""The lesson of the template `first-network`: its claims about itself, as a reader would check them."""

import importlib
import inspect
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import matplotlib.image
import numpy as np
import pytest
import torch

from aicomp.config import load_config
from aicomp.models.spec import ModelSpec
from aicomp.registry import load_object
from aicomp.resources import bundled

MODULES = ("samples", "network", "descent", "gradient_check", "regularizers")


def run(folder, *command):
    return subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the template, as `aicomp init` would make it."""
    target = tmp_path_factory.mktemp("lesson") / "first-network"
    ignore = shutil.ignore_patterns("__pycache__", "*.png", ".*")
    return shutil.copytree(bundled("templates") / "first-network", target, ignore=ignore)


@pytest.fixture(scope="module")
def lesson(folder):
    """The lesson's modules, under no name that another test would find."""
    sys.path.insert(0, str(folder))
    try:
        return SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    finally:
        sys.path.remove(str(folder))
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def finished(folder):
    """What `python train.py` printed; it takes about 5 seconds."""
    done = run(folder, "train.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def columns(said, heading):
    """The lines under a heading until the next empty line: numbers by first column."""
    lines = said[said.index(heading) :].split("\n\n")[0].splitlines()[1:]
    rows = [re.split(" {2,}", line.strip()) for line in lines if not line.startswith("J of")]
    return {name: [float(number) for number in numbers] for name, *numbers in rows}


class TestTrainingScript:
    def test_it_prints_three_gradients_of_all_31_numbers_and_they_agree(self, finished):
        rows = re.findall(r"^ *([vcwb]\[\d\]) +(\S+) +(\S+) +(\S+)$", finished, re.MULTILINE)
        network = {name: [float(n) for n in numbers] for name, *numbers in rows[2:]}  # after the line's w and b
        expected = {f"{name}[{i}]" for name in "vcw" for i in range(10)} | {"b[0]"}
        assert set(network) == expected
        assert len(network) == 31
        for by_hand, autograd, differences in network.values():
            assert by_hand == pytest.approx(autograd, abs=2e-9)
            assert by_hand == pytest.approx(differences, abs=2e-9)
        assert np.ptp([numbers[0] for numbers in network.values()]) > 0.1, "zeros would agree as well"

    def test_the_network_finds_the_wave_and_the_others_do_not(self, finished):
        table = columns(finished, "model    ")
        assert list(table) == ["line", "network", "network from zeros"]
        floor = 0.2**2 / 2
        epochs, first, last, new = table["network"]
        assert 0.8 * floor < last < 1.2 * floor
        assert 0.8 * floor < new < 1.3 * floor
        assert first > 0.2
        assert epochs < 5000, "it should stop because the loss no longer falls"
        # A wave of amplitude 1 has a variance of 1/2: a constant is left with J = 1/4 and the noise's 0.02.
        assert table["network from zeros"][2] == pytest.approx(1 / 4 + floor, abs=0.02)
        # The best line takes a share of 6/(2 pi)^2 = 15 % away from the variance: slope -3/(2 pi), variance of x 1/3.
        assert table["line"][2] == pytest.approx(1 / 4 * (1 - 6 / (2 * np.pi) ** 2) + floor, abs=0.02)
        assert "J of the true curve: about 0.0200" in finished

    def test_each_regularizer_gives_up_training_loss_and_gets_nearer_to_the_truth(self, finished):
        table = columns(finished, "regularizer    ")
        loss, distance, norm_v, norm_w, zeros = table.pop("no regularizer")
        assert len(table) == 5
        assert all(row[0] > loss and row[1] < 0.9 * distance for row in table.values())
        decayed, lasso = table["weight decay (L2) 0.005"], table["L1 0.015"]
        assert decayed[2] < norm_v / 2, "gentle slopes"
        assert lasso[3] < norm_w
        assert zeros == decayed[4] == 0 < lasso[4]

    @pytest.mark.parametrize(("name", "shape"), [("fit.png", (624, 1800)), ("regularizers.png", (840, 1440))])
    def test_its_pictures_are_whole_and_show_the_network(self, folder, finished, name, shape):
        assert (folder / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        picture = matplotlib.image.imread(folder / name)[..., :3]
        assert picture.shape[:2] == shape
        orange = np.array([0xD5, 0x5E, 0x00]) / 255  # of the network's curve
        assert np.isclose(picture, orange, atol=0.01).all(axis=-1).sum() > 3000
        white = (picture == 1).all(axis=-1)
        assert 0.7 < white.mean() < 0.99
        assert white[[0, -1]].all(), "nothing is cut off at the top or the bottom"
        assert white[:, [0, -1]].all(), "nothing is cut off at the sides"


class TestGradientCheck:
    @pytest.mark.parametrize(
        ("right", "wrong"),
        [
            ("kept * features * (1.0 - features)", "kept * features"),
            ('"c": arriving.sum(axis=0)', '"c": arriving.mean(axis=0)'),
            ("np.outer(error, theta", "np.outer(error, -theta"),
            ("(features * kept).T @ error", "features.T @ (error * error)"),
            ("- y) / len(y)", "- y)"),
        ],
    )
    def test_an_error_in_back_propagate_is_found(self, folder, tmp_path, right, wrong):
        broken = shutil.copytree(folder, tmp_path / "broken")
        code = (broken / "network.py").read_text()
        assert code.count(right) == 1
        (broken / "network.py").write_text(code.replace(right, wrong))
        done = run(broken, "gradient_check.py")
        assert done.returncode == 1
        assert re.search(
            r"^ArithmeticError: the gradient by hand differs from autograd by \d", done.stderr, re.MULTILINE
        )

    def test_it_passes_as_it_is(self, folder):
        done = run(folder, "gradient_check.py")
        assert done.returncode == 0
        assert done.stdout.count("largest difference to autograd") == 2

    def test_a_network_of_one_unit_by_hand(self, lesson):
        # sigmoid(0) = 1/2, so h = 2 * 1/2 + 1 = 2 everywhere and e = (2 - 2, 2 - 1) / 2 = (0, 1/2).
        theta = {"v": np.zeros(1), "c": np.zeros(1), "w": np.array([2.0]), "b": np.array([1.0])}
        x, y = np.array([1.0, 3.0]), np.array([2.0, 1.0])
        assert lesson.network.cost(theta, x, y) == 1 / (2 * 2)
        gradient = lesson.network.back_propagate(theta, x, y, lesson.network.compute_features(theta, x))
        # db = 1/2; dw = 1/2 * 1/2; dc = 1/2 * w * 1/2 * (1 - 1/2) = 1/4; dv = dc * 3
        assert {k: v.tolist() for k, v in gradient.items()} == {"w": [0.25], "b": [0.5], "v": [0.75], "c": [0.25]}

    def test_a_silenced_unit_learns_nothing(self, lesson):
        theta = lesson.network.initialize(3, seed=0)
        x, y = lesson.samples.make_samples(20, 0.1, seed=0)
        features = lesson.network.compute_features(theta, x)
        gradient = lesson.network.back_propagate(theta, x, y, features, np.array([2.0, 0.0, 1.0]) * np.ones((20, 1)))
        for name in ("v", "c", "w"):
            assert gradient[name][1] == 0
            assert gradient[name][0] != 0 != gradient[name][2]


class TestSixSteps:
    def test_they_are_the_functions_that_the_readme_names(self, folder, lesson):
        table = re.findall(r"^\| (\d) ([\w -]+) \| `(\w+)\.(\w+)` \|", (folder / "README.md").read_text(), re.MULTILINE)
        assert [int(number) for number, *_ in table] == [1, 2, 3, 4, 5, 6]
        for number, _, module, function in table:
            step = getattr(getattr(lesson, module), function)
            assert inspect.isfunction(step)
            assert step.__doc__.startswith(f"Step {number}: ")

    def test_initialize_spreads_steps_over_the_data(self, lesson):
        theta = lesson.network.initialize(5, seed=0)
        assert {name: values.shape for name, values in theta.items()} == {"w": (5,), "b": (1,), "v": (5,), "c": (5,)}
        assert (-theta["c"] / theta["v"]).tolist() == pytest.approx([-1, -0.5, 0, 0.5, 1])
        assert len(set(theta["w"].tolist())) == 5
        line = lesson.network.initialize(0, seed=0)
        assert {name: values.shape for name, values in line.items()} == {"w": (1,), "b": (1,)}

    def test_compute_features(self, lesson):
        theta = {"v": np.array([1.0, -2.0]), "c": np.array([0.0, 2.0]), "w": np.array([3.0, 1.0]), "b": np.array([0.5])}
        x = np.array([0.0, 1.0])
        sigmoid = [[1 / 2, 1 / (1 + np.exp(-2))], [1 / (1 + np.exp(-1)), 1 / 2]]
        assert lesson.network.compute_features(theta, x) == pytest.approx(np.array(sigmoid))
        assert lesson.network.predict(theta, x)[1] == pytest.approx(3 / (1 + np.exp(-1)) + 1 / 2 + 0.5)
        with np.errstate(all="raise"):
            assert lesson.network.sigmoid(np.array([-1e4, 1e4])).tolist() == [0, 1]

    def test_equal_units_stay_equal(self, lesson):
        x, y = lesson.samples.make_samples(30, 0.1, seed=0)
        zeros = {name: np.zeros_like(v) for name, v in lesson.network.initialize(4, seed=0).items()}
        recipe = lesson.descent.Recipe(learning_rate=0.1, most_epochs=50)
        theta = lesson.descent.descend(zeros, (x, y), (x, y), recipe, seed=0).theta
        for name in ("v", "c", "w"):
            assert len(set(theta[name].tolist())) == 1
        assert theta["w"][0] != 0

    def test_update(self, lesson):
        theta = {"w": np.array([1.0, 2.0]), "b": np.array([0.0])}
        moved = lesson.descent.update(theta, {"w": np.array([8.0, -4.0]), "b": np.array([2.0])}, 0.25)
        assert {k: v.tolist() for k, v in moved.items()} == {"w": [1 - 2, 2 + 1], "b": [-0.5]}
        assert theta["w"].tolist() == [1, 2], "the old parameters stay: descend keeps the best"

    def test_regularize(self, lesson):
        theta = {name: np.array([2.0, -0.25, -1.0]) for name in ("v", "w", "c")} | {"b": np.array([5.0])}
        recipe = lesson.descent.Recipe(learning_rate=0.5, l1=1.0, weight_decay=2.0)
        # L1 takes 0.5 * 1, down to 0: 1.5, 0, -0.5. L2 divides by 1 + 0.5 * 2 = 2.
        pulled = lesson.descent.regularize(theta, recipe)
        assert pulled["v"].tolist() == pulled["w"].tolist() == [0.75, 0, -0.25]
        assert pulled["c"].tolist() == [2.0, -0.25, -1.0], "biases are left alone"
        assert pulled["b"].tolist() == [5.0]
        off = lesson.descent.regularize(theta, lesson.descent.Recipe())
        assert off["w"].tolist() == theta["w"].tolist()
        # 2/2 * 2 * (4 + 1/16 + 1) + 1 * 2 * 3.25
        assert lesson.descent.penalty(theta, recipe) == pytest.approx(2 * 5.0625 + 6.5)

    def test_regularize_is_the_exact_step_for_its_penalty(self, lesson):
        """What it returns minimizes (w - w0)^2 / 2 + rate * penalty(w): no other point near or far is lower."""
        recipe = lesson.descent.Recipe(learning_rate=0.3, l1=0.7, weight_decay=1.9)
        for start in (-2.0, -0.1, 0.15, 0.9):
            theta = {"w": np.array([start]), "b": np.zeros(1)}
            found = lesson.descent.regularize(theta, recipe)["w"][0]
            grid = np.linspace(-3, 3, 60_001)
            aim = (grid - start) ** 2 / 2 + 0.3 * (1.9 / 2 * grid**2 + 0.7 * abs(grid))
            assert found == pytest.approx(grid[aim.argmin()], abs=1e-4)

    @pytest.mark.parametrize(
        ("losses", "falls"),
        [
            ([], True),
            ([1.0, 2.0], True),  # too early to tell
            ([1.0, 0.995, 0.992], False),  # 0.8 % lower
            ([1.0, 0.995, 0.98], True),  # 2 % lower
            ([1.0, 0.98, 0.995], True),  # the best of the last two counts
            ([0.5, 1.0, 0.6], False),
            ([9.0, 0.5, 0.5, 0.5], False),
        ],
    )
    def test_still_falls(self, lesson, losses, falls):
        assert lesson.descent.still_falls(losses, patience=2) is falls

    @pytest.mark.parametrize("loss", [np.inf, np.nan])
    def test_a_loss_that_explodes_says_what_to_do(self, lesson, loss):
        with pytest.raises(FloatingPointError, match="overshoot, lower the learning rate"):
            lesson.descent.still_falls([1.0, loss], patience=200)

    @pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
    def test_too_large_a_rate_overshoots(self, lesson):
        x, y = lesson.samples.make_samples(30, 0.1, seed=0)
        with pytest.raises(FloatingPointError, match="lower the learning rate"):
            lesson.descent.descend(
                lesson.network.initialize(10, seed=0),
                (x, y),
                (x, y),
                lesson.descent.Recipe(learning_rate=1000.0),
                seed=0,
            )


class TestDescent:
    def test_one_epoch_of_a_line_by_hand(self, lesson):
        # One batch: h = 0, e = (0 - 2) / 2 and (0 - 4) / 2 = -1, -2; dw = -1 * 1 + -2 * 2 = -5, db = -3.
        theta = {"w": np.zeros(1), "b": np.zeros(1)}
        samples = np.array([1.0, 2.0]), np.array([2.0, 4.0])
        recipe = lesson.descent.Recipe(learning_rate=0.1, batch_size=2, most_epochs=1)
        course = lesson.descent.descend(theta, samples, samples, recipe, seed=0)
        assert course.theta["w"] == pytest.approx([0.5])
        assert course.theta["b"] == pytest.approx([0.3])
        # J = (4 + 16) / 4, then h = 0.8, 1.3: (1.44 + 7.29) / 4
        assert course.train_losses == pytest.approx([5, 8.73 / 4])
        assert (course.n_epochs, course.best_epoch) == (1, 1)

    def test_early_stopping_keeps_the_best_epoch_on_new_samples(self, lesson):
        train, valid = (lesson.samples.make_samples(20, 0.4, seed=s) for s in (1, 2))
        recipe = lesson.descent.Recipe(batch_size=4, most_epochs=3000, early_stopping=True)
        course = lesson.descent.descend(lesson.network.initialize(40, seed=1), train, valid, recipe, seed=1)
        assert course.valid_losses[course.best_epoch] == min(course.valid_losses)
        assert lesson.network.cost(course.theta, *valid) == min(course.valid_losses)
        assert 200 <= course.best_epoch + 200 <= course.n_epochs + 200 < 3000
        assert course.best_epoch < course.n_epochs
        assert min(course.train_losses) < course.train_losses[course.best_epoch], "it would have gone on to learn noise"

    def test_equal_seeds_give_equal_numbers(self, lesson):
        samples = lesson.samples.make_samples(20, 0.4, seed=1)
        recipe = lesson.descent.Recipe(batch_size=4, most_epochs=20, dropout=0.2, input_noise=0.1)
        start = lesson.network.initialize(5, seed=1)
        a, b, other = (lesson.descent.descend(start, samples, samples, recipe, seed) for seed in (0, 0, 1))
        assert a.train_losses == b.train_losses != other.train_losses

    def test_samples_lie_on_the_wave_but_for_the_noise(self, lesson):
        x, y = lesson.samples.make_samples(4000, 0.2, seed=0)
        assert -1 <= x.min() < -0.99 < 0.99 < x.max() <= 1
        assert all(a <= b for a, b in pairwise(x))
        assert np.std(y - np.sin(2 * np.pi * x)) == pytest.approx(0.2, abs=0.01)


class TestModel:
    def test_inputs_and_outputs(self, folder):
        build_model = load_object("model:build_model", folder)
        spec = ModelSpec(n_num=3, cardinalities=(4, 2), n_outputs=5)
        model = build_model(spec, n_hidden=7)
        out = model(torch.randn(6, 3), torch.zeros(6, 2, dtype=torch.int64))
        assert out.shape == (6, 5)
        # Hidden: (3 + 4 + 2) * 7 + 7; output: 7 * 5 + 5.
        assert sum(p.numel() for p in model.parameters()) == 70 + 40

    @pytest.mark.parametrize(("n_num", "cardinalities"), [(3, ()), (0, (4,))])
    def test_numbers_or_categories_alone(self, folder, n_num, cardinalities):
        model = load_object("model:build_model", folder)(ModelSpec(n_num, cardinalities, n_outputs=1))
        x_cat = torch.ones(6, len(cardinalities), dtype=torch.int64)
        assert model(torch.randn(6, n_num), x_cat).shape == (6, 1)

    def test_it_is_the_network_of_the_lesson(self, folder, lesson):
        theta = lesson.network.initialize(10, seed=0)
        model = load_object("model:build_model", folder)(ModelSpec(n_num=1, cardinalities=(), n_outputs=1))
        model = model.double()
        with torch.no_grad():
            model.hidden.weight.copy_(torch.tensor(theta["v"])[:, None])
            model.hidden.bias.copy_(torch.tensor(theta["c"]))
            model.output.weight.copy_(torch.tensor(theta["w"])[None])
            model.output.bias.copy_(torch.tensor(theta["b"]))
        x = np.linspace(-1, 1, 9)
        h = model(torch.tensor(x)[:, None], torch.zeros(9, 0, dtype=torch.int64))
        assert h[:, 0].tolist() == pytest.approx(lesson.network.predict(theta, x).tolist(), abs=1e-12)

    def test_categories_enter_as_one_input_per_value(self, folder):
        model = load_object("model:build_model", folder)(ModelSpec(1, (2, 3), n_outputs=1), n_hidden=1)
        with torch.no_grad():
            model.hidden.weight.copy_(torch.tensor([[0.0, 1.0, 2.0, 4.0, 8.0, 16.0]]))
            model.hidden.bias.zero_()
            model.output.weight.fill_(1.0)
            model.output.bias.zero_()
        out = model(torch.zeros(2, 1), torch.tensor([[0, 2], [1, 0]]))
        # The weights of the values that a row has: 1 + 16 and 2 + 4.
        assert torch.logit(out[1]).item() == pytest.approx(6, abs=1e-3)
        assert torch.sigmoid(torch.tensor(17.0)).item() == pytest.approx(out[0].item())

    def test_dropout_of_the_settings_silences_hidden_units_in_training_only(self, folder):
        model = load_object("model:build_model", folder)(ModelSpec(2, (), n_outputs=1, dropout=0.5), n_hidden=50)
        x, nothing = torch.ones(1, 2), torch.zeros(1, 0, dtype=torch.int64)
        assert len({model.train()(x, nothing).item() for _ in range(5)}) == 5
        assert len({model.eval()(x, nothing).item() for _ in range(5)}) == 1


def test_its_settings_load_and_are_those_of_the_lesson(folder, lesson):
    config = load_config(folder / "aicomp.toml")
    assert config.template == "first-network"
    assert config.model.name == "model:build_model"
    assert config.model.params == {"n_hidden": 10}
    assert config.training.optimizer == "sgd"
    assert config.training.learning_rate == lesson.descent.Recipe().learning_rate == 0.01
    off = config.regularization
    assert (off.weight_decay, off.dropout, off.input_noise, off.early_stopping) == (0, 0, 0, 0)
    assert load_config(folder / "aicomp.toml", ["regularization.weight_decay=0.01"]).regularization.weight_decay == 0.01
    load_object("features:add_features", folder)
