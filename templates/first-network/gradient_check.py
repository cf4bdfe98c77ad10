"""Is the gradient by hand right? Compare it, number by number, with autograd and with finite differences."""

import numpy as np
import torch
from network import Parameters, back_propagate, compute_features, cost, initialize
from samples import Vector, make_samples

AUTOGRAD_TOLERANCE = 1e-12  # both are exact but for rounding
DIFFERENCE_TOLERANCE = 1e-8  # an approximation: its own error grows with step^2


def autograd_gradient(theta: Parameters, x: Vector, y: Vector) -> Parameters:
    """The gradient of J by torch, which is told only how J is computed."""
    t = {name: torch.tensor(values, requires_grad=True) for name, values in theta.items()}
    inputs = torch.tensor(x)[:, None]
    features = torch.sigmoid(inputs * t["v"] + t["c"]) if "v" in t else inputs
    j = ((features @ t["w"] + t["b"] - torch.tensor(y)) ** 2).sum() / (2 * len(y))
    gradients = torch.autograd.grad(j, list(t.values()))
    return {name: gradient.numpy() for name, gradient in zip(t, gradients, strict=True)}


def difference_gradient(theta: Parameters, x: Vector, y: Vector, step: float = 1e-5) -> Parameters:
    """The gradient by its definition: move one parameter a little to both sides, and see what J does."""

    def cost_at(name: str, i: int, value: float) -> float:
        moved = theta[name].copy()
        moved[i] = value
        return cost(theta | {name: moved}, x, y)

    def slope(name: str, i: int) -> float:
        value = float(theta[name][i])
        return (cost_at(name, i, value + step) - cost_at(name, i, value - step)) / (2 * step)

    return {name: np.array([slope(name, i) for i in range(len(theta[name]))]) for name in theta}


def check_gradient(n_hidden: int) -> None:
    """Print the three gradients side by side.

    Raises:
        ArithmeticError: A number of the gradient by hand is wrong.
    """
    x, y = make_samples(8, noise=0.2, seed=3)
    theta = initialize(n_hidden, seed=3)
    hand = back_propagate(theta, x, y, compute_features(theta, x))
    others = {"autograd": autograd_gradient(theta, x, y), "differences": difference_gradient(theta, x, y)}
    print(f"{'dJ/d':>6} {'by hand':>14} {'autograd':>14} {'differences':>14}")
    for name in theta:
        for i, value in enumerate(hand[name]):
            print(f"{name + f'[{i}]':>6} {value:14.9f}", *(f"{g[name][i]:14.9f}" for g in others.values()))
    for method, tolerance in (("autograd", AUTOGRAD_TOLERANCE), ("differences", DIFFERENCE_TOLERANCE)):
        worst = max(float(np.abs(hand[name] - others[method][name]).max()) for name in theta)
        print(f"largest difference to {method}: {worst:.1e} (allowed: {tolerance:.0e})")
        if not worst <= tolerance:  # so written, a NaN fails as well
            raise ArithmeticError(f"the gradient by hand differs from {method} by {worst:.1e}")
    print()


if __name__ == "__main__":
    check_gradient(n_hidden=0)
    check_gradient(n_hidden=10)
