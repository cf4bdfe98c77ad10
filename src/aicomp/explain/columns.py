"""What the columns of a run are to its models: importance, curves, attributions, controls; for a page or a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aicomp.data.clamps import clamps_of
from aicomp.explain.attribution import Attributor, Method, RowParts, Spread
from aicomp.explain.choice import Choice
from aicomp.explain.controls import Compared, Controls, clamp_controls, monotone_controls, run_without
from aicomp.explain.dependence import N_COLUMNS, Dependence, partial_dependence
from aicomp.explain.importance import Importances, permutation_importance
from aicomp.explain.subject import Subject, check_explainable
from aicomp.fold_model import run_project
from aicomp.layout import Layout
from aicomp.project import Project
from aicomp.run import Run

SECONDS = 120.0
"""About how long all of it may take, where nothing else is said."""

_SHARES = {"importance": 0.45, "dependence": 0.2, "attribution": 0.35}


@dataclass(frozen=True)
class ColumnsExplained:
    """What a run's models make of its columns.

    Attributes:
        importances: What the score loses without each column.
        dependences: Curves of the most important ones.
        spread: What each column adds to many predictions.
        rows: The same of single rows, by their numbers in train.
        controls: Clamped and monotone columns; None where there are none.
    """

    importances: Importances
    dependences: tuple[Dependence, ...]
    spread: Spread
    rows: dict[int, RowParts]
    controls: Controls | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "importances": self.importances.to_dict(),
            "dependences": [dependence.to_dict() for dependence in self.dependences],
            "spread": self.spread.to_dict(),
            "rows": [parts.to_dict() for parts in self.rows.values()],
            "controls": None if self.controls is None else self.controls.to_dict(),
        }


def explain_columns(
    project: Project,
    run: Run,
    layout: Layout,
    choices: Sequence[Choice] = (),
    *,
    method: Method = "shapley",
    seconds: float | None = SECONDS,
    n_columns: int = N_COLUMNS,
    seed: int = 0,
) -> ColumnsExplained:
    """Ask the models of a run's folds about its columns, on the rows that each did not train on.

    Args:
        project: The project.
        run: A run that can predict, see `prediction.check_can_predict`, of the data as it is.
        layout: The project's data, read with the run's config.
        choices: Rows whose predictions are taken apart, see `choice.choose_rows`.
        method: How, see `Attributor`.
        seconds: About how long it may take; then rows, orders and shuffles are fewer, and what comes out says how many
            there were. None takes all.
        n_columns: How many columns get a curve.
        seed: Of everything that is drawn.

    Raises:
        UsageError: Strings or forecasts, or a method that does not fit the model.
    """
    project = run_project(project, run)
    check_explainable(project)
    subject = Subject.of(project, run, layout)
    shares = {name: None if seconds is None else seconds * share for name, share in _SHARES.items()}
    attributor = Attributor(subject, method, seconds=shares["attribution"], seed=seed)
    spread = attributor.spread()  # first: it may refuse the method
    importances = permutation_importance(subject, seconds=shares["importance"], seed=seed)
    names = [name for entry in importances.ranked for name in entry.columns]
    by_mean = {entry.columns[0]: entry.mean for entry in importances.columns}
    names.sort(key=lambda name: -by_mean[name])
    drawn = [name for name in names if _has_curve(layout, name)][:n_columns]
    return ColumnsExplained(
        importances=importances,
        dependences=tuple(partial_dependence(subject, drawn, seconds=shares["dependence"], seed=seed)),
        spread=spread,
        rows=attributor.rows(choices),
        controls=_controls(project, run, layout, subject),
    )


def _has_curve(layout: Layout, name: str) -> bool:
    return next(c.kind for c in layout.columns if c.name == name) not in ("text", "image", "audio")


def _controls(project: Project, run: Run, layout: Layout, subject: Subject) -> Controls | None:
    clamps, asked = clamps_of(project.config.features.clamp), dict(project.config.model.monotone)
    if not clamps and not asked:
        return None
    columns, clamped, monotone, without = [], None, None, None
    if clamps:
        unclamped = Subject.of(project, run, layout, is_clamped=False)
        found, clamped = clamp_controls(subject, unclamped, clamps)
        columns += found
    if asked:
        other = run_without(run)
        before = None if other is None else Subject.of(run_project(project, other), other, layout)
        columns += monotone_controls(subject, before, asked)
        if other is not None:
            without = other.id
            greater = subject.task.metric.greater_is_better
            monotone = Compared.of(run.scores["folds"], other.scores["folds"], greater_is_better=greater)
    return Controls(tuple(columns), clamped, monotone, without)
