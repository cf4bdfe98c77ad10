"""What `aicomp submit` is about to send: a file from a run, a blend or elsewhere, validated and described."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.errors import DataError, UsageError

if TYPE_CHECKING:
    from aicomp.grading import TextTable
    from aicomp.kaggle.delivery import Parcel
    from aicomp.kaggle.endpoint import Endpoint
    from aicomp.project import Project
    from aicomp.run import Run
    from aicomp.submission.blend import Blend

NOT_SENT: dict[str, Any] = {
    "status": "valid",
    "score": None,
    "private_score": None,
    "ref": None,
    "url": None,
    "rank": None,
    "left_today": None,
}
"""What `--json` says of a submission that is valid and was not sent."""


def find_runs(project: "Project", names: list[str], file: Path | None, weights: list[float]) -> "list[Run]":
    """The runs that the options name: one, several for a blend, or none for a file from elsewhere.

    Raises:
        UsageError: There is no such run, or the options do not go together.
        DataError: The file does not exist.
    """
    from aicomp.run import find_run

    if weights and len(names) < 2:
        raise UsageError("`--weight` weighs the runs of a blend, and there is no blend", "name several with `--run`")
    if file is not None and len(names) > 1:
        raise UsageError("`--file` and several runs name two submissions", "leave out one of them")
    if file is not None and not file.is_file():
        raise DataError(f"`{file}` is no file", "name a CSV file with `--file`")
    if not names:
        return [] if file is not None else [find_run(project.runs)]
    return [find_run(project.runs, name) for name in names]


def pack(
    project: "Project", runs: "list[Run]", file: Path | None, weights: list[float], message: str | None
) -> "tuple[Parcel, TextTable, Blend | None]":
    """Build the file if it is not given, and validate it.

    Args:
        project: The project.
        runs: From `find_runs`.
        file: The file, None to build it.
        weights: Of the runs of a blend; empty weighs all the same.
        message: The user's words; None takes the run and its score.
    """
    from aicomp.kaggle.delivery import Parcel
    from aicomp.submission import blend_runs, build_checked, read_sample, validate_submission
    from aicomp.submission.ledger import file_hash

    sample = read_sample(project)
    blended = blend_runs(project, runs, weights) if len(runs) > 1 else None
    run = runs[0] if len(runs) == 1 else None
    cv: dict[str, Any] | None = None
    if file is not None:
        path, table = file.resolve(), validate_submission(file, sample)
    else:
        path, table = build_checked(project, runs[0] if blended is None else blended, sample)
    if blended is not None:
        cv = blended.cv
    elif run is not None:
        cv = {key: run.scores[key] for key in ("mean", "std", "pooled")}
    ids = () if blended is None else tuple(r.id for r in runs)
    if message is None:
        score = "" if cv is None else f", {project.task.metric.name} {cv['mean']:.5g} ± {cv['std']:.2g}"
        source = run.id if run is not None else path.name if blended is None else _name_of(blended, weights)
        message = f"{source}{score}"
    return Parcel(path, file_hash(path), message, run, cv, ids), table, blended


def _name_of(blended: "Blend", weights: list[float]) -> str:
    """The runs of a blend, with their weights where these differ from run to run."""
    shares = [f"{weight:.3g} " if len(set(weights)) > 1 else "" for weight in blended.weights]
    return "blend of " + " + ".join(f"{share}{run.id}" for share, run in zip(shares, blended.runs, strict=True))


def describe(
    project: "Project", endpoint: "Endpoint | None", parcel: "Parcel", table: "TextTable", blended: "Blend | None"
) -> dict[str, Any]:
    """What is about to be submitted, for programs; see the help of `aicomp submit` for the keys."""
    metric = project.task.metric
    parts = None
    if blended is not None:
        parts = {"runs": list(parcel.blend), "weights": list(blended.weights), "method": blended.method}
    return {
        "competition": project.competition.slug,
        "host": "local" if endpoint is None else endpoint.host,
        "run": None if parcel.run is None else parcel.run.id,
        "file": str(parcel.path),
        "rows": len(table),
        "sha256": parcel.sha256,
        "metric": metric.name,
        "greater_is_better": metric.greater_is_better,
        "cv": parcel.cv,
        "message": parcel.message,
        "blend": parts,
        **NOT_SENT,
    }


def lines(content: dict[str, Any], endpoint: "Endpoint | None", *, is_known: bool) -> list[str]:
    """What is about to be submitted, for people.

    Args:
        content: See `describe`.
        endpoint: Where it goes; None if it is graded here.
        is_known: Whether the contract has the competition's page; else its slug may be no more than a folder's name.
    """
    slug, cv, blended = content["competition"], content["cv"], content["blend"]
    where = "graded here on its hidden part"
    if endpoint is not None:
        where = endpoint.page(slug) if endpoint.url else f"{endpoint.name}, {endpoint.page(slug)}"
        where += "" if is_known or endpoint.url else ", if there is such a competition (the files came from a folder)"
    direction = "higher" if content["greater_is_better"] else "lower"
    score = "unknown: the file comes from no run"
    if cv is not None:
        score = f"{content['metric']} {cv['mean']:.5g} ± {cv['std']:.2g} in cross-validation ({direction} is better)"
    if blended is None:
        source = f"run:    {content['run'] or 'none'}"
    else:
        parts = [f"{w:.3g} {run}" for w, run in zip(blended["weights"], blended["runs"], strict=True)]
        source = f"blend:  {' + '.join(parts)} ({blended['method']})"
    return [
        f"file:   {content['file']} ({content['rows']} rows)",
        source,
        f"score:  {score}",
        f"target: `{slug}`, {where}",
    ]


def run_words(names: list[str], weights: list[float], file: Path | None) -> list[str]:
    """Runs, weights and file as they are given to `aicomp submit`."""
    given = list(names) if len(names) < 2 else [word for name in names for word in ("--run", name)]
    given += [word for weight in weights for word in ("--weight", f"{weight:g}")]
    return given + (["--file", str(file)] if file is not None else [])


def next_command(words: list[str], options: dict[str, object]) -> str:
    """The line that sends what a dry run has shown.

    Args:
        words: What to send.
        options: Further ones by name, such as "--host"; those that are None are left out.
    """
    given = [word for name, value in options.items() if value is not None for word in (name, str(value))]
    return f"next: aicomp submit {shlex.join([*words, *given])}".rstrip()
