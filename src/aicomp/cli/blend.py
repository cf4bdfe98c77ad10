"""`aicomp blend`: several runs as one, with an honest score beside the optimistic one."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output

if TYPE_CHECKING:
    from aicomp.ensemble.blending import Blended


def blend(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUNS]...", help="Runs, or the beginnings of their names; by default all that go together."
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="mean, rank, hill-climbing, stacking, stacking-network, or auto: the simplest, or one that is better "
            "beyond noise. Of strings, consensus: what is most like the others.",
        ),
    ] = "auto",
    bags: Annotated[
        int,
        typer.Option("--bags", metavar="N", help="Hill climbing on N random halves of the runs, averaged; 1: on all."),
    ] = 1,
    nonnegative: Annotated[
        bool, typer.Option("--nonnegative", help="Stacking with weights that are 0 or above.")
    ] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Blend runs that have the same folds; the result is a run, which submits and blends like any other.

    The honest score is nested: weights are fitted on the other folds and scored on the one that was left out. The
    optimistic one scores weights on the rows that they were fitted on. Methods are compared by the honest score, which
    is also the run's own; the mean stays unless another method is better by more than a standard error.

    With --json the keys are: run, folder, metric, greater_is_better, method, honest (mean, std, pooled, folds),
    optimistic (mean, folds), methods (list of method, honest, optimistic: means,
    before a last step of `[output]`, against: the best before it, gain over that, standard_error of the gain),
    methods_left_out (list of method, reason), members (list of run, model, cv,
    weight, correlation: mean correlation of its out-of-fold predictions with the other members', of strings their
    chrF), best_member (run, cv), gain (honest score above the best member's; negative is worse), correlations (matrix
    in the order of members), left_out (list of run, reason), seconds.
    """
    from aicomp.ensemble.blending import blend as blend_runs
    from aicomp.ensemble.members import choose_runs
    from aicomp.ensemble.methods import Options, choose_methods
    from aicomp.project import Project
    from aicomp.run import find_run

    output = Output(as_json)
    project = Project.open(project_folder)
    choose_methods(method, project.task, project.competition)
    left_out: dict[str, str] = {}
    if names:
        runs = [find_run(project.runs, name) for name in names]
    else:
        runs, left_out = choose_runs(project)
    blended = blend_runs(project, runs, method, Options(n_bags=bags, nonnegative=nonnegative))
    content = _content(blended, left_out)
    output.result(content, *_lines(content))


def _content(blended: "Blended", left_out: dict[str, str]) -> dict[str, Any]:
    scores, chosen, members = blended.run.scores, blended.chosen, blended.members
    sign = 1 if scores["greater_is_better"] else -1
    best = blended.best_member
    n_others = len(members.runs) - 1
    return {
        "run": blended.run.id,
        "folder": str(blended.run.folder),
        "metric": scores["metric"],
        "greater_is_better": scores["greater_is_better"],
        "method": chosen.method,
        "honest": {key: scores[key] for key in ("mean", "std", "pooled", "folds")},
        "optimistic": {"mean": chosen.optimistic_mean, "folds": list(chosen.optimistic)},
        "methods": [
            {
                "method": e.method,
                "honest": e.honest_mean,
                "optimistic": e.optimistic_mean,
                "against": c.against,
                "gain": c.gain,
                "standard_error": c.standard_error,
            }
            for e, c in zip(blended.tried, blended.selection.compared, strict=True)
        ],
        "methods_left_out": [{"method": m, "reason": r} for m, r in blended.selection.left_out.items()],
        "members": [
            {
                "run": run.id,
                "model": run.info["config"]["model"]["name"],
                "cv": float(blended.member_scores[m]),
                "weight": float(chosen.fitted.weights[m]),
                "correlation": float((blended.correlations[m].sum() - blended.correlations[m, m]) / n_others),
            }
            for m, run in enumerate(members.runs)
        ],
        "best_member": {"run": members.runs[best].id, "cv": float(blended.member_scores[best])},
        "gain": sign * (scores["mean"] - float(blended.member_scores[best])),
        "correlations": blended.correlations.tolist(),
        "left_out": [{"run": run_id, "reason": reason} for run_id, reason in left_out.items()],
        "seconds": round(blended.run.seconds, 1),
    }


def _lines(content: dict[str, Any]) -> list[str]:
    from aicomp.cli.table import table_lines

    better = "higher" if content["greater_is_better"] else "lower"
    rows = [
        [m["run"], m["model"], f"{m['cv']:.5g}", f"{m['weight']:.3f}", f"{m['correlation']:.3f}"]
        for m in sorted(content["members"], key=lambda m: -abs(m["weight"]))
    ]
    methods = [
        [
            "*" if m["method"] == content["method"] else "",
            m["method"],
            f"{m['honest']:.5g}",
            f"{m['optimistic']:.5g}",
            f"{m['gain']:+.2g} ± {m['standard_error']:.2g} over {m['against']}" if m["against"] else "",
        ]
        for m in content["methods"]
    ]
    honest = content["honest"]
    return [
        *table_lines(["member", "model", content["metric"], "weight", "correlation with the others"], rows),
        "",
        *table_lines(["", "method", "honest", "optimistic", "gain"], methods),
        *[f"not tried: {m['method']}, {m['reason']}" for m in content["methods_left_out"]],
        "",
        *_left_out_lines(content["left_out"]),
        f"{content['metric']} {honest['mean']:.5g} ± {honest['std']:.2g} by {content['method']}, nested "
        f"({better} is better)",
        _verdict(content),
        f"run {content['run']} in `{content['folder']}`",
        f"next: aicomp submit {content['run'] if content['gain'] > 0 else content['best_member']['run']} --dry-run",
    ]


def _left_out_lines(left_out: list[dict[str, str]]) -> list[str]:
    """One line per reason."""
    by_reason: dict[str, list[str]] = {}
    for item in left_out:
        by_reason.setdefault(item["reason"], []).append(item["run"])
    return [f"left out ({reason}): {', '.join(ids)}" for reason, ids in by_reason.items()]


def _verdict(content: dict[str, Any]) -> str:
    best, gain = content["best_member"], content["gain"]
    if gain > 0:
        return f"better by {gain:.2g} than the best member, {best['run']} with {best['cv']:.5g}"
    how = "no better" if gain == 0 else f"worse by {-gain:.2g}"
    return f"{how} than the best member, {best['run']} with {best['cv']:.5g}: submit that one"
