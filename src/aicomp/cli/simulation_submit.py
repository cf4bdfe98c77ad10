"""`aicomp submit` in a project on a simulation: the agent as one file, played before it is sent."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.cli.output import Output
from aicomp.cli.parcel import NOT_SENT
from aicomp.errors import DataError

if TYPE_CHECKING:
    from aicomp.cli.sending import Wait
    from aicomp.kaggle.delivery import Parcel
    from aicomp.kaggle.endpoint import Endpoint
    from aicomp.run import Run
    from aicomp.simulation.check import Played
    from aicomp.simulation.project import Simulation

_EPISODES = 5  # of an environment of one; of a game, two against each opponent


@dataclass(frozen=True)
class Sending:
    """How a submission is to be sent; see the options of `aicomp submit`."""

    dry_run: bool
    yes: bool
    again: bool
    wait: "Wait | None"
    host: str | None
    message: str | None
    repeated: dict[str, object]


def submit_agent(
    simulation: "Simulation",
    output: Output,
    run_name: str | None,
    file: Path | None,
    sending: Sending,
    *,
    refused: dict[str, Any],
) -> None:
    """Build the file of an agent, play it, and send it or grade it here.

    Args:
        simulation: The project.
        output: Where to say it.
        run_name: A run, None for the newest.
        file: A file to take instead.
        sending: How it is to be sent.
        refused: Options of projects on rows, by name, with what was given.
    """
    from aicomp.cli.parcel import next_command
    from aicomp.cli.simulation import refuse
    from aicomp.cli.submit import check_sender, confirm, find_destination

    refuse(refused, "aicomp submit")
    endpoint = find_destination(simulation, sending.host)
    parcel = _pack(simulation, run_name, file, sending.message)
    if not sending.dry_run:
        check_sender(output, endpoint, yes=sending.yes)
    played = _try(simulation, parcel.path if file is None else file)
    content = _describe(simulation, endpoint, parcel, played)
    if sending.dry_run:
        words = [parcel.run.id] if parcel.run is not None else ["--file", str(file)]
        next_line = next_command(words, sending.repeated)
        output.result(content, *_lines(content, endpoint), "valid; nothing was sent", next_line)
        return
    output.say(*_lines(content, endpoint))
    if endpoint is None:
        confirm(output, yes=sending.yes)
        outcome = _grade_here(simulation, parcel)
        output.result({**content, **outcome}, f"{content['metric']}: {outcome['score']:.5g} in hidden episodes")
        return
    from aicomp.cli.sending import send_parcel

    send_parcel(
        output,
        simulation,
        endpoint,
        parcel,
        content,
        again=sending.again,
        wait=sending.wait,
        host=sending.host,
        confirm=lambda left: confirm(output, yes=sending.yes, is_limited=True, left=left),
    )


def _pack(simulation: "Simulation", run_name: str | None, file: Path | None, message: str | None) -> "Parcel":
    from aicomp.kaggle.delivery import Parcel
    from aicomp.run import find_run
    from aicomp.simulation.pack import build_agent
    from aicomp.submission.ledger import file_hash

    if file is not None:
        if not file.is_file():
            raise DataError(f"`{file}` is no file", "name the Python file of an agent with `--file`")
        return Parcel(file.resolve(), file_hash(file), message or file.name, None, None)
    run: Run = find_run(simulation.runs, run_name)
    path = build_agent(simulation, run)
    scores = run.scores
    if message is None:
        found = scores["evaluation"]
        message = f"{run.id}, {scores['metric']} {found['mean']:.5g} ({found['low']:.5g} to {found['high']:.5g})"
    cv = {key: scores[key] for key in ("mean", "std", "pooled")}
    return Parcel(path, file_hash(path), message, run, cv)


def _try(simulation: "Simulation", file: Path) -> "Played":
    """Play some episodes with seeds of training."""
    from aicomp.simulation.check import check_agent
    from aicomp.simulation.environments import Arena

    is_game = Arena(simulation.competition.environment, simulation.folder).rules is not None
    opponents = ("itself", "random", "negamax") if is_game else ()
    return check_agent(simulation, file, n=2 * len(opponents) or _EPISODES, first_seed=0, opponents=opponents)


def _describe(
    simulation: "Simulation", endpoint: "Endpoint | None", parcel: "Parcel", played: "Played"
) -> dict[str, Any]:
    return {
        "competition": simulation.competition.slug,
        "host": "local" if endpoint is None else endpoint.host,
        "run": None if parcel.run is None else parcel.run.id,
        "file": str(parcel.path),
        "rows": None,
        "bytes": parcel.path.stat().st_size,
        "sha256": parcel.sha256,
        "metric": simulation.competition.metric,
        "greater_is_better": True,
        "cv": parcel.cv,
        "evaluation": None if parcel.run is None else parcel.run.scores["evaluation"],
        "played": {"engine": played.engine, "isolation": played.isolation, "episodes": played.episodes},
        "message": parcel.message,
        "blend": None,
        **NOT_SENT,
    }


def _lines(content: dict[str, Any], endpoint: "Endpoint | None") -> list[str]:
    from aicomp.checkup import size_text

    slug, found, played = content["competition"], content["evaluation"], content["played"]
    where = "graded here in hidden episodes"
    if endpoint is not None:
        where = endpoint.page(slug) if endpoint.url else f"{endpoint.name}, {endpoint.page(slug)}"
    score = "unknown: the file comes from no run"
    if found is not None:
        score = (
            f"{content['metric']} {found['mean']:.5g}, 95 % interval {found['low']:.5g} to {found['high']:.5g} in "
            f"{found['episodes']} episodes (higher is better)"
        )
    episodes = played["episodes"]
    slowest = max(episode["slowest"] for episode in episodes)
    each = "an action took" if played["engine"] == "aicomp" else "a move took on average"
    return [
        f"file:   {content['file']} ({size_text(content['bytes'])})",
        f"run:    {content['run'] or 'none'}",
        f"score:  {score}",
        f"played: {len(episodes)} episodes by {played['engine']}, without network ({played['isolation']}); "
        f"{each} {slowest:.3f} s at most",
        *_game_lines(episodes),
        f"target: `{slug}`, {where}",
    ]


def _game_lines(episodes: list[dict[str, Any]]) -> list[str]:
    words = {1.0: "won", 0.5: "drawn", 0.0: "lost"}
    return [f"        {words[e['score']]:<5} against {e['opponent']}" for e in episodes if e["opponent"]]


def _grade_here(simulation: "Simulation", parcel: "Parcel") -> dict[str, Any]:
    """Play the hidden episodes and write both steps into the ledger."""
    from aicomp.simulation.check import check_agent
    from aicomp.simulation.episodes import HIDDEN_SEEDS
    from aicomp.submission import record_intent, record_outcome

    entry = record_intent(simulation, parcel.run, parcel.path, parcel.message, parcel.cv)
    try:
        played = check_agent(
            simulation,
            parcel.path,
            n=simulation.config.evaluation.episodes,
            first_seed=HIDDEN_SEEDS,
            opponents=simulation.config.evaluation.opponents,
        )
    except Exception as e:
        record_outcome(simulation, parcel.run, entry, "failed", error=str(e))
        raise
    score = sum(episode["score"] for episode in played.episodes) / len(played.episodes)
    record_outcome(simulation, parcel.run, entry, "graded", score=score)
    return {"status": "graded", "score": score}
