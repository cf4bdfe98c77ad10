"""What is tuned: a model's own ranges, those of a project, and what is refused."""

import pytest
from synthetic import init_project, open_quick
from tuning_cases import reopen, shifted_project

from aicomp.config import Config
from aicomp.errors import UsageError
from aicomp.models import ALL_MODELS, is_estimator
from aicomp.models.space import NETWORK, Choice, Float, Int
from aicomp.project import Project
from aicomp.tuning.space import as_plain, choose_space, defaults_of, space_of
from aicomp.tuning.values import command, with_values


def keys(project, fixed=()):
    return [setting.key for setting in choose_space(project, fixed)]


def with_space(tmp_path, space, name="linear"):
    folder = init_project(tmp_path)
    config = folder / "aicomp.toml"
    config.write_text(f"{config.read_text()}\n[tune.space]\n{space}\n")
    return Project.open(folder, [f"model.name={name}"])


@pytest.mark.parametrize("name", ALL_MODELS)
def test_every_model_has_a_space_that_its_config_takes(name):
    space = space_of(ALL_MODELS[name])
    none = ("naive", "drift", "seasonal-naive", "seasonal-growth", "theta", "rewrite")  # which have no parameters
    assert bool(space) == (name not in none)
    assert len({s.key for s in space}) == len(space)
    for setting in space:
        section, _, field = setting.key.rpartition(".")
        if is_estimator(ALL_MODELS[name]):
            assert section == "model.params"  # settings of networks have no effect there
        elif section != "model.params":
            assert field in getattr(Config(), section).__struct_fields__
        assert setting.default is None or setting.holds(setting.default)


def test_a_models_own_space_and_what_set_fixes(tmp_path):
    project = open_quick(init_project(tmp_path))
    assert keys(project) == ["training.learning_rate", "regularization.weight_decay"]
    assert keys(project, {"training.learning_rate"}) == ["regularization.weight_decay"]
    with pytest.raises(UsageError, match="nothing of model `linear` is left to tune: every setting is fixed"):
        choose_space(project, keys(project))


def test_settings_of_classes_are_left_out_for_values(tmp_path):
    for problem, expected in (("binary", True), ("regression", False)):
        project = Project.open(init_project(tmp_path, problem), ["model.name=realmlp"])
        assert ("regularization.label_smoothing" in keys(project)) is expected


def test_the_file_of_a_model_of_ones_own_says_its_space(tmp_path):
    project = shifted_project(tmp_path)
    assert keys(project) == ["model.params.shift", "model.params.mood"]
    assert defaults_of(project) == {"model.params.shift": 0.05, "model.params.mood": "good"}


def test_a_network_of_ones_own_without_a_space_has_that_of_networks(tmp_path):
    project = Project.open(init_project(tmp_path), ["model.name=model:build_model"])
    assert choose_space(project) == tuple(NETWORK)


def test_an_estimator_without_a_space_has_nothing_to_tune(tmp_path):
    project = shifted_project(tmp_path)
    model = project.folder / "model.py"
    model.write_text(model.read_text().replace("SPACE =", "OTHER ="))
    with pytest.raises(UsageError, match="it has no `SPACE`") as caught:
        choose_space(project)
    assert '`"model.params.mood" = {low=1, high=10}`' in caught.value.hint


def test_a_space_of_something_else_is_refused(tmp_path):
    project = shifted_project(tmp_path)
    model = project.folder / "model.py"
    model.write_text(model.read_text() + '\nSPACE = ("model.params.shift",)\n')
    with pytest.raises(UsageError, match="which is no setting"):
        choose_space(project)


def test_the_project_changes_ranges(tmp_path):
    space = """
"training.learning_rate" = {low=1e-4, high=1e-2}
"regularization.weight_decay" = false
regularization.dropout = [0.0, 0.25]
"training.batch_size" = [64, 128]
"training.epochs" = {low=5, high=20, log=true}
"""
    assert choose_space(with_space(tmp_path, space)) == (
        Float("training.learning_rate", 1e-4, 1e-2),
        Choice("regularization.dropout", (0.0, 0.25)),
        Choice("training.batch_size", (64, 128)),
        Int("training.epochs", 5, 20, log=True),
    )


