"""A policy begins where an agent of the project is: it learns its actions before it learns by itself."""

from typing import Any

import numpy as np
import torch

from aicomp.simulation.environments import Arena
from aicomp.simulation.episodes import Act
from aicomp.simulation.ppo import PPO

N_STEPS = 15_000
"""Of the agent, that are learned."""

_EPOCHS = 30
_BATCH = 256
_LEARNING_RATE = 2e-3
_NOISE = 0.2  # of the actions that are carried out, in half ranges, so that the way back from mistakes is seen too
_STD = 0.1  # of the policy's own actions when it begins to learn by itself


def imitate(ppo: PPO, arena: Arena, act: Act, seed: int) -> float:
    """Let a training's policy learn what an agent does (Pomerleau 1989), and begin from there.

    Args:
        ppo: A training that has not begun.
        arena: The environment, one of continuous or discrete actions and no game.
        act: The agent.
        seed: Of the episodes, which are among those of training, and of the noise.

    Returns:
        Mean squared error of its actions in [-1, 1], or cross-entropy of discrete ones, at the end.
    """
    x, targets = _watch(arena, act, seed)
    rows = ppo.prepare(x, update=True)
    aims = torch.from_numpy(targets)
    network = ppo.network
    parameters = [*network.conv.parameters(), *network.policy.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=_LEARNING_RATE)
    error = 0.0
    for epoch in range(_EPOCHS):
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * (1 - epoch / _EPOCHS)
        total = 0.0
        for batch in torch.split(torch.randperm(len(rows)), _BATCH):
            distribution, _ = network(rows[batch])
            if ppo.spaces.is_discrete:
                loss = torch.nn.functional.cross_entropy(distribution.logits, aims[batch])
            else:
                loss = (distribution.mean - aims[batch]).square().mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item() * len(batch)
        error = total / len(rows)
    if not ppo.spaces.is_discrete:
        with torch.no_grad():
            network.log_std.fill_(float(np.log(_STD)))
    return error


def _watch(arena: Arena, act: Act, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations (n, ...), and what the agent does there: numbers, or actions in [-1, 1]."""
    environment, spaces = arena.maker()(), arena.spaces()
    random = np.random.default_rng(seed)
    low, high = np.array(spaces.low), np.array(spaces.high)
    seen: list[np.ndarray] = []
    done: list[Any] = []
    ended = True
    for _ in range(N_STEPS):
        if ended:
            observation, _ = environment.reset(seed=int(random.integers(1_000_000)))
        action = act(observation, None)
        seen.append(np.asarray(spaces.encode(observation), np.float32))
        if spaces.is_discrete:
            done.append(int(action))
            carried: Any = int(random.integers(spaces.n_actions)) if random.random() < _NOISE else int(action)
        else:
            scaled = 2 * (np.clip(action, low, high) - low) / (high - low) - 1
            done.append(scaled.astype(np.float32))
            moved = np.clip(scaled + _NOISE * random.normal(size=len(low)), -1, 1)
            carried = (low + (moved + 1) / 2 * (high - low)).astype(np.float32)
        observation, _, terminated, truncated, _ = environment.step(carried)
        ended = bool(terminated or truncated)
    return np.stack(seen), np.array(done)
