"""`aicomp verify`: make a run again, and say whether every bit is the same."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output

if TYPE_CHECKING:
    from aicomp.verification.scratch import Code
    from aicomp.verification.verify import Verification


def verify(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="The run, or the beginning of its name; by default the newest."),
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option(
            "--folds",
            metavar="N",
            help="Only so many folds, the first ones: 1 is fold 0 alone. With a comma, their numbers: `0,3` or `3,`.",
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what was made again, and say where it lies.")] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Make a run again from what it recorded, and compare it bit by bit with what it holds.

    Config, contract, seeds, threads and the layout of the folds are those of the run. Its code is too: where the
    project's Python files are others now, those of the commit that the run recorded are taken, if it was clean. Other
    data is refused with exit code 3, and its files are named. A blend is blended again from its members. Exit code 0
    says that out-of-fold predictions, test predictions and weights have the same SHA-256, 1 that something differs:
    then by how much, and what else is another than it was.

    With --json the keys are: run, kind, identical, n_folds, folds (numbers of those that were made again), code
    (source: "project", "commit" or "changed", commit, reason, changed: files), parts (list of fold, what, then, now:
    SHA-256, identical, n_different, n: rows, of weights numbers, max_difference, note), changes (list of kind, name,
    then, now), unknown (what the run did not record), seconds, folder (null unless kept).
    """
    from aicomp.cli.progress import Progress
    from aicomp.run import find_run
    from aicomp.simulation.project import open_project
    from aicomp.verification.verify import Observer, Wish
    from aicomp.verification.verify import verify as make_again

    output = Output(as_json)
    wish = Wish.parse(folds)
    project = open_project(project_folder)
    run = find_run(project.runs, name)
    metric = str(run.info["competition"]["metric"])
    with Progress(output, metric, "seed" if run.kind == "agent" else "fold") as progress:

        def on_begin(n_folds: int, numbers: Sequence[int], code: "Code") -> None:
            output.say(f"run {run.id} is made again: {_folds(numbers, n_folds, run.kind)}", *_code_lines(code))
            progress.begin(len(numbers), list(numbers))

        found = make_again(project, run, wish, keep=keep, observer=Observer(on_begin, progress.on_event))
    output.result(_content(found), *_lines(found))
    if not found.is_identical:
        raise typer.Exit(1)


def _folds(numbers: Sequence[int], n: int, kind: str) -> str:
    part = "seed" if kind == "agent" else "fold"
    if len(numbers) == n:
        return f"all {n} {part}s" if n > 1 else f"its only {part}"
    word = "fold" if len(numbers) == 1 else "folds"
    return f"{word} {', '.join(map(str, numbers))} of {n}, counted from 0"


def _code_lines(code: "Code") -> list[str]:
    if code.source == "project":
        return []
    files = "which ones, the run did not record" if code.changed is None else ", ".join(code.changed)
    if code.source == "commit":
        return [f"code: of commit {str(code.commit)[:10]}; since then: {files}"]
    return [f"code: that of today, as {code.reason}; since then: {files}"]


def _content(found: "Verification") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "run": found.run.id,
        "kind": found.run.kind,
        "identical": found.is_identical,
        "n_folds": found.n_folds,
        "folds": list(found.folds),
        "code": asdict(found.code),
        "parts": [part.to_dict() for part in found.parts],
        "changes": [change.to_dict() for change in found.circumstances.changes],
        "unknown": list(found.circumstances.unknown),
        "seconds": round(found.seconds, 1),
        "folder": None if found.folder is None else str(found.folder),
    }


def _lines(found: "Verification") -> list[str]:
    from aicomp.cli.table import table_lines

    rows = [
        [
            "all" if part.fold is None else str(part.fold),
            part.what,
            part.then[:12] or "-",
            "identical" if part.is_identical else part.now[:12],
            _difference(part),
        ]
        for part in found.parts
    ]
    if found.is_identical:
        rows = [row[:4] + ([row[4]] if any(r[4] for r in rows) else []) for row in rows]
    header = ["fold", "what", "SHA-256", "again", "differs"][: len(rows[0])]
    lines = [*table_lines(header, rows), ""]
    if found.added:
        lines.append(f"folds {', '.join(map(str, found.added))} too, which were trained as one network with it")
    lines += _circumstance_lines(found)
    lines.append(_verdict(found))
    if found.folder is not None:
        lines.append(f"what was made again is in `{found.folder}`")
    return lines


def _difference(part: Any) -> str:
    if not part.is_compared or part.is_identical:
        return str(part.note)
    units = {"weights": "numbers", "oof": "rows", "test": "rows", "episodes": "episodes"}
    unit = units.get(part.what, "lines")
    words = [f"{part.n_different} of {part.n} {unit}"]
    if part.max_difference is not None:
        words.append(f"by {part.max_difference:.3g} at most")
    return ", ".join([*words, *([part.note] if part.note else [])])


def _circumstance_lines(found: "Verification") -> list[str]:
    from aicomp.cli.table import table_lines

    changes = [[c.kind, c.name, _short(c.then), _short(c.now)] for c in found.circumstances.changes]
    if found.code.source == "changed":
        names = found.code.changed
        changes += [["code", name, "", ""] for name in names or ("files that the run did not record",)]
    lines = []
    if changes:
        title = "what is another than it was" + ("; the bits agree all the same" if found.is_identical else "")
        lines += [f"{title}:", *table_lines(["what", "name", "recorded", "here"], changes), ""]
    elif not found.is_identical:
        lines += ["nothing that the run recorded is another here: its training may not be repeatable at all", ""]
    return lines + [f"unknown: {sentence}" for sentence in found.circumstances.unknown]


def _short(value: str | None) -> str:
    if value is None:
        return "-"
    return value[:12] if len(value) == 64 else value  # a SHA-256


def _verdict(found: "Verification") -> str:
    what = _folds(found.folds, found.n_folds, found.run.kind)
    if not found.is_identical:
        n = len([p for p in found.parts if p.is_compared and not p.is_identical])
        return f"run {found.run.id}: different, {n} of {len(found.parts)} parts ({what})"
    gone = any(not part.is_compared for part in found.parts)
    left = "; what the run does not hold any more could not be compared" if gone else ""
    return f"run {found.run.id}: identical ({what}, {found.seconds:.0f} s){left}"
