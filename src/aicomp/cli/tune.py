"""`aicomp tune`: settings of the project's model, chosen by cross-validation."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.engines import Address, Engine, engine_overrides
from aicomp.cli.options import Json, ProjectFolder, Set
from aicomp.cli.output import Output
from aicomp.cli.sources import check_data_is_there

if TYPE_CHECKING:
    from aicomp.project import Project
    from aicomp.tuning.trials import Trial
    from aicomp.tuning.tune import Outcome


def tune(
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="The model; by default that of aicomp.toml.")
    ] = None,
    n_trials: Annotated[
        int | None,
        typer.Option(
            "--trials", metavar="N", min=1, help="Trials in all, earlier ones included; 30 without a time limit."
        ),
    ] = None,
    time_limit: Annotated[
        str | None, typer.Option("--time-limit", metavar="TIME", help="Such as 90s, 10m or 1h30m; it is kept to.")
    ] = None,
    keep: Annotated[
        int, typer.Option("--keep", metavar="N", min=1, help="Keep the runs of the N best trials, to blend them.")
    ] = 1,
    overrides: Set = None,
    engine: Engine = "",
    address: Address = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Tune the model's settings; the best trial is a run, which submits and blends like any other.

    Trial 0 is the config as it is. Each other trial takes values from the ranges of the model and of `tune.space` in
    aicomp.toml; what `--set` names stays as it is. A trial whose first folds leave it under 5 % chance to win is cut.
    The same command continues a study that was interrupted, or adds trials to it. Runs of trials other than the best
    and trial 0 are removed.

    With --json the keys are: study (name, folder, plot), metric, greater_is_better, ended ("trials" or "time"), trials
    (list of trial, state: "done", "cut" or "failed", values, score, std, folds, seconds, run: null if it is not kept,
    reason), best (trial, run, folder, values, mean, std, pooled, folds, command: the `aicomp train` that trains the
    same), default (run, mean, std), gain (of best above default, never negative), nested (mean, folds, gain: the trial
    of each fold chosen on the other folds, which is what to expect of new rows).
    """
    from aicomp.cli.began import began
    from aicomp.cli.trials import TrialsTable
    from aicomp.project import Project
    from aicomp.tuning.optuna_study import require_optuna
    from aicomp.tuning.time_limit import parse_time_limit
    from aicomp.tuning.tune import N_TRIALS, Limits
    from aicomp.tuning.tune import tune as tune_project

    output = Output(as_json)
    require_optuna()
    seconds = None if time_limit is None else parse_time_limit(time_limit)
    entries = _with_model(model, overrides or [], project_folder)
    project = Project.open(project_folder, [*entries, *engine_overrides(engine, address)])
    check_data_is_there(project)
    limits = Limits(N_TRIALS if n_trials is None and seconds is None else n_trials, seconds, keep)
    fixed = {entry.partition("=")[0].strip() for entry in entries}
    with TrialsTable(output, project.competition.metric) as table:
        try:
            outcome = tune_project(project, limits, table, fixed=fixed, began=began())
        except KeyboardInterrupt:
            output.say("the trials so far are kept: the same command continues")
            raise
    content = _content(project, outcome, entries)
    output.result(content, *_lines(content, len(fixed)))


def _with_model(model: str | None, overrides: list[str], project_folder: Any) -> list[str]:
    """`--model` as an override; parameters of another model are dropped with it."""
    from aicomp.project import Project

    if model is None:
        return overrides
    usual = Project.open(project_folder).config.model
    others = usual.name != model and usual.params
    return [f"model.name={model}", *(["model.params={}"] if others else []), *overrides]


def _content(project: "Project", outcome: "Outcome", overrides: list[str]) -> dict[str, Any]:
    from aicomp.tuning.chance import nested_scores
    from aicomp.tuning.values import command

    best, scores, trials = outcome.best, outcome.run.scores, outcome.trials
    greater = scores["greater_is_better"]
    sign = 1 if greater else -1
    default = trials[0]
    assert default.score is not None
    folder = outcome.study.path.parent
    nested = nested_scores([t.reported for t in trials if t.state == "done"], greater_is_better=greater)
    nested_mean = sum(nested) / len(nested)
    return {
        "study": {"name": folder.name, "folder": str(folder), "plot": str(folder / "tune.png")},
        "metric": scores["metric"],
        "greater_is_better": greater,
        "ended": outcome.ended,
        "trials": [_trial(t, project, outcome) for t in trials],
        "best": {
            "trial": best.number,
            "run": outcome.run.id,
            "folder": str(outcome.run.folder),
            "values": best.values,
            **{key: scores[key] for key in ("mean", "std", "pooled", "folds")},
            "command": command(overrides, best.values),
        },
        "default": {"run": default.run, "mean": default.score, "std": default.std},
        "gain": sign * (scores["mean"] - default.score) + 0.0,  # no minus before a zero
        "nested": {"mean": nested_mean, "folds": nested, "gain": sign * (nested_mean - default.score) + 0.0},
    }


def _trial(trial: "Trial", project: "Project", outcome: "Outcome") -> dict[str, Any]:
    run = outcome.run.id if trial.number == outcome.best.number else trial.run
    return {
        "trial": trial.number,
        "state": trial.state,
        "values": trial.values,
        "score": trial.score,
        "std": trial.std,
        "folds": trial.reported or list(trial.folds.values()),
        "seconds": round(trial.seconds, 1),
        "run": run if run and (project.runs / run / "DONE").is_file() else None,
        "reason": trial.reason,
    }


def _lines(content: dict[str, Any], n_fixed: int) -> list[str]:
    from aicomp.tuning.values import as_toml

    best, metric = content["best"], content["metric"]
    direction = "higher" if content["greater_is_better"] else "lower"
    states = [t["state"] for t in content["trials"]]
    counts = ", ".join(f"{states.count(s)} {s}" for s in ("done", "cut", "failed") if s in states)
    many = f"{len(states)} trial{'' if len(states) == 1 else 's'} ({counts})"
    ended = "; the time is over, the same command goes on" if content["ended"] == "time" else ""
    return [
        f"{metric}: {best['mean']:.5g} ± {best['std']:.2g} over {len(best['folds'])} folds, trial {best['trial']} of "
        f"{many} ({direction} is better){ended}",
        *(f"  {key} = {as_toml(value)}" for key, value in best["values"].items()),
        *_caveat(content),
        f"history: `{content['study']['plot']}`",
        f"run {best['run']} in `{best['folder']}`; the same by hand:",
        f"  {best['command']}",
        f"next: aicomp submit {best['run']} --dry-run",
    ]


def _caveat(content: dict[str, Any]) -> list[str]:
    """What the best score is worth: it was chosen by the folds that it is the score of."""
    default, nested, metric = content["default"], content["nested"], content["metric"]
    if content["best"]["trial"] == 0:
        return ["no trial is better than the config as it is"]
    n_done = sum(t["state"] == "done" for t in content["trials"])
    gain = nested["gain"]
    worth = f"better by {gain:.2g}" if gain > 0 else "no better: what was gained may be luck"
    return [
        f"config as it is: {default['mean']:.5g}, worse by {content['gain']:.2g}; but this is the best of {n_done} by "
        "the folds they were chosen on",
        f"chosen on the other folds: {metric} {nested['mean']:.5g}, {worth}",
    ]
