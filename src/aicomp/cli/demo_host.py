"""A host of its own for `aicomp demo --through-host`: a server process, its token, and an environment that finds it."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aicomp.errors import AicompError
from aicomp.processes import child_environment, python_module

_COMMAND = ["host", "--demo", "--port", "0", "--json", "--state"]
_SECONDS_TO_STOP = 20
_OWN = ("AICOMP_HOST", "AICOMP_TOKEN", "AICOMP_CACHE", "no_proxy", "NO_PROXY")


@contextmanager
def demo_host() -> Iterator[str]:
    """Run `aicomp host --demo` at a free port and yield its address; inside, every command has its token.

    Its state and the download cache lie in a temporary folder: nothing is left behind.

    Raises:
        AicompError: It did not start.
    """
    with tempfile.TemporaryDirectory(prefix="aicomp-demo-") as temporary:
        log = Path(temporary) / "host.log"
        with log.open("w", encoding="utf-8") as said:
            process = subprocess.Popen(
                python_module("aicomp", *_COMMAND, str(Path(temporary) / "state")),
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=child_environment(),
            )
            try:
                url, token = _told(process, log)
                with _environment(AICOMP_TOKEN=token, AICOMP_CACHE=str(Path(temporary) / "cache")):
                    yield url
            finally:
                _stop(process)


def _told(process: "subprocess.Popen[str]", log: Path) -> tuple[str, str]:
    """Address and token that the server prints when it is ready."""
    assert process.stdout is not None
    content = json.loads(process.stdout.readline() or "{}")
    if "url" in content:
        return content["url"], content["token"]
    error = content.get("error") or {
        "message": log.read_text(encoding="utf-8").strip() or "it said nothing",
        "hint": "",
    }
    raise AicompError(f"the host did not start: {error['message']}", error["hint"] or "`aicomp host --demo` says more")


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables, and let no proxy come between this machine and itself; all is as it was when the block ends."""
    before = {name: os.environ.get(name) for name in _OWN}
    direct = {name: ",".join(filter(None, (before[name], "127.0.0.1"))) for name in ("no_proxy", "NO_PROXY")}
    os.environ.pop("AICOMP_HOST", None)
    os.environ.update(direct | variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
