"""`aicomp runs`: what was tried in a project, and what came of it on the leaderboard."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aicomp.cli.options import Json, Png, ProjectFolder
from aicomp.cli.output import Output
from aicomp.cli.runs_clean import clean
from aicomp.cli.runs_compare import compare
from aicomp.cli.runs_export import export
from aicomp.cli.runs_notes import note, tag
from aicomp.cli.runs_storage import pull, push
from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.runs.facts import Facts
    from aicomp.runs.trust import Trust

app = typer.Typer(invoke_without_command=True)
for function in (compare, note, tag, clean, export, push, pull):
    app.command()(function)

Order = Literal["created", "mean", "pooled", "public", "seconds", "model", "name"]


@app.callback()
def runs(
    context: typer.Context,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Only runs with this tag; may be repeated.")
    ] = None,
    order: Annotated[
        Order, typer.Option("--sort", help="By what to sort; by a score the best comes first.")
    ] = "created",
    last: Annotated[int | None, typer.Option("--last", metavar="N", min=1, help="Only the newest N runs.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the table as CSV, too.")] = None,
    page: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write a page, too: the table, and CV against public scores."),
    ] = None,
    png: Png = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """List the project's runs, oldest first, or do something with them.

    Beside CV stands the public score, or what became of the submission, where a run was submitted. Below the table: how
    well the two go together over all files that were submitted, blends included, and so how far CV can be trusted here.

    With --json the keys are: runs, a list of objects with run, folder, created, state ("done" or "unfinished"),
    folds_done, n_folds, kind ("train", "blend", "saved" or "agent"), model, metric, greater_is_better, mean, std,
    pooled, seconds (of its folds together), best (whether no other run on the same data and metric has a better mean),
    submission (status and score of the last one), note, tags, members (of a blend); cv_and_public: n (files with both
    scores), pearson, spearman, low and high (95 % interval of that), same_order and n_pairs (pairs of files that both
    scores put in the same order), meaning; page and csv (paths, null if not asked for), pngs (paths). What is not known
    is null.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    from aicomp.runs.index import list_facts
    from aicomp.simulation.project import open_project

    output = Output(as_json)
    project = open_project(project_folder)
    known = list_facts(project.runs, lambda sentence: output.say(f"note: {sentence}"))
    best = _best(known)
    shown = [facts for facts in known if set(tags or ()) <= set(facts.tags)]
    shown = _sorted(shown[-last:] if last is not None else shown, order)
    trust = _trust(project)
    items = [_item(facts, project.runs, is_best=facts.run in best) for facts in shown]
    if csv_file is not None:
        from aicomp.files import atomic_write
        from aicomp.runs.csv_file import to_csv

        atomic_write(csv_file, to_csv(items))
    if page is not None:
        from aicomp.files import atomic_write
        from aicomp.runs.page import runs_page

        atomic_write(page, runs_page(project.competition, shown, best, trust))
    pngs = []
    if png is not None:
        from aicomp.pages.drawing import write_pngs
        from aicomp.runs.page import runs_drawings

        pngs = [str(path) for path in write_pngs(runs_drawings(shown, trust), png)]
    written = {"page": None if page is None else str(page), "csv": None if csv_file is None else str(csv_file)}
    content = {"runs": items, "cv_and_public": _numbers(trust), **written, "pngs": pngs}
    lines = [
        *_lines(items, trust, any_run=bool(known)),
        *(f"written: `{path}`" for path in [*written.values(), *pngs] if path),
    ]
    output.result(content, *lines)


def _refuse_options(context: typer.Context) -> None:
    given = [name for name, value in context.params.items() if value not in (None, False, "created", [], ())]
    if given:
        names = {p.name: p.opts[0] for p in context.command.params}
        command = context.invoked_subcommand
        raise UsageError(
            f"`{names[given[0]]}` stands before `{command}`", f"write it behind: `aicomp runs {command} ...`"
        )


def _best(known: "list[Facts]") -> set[str]:
    """The runs with the best mean; scores of another metric, or on other data, are another contest."""
    from aicomp.runs.facts import by_contest

    best = set()
    for contestants in by_contest(known):
        choose: Callable[..., float] = max if contestants[0].greater_is_better else min
        mean = choose(facts.mean for facts in contestants)
        best |= {facts.run for facts in contestants if facts.mean == mean}
    return best


