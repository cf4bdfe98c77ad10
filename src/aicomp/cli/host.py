"""`aicomp host`: serve competitions to others, check a folder, make a team."""

import ipaddress
import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from aicomp.cli.options import Json
from aicomp.cli.output import Output
from aicomp.errors import DataError, UsageError

_PACKAGES = ("jinja2", "python_multipart", "starlette", "uvicorn")
_EXAMPLES = "`aicomp host DIR`, `aicomp host --demo`, `aicomp host check DIR` or `aicomp host team NAME --state DIR`"


def host(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIR | check DIR | team NAME]",
            help="Folder with one folder per competition to serve; or check it, or make a team.",
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    bind: Annotated[str, typer.Option("--bind", metavar="ADDRESS", help="Address to listen at.")] = "127.0.0.1",
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="DIR", help="Where the host keeps what teams do; by default DIR/.aicomp-host."),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Serve the embedded competitions, and make a team.")] = False,
    token: Annotated[
        str | None, typer.Option("--token", metavar="TOKEN", help="Token of the team that --demo makes.")
    ] = None,
    accept_rules: Annotated[
        bool, typer.Option("--accept-rules", help="The new team accepts the rules of all competitions.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Serve competitions: the official `kaggle` program works with this host, and a browser does.

    With --json the keys are: url, competitions (slugs), state, and with --demo team and token. Those of `check` are
    folder and problems (each with severity, what, evidence, hint), those of `team` are team, user_name, token, state.
    """
    output = Output(as_json)
    _need_extra()
    command, rest = (words[0], words[1:]) if words else ("", [])
    if command == "check" and not demo:
        _check(output, rest)
    elif command == "team" and not demo:
        _make_team(output, rest, state, accept_rules=accept_rules)
    else:
        _serve(output, words or [], state, bind, port, demo=demo, token=token)


def _need_extra() -> None:
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise UsageError(f"the host needs {', '.join(missing)}", "run `pip install 'aicomp[host]'`")


def _one_folder(words: Sequence[str]) -> Path:
    if len(words) != 1:
        what = "no folder is named" if not words else f"`{words[1]}` is one word too many"
        raise UsageError(what, f"write {_EXAMPLES}")
    return Path(words[0])


def _serve(
    output: Output, words: Sequence[str], state: Path | None, bind: str, port: int, *, demo: bool, token: str | None
) -> None:
    from aicomp.host.folder import load_all
    from aicomp.host.host import Settings
    from aicomp.host.server import serve

    if token is not None and not demo:
        raise UsageError("`--token` is for `--demo`", "make a team with `aicomp host team NAME --state DIR`")
    if demo and words:
        raise UsageError(f"`--demo` serves the embedded competitions, and `{words[0]}` is named", "leave one out")
    more: dict[str, Any] = {}
    if demo:
        from aicomp.host.demo import DEMO_TEAM, demo_team, write_demo

        state = _demo_state() if state is None else state
        output.say(f"preparing the embedded competitions in {state}")
        folder = state / "competitions"
        write_demo(folder)
        more = {"team": DEMO_TEAM, "token": demo_team(state, token)}
    else:
        folder = _one_folder(words)
        state = folder / ".aicomp-host" if state is None else state
    competitions = load_all(folder)
    settings = Settings(state.absolute())  # what runs in its folders runs in another directory

    def ready(url: str) -> None:
        output.say(f"serving on {url}", *_warnings(bind), *_how_to_use(url, state, more))
        content = {"url": url, "competitions": sorted(competitions), "state": str(state.resolve()), **more}
        if output.as_json:
            output.result(content)

    try:
        serve(competitions, settings, bind=bind, port=port, on_ready=ready)
    except KeyboardInterrupt:
        output.say("stopped")


def _warnings(bind: str) -> list[str]:
    """What is said where others than this machine can reach the server."""
    try:
        is_loopback = ipaddress.ip_address(bind).is_loopback
    except ValueError:
        is_loopback = bind == "localhost"
    if is_loopback:
        return []
    return [
        f"warning: {bind} can be reached from other machines, and tokens and data go there as plain HTTP; "
        "put a proxy that ends TLS in front, or leave `--bind` out"
    ]


def _demo_state() -> Path:
    from platformdirs import user_state_path

    return user_state_path("aicomp") / "host-demo"


def _how_to_use(url: str, state: Path, more: dict[str, Any]) -> list[str]:
    if not more:
        return [f"make a team: aicomp host team NAME --state {shlex.quote(str(state))}", "stop with Ctrl-C"]
    return [
        f"open it in a browser and sign in as team `{more['team']}` with the token {more['token']}",
        "",
        "or use the official program:",
        f"  export KAGGLE_API_ENVIRONMENT=LOCALHOST http_proxy={url} no_proxy= NO_PROXY=",
        f"  export KAGGLE_API_TOKEN={shlex.quote(more['token'])}",
        "  kaggle competitions list",
        "",
        "or aicomp:",
        f"  export AICOMP_HOST={url} AICOMP_TOKEN={shlex.quote(more['token'])}",
        "  aicomp init iris",
        "",
        "stop with Ctrl-C",
    ]


def _check(output: Output, words: Sequence[str]) -> None:
    from aicomp.host.check import check_folder

    folder = _one_folder(words)
    if not folder.is_dir():
        raise UsageError(f"`{folder}` is no folder", "name the folder of one competition")
    problems = check_folder(folder)
    content = {"folder": str(folder), "problems": [problem.content for problem in problems]}
    output.result(content, *([line for problem in problems for line in problem.lines] or ["no problem found"]))
    if any(problem.is_error for problem in problems):
        raise typer.Exit(DataError.exit_code)  # all is said; a second JSON object must not follow


def _make_team(output: Output, words: Sequence[str], state: Path | None, *, accept_rules: bool) -> None:
    from aicomp.host.database import FILE_NAME, Database
    from aicomp.host.teams import create_team, team_of_token

    if not words or len(words) > 2 or (len(words) == 2 and state is not None):
        raise UsageError("name the team and the host's folder", "write `aicomp host team NAME --state DIR`")
    if state is None:
        if len(words) == 1:
            raise UsageError("the host's folder is not named", f"write `aicomp host team {words[0]} --state DIR`")
        if not Path(words[1]).is_dir():
            raise UsageError(f"`{words[1]}` is no folder", "name the folder that `aicomp host` serves")
        state = Path(words[1]) / ".aicomp-host"
    db = Database(state / FILE_NAME)
    token = create_team(db, words[0], accept_rules=accept_rules)
    team = team_of_token(db, token)
    assert team is not None
    output.say("the token is shown once: only its hash is kept")
    output.result(
        {"team": team.name, "user_name": team.user_name, "token": token, "state": str(state.resolve())}, token
    )
