"""`aicomp competition`: make a competition of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aicomp.cli.asking import asker
from aicomp.cli.options import Json
from aicomp.cli.output import Output
from aicomp.errors import DataError

if TYPE_CHECKING:
    from aicomp.host.new import Made

app = typer.Typer()


@app.callback()
def competition() -> None:
    """Make a competition of your own."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Short name: small letters, digits and `-`.")],
    train: Annotated[Path, typer.Option("--train", metavar="FILE", help="A table whose rows all have their target.")],
    target: Annotated[
        list[str] | None, typer.Option("--target", metavar="COLUMN", help="Column to predict; may be repeated.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="Metric; by default a usual one of the target.")
    ] = None,
    problem_type: Annotated[
        str | None,
        typer.Option(
            "--problem-type", metavar="TYPE", help="binary, multiclass, regression, multilabel, multi-target."
        ),
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="Column that names a row; new ids take its place.")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="COLUMN", help="Column whose rows all lie in the same part.")
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", metavar="COLUMN", help="Column by which test is later than train.")
    ] = None,
    test_share: Annotated[
        float, typer.Option("--test-share", metavar="SHARE", min=0.01, max=0.99, help="Rows whose target is hidden.")
    ] = 0.3,
    public_share: Annotated[
        float,
        typer.Option("--public-share", metavar="SHARE", min=0.01, max=0.99, help="Of those, for the public score."),
    ] = 0.3,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of which rows go where.")] = 1,
    encoding: Annotated[str, typer.Option("--encoding", metavar="NAME", help="Of the table's text.")] = "utf-8",
    into: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="The folder that `aicomp host` serves; by default this one.")
    ] = Path(),
    as_json: Json = False,
) -> None:
    """Make a folder that `aicomp host` serves, out of one labelled table.

    Rows are dealt into train, test and the hidden solution, with a sample submission, the contract, the page that teams
    read, and a README. What exists is never changed. What was chosen is shown with its reason.

    With --json the keys are: folder, slug, problem_type, metric, target, id, files, rows (train, public and private),
    choices (each with what, value, because), problems (what `aicomp host check` says: severity, what, evidence, hint).
    """
    from aicomp.host.new import Wishes, make_competition

    output = Output(as_json)
    wishes = Wishes(
        slug=name,
        train=train,
        target=tuple(target or ()),
        metric=metric,
        problem_type=problem_type,
        id=id_,
        group=group,
        time=time,
        test_share=test_share,
        public_share=public_share,
        seed=seed,
        encoding=encoding,
    )
    if not train.is_file():
        raise DataError(f"`{train}` is no file", "name a .csv, .tsv or .parquet file whose rows all have their target")
    _report(output, make_competition(wishes, into, asker(output) if output.can_ask else None), into)


def _report(output: Output, made: "Made", into: Path) -> None:
    import shlex

    c = made.competition
    content = {
        "folder": str(made.folder),
        "slug": c.slug,
        "problem_type": c.problem_type,
        "metric": c.metric,
        "target": list(c.target),
        "id": list(c.id),
        "files": list(made.files),
        "rows": dict(zip(("train", "public", "private"), made.rows, strict=True)),
        "choices": [{"what": x.what, "value": x.value, "because": x.because} for x in made.choices],
        "problems": [problem.content for problem in made.problems],
    }
    width = max(len(choice.what) for choice in made.choices)
    output.say(*(f"{x.what:<{width}}  {x.value} ({x.because})" for x in made.choices))
    output.say(*(line for problem in made.problems for line in problem.lines))
    folder = shlex.quote(str(made.folder))
    output.result(
        content,
        f"made {made.folder}: {', '.join(made.files)}",
        f"next: fill in {made.folder / 'description.md'}; `aicomp host check {folder}`; "
        f"`aicomp host {shlex.quote(str(into))}`",
    )
