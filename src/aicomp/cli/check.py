"""`aicomp check`: what may be wrong with a project's validation, before more is trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aicomp.cli.options import Json, Png, ProjectFolder, Set
from aicomp.cli.output import Output

if TYPE_CHECKING:
    from aicomp.validation.doctor import Report
    from aicomp.validation.finding import Finding

_INVALID = 3


def check(
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 if a finding is high.")] = False,
    seconds: Annotated[
        float, typer.Option("--time", metavar="SECONDS", min=0, help="Begin no check after this time, reading aside.")
    ] = 120.0,
    page: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The page; by default check.html in the project.")
    ] = None,
    png: Png = None,
    overrides: Set = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Look for what makes a score too good: leaks, twins, folds that do not mirror the test, wrong labels, noise.

    Looked at are which splitter mirrors the test; columns that are the target in disguise; twins of rows, texts and
    files across folds and in test; ids, row order and file names that tell the target; whether a model can tell train
    from test, and by which columns; what features.py saw, by making its features again with permuted targets and
    without validated rows; rows whose label the newest run contradicts; and the gain that a new run needs to be
    believed. Large data is sampled; the page says where. `aicomp train` makes the cheapest of these checks itself.

    A finding is high if the score cannot be believed or the target leaks, medium if something is worth a change before
    more is trained, low if it is good to know. With --strict a high one ends the command with exit code 3.

    With --json the keys are: project, n_rows (train, test), splitter, n_folds, counts (findings by severity), findings
    (list of name, severity, title, evidence, advice, numbers, columns, rows), checks (list of check, seconds, done),
    notes (what was sampled or left out), seconds, page, pngs (paths).
    """
    from aicomp.files import atomic_write
    from aicomp.pages.drawing import write_pngs
    from aicomp.project import Project
    from aicomp.raw_data import check_manifest
    from aicomp.validation.doctor import examine
    from aicomp.validation.page import drawings_of, write_page

    output = Output(as_json)
    project = Project.open(project_folder, overrides)
    check_manifest(project.folder)
    report = examine(project, seconds, lambda title: output.say(f"{title} ..."))
    path = page or project.folder / "check.html"
    drawings = drawings_of(report)
    atomic_write(path, write_page(report, drawings))
    pngs = [] if png is None else write_pngs(drawings, png)
    answer = {**report.to_dict(), "page": str(path), "pngs": [str(picture) for picture in pngs]}
    output.result(answer, *_lines(report, path))
    if strict and report.counts["high"]:
        raise typer.Exit(_INVALID)


def _lines(report: "Report", path: Path) -> list[str]:
    from aicomp.cli.table import table_lines

    findings = report.findings
    lines = table_lines(["severity", "check", "finding"], [[f.severity, f.name, f.title] for f in findings])
    for finding in findings:
        if finding.severity in ("high", "medium"):
            lines += ["", *_told(finding)]
    if report.notes:
        lines += ["", *(f"note: {note}" for note in report.notes)]
    counts = ", ".join(f"{n} {severity}" for severity, n in report.counts.items())
    return [*lines, "", f"{counts}, in {report.seconds:.0f} s; the page is `{path}`"]


def _told(finding: "Finding") -> list[str]:
    lines = [f"{finding.severity}: {finding.title}", f"  {finding.evidence}"]
    if finding.advice:
        lines.append(f"  do: {finding.advice}")
    if finding.rows:
        more = " ..." if len(finding.rows) > 5 else ""
        lines.append(f"  rows: {'; '.join(finding.rows[:5])}{more}")
    return lines
