"""Steps 4 to 6, and the loop in which all six follow each other: gradient descent on mini-batches (SGD)."""

from dataclasses import dataclass, field

import numpy as np
from network import Parameters, back_propagate, compute_features, cost
from samples import Vector


@dataclass(frozen=True)
class Recipe:
    """How to descend; a regularizer at 0 is off."""

    learning_rate: float = 0.01
    batch_size: int = 10
    most_epochs: int = 5000
    patience: int = 200  # epochs without a lower loss before it counts as "no longer falling"
    weight_decay: float = 0.0  # adds weight_decay / 2 * sum(weight^2) to J, also called L2 or ridge
    l1: float = 0.0  # adds l1 * sum(|weight|) to J, also called lasso
    dropout: float = 0.0  # share of the features silenced in each step
    input_noise: float = 0.0  # standard deviation of the noise added to x in each step
    early_stopping: bool = False  # watch the loss on samples that are held out, and keep the best epoch


@dataclass
class Course:
    """What came of it: the parameters of the best epoch, and J after each epoch; epoch 0 is the start."""

    theta: Parameters
    best_epoch: int = 0
    train_losses: list[float] = field(default_factory=list)
    valid_losses: list[float] = field(default_factory=list)

    @property
    def n_epochs(self) -> int:
        """Epochs of training."""
        return len(self.train_losses) - 1


def update(theta: Parameters, gradient: Parameters, learning_rate: float) -> Parameters:
    """Step 4: a small step downhill, theta - learning_rate * gradient."""
    return {name: theta[name] - learning_rate * gradient[name] for name in theta}


def regularize(theta: Parameters, recipe: Recipe) -> Parameters:
    """Step 5: pull the weights towards 0. Biases are left alone: for them 0 is no simpler than another value.

    This is the exact step for both penalties: L2 shrinks by a factor, L1 by an amount, which ends at 0.
    """
    pull = recipe.learning_rate * recipe.l1
    shrink = 1.0 + recipe.learning_rate * recipe.weight_decay
    weights = {name: theta[name] for name in ("v", "w") if name in theta}
    return theta | {n: np.sign(w) * np.maximum(np.abs(w) - pull, 0.0) / shrink for n, w in weights.items()}


def penalty(theta: Parameters, recipe: Recipe) -> float:
    """What step 5 adds to J."""
    weights = np.concatenate([theta[name] for name in ("v", "w") if name in theta])
    return float(recipe.weight_decay / 2 * np.sum(weights**2) + recipe.l1 * np.sum(np.abs(weights)))


def still_falls(losses: list[float], patience: int) -> bool:
    """Step 6: whether the lowest loss of the last `patience` epochs is below all before, by 1 % or more.

    Raises:
        FloatingPointError: The loss is infinite or not a number.
    """
    if losses and not np.isfinite(losses[-1]):
        raise FloatingPointError(f"the loss is {losses[-1]}: the steps overshoot, lower the learning rate")
    return len(losses) <= patience or min(losses[-patience:]) < 0.99 * min(losses[:-patience])


def descend(
    theta: Parameters, train: tuple[Vector, Vector], valid: tuple[Vector, Vector], recipe: Recipe, seed: int
) -> Course:
    """Descend from `theta`, the outcome of step 1, until the watched loss stops falling; keep its lowest.

    Watched is J on the training samples plus the penalty, or with early stopping J on the validation samples.
    """
    random = np.random.default_rng(seed)
    course, watched = Course(theta), list[float]()
    while len(watched) <= recipe.most_epochs and still_falls(watched, recipe.patience):  # step 6
        course.train_losses.append(cost(theta, *train))
        course.valid_losses.append(cost(theta, *valid))
        penalized = course.train_losses[-1] + penalty(theta, recipe)
        watched.append(course.valid_losses[-1] if recipe.early_stopping else penalized)
        if watched[-1] == min(watched):
            course.theta, course.best_epoch = theta, len(watched) - 1
        theta = _one_epoch(theta, *train, recipe, random)
    return course


def _one_epoch(theta: Parameters, x: Vector, y: Vector, recipe: Recipe, random: np.random.Generator) -> Parameters:
    """Once over all samples in random order, a mini-batch at a time; steps 2 to 5 for each."""
    order = random.permutation(len(x))
    for start in range(0, len(x), recipe.batch_size):
        batch = order[start : start + recipe.batch_size]
        noisy_x = x[batch] + recipe.input_noise * random.standard_normal(len(batch))
        features = compute_features(theta, noisy_x)  # step 2
        # What is kept is scaled up: the sum stays right on average, and prediction needs no change.
        kept = (random.random(features.shape) >= recipe.dropout) / (1.0 - recipe.dropout)
        gradient = back_propagate(theta, noisy_x, y[batch], features, kept)  # step 3
        theta = update(theta, gradient, recipe.learning_rate)  # step 4
        theta = regularize(theta, recipe)  # step 5
    return theta
