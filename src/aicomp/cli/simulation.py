"""`aicomp train` in a project on a simulation."""

from typing import TYPE_CHECKING, Any

from aicomp.cli.output import Output
from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.run import Run
    from aicomp.simulation.project import Simulation
    from aicomp.simulation.training import AgentPlan


def refuse(options: dict[str, Any], command: str) -> None:
    """Refuse an option that is for rows, before anything is done.

    Raises:
        UsageError: One of them is given.
    """
    for name, value in options.items():
        if value:
            raise UsageError(
                f"`{name}` is for projects on rows, and this one is on a simulation", f"`{command}` without it"
            )


def train_agent(
    simulation: "Simulation", output: Output, *, time_limit: str | None, fresh: bool, refused: dict[str, Any]
) -> None:
    """Train an agent, show how it goes, and print the outcome.

    Args:
        simulation: The project.
        output: Where to say it.
        time_limit: As it is typed.
        fresh: Begin anew even if a cut run could be continued.
        refused: Options of projects on rows, by name, with what was given.
    """
    from aicomp.cli.began import began
    from aicomp.cli.progress import Progress
    from aicomp.simulation.training import train
    from aicomp.tuning.time_limit import parse_time_limit

    refuse(refused, "aicomp train")
    limit = None if time_limit is None else parse_time_limit(time_limit)
    with Progress(output, simulation.competition.metric, "seed") as progress:

        def on_plan(plan: "AgentPlan") -> None:
            output.say(*_plan_lines(plan))
            progress.begin(plan.n_seeds, plan.seeds_left)

        run = train(simulation, fresh=fresh, limit=limit, began=began(), on_plan=on_plan, on_event=progress.on_event)
    output.result({"run": run.id, "folder": str(run.folder), **run.scores, "seconds": round(run.seconds, 1)},
                  *describe_agent(run))  # fmt: skip


def _plan_lines(plan: "AgentPlan") -> list[str]:
    lines = [f"run {plan.run.id}: `{plan.environment}`, {plan.spaces}"]
    model = plan.run.info["config"]["model"]["name"]
    seeds = "1 seed" if plan.n_seeds == 1 else f"{plan.n_seeds} seeds"
    time = "" if plan.seconds is None else f", {plan.seconds:.0f} s each at most"
    lines.append(f"agent: {model}, {seeds}{time}")
    n_done = plan.n_seeds - len(plan.seeds_left)
    if n_done:
        lines.append(f"continuing: {n_done} of {plan.n_seeds} seeds are trained already")
    begun = [k for k in plan.seeds_left if (plan.run.fold(k) / "checkpoint.safetensors").is_file()]
    if begun:
        lines.append(f"continuing: seed {', '.join(map(str, begun))} from the last checkpoint")
    return lines


def describe_agent(run: "Run") -> list[str]:
    """The outcome for people."""
    scores = run.scores
    found, metric = scores["evaluation"], scores["metric"]
    seeds = "  ".join(f"{score:.5g}" for score in scores["folds"])
    lines = [
        f"{metric}: {found['mean']:.5g} in {found['episodes']} episodes that no training has seen, 95 % interval "
        f"{found['low']:.5g} to {found['high']:.5g} (higher is better)"
    ]
    for name, games in scores.get("opponents", {}).items():
        n = games["won"] + games["drawn"] + games["lost"]
        lines.append(
            f"against {name}: {games['won']} won, {games['drawn']} drawn, {games['lost']} lost of {n}, "
            f"95 % interval {games['low']:.3g} to {games['high']:.3g}"
        )
    return [
        *lines,
        f"seeds: {seeds} in the episodes of selection; number {scores['best_fold']} was taken",
        f"run {run.id} in `{run.folder}`, with `episode.gif`; its seeds took {run.seconds:.0f} s together",
        "next: aicomp submit --dry-run",
    ]
