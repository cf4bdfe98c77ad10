"""`aicomp train --engine kaggle`: what is refused, what is asked, and what came of it."""

from typing import TYPE_CHECKING, Any

from aicomp.cli.output import Output
from aicomp.errors import AicompError, UsageError

if TYPE_CHECKING:
    from aicomp.project import Project

ENGINES = ("local", "ray", "kaggle")
"""Where folds are trained."""


def check_engine(engine: str, *, plan: bool = False, is_simulation: bool = False) -> None:
    """Refuse an engine that there is none of, or that cannot do what is asked.

    Raises:
        UsageError: Names those that there are.
    """
    if engine not in ENGINES:
        from aicomp.suggest import unknown_name

        raise unknown_name("engine", engine, list(ENGINES), "aicomp train --help")
    if engine == "local":
        return
    if plan:
        raise UsageError(f"`--plan` traces a step here, and `--engine {engine}` trains elsewhere", "leave out one")
    if is_simulation:
        raise UsageError(
            f"`--engine {engine}` trains on rows, and this project is on a simulation", "leave out `--engine`"
        )


def train_on_kaggle(
    project: "Project",
    output: Output,
    *,
    overrides: list[str],
    fresh: bool,
    time_limit: str | None,
    seeds: int,
) -> None:
    """Train on Kaggle's machines and tell of the run that came back.

    With --json the keys are those of `aicomp train`, and place: engine, host, kernel, version, url, run (its name
    there), accelerator, python, platform, cpus, gpus (names) and seconds.

    Args:
        project: The project.
        output: Where to say it.
        overrides: `key=value` entries with which the project was opened.
        fresh: Push a new notebook even if one is there.
        time_limit: Of `aicomp train` there.
        seeds: Of `aicomp train` there.
    """
    from aicomp.cli.train import describe_run, summary
    from aicomp.kaggle.endpoint import find_endpoint
    from aicomp.kaggle.remote.arrival import PLACE_FILE
    from aicomp.kaggle.remote.engine import check_possible, train_remotely
    from aicomp.kaggle.remote.job import Wish
    from aicomp.model_names import takes_gpu

    endpoint = find_endpoint(None, project.competition.host)
    check_possible(project, endpoint)
    notebook = project.config.notebook
    arguments = [word for entry in overrides for word in ("--set", entry)]
    arguments += ["--time-limit", time_limit] if time_limit is not None else []
    arguments += ["--seeds", str(seeds)] if seeds > 1 else []
    is_alone = time_limit is None and seeds == 1
    gpu = takes_gpu(project.config.model.name) if notebook.accelerator == "auto" else notebook.accelerator == "gpu"
    wish = Wish(tuple(arguments), gpu, notebook.machine, notebook.internet, notebook.hours)
    done = train_remotely(
        project,
        endpoint,
        wish,
        fresh=fresh,
        is_alone=is_alone,
        say=output.say,
        on_log=lambda line: output.say(f"  {line}"),
    )
    run = next((r for r in done.runs if r.read(PLACE_FILE)["run"] == done.outcome.get("run")), None)
    if run is None:
        raise AicompError("the notebook tells of a run that it has not brought", "`--fresh` trains anew")
    place: dict[str, Any] = run.read(PLACE_FILE)
    lines = [*(f"note: {note}" for note in done.notes), f"trained by {done.where['url']} in {place['seconds']:.0f} s"]
    content = {**done.outcome, **summary(run), "place": place}
    output.result(content, *describe_run(run), *lines)
