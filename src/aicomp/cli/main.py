"""The command line: commands by name, and every error as one message, one hint and one exit code."""

import contextlib
import errno
import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from aicomp import __version__
from aicomp.cli.began import mark_now, mark_process
from aicomp.cli.output import discard_stdout, write_json
from aicomp.errors import AicompError, UsageError
from aicomp.printable import printable
from aicomp.processes import without_credentials
from aicomp.stopping import Terminated

app = typer.Typer(
    name="aicomp",
    help="From a machine-learning competition's name to a valid, reproducible, well-validated submission.",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

# Typer raises its parser's exceptions; which package they come from depends on Typer's version.
_ParserError: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"aicomp {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def _register_commands() -> None:
    """Import each command's module: they import nothing heavy at their top, so that `--help` is quick."""
    from aicomp.cli.blend import blend
    from aicomp.cli.check import check
    from aicomp.cli.competition import app as competition
    from aicomp.cli.demo import demo
    from aicomp.cli.doctor import doctor
    from aicomp.cli.eda import eda
    from aicomp.cli.explain import explain
    from aicomp.cli.guide import guide
    from aicomp.cli.host import host
    from aicomp.cli.init import init
    from aicomp.cli.listing import list_names
    from aicomp.cli.report import report
    from aicomp.cli.runs import app as runs
    from aicomp.cli.score import ScoreCommand, score
    from aicomp.cli.show import show
    from aicomp.cli.submissions import submissions
    from aicomp.cli.submit import submit
    from aicomp.cli.train import train
    from aicomp.cli.tune import tune
    from aicomp.cli.verify import verify

    commands = (
        init, eda, check, train, tune, blend, verify, submit, submissions, score, explain, report, show, doctor, demo,
        host, guide,
    )  # fmt: skip
    for function in commands:
        app.command(cls=ScoreCommand if function is score else None)(function)
    app.command("list")(list_names)
    app.add_typer(runs, name="runs")
    app.add_typer(competition, name="competition")


_register_commands()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors become messages on stderr (and JSON with `--json`).

    Args:
        argv: Arguments without the program's name; None takes those of the process.
    """
    if argv is None:
        mark_process()
    else:
        mark_now()
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    try:
        code = app(arguments or ["--help"], prog_name="aicomp", standalone_mode=False)
    except AicompError as e:
        return _fail(e.message, e.hint, e.exit_code, as_json)
    except _ParserError as e:
        error = _usage_error(e, arguments)
        return _fail(error.message, error.hint, error.exit_code, as_json)
    except Terminated as e:
        return _fail(e.word, e.hint, e.exit_code, as_json)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        discard_stdout()  # the reader, such as `head`, has left
        return 1
    except Exception as e:
        return _unexpected(e, as_json)
    if code == 130:
        return _fail("interrupted", "", 130, as_json)
    return code if isinstance(code, int) else 0


def _unexpected(error: Exception, as_json: bool) -> int:
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        name = str(error.filename)[:40]
        return _fail(f"`{name}...` is too long for the name of a file", "name another one", 2, as_json)
    # A bug: the traceback is for whoever reports it. Locals, which could hold a token, are not shown.
    sys.stderr.write(printable(without_credentials("".join(traceback.format_exception(error)))))
    return _fail(f"{type(error).__name__}: {error}", "this is a bug in aicomp; please report it", 1, as_json)


def run() -> None:
    """Entry point of the `aicomp` program."""
    _prepare_streams()
    sys.exit(main())


def _prepare_streams() -> None:
    """Give every stream a place and every character a form: a service may close one, or have an ASCII locale."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - open until the process ends
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _usage_error(error: BaseException, arguments: Sequence[str]) -> UsageError:
    """The parser's error in the form of all others: lowercase, names in backticks, what was meant in the hint."""
    message = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
    message = re.sub(r"(?<!\w)'([^']+)'(?!\w)", r"`\1`", f"{message[:1].lower()}{message[1:]}")
    message = re.sub(r"^no such option: (\S+)", r"no such option `\1`", message)
    hint = f"`{_command_path(error, arguments)} --help` shows what it takes"
    if meant := re.search(r"\. Did you mean (.+)\?$| \(Possible options: (.+)\)$", message):
        *others, last = (f"`{name.strip('`')}`" for name in (meant[1] or meant[2]).split(", "))
        names = f"{', '.join(others)} or {last}" if others else last
        hint = f"did you mean {names}? {hint}"
        message = message[: meant.start()]
    return UsageError(message, hint)


def _command_path(error: BaseException, arguments: Sequence[str]) -> str:
    context = getattr(error, "ctx", None)
    if context is not None:
        return str(context.command_path)
    known = {info.name or getattr(info.callback, "__name__", "") for info in app.registered_commands}
    return f"aicomp {arguments[0]}" if arguments and arguments[0] in known else "aicomp"


def _fail(message: str, hint: str, code: int, as_json: bool) -> int:
    message, hint = without_credentials(message), without_credentials(hint)
    if as_json:
        with contextlib.suppress(AicompError):  # a full disk behind stdout: stderr still says what is wrong
            write_json({"error": {"code": code, "message": message, "hint": hint}})
    sys.stderr.write(f"error: {printable(message)}\n")
    if hint:
        sys.stderr.write(f"\nhint: {printable(hint)}\n")
    return code


if __name__ == "__main__":
    run()