def test_one_bound_alone_keeps_the_rest_of_the_range(tmp_path):
    project = with_space(tmp_path, '"training.learning_rate" = {high=0.01}')
    assert choose_space(project)[0] == Float("training.learning_rate", 1e-3, 0.01, log=True)


@pytest.mark.parametrize(
    ("space", "message", "hint"),
    [
        ('"training.learning_rat" = {low=1, high=2}', "unknown setting `training.learning_rat`", "g_rate"),
        ('"model.params.depth" = {low=1, high=2}', "unknown setting `model.params.depth`", ""),
        ('"training.learning_rate" = {low=1, hihg=2}', "unknown key `hihg`", "did you mean `high`"),
        ('"training.learning_rate" = 0.1', "0.1 is no range", "false to leave it out"),
        ('"training.learning_rate" = {low=2.0, high=1.0}', "low is 2.0 and high is 1.0", "correct the bounds"),
        ('"training.learning_rate" = {low=0.0, high=1.0, log=true}', "with log it must be above 0", "raise it"),
        ('"training.learning_rate" = {low="a", high=1.0}', "expected `float`", "low=1"),
        ('"training.optimizer" = ["adamw"]', "1 choices, two different ones are needed", "add another"),
        ('"training.optimizer" = {choices=["adamw", "lion"], log=true}', "is a list that stands alone", "low=1"),
        ('"training.batch_size" = {low=32}', "`low` and `high` are both needed", "low=1"),
        ('"training.batch_size" = {low=32, high=100, step=32}', "steps of 32 from 32 do not meet 100", "write 96"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_range_is_said(tmp_path, space, message, hint):
    with pytest.raises(UsageError) as caught:
        choose_space(with_space(tmp_path, space))
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_model_that_passes_parameters_on_can_be_tuned_in_any(tmp_path):
    project = with_space(tmp_path, '"model.params.max_bin" = {low=15, high=255}', "lightgbm")
    assert choose_space(project)[-1] == Int("model.params.max_bin", 15, 255)


def test_ranges_hold_values_of_their_own_kind():
    assert Float("a", 0.0, 1.0).holds(1)
    assert not Float("a", 0.0, 1.0).holds("auto")
    assert not Float("a", 0.0, 1.0).holds(True)
    assert Int("a", 16, 64, step=16).holds(48)
    assert not Int("a", 16, 64, step=16).holds(50)
    assert not Int("a", 1, 4).holds(2.0)
    assert Choice("a", (True, 2)).holds(True)
    assert not Choice("a", (True, 2)).holds(1)
    assert Float("a", 0.12342, 1.0).rounded(0.123424) == 0.12342  # to four digits it would lie outside


def test_spaces_that_differ_have_another_text():
    assert as_plain([Int("a", 1, 2)]) != as_plain([Float("a", 1, 2)])
    assert as_plain([Int("a", 1, 2)]) == as_plain([Int("a", 1, 2)])


def test_values_become_a_config_and_a_command_that_gives_the_same_config(tmp_path):
    project = shifted_project(tmp_path)
    values = {"model.params.shift": 1e-05, "model.params.mood": "it's fine", "training.loss": "mae"}
    tried = with_values(project, values)
    assert tried.config.model.params == {"shift": 1e-05, "mood": "it's fine"}
    assert project.config.model.params == {}
    import shlex

    words = shlex.split(command(["workers=0"], values))
    assert words[:4] == ["aicomp", "train", "--set", "workers=0"]
    assert reopen(project.folder, *words[3::2]).config == tried.config


def test_a_value_of_the_wrong_type_is_refused(tmp_path):
    with pytest.raises(UsageError, match="learning_rate"):
        with_values(shifted_project(tmp_path), {"training.learning_rate": "fast"})
