"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
Png = Annotated[
    Path | None, typer.Option("--png", metavar="FOLDER", help="Write each drawing as PNG to this folder too.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override an entry of aicomp.toml; may be repeated."),
]
ProjectFolder = Annotated[
    Path | None,
    typer.Option("--project", metavar="DIR", help="The project's folder; by default the one around this directory."),
]
Host = Annotated[
    str | None,
    typer.Option("--host", metavar="URL", help="A host to use in Kaggle's place; by default `AICOMP_HOST`."),
]
