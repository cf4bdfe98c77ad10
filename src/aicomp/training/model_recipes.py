"""What a model is trained with where the config says "auto": docs/benchmarks.md has the tables that decided it."""

from dataclasses import dataclass
from typing import Literal

from aicomp.config import Config


@dataclass(frozen=True)
class ModelRecipe:
    """The part of the recipe that follows the model; what a project's own model gets, too.

    Attributes:
        optimizer: Name of `[training] optimizer`.
        schedule: Name of `[training] schedule`.
        dropout: Probability, where the model has dropout layers.
        dropout_schedule: Name of `[regularization] dropout_schedule`.
        numbers: Name of `[training] numbers`.
        learning_rate: Peak, with the recipe's own optimizer; None follows the optimizer.
        batch_size: Rows in one step; None follows the number of rows.
        large_batch_size: The same from 20,000 training rows on; None is `batch_size`.
        epochs: Most epochs; None follows the number of rows.
        most_epochs: More than these are not taken where the number of rows decides.
        label_smoothing: For classes whose metric reads labels: it blurs the probabilities that other metrics read.
    """

    optimizer: str = "adamw"
    schedule: str = "cosine"
    dropout: float = 0.1
    dropout_schedule: str = "constant"
    numbers: Literal["normal", "robust"] = "normal"
    learning_rate: float | None = None
    batch_size: int | None = None
    large_batch_size: int | None = None
    epochs: int | None = None
    most_epochs: int = 70
    label_smoothing: float = 0.0


MODEL_RECIPES: dict[str, ModelRecipe] = {
    "image-resnet": ModelRecipe(schedule="one-cycle", batch_size=64, large_batch_size=128, label_smoothing=0.1),
    "image-timm": ModelRecipe(schedule="one-cycle", learning_rate=0.002, batch_size=32, epochs=12, label_smoothing=0.1),
    "audio-resnet": ModelRecipe(
        schedule="one-cycle", batch_size=64, large_batch_size=128, most_epochs=30, label_smoothing=0.1
    ),
    "transformer": ModelRecipe(schedule="one-cycle", learning_rate=1e-4, batch_size=32, epochs=3),
    # Vectors of terms that are in few texts learn their rows by heart within some epochs.
    "text-bag": ModelRecipe(dropout=0.5, learning_rate=0.001, epochs=12),
    "realmlp": ModelRecipe(schedule="coslog4", dropout=0.15, dropout_schedule="flat-cosine", label_smoothing=0.1),
}
"""By model; those that are not named have the recipe of `ModelRecipe()`."""


def recipe_of(model: str) -> ModelRecipe:
    """The recipe of a model."""
    return MODEL_RECIPES.get(model, ModelRecipe())


def numbers_for(config: Config) -> Literal["normal", "robust"]:
    """How numbers reach the network of a config."""
    return recipe_of(config.model.name).numbers if config.training.numbers == "auto" else config.training.numbers
