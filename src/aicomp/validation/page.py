"""The doctor's findings as one page that loads nothing from anywhere."""

from collections.abc import Sequence

from aicomp.pages.drawing import Drawing
from aicomp.pages.render import render
from aicomp.validation.doctor import Report
from aicomp.validation.drawings import pairs
from aicomp.validation.finding import Finding


def drawings_of(report: Report) -> list[Drawing]:
    """What there is to see of a report, twins first."""
    drawings = report.drawings()
    twins = {twin_title(f): (f.numbers["validation_share"], f.numbers["test_share"]) for f in _twins(report)}
    if twins:
        caption = (
            "Rows that have a twin in what is learned from. Where validation rows have more than test rows, the score "
            "is too good."
        )
        drawings.insert(0, pairs("twins", twins, caption, "% of rows with a twin"))
    return drawings


def write_page(report: Report, drawings: Sequence[Drawing]) -> str:
    """HTML of a page; everything that is given is escaped.

    Args:
        report: What was found.
        drawings: See `drawings_of`.
    """
    found = [finding for finding in report.findings if finding.severity != "ok"]
    fine = [finding for finding in report.findings if finding.severity == "ok"]
    return render(
        "aicomp.validation",
        "check.html",
        title=f"Check of {report.project}",
        report=report,
        found=found,
        fine=fine,
        drawings=drawings,
        checks=[(c.title, "no time was left" if c.outcome is None else f"{c.seconds:.1f}") for c in report.checks],
        sections=[("findings", "Findings"), ("seen", "To see"), ("fine", "Looked for and not found"), ("how", "How")],
    )


def _twins(report: Report) -> list[Finding]:
    """Findings of twins that more than one row in two hundred has."""
    shares = ("validation_share", "test_share")
    return [f for f in report.findings if max(f.numbers.get(share, 0.0) for share in shares) >= 0.005]


def twin_title(finding: Finding) -> str:
    """What twins of a finding are called.

    >>> twin_title(Finding("near-rows", "low", "", ""))
    'near rows'
    """
    return finding.name.replace("-", " ")
