"""The lesson: `python train.py` checks the gradient, fits a line and a network, and draws two pictures."""

from pathlib import Path

import numpy as np
from descent import Course, Recipe, descend
from gradient_check import check_gradient
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from network import Parameters, compute_features, initialize, predict
from regularizers import compare
from samples import Vector, make_samples, true_curve

NOISE = 0.2
FLOOR = NOISE**2 / 2  # J of the true curve itself: whoever gets far below has learned the noise
GRID = np.linspace(-1.0, 1.0, 401)
COLORS = {"line": "#0072B2", "network": "#D55E00", "network from zeros": "#009E73"}  # Okabe and Ito


def main() -> None:
    """Run the lesson from the gradient to the pictures."""
    check_gradient(n_hidden=0)
    check_gradient(n_hidden=10)
    train, valid = make_samples(100, NOISE, seed=1), make_samples(100, NOISE, seed=2)
    network = initialize(n_hidden=10, seed=0)
    starts: dict[str, Parameters] = {
        "line": initialize(n_hidden=0, seed=0),
        "network": network,
        "network from zeros": {name: np.zeros_like(values) for name, values in network.items()},
    }
    recipe = Recipe(learning_rate=0.01, batch_size=5)
    courses = {name: descend(theta, train, valid, recipe, seed=0) for name, theta in starts.items()}
    print(f"{'model':<20} {'epochs':>6} {'J at first':>11} {'J at last':>10} {'J on new samples':>17}")
    for name, course in courses.items():
        first, last, new = course.train_losses[0], course.train_losses[-1], course.valid_losses[-1]
        print(f"{name:<20} {course.n_epochs:6d} {first:11.4f} {last:10.4f} {new:17.4f}")
    print(f"J of the true curve: about {FLOOR:.4f}, half the variance of the noise\n")
    draw(courses, train, Path("fit.png"))
    compare(Path("regularizers.png"))
    print("\ndrawn: fit.png and regularizers.png")


def draw(courses: dict[str, Course], train: tuple[Vector, Vector], path: Path) -> None:
    """Draw the losses, the fits and the hidden units' features to a PNG."""
    figure = Figure(figsize=(15, 5.2), layout="constrained")
    losses, fits, features = figure.subplots(1, 3)
    for name, course in courses.items():
        losses.plot(course.train_losses, color=COLORS[name], linewidth=2, label=name)
        losses.plot(course.n_epochs, course.train_losses[-1], "o", color=COLORS[name])
        fits.plot(GRID, predict(course.theta, GRID), color=COLORS[name], linewidth=2, label=name)
    losses.axhline(FLOOR, color="#666666", linestyle=":", label="half the noise's variance")
    losses.set(
        title="The loss falls until it stops",
        xlabel="epoch",
        ylabel="J on the training samples",
        yscale="log",
    )
    ticks = [0.02, 0.05, 0.1, 0.2, 0.3]
    losses.set_yticks(ticks, labels=[str(tick) for tick in ticks])
    losses.minorticks_off()
    fits.plot(*train, "o", color="#999999", markersize=4, alpha=0.7, zorder=0, label="samples")
    fits.plot(GRID, true_curve(GRID), "k--", linewidth=1, label="true curve")
    fits.set(title="The fit", xlabel="x", ylabel="y", xticks=np.linspace(-1, 1, 5))
    theta = courses["network"].theta
    parts = compute_features(theta, GRID) * theta["w"]
    features.plot(GRID, parts, color="#56B4E9", linewidth=1.2)
    features.plot([], [], color="#56B4E9", label="$w_j a_j(x)$, one for each hidden unit")
    features.plot(GRID, predict(theta, GRID), color=COLORS["network"], linewidth=2, label="their sum, plus b")
    features.set(title="The ten features it is made of", xlabel="x", ylabel="y", xticks=np.linspace(-1, 1, 5))
    for panel in (losses, fits, features):
        _finish(panel)
    figure.savefig(path, dpi=120)


def _finish(panel: Axes) -> None:
    panel.spines[["top", "right"]].set_visible(False)
    # Below the axes, where no curve passes.
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False, fontsize=9)


if __name__ == "__main__":
    main()
