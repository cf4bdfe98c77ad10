"""What each regularizer does to the fit: one network, the same samples, six pictures side by side."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from descent import Course, Recipe, descend
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from network import initialize, predict
from samples import Vector, make_samples, true_curve

# A network far too large for its few, noisy samples: left alone, it learns the noise.
N_HIDDEN, N_SAMPLES, NOISE, SEED = 40, 20, 0.4, 1

# All learn for the same time, so that the regularizer alone makes the difference; early stopping is one.
PLAIN = Recipe(learning_rate=0.01, batch_size=4, most_epochs=3000, patience=3000)
RECIPES = {
    "no regularizer": PLAIN,
    "weight decay (L2) 0.005": replace(PLAIN, weight_decay=0.005),
    "L1 0.015": replace(PLAIN, l1=0.015),
    "early stopping": replace(PLAIN, early_stopping=True, patience=200),
    "dropout 0.1": replace(PLAIN, dropout=0.1),
    "input noise 0.1": replace(PLAIN, input_noise=0.1),
}
GRID = np.linspace(-1.0, 1.0, 401)


def distance_to_truth(course: Course) -> float:
    """Root mean squared distance to the true curve, which only a classroom can know; lower is better."""
    return float(np.sqrt(np.mean((predict(course.theta, GRID) - true_curve(GRID)) ** 2)))


def compare(path: Path) -> None:
    """Train with each recipe, print a line for each, and draw the fits to a PNG."""
    train = make_samples(N_SAMPLES, NOISE, SEED)
    valid = make_samples(N_SAMPLES, NOISE, SEED + 1)  # only early stopping looks at these
    figure = Figure(figsize=(12, 7), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True).flat
    print(f"{'regularizer':<24} {'train J':>8} {'from truth':>11} {'norm of v':>10} {'norm of w':>10} {'zeros':>6}")
    for panel, (name, recipe) in zip(panels, RECIPES.items(), strict=True):
        course = descend(initialize(N_HIDDEN, SEED), train, valid, recipe, SEED)
        v, w, distance = course.theta["v"], course.theta["w"], distance_to_truth(course)
        loss, n_zeros = course.train_losses[course.best_epoch], np.count_nonzero(w == 0)
        norms = f"{np.linalg.norm(v):10.1f} {np.linalg.norm(w):10.2f}"
        print(f"{name:<24} {loss:8.4f} {distance:11.3f} {norms} {n_zeros:6d}")
        panel.set_title(f"{name}\ntrain J {loss:.3f}, distance to truth {distance:.2f}", fontsize=11)
        _draw_fit(panel, train, course)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=120)


def _draw_fit(panel: Axes, train: tuple[Vector, Vector], course: Course) -> None:
    fit, label = predict(course.theta, GRID), f"network, {N_HIDDEN} hidden units"
    panel.plot(GRID, true_curve(GRID), "--", color="#666666", label="true curve")
    panel.plot(GRID, fit, color="#D55E00", linewidth=2.2, label=label)
    panel.plot(*train, "o", color="#0072B2", markersize=5, alpha=0.8, label=f"{N_SAMPLES} noisy samples")
    panel.set(xlabel="x", ylabel="y", ylim=(-2.2, 2.2))
    panel.label_outer()
    panel.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    compare(Path("regularizers.png"))
