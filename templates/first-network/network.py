"""Steps 1 to 3, the network 1 -> n_hidden (sigmoid) -> 1 and its gradient, derived by hand.

    a_j(x) = sigmoid(v_j x + c_j)                  features: what the hidden units make of x
    h(x)   = sum_j w_j a_j(x) + b                  prediction: linear regression on the features
    J      = 1/(2m) sum_i (h(x_i) - y_i)^2         cost over m samples

Without `v` and `c` the only feature is x itself, and h(x) = w x + b is plain linear regression.
"""

import numpy as np
from samples import Vector

Parameters = dict[str, Vector]
"""theta: `v`, `c`, `w` of shape (n_hidden,) and `b` of shape (1,); of a line `w` and `b`, both (1,)."""


def sigmoid(z: Vector) -> Vector:
    """1 / (1 + exp(-z)): a smooth step from 0 to 1; where it has the value s, its slope is s (1 - s)."""
    return 0.5 + 0.5 * np.tanh(0.5 * z)  # the same function, without overflow


def initialize(n_hidden: int, seed: int) -> Parameters:
    """Step 1: choose where to start; `n_hidden=0` is linear regression.

    Unit j is a smooth step at x = -c_j / v_j. The steps start spread evenly over the data, narrower the more
    there are. Why not all zeros: units that start alike receive equal gradients and stay alike for ever, so
    that ten of them are worth one.
    """
    random = np.random.default_rng(seed)
    theta = {"w": random.normal(0.0, 0.1, max(1, n_hidden)), "b": np.zeros(1)}
    if n_hidden:
        v = np.full(n_hidden, 0.8 * n_hidden)
        theta |= {"v": v, "c": -v * np.linspace(-1.0, 1.0, n_hidden)}
    return theta


def compute_features(theta: Parameters, x: Vector) -> Vector:
    """Step 2: the features of each sample, (m,) -> (m, n_hidden), or (m, 1) for linear regression."""
    if "v" not in theta:
        return x[:, np.newaxis]
    return sigmoid(np.outer(x, theta["v"]) + theta["c"])


def predict(theta: Parameters, x: Vector) -> Vector:
    """h(x), (m,) -> (m,)."""
    return compute_features(theta, x) @ theta["w"] + theta["b"]


def cost(theta: Parameters, x: Vector, y: Vector) -> float:
    """J(theta) = 1/(2m) * sum((h(x) - y)^2), in squared units of y; lower is better."""
    return float(np.sum((predict(theta, x) - y) ** 2) / (2 * len(y)))


def back_propagate(theta: Parameters, x: Vector, y: Vector, features: Vector, kept: Vector | float = 1.0) -> Parameters:
    """Step 3: carry the error back through the network, by the chain rule; the gradient of J.

    Args:
        theta: The parameters, all of them unchanged.
        x: Inputs, (m,).
        y: Measured values, (m,).
        features: What `compute_features` gave for x, (m, n_features).
        kept: Factors on the features: 0 silences one (dropout), 1 leaves it; (m, n_features) or a number.
    """
    error = ((features * kept) @ theta["w"] + theta["b"] - y) / len(y)  # dJ/dh of each sample
    gradient: Parameters = {"w": (features * kept).T @ error, "b": error.sum(keepdims=True)}
    if "v" in theta:
        slope = kept * features * (1.0 - features)  # da/dz
        arriving = np.outer(error, theta["w"]) * slope  # dJ/dz of each sample and unit
        gradient |= {"v": x @ arriving, "c": arriving.sum(axis=0)}
    return gradient
