"""`aicomp init`: a project from a competition of Kaggle or a host, an embedded one, or a folder or .zip of files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aicomp.cli.asking import asker
from aicomp.cli.options import Host, Json
from aicomp.cli.output import Output
from aicomp.cli.sources import Wanted, data_source, fetch_source, telling_what_was_left
from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.contract import Finding
    from aicomp.scaffold import Created
    from aicomp.sources import Download


def init(
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="A competition's slug, or a folder or .zip with its files."),
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="The new project's folder; by default ./SLUG.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="Metric that scores the submissions.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", metavar="COLUMN", help="Column to predict; may be repeated.")
    ] = None,
    id_: Annotated[
        list[str] | None, typer.Option("--id", metavar="COLUMN", help="Column that names a row; may be repeated.")
    ] = None,
    problem_type: Annotated[
        str | None,
        typer.Option(
            "--problem-type", metavar="TYPE", help="binary, multiclass, regression, multilabel, multi-target, string."
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="COLUMN", help="Column whose rows stay in one fold.")
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", metavar="COLUMN", help="Column by which test is later than train.")
    ] = None,
    series: Annotated[
        list[str] | None,
        typer.Option("--series", metavar="COLUMN", help="Column that tells series apart; may be repeated."),
    ] = None,
    train: Annotated[str | None, typer.Option("--train", metavar="FILE", help="Name of the train file.")] = None,
    test: Annotated[str | None, typer.Option("--test", metavar="FILE", help="Name of the test file.")] = None,
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="FILE", help="Name of the sample submission.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="NAME", help="Encoding of the files; by default utf-8.")
    ] = None,
    slug: Annotated[
        str | None,
        typer.Option(
            "--slug",
            metavar="NAME",
            help="Short name, by default made of SOURCE; that of a known competition brings its metric.",
        ),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment", metavar="NAME", help="Of a simulation: CartPole-v1, kaggle:connectx, FILE:CLASS."
        ),
    ] = None,
    template: Annotated[
        str | None, typer.Option("--template", metavar="NAME", help="See `aicomp list templates`.")
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="PATTERN", help="Download only these files, such as '*.csv'; may be repeated."),
    ] = None,
    host: Host = None,
    data_only: Annotated[
        bool, typer.Option("--data-only", help="Only put the data into a project that has none, such as a clone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a project: find out what the competition asks for, get the data, and lay out the code.

    A slug is that of an embedded competition (`aicomp list competitions`) or of one on Kaggle, or on the host that
    --host or AICOMP_HOST names: its files are downloaded into a cache that all projects share. What the files say is
    inferred and shown with its reason. What neither they nor the host say is a flag.

    A simulation has no files: `--template simulation --environment NAME` makes a project of any name, and asks nobody.

    With --json the keys are: project (its folder), slug, competition (the contract, as competition.toml has it),
    findings (list of what, value and because: what was inferred, and why), files (of the project), next (commands).
    """
    from aicomp.cli.simulation_init import is_new_simulation, new_simulation
    from aicomp.contract import Given
    from aicomp.scaffold import add_data, create_project

    out = Output(as_json)
    given = Given(
        metric=metric,
        id=tuple(id_ or ()),
        target=tuple(target or ()),
        problem_type=problem_type,
        train=train,
        test=test,
        sample=sample,
        group=group,
        time=time,
        series=tuple(series or ()),
        slug=slug,
        encoding=encoding or "utf-8",
    )
    wanted = Wanted(host, tuple(file or ()))
    ask = asker(out) if out.can_ask else None
    if data_only:
        if given != Given() or template is not None:
            raise UsageError(
                "`--data-only` follows the contract that the project has",
                "give only SOURCE, `--host`, `--file` and `--into` beside it",
            )
        folder = into or Path()
        data = data_source(source, folder, wanted, out)
        created = add_data(data, folder)
    elif source is None:
        raise UsageError("missing SOURCE", "write `aicomp init SLUG` or `aicomp init PATH --metric NAME`")
    elif is_new_simulation(source, template, environment):
        data = source
        created = new_simulation(source, into, environment, template, given, host)
    elif not wanted.is_remote(source):
        data = source
        created = create_project(source, into, given, template, ask)
    else:
        data, given = fetch_source(source, into, given, template, wanted, out)
        with telling_what_was_left(data):
            created = create_project(data, into, given, template, ask)
    _report(out, created, None if isinstance(data, str) else data, data_only=data_only)


def _report(out: Output, created: "Created", download: "Download | None", *, data_only: bool) -> None:
    import msgspec

    from aicomp.contract.inquiry import shell_word

    findings = [*(() if download is None else download.notes), *created.findings]
    takes_notebooks = download is not None and download.notebook_only
    commands = ["aicomp train", f"aicomp submit {'--notebook ' if takes_notebooks else ''}--dry-run"]
    folder = _shown(created.folder)
    if folder != ".":
        commands.insert(0, f"cd {shell_word(folder)}")
    content = {
        "project": str(created.folder),
        "slug": created.competition.slug,
        "competition": msgspec.to_builtins(created.competition),
        "findings": [{"what": f.what, "value": f.value, "because": f.because} for f in findings],
        "files": list(created.files),
        "next": commands,
    }
    out.say(*_finding_lines(findings))
    done = f"the data is in `{folder}`" if data_only else f"created the project `{folder}`"
    out.result(content, done, "", "next:", *(f"  {command}" for command in commands))


def _finding_lines(findings: "Sequence[Finding]") -> list[str]:
    """What was found, in columns; a long value has its reason on a line of its own."""
    left = max((len(f.what) for f in findings), default=0)
    middle = max((len(f.value) for f in findings if len(f.value) <= 32), default=0)
    return [
        f"{f.what:<{left}}  {f.value:<{middle}}  {f.because}"
        if len(f.value) <= 32
        else f"{f.what:<{left}}  {f.value}\n{'':<{left}}  {'':<{middle}}  {f.because}"
        for f in findings
    ]


def _shown(folder: Path) -> str:
    """A folder as it is typed from here."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