def _sorted(known: "list[Facts]", order: Order) -> "list[Facts]":
    """Runs in an order; those without the score that is sorted by come last."""
    if order == "name":
        return sorted(known, key=lambda facts: facts.run)
    if order == "model":
        return sorted(known, key=lambda facts: facts.model)
    if order == "seconds":
        return sorted(known, key=lambda facts: -facts.seconds)
    if order == "created":
        return sorted(known, key=lambda facts: facts.created)

    def place(facts: "Facts") -> tuple[bool, str, float]:
        value = {"mean": facts.mean, "pooled": facts.pooled, "public": facts.score}[order]
        sign = -1 if facts.greater_is_better else 1
        return value is None, facts.metric, 0.0 if value is None else sign * value

    return sorted(known, key=place)


def _trust(project: Any) -> "Trust":
    """What the scores of this project's ledger say, those for the host that it submits to."""
    from aicomp.cli.submit import find_destination
    from aicomp.runs.trust import trust_in_cv
    from aicomp.submission.history import join
    from aicomp.submission.ledger import read_ledger

    endpoint = find_destination(project, None)
    return trust_in_cv(join([], read_ledger(project, "local" if endpoint is None else endpoint.host)))


def _numbers(trust: "Trust") -> dict[str, Any] | None:
    if trust.agreement is None:
        return None
    low, high = trust.interval or (None, None)
    found = trust.agreement
    return {
        "n": found.n, "pearson": found.pearson, "spearman": found.spearman, "low": low, "high": high,
        "same_order": trust.same_order, "n_pairs": trust.n_pairs, "meaning": trust.meaning,
    }  # fmt: skip


def _item(facts: "Facts", folder: Path, *, is_best: bool) -> dict[str, Any]:
    return {
        "run": facts.run,
        "folder": f"{folder}/{facts.run}",
        "created": facts.created,
        "state": "done" if facts.is_done else "unfinished",
        "folds_done": facts.folds_done,
        "n_folds": facts.n_folds,
        "kind": facts.kind,
        "model": facts.model,
        "metric": facts.metric,
        "greater_is_better": facts.greater_is_better,
        "mean": facts.mean,
        "std": facts.std,
        "pooled": facts.pooled,
        "seconds": round(facts.seconds, 1),
        "best": is_best,
        "submission": None if facts.status is None else {"status": facts.status, "score": facts.score},
        "note": facts.note,
        "tags": list(facts.tags),
        "members": list(facts.members),
    }


def _lines(items: list[dict[str, Any]], trust: "Trust", *, any_run: bool) -> list[str]:
    from aicomp.cli.table import table_lines

    if not any_run:
        return ["no run yet: `aicomp train` makes one"]
    if not items:
        return ["no run has these tags: `aicomp runs` shows all"]
    header = ["", "run", "state", "model", "metric", "mean ± std", "public", "pooled", "seconds", "age"]
    said = [key for key in ("tags", "note") if any(item[key] for item in items)]
    now = datetime.now()
    lines = table_lines([*header, *said], [_row(item, said, now) for item in items])
    for item in items:
        if item["best"]:
            direction = "higher" if item["greater_is_better"] else "lower"
            lines.append(f"* best: {item['run']}, {item['metric']} {item['mean']:.5g} ({direction} is better)")
    sentences = trust.sentences
    return [*lines, *([f"CV and public score: {sentences[0]}", *sentences[1:]] if sentences else [])]


def _row(item: dict[str, Any], said: list[str], now: datetime) -> list[str]:
    n_folds = "?" if item["n_folds"] is None else item["n_folds"]
    done = item["state"] == "done"
    words = {"tags": " ".join(item["tags"]), "note": item["note"]}
    return [
        "*" if item["best"] else "",
        item["run"],
        "done" if done else f"{item['folds_done']}/{n_folds} folds",
        item["model"],
        item["metric"],
        f"{item['mean']:.5g} ± {item['std']:.2g}" if done else "",
        _submitted(item["submission"]),
        f"{item['pooled']:.5g}" if done else "",
        f"{item['seconds']:.0f}",
        _age(now - datetime.fromisoformat(item["created"])),
        *(words[key] for key in said),
    ]


def _submitted(submission: dict[str, Any] | None) -> str:
    if submission is None:
        return ""
    return str(submission["status"]) if submission["score"] is None else f"{submission['score']:.5g}"


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 0)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
