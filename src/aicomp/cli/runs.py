"""`aicomp runs`: what was tried in a project, and what made the difference between two tries."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output

if TYPE_CHECKING:
    from aicomp.run import Run


def runs(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="compare A B",
            help="Compare run B with run A; of a run's name, any beginning that no other has is enough.",
        ),
    ] = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """List the project's runs, oldest first, or compare two of them.

    With --json the keys are: runs, a list of objects with run, folder, created, state ("done" or "unfinished"),
    folds_done, n_folds, model, metric, greater_is_better, mean, std, pooled, seconds (of its folds together), best
    (whether no other run on the same data and metric has a better mean), submission (status and score of the last
    one). What is not known yet is null.

    Of `compare`: a and b (run, mean, std, pooled), metric, greater_is_better, config and versions (lists of key, a, b),
    same_folds, same_data, same_code, folds (list of fold, a, b, difference), difference (b minus a, of the means),
    standard_error (of that, over the folds), verdict ("better", "worse" or "equal": b against a; null if they cannot be
    compared).
    """
    from aicomp.run import find_run, list_runs
    from aicomp.simulation.project import open_project

    output = Output(as_json)
    folder = open_project(project_folder).runs
    if not words:
        items = _mark_best([_item(run) for run in list_runs(folder)])
        output.result({"runs": items}, *_lines(items))
        return
    a, b = _two_names(words)
    from aicomp.cli.comparison import compare, comparison_lines

    comparison = compare(find_run(folder, a), find_run(folder, b))
    output.result(comparison, *comparison_lines(comparison))


def _two_names(words: list[str]) -> tuple[str, str]:
    from aicomp.errors import UsageError
    from aicomp.suggest import unknown_name

    if words[0] != "compare":
        raise unknown_name("argument", words[0], ["compare"])
    if len(words) != 3:
        raise UsageError(
            f"`aicomp runs compare` takes two runs, got {len(words) - 1}", "write `aicomp runs compare A B`"
        )
    return words[1], words[2]


def _item(run: "Run") -> dict[str, Any]:
    info = run.info
    scores = run.scores if run.is_done else {}
    n_folds, seconds = _progress(run)
    return {
        "run": run.id,
        "folder": str(run.folder),
        "created": _created(run).isoformat(),
        "state": "done" if run.is_done else "unfinished",
        "folds_done": len(seconds),
        "n_folds": n_folds,
        "model": info["config"]["model"]["name"],
        "metric": scores.get("metric", info["competition"]["metric"]),
        **{key: scores.get(key) for key in ("greater_is_better", "mean", "std", "pooled")},
        "seconds": round(sum(seconds), 1),
        "best": False,
        "submission": _submission(run),
        "_data": info["data_hash"],
    }


def _progress(run: "Run") -> tuple[int | None, list[float]]:
    """Number of folds, None as long as they are not laid out, and the seconds of each that is trained."""
    if not (run.folder / "plan.json").is_file():
        return None, []
    n_folds: int = run.read("plan.json")["n_folds"]
    return n_folds, [run.result(k)["seconds"] for k in range(n_folds) if run.fold_is_done(k)]


def _created(run: "Run") -> datetime:
    """From the name, which a copied folder keeps, else from the file that is written first and never again."""
    try:
        return datetime.strptime(run.id[:15], "%Y%m%d-%H%M%S")
    except ValueError:
        return datetime.fromtimestamp((run.folder / "run.json").stat().st_mtime).replace(microsecond=0)


def _submission(run: "Run") -> dict[str, Any] | None:
    if not (run.folder / "submission.json").is_file():
        return None
    content = run.read("submission.json")
    return {"status": content["status"], "score": content.get("score")}


def _mark_best(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mark the best mean; scores of another metric, or on other data, are another contest."""
    contests: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for item in items:
        contest = (item["metric"], item.pop("_data"))
        if item["mean"] is not None:
            contests.setdefault(contest, []).append(item)
    for contestants in contests.values():
        choose = max if contestants[0]["greater_is_better"] else min
        best = choose(item["mean"] for item in contestants)
        for item in contestants:
            item["best"] = item["mean"] == best
    return items


def _lines(items: list[dict[str, Any]]) -> list[str]:
    from aicomp.cli.table import table_lines

    if not items:
        return ["no run yet: `aicomp train` makes one"]
    header = ["", "run", "state", "model", "metric", "mean ± std", "pooled", "seconds", "age", "submitted"]
    lines = table_lines(header, [_row(item) for item in items])
    for item in items:
        if item["best"]:
            direction = "higher" if item["greater_is_better"] else "lower"
            lines.append(f"* best: {item['run']}, {item['metric']} {item['mean']:.5g} ({direction} is better)")
    return lines


def _row(item: dict[str, Any]) -> list[str]:
    n_folds = "?" if item["n_folds"] is None else item["n_folds"]
    done = item["state"] == "done"
    return [
        "*" if item["best"] else "",
        item["run"],
        "done" if done else f"{item['folds_done']}/{n_folds} folds",
        item["model"],
        item["metric"],
        f"{item['mean']:.5g} ± {item['std']:.2g}" if done else "",
        f"{item['pooled']:.5g}" if done else "",
        f"{item['seconds']:.0f}",
        _age(datetime.now() - datetime.fromisoformat(item["created"])),
        _submitted(item["submission"]),
    ]


def _submitted(submission: dict[str, Any] | None) -> str:
    if submission is None:
        return ""
    return submission["status"] if submission["score"] is None else f"{submission['score']:.5g}"


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 0)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
