"""Proximal policy optimization (Schulman et al., arXiv 1707.06347), a rollout and some epochs over it at a time."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aicomp.errors import AicompError
from aicomp.simulation.advantages import advantages
from aicomp.simulation.networks import ActorCritic, entropy, log_probability
from aicomp.simulation.player.policy import Policy
from aicomp.simulation.recipe import Recipe
from aicomp.simulation.scaling import Moments, RewardScale
from aicomp.simulation.vector import VectorEnvironment

_CLIP_OBSERVATIONS = 10.0  # as in `Policy`


@dataclass(frozen=True)
class Rollout:
    """Steps of all environments, one behind the other, as tensors of n_steps * n rows.

    Attributes:
        x: Standardized observations.
        legal: Which actions were allowed; None where all are.
        actions: That were taken.
        log_p: Logarithm of their probabilities then.
        advantages: Of these actions.
        returns: What the value should have been.
    """

    x: Tensor
    legal: Tensor | None
    actions: Tensor
    log_p: Tensor
    advantages: Tensor
    returns: Tensor


class PPO:
    """One training.

    Args:
        environment: What is learned.
        recipe: Its numbers.
        seed: Of weights, actions and episodes.

    Attributes:
        network: What learns.
        steps: Steps of the environment so far.
        updates: Rollouts that were learned.
        value_first: In so many of the first updates the value alone learns: of a policy that comes from elsewhere, it
            knows nothing yet.
        keeps_scale: Whether mean and spread of observations stay as they are: a policy that comes from elsewhere would
            mean other actions by the same weights, and drive ever worse as they spread.
    """

    def __init__(self, environment: VectorEnvironment, recipe: Recipe, seed: int) -> None:
        self.environment, self.recipe, self.seed = environment, recipe, seed
        self.spaces = environment.spaces
        torch.manual_seed(seed)
        self.network = ActorCritic(self.spaces, recipe.hidden, recipe.activation)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=recipe.learning_rate, eps=1e-5)
        self.steps = self.updates = self.value_first = 0
        self.keeps_scale = False
        self._moments = Moments(self.spaces.shape) if recipe.normalize and not self.spaces.is_image else None
        self._scale = RewardScale(len(environment), recipe.gamma) if recipe.normalize else None
        self._seen: np.ndarray | None = None

    def update(self, progress: float) -> dict[str, float]:
        """Collect a rollout and learn from it.

        Args:
            progress: Share of the training that is over, by which the learning rate falls.

        Returns:
            policy_loss, value_loss, entropy, kl (mean divergence from the rollout's policy), return (mean of the
            episodes that ended, NaN if none did), learning_rate, seconds.

        Raises:
            AicompError: The loss is no number any more.
        """
        began = time.perf_counter()
        # So that a training that was cut goes on with the random numbers that it would have used.
        torch.manual_seed(self.seed * 1_000_003 + self.updates)
        rate = self.recipe.learning_rate * max(0.0, 1 - progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        rollout, returns = self._collect()
        told = self._learn(rollout)
        if not math.isfinite(told["value_loss"] + told["policy_loss"]):
            raise AicompError(
                f"the loss of seed {self.seed} is no number after {self.steps} steps",
                "lower `training.learning_rate`, or look at the environment's rewards and observations",
            )
        self.updates += 1
        mean = float(np.mean(returns)) if returns else math.nan
        return {**told, "return": mean, "learning_rate": rate, "seconds": time.perf_counter() - began}

    def policy(self) -> Policy:
        """What it has learned so far, for play; a copy."""
        return Policy(self.network.spec(), self.weights())

    def weights(self) -> dict[str, np.ndarray]:
        """What `Policy` needs: weights, and mean and standard deviation of observations."""
        arrays = self.network.arrays()
        if self._moments is not None:
            arrays |= {"mean": self._moments.mean.astype(np.float32), "std": self._moments.std.astype(np.float32)}
        return arrays

    @torch.no_grad()
    def _collect(self) -> tuple[Rollout, list[float]]:
        """Play `rollout` steps in each environment with the policy as it is."""
        r, n = self.recipe, len(self.environment)
        if self._seen is None or self.environment.is_due:
            self._seen = self.environment.reset(self.seed * 1_000_003 + self.updates)
            if self._scale is not None:
                self._scale.begin()
        kept: dict[str, list[Any]] = {name: [] for name in ("x", "legal", "actions", "log_p", "value", "next")}
        rewards, ended = np.zeros((r.rollout, n)), np.zeros((r.rollout, n), bool)
        returns: list[float] = []
        for t in range(r.rollout):
            x, legal = self.prepare(self._seen, update=True), self.environment.legal()
            mask = None if legal is None else torch.from_numpy(legal)
            distribution, values = self.network(x, mask)
            actions = distribution.sample()
            step = self.environment.step(self._for_environment(actions))
            self._seen, ended[t] = step.observations, step.terminated | step.truncated
            rewards[t] = step.rewards if self._scale is None else self._scale(step.rewards, ended[t])
            returns += step.returns
            log_p = log_probability(distribution, actions)
            rest = {"x": x, "legal": mask, "actions": actions, "log_p": log_p, "value": values.numpy()}
            for name, value in rest.items():
                kept[name].append(value)
            kept["next"].append((step.last, step.terminated) if step.truncated.any() else step.terminated)
        self.steps += r.rollout * n
        values = np.stack(kept["value"]).astype(np.float64)
        gains = advantages(rewards, values, ended, self._next_values(values, kept["next"]), r.gamma, r.gae_lambda)
        tensors = {name: torch.cat(kept[name]) for name in ("x", "actions", "log_p")}
        return Rollout(
            **tensors,
            legal=None if kept["legal"][0] is None else torch.cat(kept["legal"]),
            advantages=torch.from_numpy(gains.astype(np.float32)).flatten(),
            returns=torch.from_numpy((gains + values).astype(np.float32)).flatten(),
        ), returns

    def _next_values(self, values: np.ndarray, following: list[Any]) -> np.ndarray:
        """Values after each step: of the next one, of the last observation where an episode was cut, 0 at its end."""
        assert self._seen is not None
        after = self.network(self.prepare(self._seen))[1].numpy()
        found = np.concatenate([values[1:], after[None]])
        for t, item in enumerate(following):
            terminated = item
            if isinstance(item, tuple):
                last, terminated = item
                found[t] = self.network(self.prepare(last))[1].numpy()
            found[t, terminated] = 0
        return found

    def _learn(self, rollout: Rollout) -> dict[str, float]:
        """Some epochs over a rollout."""
        r, n = self.recipe, len(rollout.actions)
        sums, n_batches, kl = np.zeros(4), 0, 0.0
        for _ in range(r.epochs):
            for rows in torch.split(torch.randperm(n), r.batch_size):
                if len(rows) < 2:  # has no spread of advantages
                    continue
                losses = self._losses(rollout, rows)
                loss = r.value_weight * losses[1]
                if self.updates >= self.value_first:
                    loss = loss + losses[0] - r.entropy * losses[2]
                self.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), r.clip_norm)
                self.optimizer.step()
                sums += [part.item() for part in losses]
                n_batches, kl = n_batches + 1, losses[3].item()
            if 0 < r.target_kl < kl:
                break
        names = ("policy_loss", "value_loss", "entropy", "kl")
        return dict(zip(names, (sums / max(1, n_batches)).tolist(), strict=True))

    def _losses(self, rollout: Rollout, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of a batch: the clipped surrogate (equation 7), squared error of the value, entropy, divergence."""
        distribution, values = self.network(rollout.x[rows], None if rollout.legal is None else rollout.legal[rows])
        difference = log_probability(distribution, rollout.actions[rows]) - rollout.log_p[rows]
        ratio = difference.exp()
        gains = rollout.advantages[rows]
        gains = (gains - gains.mean()) / (gains.std() + 1e-8)
        clipped = ratio.clamp(1 - self.recipe.clip, 1 + self.recipe.clip)
        surrogate = -torch.min(ratio * gains, clipped * gains).mean()
        error = (values - rollout.returns[rows]).square().mean()
        kl = (ratio.detach() - 1 - difference.detach()).mean()  # Schulman's estimate of low variance
        return surrogate, error, entropy(distribution).mean(), kl

    def prepare(self, observations: np.ndarray, *, update: bool = False) -> Tensor:
        """Observations of the environment as the network takes them.

        Args:
            observations: Those of n environments, (n, ...).
            update: Whether they count for the mean and spread by which all are standardized.
        """
        x = np.asarray(observations, np.float32) / np.float32(self.spaces.scale)
        if self._moments is not None:
            if update and not self.keeps_scale:
                self._moments.update(x.astype(np.float64))
            limit = _CLIP_OBSERVATIONS
            x = np.clip((x - self._moments.mean) / self._moments.std, -limit, limit).astype(np.float32)
        return torch.from_numpy(x)

    def _for_environment(self, actions: Tensor) -> np.ndarray:
        if self.spaces.is_discrete:
            return actions.numpy()
        low, high = np.array(self.spaces.low), np.array(self.spaces.high)
        moved: np.ndarray = (low + (np.clip(actions.numpy(), -1, 1) + 1) / 2 * (high - low)).astype(np.float32)
        return moved

    def state(self) -> dict[str, Any]:
        """All that a training needs to go on to the same bits, see `training.state_file.save_state`."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "counts": (self.steps, self.updates),
            "moments": {prefix: moments.state(prefix) for prefix, moments in self._all_moments().items()},
            "running": None if self._scale is None else self._scale.running,
            "seen": self._seen,
            "environment": self.environment.state(),
        }

    def load(self, state: Mapping[str, Any]) -> bool:
        """Take what `state` gave; returns whether the environment came to where it was.

        If not, since it does not repeat an episode by its seed and actions, episodes begin anew.
        """
        self.steps, self.updates = state["counts"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for prefix, moments in self._all_moments().items():
            moments.load(state["moments"][prefix], prefix)
        if state["seen"] is None:
            return True
        seen = self.environment.restore(state["environment"])
        if seen is None or not np.array_equal(seen, state["seen"], equal_nan=True):
            return False
        self._seen = state["seen"]
        if self._scale is not None:
            self._scale.begin(state["running"])
        return True

    def _all_moments(self) -> dict[str, Moments]:
        found = {} if self._moments is None else {"observations": self._moments}
        return found if self._scale is None else {**found, "returns": self._scale.moments}
