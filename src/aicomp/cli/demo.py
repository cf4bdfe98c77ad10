"""`aicomp demo`: from a name to a graded submission, without an account, on this machine alone."""

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
    through_host: Annotated[
        bool,
        typer.Option("--through-host", help="Go through `aicomp host`: download, upload and wait as with Kaggle."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a whole competition in a minute: init, train and submit, on real data that aicomp brings along.

    With --json the keys are: competition, project, commands (what was run), run, metric, greater_is_better, cv (mean,
    std and pooled score), score (on the hidden part, or on its public rows with --through-host), seconds.
    """
    output = Output(as_json)
    _check(competition, into)
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        url = _start_host(output, stack) if through_host else None
        commands = [
            ["init", competition, *(["--host", url] if url else []), "--into", str(into)],
            ["train", "--project", str(into)],
            ["submit", "--yes", *(["--wait", "--host", url] if url else []), "--project", str(into)],
        ]
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
    output.result(content, *_lines(content, into, through_host=through_host))


def _start_host(output: Output, stack: contextlib.ExitStack) -> str:
    """Start a host that ends with the stack, and return its address."""
    from aicomp.cli.demo_host import demo_host

    output.say("$ aicomp host --demo --port 0")
    url = stack.enter_context(demo_host())
    output.say(f"serving on {url}")
    return url


def _check(competition: str, into: Path) -> None:
    from aicomp.catalogue import load
    from aicomp.errors import UsageError

    contract = load(competition).competition
    if contract.is_simulation:
        raise UsageError(
            f"`{competition}` is a simulation, and the demo shows a competition on rows",
            f"`aicomp init {competition}` makes a project of it",
        )
    if contract.host != "local":
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


def _lines(content: dict[str, Any], into: Path, *, through_host: bool) -> list[str]:
    metric, cv = content["metric"], content["cv"]
    direction = "higher" if content["greater_is_better"] else "lower"
    folder = shlex.quote(str(into))
    where = "on the public rows: " if through_host else "on the hidden part: "
    again = "train again" if through_host else "run the last two commands again"
    return [
        "",
        f"{metric} in cross-validation: {cv['mean']:.5g} ± {cv['std']:.2g}",
        f"{metric} {where} {content['score']:.5g} ({direction} is better)",
        "",
        f"next: edit {shlex.quote(str(into / 'features.py'))}, {again}, "
        f"and compare with `aicomp runs --project {folder}`",
        *(["the host has stopped; `aicomp host --demo` starts one that stays"] if through_host else []),
    ]
