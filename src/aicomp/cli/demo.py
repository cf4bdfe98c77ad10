"""`aicomp demo`: from a name to a graded submission, without network or account."""

import contextlib
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from aicomp.cli.options import Json
from aicomp.cli.output import Output


def demo(
    competition: Annotated[
        str, typer.Option("--competition", metavar="SLUG", help="An embedded competition.")
    ] = "breast-cancer",
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="The new project's folder.")] = Path(
        "aicomp-demo"
    ),
    as_json: Json = False,
) -> None:
    """Show a whole competition in a minute: init, train and submit, on real data that aicomp brings along.

    With --json the keys are: competition, project, commands (what was run), run, metric, greater_is_better, cv (mean,
    std and pooled score), score (on the hidden part), seconds.
    """
    output = Output(as_json)
    _check(competition, into)
    commands = [
        ["init", competition, "--into", str(into)],
        ["train", "--project", str(into)],
        ["submit", "--yes", "--project", str(into)],
    ]
    started = time.monotonic()
    for command in commands:
        output.say("", f"$ {shlex.join(['aicomp', *command])}")
        _run(command, output)
    content = {
        "competition": competition,
        "project": str(into.resolve()),
        "commands": [shlex.join(["aicomp", *command]) for command in commands],
        **_outcome(into),
        "seconds": round(time.monotonic() - started, 1),
    }
    output.result(content, *_lines(content, into))


def _check(competition: str, into: Path) -> None:
    from aicomp.catalogue import load
    from aicomp.errors import UsageError

    if load(competition).competition.host != "local":
        raise UsageError(
            f"`{competition}` is not embedded: its data has to be downloaded", "`aicomp list competitions` shows all"
        )
    if into.exists():
        raise UsageError(f"`{into}` exists already", "name a new folder: `aicomp demo --into DIR`")


def _run(command: list[str], output: Output) -> None:
    """Run a command as if it were typed; with `--json`, what it prints goes where people read."""
    from aicomp.cli.main import app

    with contextlib.redirect_stdout(sys.stderr if output.as_json else sys.stdout):
        app(command, prog_name="aicomp", standalone_mode=False)
    sys.stdout.flush()  # so that stdout and stderr stay in order where both go to one pipe


def _outcome(folder: Path) -> dict[str, Any]:
    from aicomp.project import Project
    from aicomp.run import find_run

    run = find_run(Project.open(folder).runs)
    scores = run.scores
    return {
        "run": run.id,
        "metric": scores["metric"],
        "greater_is_better": scores["greater_is_better"],
        "cv": {key: scores[key] for key in ("mean", "std", "pooled")},
        "score": run.read("submission.json")["score"],
    }


def _lines(content: dict[str, Any], into: Path) -> list[str]:
    metric, cv = content["metric"], content["cv"]
    direction = "higher" if content["greater_is_better"] else "lower"
    return [
        "",
        f"{metric} in cross-validation: {cv['mean']:.5g} ± {cv['std']:.2g}",
        f"{metric} on the hidden part:  {content['score']:.5g} ({direction} is better)",
        "",
        f"next: edit {shlex.quote(str(into / 'features.py'))}, run the last two commands again, "
        f"and compare with `aicomp runs --project {shlex.quote(str(into))}`",
    ]
