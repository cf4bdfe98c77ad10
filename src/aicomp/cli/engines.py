"""`--engine` and `--address`: where folds are trained."""

import json
from typing import Annotated

import typer

from aicomp.errors import UsageError

ENGINES = ("local", "ray")
"""Those that `[engine] name` may be."""

Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="Where folds are trained: `local` (processes of this machine) or `ray` (tasks on a cluster); by default "
        "what aicomp.toml says, else `local`.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="ADDRESS",
        help="The Ray cluster: `auto` for that of this machine, HOST:PORT, or `local` for one that ends with the "
        "command.",
    ),
]


def engine_overrides(engine: str, address: str | None) -> list[str]:
    """The entries of the config that stand for the options.

    Raises:
        UsageError: No such engine, or an address without a cluster.

    >>> engine_overrides("ray", "auto")
    ['engine.name="ray"', 'engine.address="auto"']
    """
    if engine not in ("", *ENGINES):
        raise UsageError(
            f"there is no engine `{engine}` for this", f"write `--engine {'`, or `--engine '.join(ENGINES)}`"
        )
    if engine == "local" and address is not None:
        raise UsageError("`--address` names a cluster, and `--engine local` needs none", "leave out one of them")
    entries = [f"engine.name={json.dumps(engine)}"] if engine else []
    return entries if address is None else [*entries, f"engine.address={json.dumps(address)}"]
