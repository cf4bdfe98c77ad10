"""How much better an action was than expected."""

import numpy as np


def advantages(
    rewards: np.ndarray, values: np.ndarray, ended: np.ndarray, next_values: np.ndarray, gamma: float, gae_lambda: float
) -> np.ndarray:
    """Generalized advantage estimation (Schulman et al., arXiv 1506.02438, equation 16).

    A_t is the sum over l of (gamma lambda)^l delta_{t+l} up to the episode's end, where
    delta_t = r_t + gamma V(s_{t+1}) - V(s_t).

    Args:
        rewards: Of each step, (n_steps, n).
        values: Expected before each step, (n_steps, n).
        ended: Whether the step ended an episode, bool (n_steps, n).
        next_values: Expected after each step, (n_steps, n): 0 where the episode came to its own end, that of its last
            observation where it was cut.
        gamma: Discount by step.
        gae_lambda: Of the exponential mean over the number of steps that are looked ahead.

    Returns:
        Advantages, (n_steps, n).

    >>> one = np.ones((2, 1))
    >>> advantages(one, 0.5 * one, np.array([[False], [True]]), np.array([[0.5], [0.0]]), 0.9, 0.5).ravel()
    array([1.175, 0.5  ])
    """
    found = np.zeros_like(rewards)
    later = np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * next_values[t] - values[t]
        later = delta + gamma * gae_lambda * ~ended[t] * later
        found[t] = later
    return found
