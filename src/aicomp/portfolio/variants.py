"""A project with the config of one member."""

import dataclasses
from collections.abc import Set
from typing import Any

import msgspec

from aicomp.config import Config, ModelConfig, RegularizationConfig, TrainingConfig
from aicomp.model_names import FORECASTER_NAMES, is_network
from aicomp.portfolio.members import FIRST, FORECASTERS, READERS, RECOMMENDERS, Member
from aicomp.project import Project

_ROUNDS = {
    "lightgbm": "n_estimators",
    "xgboost": "n_estimators",
    "catboost": "iterations",
    "forecast-mean": "epochs",
    "forecast-net": "epochs",
    "forecast-trees": "n_estimators",
    "factorization": "sweeps",
}
"""The parameter that limits the rounds of a model that is no network, or its epochs."""

_RATES = ("lightgbm", "xgboost")
"""Those of them whose rounds are smaller steps where there are more."""


def variant(project: Project, member: Member, cap: int | None = None) -> Project:
    """The project with a member's config.

    Args:
        project: The project.
        member: The member.
        cap: Most epochs, or rounds of a boosted model; None leaves them to the model.
    """
    config = project.config
    params = {**member.params}
    if config.model.name == member.model:
        params = {**params, **config.model.params} if member.is_first else {**config.model.params, **params}
    training, regularization = config.training, config.regularization
    if not is_network(member.model):  # these would be refused: they have no effect there
        training = TrainingConfig(loss=training.loss, target=training.target, quantile=training.quantile)
        regularization = RegularizationConfig()
    split = config.split
    for key, value in member.settings.items():
        section, _, name = key.partition(".")
        if section == "split":
            split = msgspec.structs.replace(split, **{name: value})
        elif section == "training":
            training = msgspec.structs.replace(training, **{name: value})
        else:
            regularization = msgspec.structs.replace(regularization, **{name: value})
    if cap is not None and is_network(member.model):
        training = msgspec.structs.replace(training, epochs=cap)
    elif cap is not None:
        params = capped(member.model, params, cap)
    changed: Config = msgspec.structs.replace(
        config,
        seed=config.seed + member.seed,
        split=split,
        model=ModelConfig(name=member.model, params=params),
        training=training,
        regularization=regularization,
    )
    return dataclasses.replace(project, config=changed)


def capped(model: str, params: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Parameters with fewer rounds, and larger steps for what is then missing.

    CatBoost chooses its learning rate by the number of rounds itself; draws of a factorization have none.
    """
    if model in FORECASTER_NAMES:  # of which half are for validation, and half for test
        rounds = max(1, rounds // 2)
    changed = {**params, _ROUNDS[model]: rounds}
    if model in _RATES and rounds < 1000:
        rate = float(params.get("learning_rate", 0.03))
        changed["learning_rate"] = round(max(rate, min(0.2, rate * 1000 / rounds)), 3)
    return changed


def can_be_capped(model: str) -> bool:
    """Whether a model has epochs or rounds that can be limited."""
    return is_network(model) or model in _ROUNDS


def first_members(project: Project, *, only: str | None, kinds: Set[str], has_pair: bool = False) -> list[Member]:
    """The first of each kind; a model of the project's own comes before all others, then those made for such data.

    Args:
        project: The project.
        only: The one model that shall be tried, None for all.
        kinds: Kinds of the columns. Models of tables are not tried where there are none but images and sounds.
        has_pair: Whether rows are pairs of a user and an item.
    """
    if only is not None:
        return [Member(only, is_first=True)]
    first = [*(RECOMMENDERS if has_pair else ())]
    first += [member for kind, members in READERS.items() if kind in kinds for member in members]
    first += FIRST if kinds - {"image", "audio", "drop"} else ()
    if project.competition.horizon:  # models of single rows know nothing of what came before
        first = [*FORECASTERS]
    own = project.config.model.name
    is_known = own in {m.model for m in first}
    return first if is_known else [Member(own, share=2.0, is_first=True), *first]
