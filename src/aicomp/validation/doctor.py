"""The validation doctor: all checks, one after the other, within a time."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aicomp.project import Project
from aicomp.validation.adversarial import check_adversarial
from aicomp.validation.feature_leaks import check_features
from aicomp.validation.file_twins import check_files
from aicomp.validation.finding import SEVERITIES, Finding, Outcome, by_severity
from aicomp.validation.fold_noise import check_noise
from aicomp.validation.label_noise import check_labels
from aicomp.validation.name_leaks import check_names
from aicomp.validation.out_of_fold import Predictions
from aicomp.validation.row_twins import check_rows
from aicomp.validation.split_mirror import check_split
from aicomp.validation.subject import Subject
from aicomp.validation.target_columns import check_columns
from aicomp.validation.text_twins import check_texts

if TYPE_CHECKING:
    from aicomp.pages.drawing import Drawing

SECONDS = 120.0
"""Of checks, after which no further one is begun, unless another time is given."""

Check = Callable[[Subject], Outcome]


@dataclass(frozen=True)
class Checked:
    """A check that was made, or why it was not.

    Attributes:
        name: Of the check.
        title: What it looks for.
        outcome: What it gives; None if no time was left.
        seconds: That it took.
    """

    name: str
    title: str
    outcome: Outcome | None
    seconds: float


@dataclass(frozen=True)
class Report:
    """What the doctor found in a project.

    Attributes:
        project: Its slug.
        n_rows: Rows of train and of test.
        splitter: Name of the splitter in use.
        n_folds: Its folds.
        checks: In the order in which they were made.
        reading_seconds: That it took to read the data and to apply the project's features.
    """

    project: str
    n_rows: tuple[int, int]
    splitter: str
    n_folds: int
    checks: list[Checked] = field(default_factory=list)
    reading_seconds: float = 0.0

    @property
    def findings(self) -> list[Finding]:
        """All of them, the worst first."""
        return by_severity(f for check in self.checks if check.outcome for f in check.outcome.findings)

    @property
    def notes(self) -> list[str]:
        """What was looked at in part, or not at all."""
        skipped = [f"no time was left for: {check.title}" for check in self.checks if check.outcome is None]
        return [*skipped, *(note for check in self.checks if check.outcome for note in check.outcome.notes)]

    @property
    def counts(self) -> dict[str, int]:
        """Findings of each severity, the worst first."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}

    @property
    def seconds(self) -> float:
        """All together."""
        return self.reading_seconds + sum(check.seconds for check in self.checks)

    def drawings(self) -> "list[Drawing]":
        """What there is to see."""
        return [draw() for check in self.checks if check.outcome for draw in check.outcome.drawings]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON; the keys stand in the help of `aicomp check`."""
        return {
            "project": self.project,
            "n_rows": list(self.n_rows),
            "splitter": self.splitter,
            "n_folds": self.n_folds,
            "counts": self.counts,
            "findings": [finding.to_dict() for finding in self.findings],
            "checks": [
                {"check": c.name, "seconds": round(c.seconds, 2), "done": c.outcome is not None} for c in self.checks
            ],
            "notes": self.notes,
            "seconds": round(self.seconds, 2),
        }


def all_checks(subject: Subject) -> list[tuple[str, str, Check]]:
    """Name, what it looks for, and the check: what is cheap and tells much comes first."""
    predictions = Predictions(subject)
    return [
        ("splitter", "Which splitter mirrors the test", check_split),
        ("columns", "The target in disguise", check_columns),
        ("rows", "Twins among rows", check_rows),
        ("names", "Ids, order and file names that tell the target", check_names),
        ("adversarial", "Train against test", check_adversarial),
        ("features", "What features.py saw", check_features),
        ("texts", "Twins among texts", check_texts),
        ("files", "Twins among files", check_files),
        ("noise", "Noise of the folds", lambda s: check_noise(s, predictions)),
        ("labels", "Labels in doubt", lambda s: check_labels(s, predictions)),
    ]


def examine(project: Project, seconds: float = SECONDS, on_check: Callable[[str], None] = lambda title: None) -> Report:
    """Make all checks of a project.

    Args:
        project: The project.
        seconds: Of checks, after which no further one is begun; reading the data cannot be cut and does not count.
        on_check: Called with what a check looks for, before it begins.

    Raises:
        UsageError: The config or the project's code is wrong.
        DataError: The data breaks the contract.
    """
    began = time.monotonic()
    on_check("Reading the data")
    subject = Subject.of(project)
    n_rows = (subject.n_train, subject.n_test)
    reading = time.monotonic() - began
    checks: list[Checked] = []
    for name, title, check in all_checks(subject):
        now = time.monotonic()
        if now - began - reading > seconds:
            checks.append(Checked(name, title, None, 0.0))
            continue
        on_check(title)
        outcome = check(subject)
        checks.append(Checked(name, title, outcome, time.monotonic() - now))
    return Report(project.competition.slug, n_rows, subject.splitter, len(subject.folds), checks, reading)
