"""`aicomp.toml` of a project on a simulation. "auto" is chosen by the environment, see `simulation.recipe`."""

from typing import Literal

import msgspec

from aicomp.config import Auto


class _Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A table of the TOML file; unknown keys are refused."""


class AgentConfig(_Section, frozen=True):
    """`[model]`: what acts.

    Attributes:
        name: "ppo", or `file:object`: a function of the project that takes the environment's name and the seeds to
            train on, and returns a function from an observation to an action.
        hidden: Units of each hidden layer.
        activation: Between layers.
    """

    name: str = "ppo"
    hidden: tuple[int, ...] | Auto = "auto"
    activation: Literal["auto", "tanh", "relu"] = "auto"


class PPOConfig(_Section, frozen=True):
    """`[training]`: proximal policy optimization.

    Attributes:
        seeds: Independent trainings; the best by evaluation is kept.
        steps: Steps of the environment in each training.
        n_environments: Environments that are stepped together.
        rollout: Steps in each of them between two updates.
        epochs: Passes over a rollout.
        batch_size: Steps in one gradient.
        learning_rate: At the beginning; it falls to zero along a line.
        gamma: Discount of rewards by step.
        gae_lambda: Between the bias of one-step advantages (0) and the variance of whole returns (1).
        clip: How far the ratio of new to old probabilities may go from 1 and still count.
        entropy: Weight of the entropy of actions, for exploration.
        value_weight: Weight of the value's loss.
        clip_norm: Largest norm of the gradient of one step.
        target_kl: Mean divergence from the policy of the rollout at which its epochs end; 0 never ends them.
        normalize: Standardize vector observations, and divide rewards by the spread of returns.
        evaluations: How often in a training the policy is evaluated, to keep the best one.
        imitate: An agent of the project, `file:object` as in `model.name`, whose actions the policy learns before it
            learns by itself; "" begins at random.
        checkpoint: Seconds of training that may be lost when it is killed, as of other templates; 0 keeps nothing.
    """

    seeds: int = 3
    steps: int | Auto = "auto"
    n_environments: int | Auto = "auto"
    rollout: int | Auto = "auto"
    epochs: int | Auto = "auto"
    batch_size: int | Auto = "auto"
    learning_rate: float | Auto = "auto"
    gamma: float | Auto = "auto"
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy: float | Auto = "auto"
    value_weight: float = 0.5
    clip_norm: float = 0.5
    target_kl: float = 0.03
    normalize: bool | Auto = "auto"
    evaluations: int = 10
    imitate: str = ""
    checkpoint: float = 60.0


class EvaluationConfig(_Section, frozen=True):
    """`[evaluation]`: episodes that no training has seen.

    Attributes:
        episodes: That the best agent plays for the run's score.
        selection: That each training plays to choose its best policy, and trainings to be compared; other ones.
        opponents: Of a game, who is played against in turn, on both sides.
    """

    episodes: int = 100
    selection: int = 20
    opponents: tuple[str, ...] = ("random", "negamax")


class PlayConfig(_Section, frozen=True):
    """`[play]`: how the agent of a game with known rules thinks before it moves.

    Attributes:
        depth: Moves that it looks ahead; 0 takes the policy's likeliest move.
        seconds: Time that it may take for a move.
        leaf: What values the positions at the end: the network, or a count of threats.
    """

    depth: int = 6
    seconds: float = 0.5
    leaf: Literal["network", "threats"] = "network"


class SimulationConfig(_Section, frozen=True):
    """The whole of `aicomp.toml`.

    Attributes:
        competition: File with the contract, relative to the project.
        template: Name of the template that the project came from.
        seed: Seed of the first training; the next ones follow.
        workers: Processes that train side by side; 0 trains in the calling process.
    """

    competition: str = "competition.toml"
    template: str = "simulation"
    seed: int = 0
    workers: int | Auto = "auto"
    model: AgentConfig = AgentConfig()
    training: PPOConfig = PPOConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    play: PlayConfig = PlayConfig()
