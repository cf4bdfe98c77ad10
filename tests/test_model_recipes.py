"""What follows from the model where the config says "auto"."""

import dataclasses

import pytest
from stacked_cases import CPU, folds, train_stacked
from torch import nn
from training_cases import ACCURACY, BINARY, MULTICLASS, REGRESSION, a_config, a_fold

from aicomp.config import Config, ModelConfig
from aicomp.models import MODELS
from aicomp.models.dropout import DropoutCourse
from aicomp.training.fit import fit_fold
from aicomp.training.model_recipes import MODEL_RECIPES
from aicomp.training.optimizers import make_optimizer
from aicomp.training.recipe import resolve_settings
from aicomp.training.schedules import DROPOUT_SCHEDULES, SCHEDULES


def settings(model, task=BINARY, config=None):
    config = config or Config(model=ModelConfig(name=model))
    return resolve_settings(config, task, n_rows=1000, device=CPU)


def test_recipes_name_models_optimizers_and_schedules_that_exist():
    for model, recipe in MODEL_RECIPES.items():
        assert model in MODELS
        assert recipe.schedule in SCHEDULES
        assert recipe.dropout_schedule in DROPOUT_SCHEDULES
        make_optimizer(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), settings(model))


def test_realmlp_has_the_schedules_of_its_paper():
    resolved = settings("realmlp")
    assert (resolved.schedule, resolved.dropout_schedule, resolved.dropout) == ("coslog4", "flat-cosine", 0.15)
    assert (settings("mlp").schedule, settings("mlp").dropout_schedule) == ("cosine", "constant")
    assert settings("model:build_model") == settings("mlp")


def test_labels_are_smoothed_only_where_the_metric_reads_labels():
    probabilities = dataclasses.replace(ACCURACY, name="log_loss", needs="probability")
    assert settings("realmlp", MULTICLASS).label_smoothing == 0.1
    assert settings("realmlp", dataclasses.replace(MULTICLASS, metric=probabilities)).label_smoothing == 0.0
    assert settings("realmlp", REGRESSION).label_smoothing == 0.0
    assert settings("mlp", MULTICLASS).label_smoothing == 0.0


def test_what_the_config_names_overrides_the_recipe():
    config = a_config(
        "realmlp", {"dropout": 0.4, "dropout_schedule": "constant", "label_smoothing": 0}, schedule="cosine"
    )
    resolved = settings("realmlp", BINARY, config)
    assert (resolved.dropout, resolved.dropout_schedule, resolved.schedule) == (0.4, "constant", "cosine")
    assert resolved.label_smoothing == 0


def test_dropout_falls_in_the_second_half_from_what_each_layer_began_with():
    model = nn.Sequential(nn.Dropout(0.4), nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.2)))
    course = DropoutCourse(model, DROPOUT_SCHEDULES["flat-cosine"])
    seen = []
    for progress in (0.0, 0.5, 0.75, 1.0, 0.0):
        course.set(progress)
        seen.append((model[0].p, model[2][0].p))
    assert [p for pair in seen for p in pair] == pytest.approx([0.4, 0.2, 0.4, 0.2, 0.2, 0.1, 0, 0, 0.4, 0.2])


def probabilities_seen(train):
    """Probabilities of the first dropout layer in training passes, each once, in their order."""
    seen = []

    class Watched(nn.Module):
        def __init__(self, spec):
            super().__init__()
            self.layer, self.dropout = nn.Linear(spec.n_num, spec.n_outputs), nn.Dropout(spec.dropout)

        def forward(self, x_num, x_cat):
            if self.training and self.dropout.p not in seen:
                seen.append(self.dropout.p)
            return self.layer(self.dropout(x_num))

    train(Watched)
    return seen


@pytest.mark.parametrize("schedule", ["constant", "flat-cosine"])
def test_a_fold_is_trained_along_the_schedule(schedule):
    config = a_config("mlp", {"dropout": 0.5, "dropout_schedule": schedule, "early_stopping": 0}, epochs=4)
    seen = probabilities_seen(lambda build: fit_fold(a_fold(BINARY), BINARY, config, build, seed=0, device=CPU))
    assert seen == pytest.approx([0.5] if schedule == "constant" else [0.5, 0.25])


def test_so_are_stacked_folds():
    config = a_config("mlp", {"dropout": 0.5, "dropout_schedule": "flat-cosine", "early_stopping": 0}, epochs=4)
    data = {k: fold for k, fold in folds(REGRESSION).items() if k < 3}
    seen = probabilities_seen(lambda build: train_stacked(data, REGRESSION, config, build))
    assert seen == pytest.approx([0.5, 0.25])
