"""`aicomp train`: cross-validate the project's model and write a Run."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.elsewhere import check_engine
from aicomp.cli.engines import Address, Engine, engine_overrides
from aicomp.cli.options import Json, ProjectFolder, Set
from aicomp.cli.output import Output
from aicomp.cli.seeds import check_alone, pseudo_override, train_seeds
from aicomp.cli.sources import check_data_is_there
from aicomp.engine.launch import launched_place
from aicomp.stopping import stopping_softly

if TYPE_CHECKING:
    from aicomp.cross_validation import Plan
    from aicomp.run import Run


@stopping_softly("type the same command again: it goes on where this one was")
def train(
    overrides: Set = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even if a run that was cut short could be continued.")
    ] = False,
    time_limit: Annotated[
        str | None,
        typer.Option(
            "--time-limit",
            metavar="TIME",
            help="Train many models and blend them, until this time is up: 90s, 10m, 1h30m.",
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds", metavar="N", min=1, help="Train N runs with seeds one after the other, and average them."
        ),
    ] = 1,
    pseudo: Annotated[
        str | None,
        typer.Option(
            "--pseudo", metavar="RUN", help="Train on test rows too, with the labels that RUN predicts for them."
        ),
    ] = None,
    engine: Engine = "",
    address: Address = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Train nothing: tell how much memory it would take, and whether it fits.")
    ] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Train the project's model on every fold, score it, and predict the test rows.

    With a time limit many models are trained, the strongest and most different ones first, and blended; each is a run,
    and the one to submit is named at the end. `--set model.name=...` then tries that model alone, with other seeds and
    parameters; other entries hold for all models.

    Pseudo-labels are honest: each fold learns those of RUN's model of the same fold, which has not seen the rows that
    are validated. RUN is a run of `aicomp train`, or a blend of such runs, with the same folds.

    With --engine ray folds are tasks on the nodes of a Ray cluster, with the bits of
    `training.layout="processes"`.
    With --engine kaggle the project is pushed as a private notebook, which trains on the competition's files there; its
    log is told as it grows, and the run is brought back. A command that was cut goes on waiting when typed again.
    `notebook.accelerator`, `machine`, `internet` and `hours` say on what. Which host: see `aicomp submit`.

    With --plan a step is traced without numbers, and its memory counted; where it does not fit, the exit code is 2 and
    the hint names what would. With --json the keys are then: fits, hint, device, free, total, processes, per_process,
    process (Python, packages and rows), allocator (what the C library keeps of freed memory), rest (the process that
    starts the others), parameters, trained, rows and length of a micro-batch, weights, gradients, optimizer, kept,
    activations, peak (all in bytes), and traced (false if real steps were taken).
    In a project on a simulation an agent is trained with several seeds (`training.seeds`), and the best one plays the
    episodes of evaluation; a time limit ends their training earlier.

    With --json the keys are: run, folder, metric, greater_is_better, folds (score of each), mean, std, pooled,
    n_validated, last_step, seconds (of all folds together), check (what the cheapest checks of `aicomp check` found:
    list of name, severity, title, evidence, advice, numbers, columns, rows). With --engine kaggle also: place (engine,
    host, kernel, version, url, run: its name there, accelerator, python, platform, cpus, gpus, seconds). With a time
    limit also: time_limit and seconds_used, kind ("blend", "member", or "floor": the prior of the targets, where no
    model was ready), method and gain of the blend, plan (list of member, model, params, seed, status: done, reused,
    dropped or failed, reason, cv, seconds, run, weight). Of a simulation, folds are the seeds, and there are also:
    evaluation (mean, low, high, episodes), best_fold, slowest (seconds of an action), opponents (of a game, by name:
    won, drawn, lost, interval).
    """
    from aicomp.project import Project
    from aicomp.simulation.project import Simulation, open_project

    output = Output(as_json)
    simulation = open_project(project_folder, overrides)
    check_engine(engine or "local", plan=plan, is_simulation=isinstance(simulation, Simulation))
    if isinstance(simulation, Simulation):
        from aicomp.cli.simulation import train_agent

        refused = {"--seeds": seeds > 1, "--pseudo": pseudo is not None, "--address": address is not None}
        train_agent(simulation, output, time_limit=time_limit, fresh=fresh, refused=refused)
        return
    overrides = [*(overrides or []), *engine_overrides("" if engine == "kaggle" else engine, address)]
    if pseudo is not None:
        overrides = [*overrides, pseudo_override(project_folder, overrides, pseudo)]
    project = Project.open(project_folder, overrides)
    check_data_is_there(project)
    if plan:
        from aicomp.cli.plan import check_plan_alone, show_plan

        check_plan_alone(time_limit=time_limit, seeds=seeds)
        show_plan(project, output)
        return
    check_alone(project, time_limit=time_limit, seeds=seeds)
    if launched_place() is not None and engine != "kaggle":
        from aicomp.cli.together import train_together

        train_together(project, output, overrides=overrides, fresh=fresh, seeds=seeds, time_limit=time_limit)
        return
    if engine == "kaggle":
        from aicomp.cli.elsewhere import train_on_kaggle

        if project.config.engine.name != "local":  # there, processes train
            overrides = [*overrides, 'engine.name="local"']
        train_on_kaggle(project, output, overrides=overrides, fresh=fresh, time_limit=time_limit, seeds=seeds)
        return
    if time_limit is not None:
        from aicomp.cli.portfolio import train_portfolio

        train_portfolio(project, output, time_limit=time_limit, overrides=overrides, fresh=fresh)
        return
    if seeds > 1:
        train_seeds(project, output, n_seeds=seeds, overrides=overrides, fresh=fresh)
        return
    run = train_project(project, output, fresh=fresh)
    output.result(summary(run), *describe_run(run))


