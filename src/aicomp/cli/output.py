"""What a command says: one JSON object on stdout for programs, or text for people."""

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aicomp.errors import AicompError
from aicomp.printable import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class Output:
    """Where a command's words go.

    Results go to stdout: as the one JSON object with `--json`, else as text. Everything that is said on the way goes
    to stderr, so that stdout can be piped on.

    Args:
        as_json: Whether the command was called with `--json`.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    @property
    def is_terminal(self) -> bool:
        """Whether stderr is a terminal: progress bars are drawn there and nowhere else."""
        return sys.stderr.isatty()

    @property
    def can_ask(self) -> bool:
        """Whether a person can be asked: both ends are a terminal and the answer is not for a program."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.as_json

    def say(self, *lines: "RenderableType") -> None:
        """Tell people something on the way, on stderr. Square brackets are printed as they are."""
        for line in lines:
            line = printable(line) if isinstance(line, str) else line
            _console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=isinstance(line, str))

    def result(self, content: dict[str, Any], *lines: "RenderableType") -> None:
        """Print the outcome on stdout, once per command: `content` with `--json`, else `lines`."""
        if self.as_json:
            write_json(content)
            return
        with _writing_stdout():
            for line in lines:
                if isinstance(line, str):
                    sys.stdout.write(printable(line) + "\n")  # a long list at once
                else:
                    _console(stderr=False).print(line, markup=False, highlight=False)

    def ask(self, question: str) -> str:
        """Ask a person for a line of text; call it only where `can_ask`."""
        sys.stderr.write(f"{printable(question)} ")
        sys.stderr.flush()
        return sys.stdin.readline().strip()


def write_json(content: dict[str, Any]) -> None:
    """Print an object on stdout, on one line and in ASCII, which every program that reads it can decode.

    JSON knows no number that is not finite: NaN becomes null, an end that is open "inf" or "-inf".
    """
    try:
        text = json.dumps(content, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(content), allow_nan=False)
    with _writing_stdout():
        sys.stdout.write(text + "\n")


def _finite(value: Any) -> Any:
    """The same without numbers that JSON does not know.

    >>> _finite({"a": [float("nan"), 1.5], "b": (0, float("-inf"))})
    {'a': [None, 1.5], 'b': [0, '-inf']}
    """
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


@contextmanager
def _writing_stdout() -> Iterator[None]:
    """Flush at the end, so that a full disk is an error of the command and not a complaint after its end."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as e:
        discard_stdout()
        raise AicompError(f"cannot write to standard output: {e.strerror}", "free some space") from e


def discard_stdout() -> None:
    """Send what is still to be written nowhere: Python would complain once more when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    width = None if os.environ.get("COLUMNS") or (sys.stderr if stderr else sys.stdout).isatty() else 120
    return Console(stderr=stderr, width=width)