def train_project(project: Any, output: Output, *, fresh: bool = False) -> "Run":
    """Cross-validate a project's model and show how it goes.

    Args:
        project: The `Project`.
        output: Where to say it.
        fresh: Begin anew even if a cut run could be continued.
    """
    from aicomp.cli.progress import Progress
    from aicomp.cross_validation import cross_validate

    with Progress(output, project.competition.metric) as progress:

        def on_plan(plan: "Plan") -> None:
            output.say(*_describe_plan(plan), *_checked(project, plan))
            progress.begin(plan.n_folds, plan.folds_left)

        return cross_validate(project, fresh=fresh, on_plan=on_plan, on_event=progress.on_event)


def _checked(project: Any, plan: "Plan") -> list[str]:
    """What the short form of `aicomp check` finds, once for each run."""
    from aicomp.streaming.files import is_streamed
    from aicomp.validation.short import CHECK_FILE, check_run, short_lines

    if not project.config.check.train or (plan.run.folder / CHECK_FILE).is_file():
        return []
    if is_streamed(plan.run):
        return ["note: validation is not checked, which takes whole tables; `aicomp check` reads them"]
    return short_lines(check_run(project, plan.run))


def _describe_plan(plan: "Plan") -> list[str]:
    """What is about to happen, a line per column and per choice."""
    lines = [f"run {plan.run.id}: {plan.n_rows[0]} train rows, {plan.n_rows[1]} test rows", "columns:"]
    width = max(len(c.name) for c in plan.columns)
    lines += [f"  {c.name:<{min(width, 32)}}  {c.kind:<8}  {c.reason}" for c in plan.columns]
    lines.append(f"folds: {plan.n_folds} by `{plan.splitter}` ({plan.splitter_reason})")
    lines += [f"note: {note}" for note in plan.notes]
    n_done = plan.n_folds - len(plan.folds_left)
    begun = any(plan.run.work.glob("checkpoint-*"))
    if n_done or begun:
        within = ", others from the last state that was written" if begun else ""
        lines.append(f"continuing: {n_done} of {plan.n_folds} folds are trained already{within}")
    return lines


def summary(run: "Run") -> dict[str, Any]:
    """The outcome for programs.

    Keys: run, folder, metric, greater_is_better, folds (score of each), mean, std, pooled (score of all validated
    rows together), n_validated, last_step (name, parameters, reason; if others were tried: without and nested, both
    with folds, mean, std and pooled, and tried, a list of name, kept, mean, gain, standard_error), seconds (of all
    folds together), check (findings of the short form of `aicomp check` that are medium or high; empty where it was not
    made). The scores are those with the last step, each fold by one that was fitted on the others.
    """
    from aicomp.validation.short import CHECK_FILE

    checked = run.read(CHECK_FILE)["findings"] if (run.folder / CHECK_FILE).is_file() else []
    return {
        "run": run.id,
        "folder": str(run.folder),
        **run.scores,
        "seconds": round(run.seconds, 1),
        "check": [f for f in checked if f["severity"] in ("high", "medium")],
    }


def describe_run(run: "Run") -> list[str]:
    """The outcome for people."""
    scores = run.scores
    folds = "  ".join(f"{score:.5g}" for score in scores["folds"])
    direction = "higher" if scores["greater_is_better"] else "lower"
    return [
        f"{scores['metric']}: {scores['mean']:.5g} ± {scores['std']:.2g} over {len(scores['folds'])} folds, "
        f"{scores['pooled']:.5g} over all rows together"
        f" ({direction} is better)",
        f"folds: {folds}",
        *_describe_last_step(scores),
        *_fold_notes(run),
        f"run {run.id} in `{run.folder}`; its folds took {run.seconds:.0f} s together",
        "next: aicomp submit --dry-run",
    ]


def _fold_notes(run: "Run") -> list[str]:
    """What a model that is no network says of what it learned; those of networks, one per fold, stay in the files."""
    from aicomp.model_names import ESTIMATOR_NAMES

    if run.info["config"]["model"]["name"] not in ESTIMATOR_NAMES:
        return []
    said = [note for k in range(len(run.scores["folds"])) for note in run.result(k)["notes"]]
    return [f"note: {note}" for note in dict.fromkeys(said)]


def _describe_last_step(scores: dict[str, Any]) -> list[str]:
    """What was chosen as the last step and what it brought; nothing where there was no choice."""
    step = scores.get("last_step", {})
    tried = step.get("tried", [])
    if not tried:
        return []
    if step["name"] == "plain":
        means = ", ".join(f"{t['name']} {t['mean']:.5g}" for t in tried if "mean" in t)
        return [f"last step: plain; {step['reason']}" + (f" ({means})" if means else "")]
    values = ", ".join(_parameter(value) for value in step["parameters"].values() if not isinstance(value, bool))
    return [
        f"last step: {step['name']} {values}; {scores['metric']} {step['without']['mean']:.5g} without, "
        f"{step['nested']['mean']:.5g} with it, fitted on the other folds"
    ]


def _parameter(value: Any) -> str:
    numbers = value if isinstance(value, list) else [value]
    shown = " ".join(f"{number:.4g}" for number in numbers[:6])
    return shown + (" ..." if len(numbers) > 6 else "")
