"""From runs to a Run that blends them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from aicomp.ensemble.budget import Budget
from aicomp.ensemble.choice import Selection, select
from aicomp.ensemble.fold_tests import fold_test, has_fold_tests
from aicomp.ensemble.members import Members, load_members, stacked
from aicomp.ensemble.methods import Options, choose_methods
from aicomp.ensemble.nested import Evaluation, correlations
from aicomp.errors import UsageError
from aicomp.project import Project
from aicomp.provenance import describe
from aicomp.recording.write import Predicted, write_run
from aicomp.run import Run

_SECONDS_TO_WRITE = 1e-5
"""For each number that is written, with the last step that is chosen for them; a slow disk and machine included."""

_LEAST_TO_WRITE = 0.3


@dataclass(frozen=True)
class Blended:
    """A blend that was written as a Run.

    Attributes:
        run: The run; its scores are the honest ones.
        members: What went in.
        selection: The methods that were compared, and the one that was chosen.
        correlations: Of the members' out-of-fold predictions, (n_members, n_members).
    """

    run: Run
    members: Members
    selection: Selection
    correlations: np.ndarray

    @property
    def tried(self) -> tuple[Evaluation, ...]:
        """The methods that were compared."""
        return self.selection.tried

    @property
    def chosen(self) -> Evaluation:
        """The one of them that was taken."""
        return self.selection.chosen

    @property
    def member_scores(self) -> np.ndarray:
        """Mean score over the folds of each member alone, (n_members,)."""
        return np.array([run.scores["mean"] for run in self.members.runs])

    @property
    def best_member(self) -> int:
        """Number of the member that is best alone."""
        sign = 1 if self.run.scores["greater_is_better"] else -1
        return int(np.argmax(sign * self.member_scores))


def blend(
    project: Project,
    runs: Sequence[Run],
    method: str = "auto",
    options: Options | None = None,
    time_budget: float | None = None,
) -> Blended:
    """Blend runs of one project and write the result as a Run.

    Its out-of-fold predictions are nested: each fold is predicted by weights that were fitted without it. Its test
    predictions come from weights fitted on all out-of-fold rows.

    Args:
        project: The project.
        runs: At least two runs that are done, with the same folds, data and metric.
        method: A name of `METHODS`, or "auto": the simplest, or one whose honest score is better beyond noise.
        options: Of the fitted methods.
        time_budget: Seconds in which the blend is to be written; None takes what it needs. The cheapest methods are
            tried first, the rest are left out when it is spent. Reading the runs, their mean and writing cannot be left
            out.

    Raises:
        UsageError: The runs do not go together, or the method does not fit the metric.
        DataError: A run's predictions do not fit the project's data.
    """
    started = perf_counter()
    budget = Budget(time_budget)
    options = options or Options()
    if options.n_bags < 1:
        raise UsageError(f"`--bags` is {options.n_bags}, it must be at least 1", "leave it out for a single climb")
    methods = choose_methods(method, project.task, project.competition)
    members = load_members(project, runs)
    alike = correlations(members)
    n_numbers = (len(members.y) + members.test.shape[1]) * members.parts[0].predictions[0, :1].size
    budget = Budget(None if time_budget is None else budget.left - _SECONDS_TO_WRITE * n_numbers - _LEAST_TO_WRITE)
    selection = select(project.task, members, methods, options, budget)
    chosen = selection.chosen
    info = _info(project, members, chosen, options)
    seconds = (perf_counter() - started) / len(members.parts)
    results = [{"seconds": seconds, "weights": weights.tolist()} for weights in chosen.fold_weights]
    first = members.runs[0]
    predicted = Predicted(
        y=members.y,
        train_ids=first.ids("train").frame(),
        test_ids=first.ids("test").frame(),
        valid_rows=members.valid_rows,
        valid=chosen.valid,
        test=chosen.fitted.combine(members.test),
        test_nested=_nested_tests(members, chosen),
    )
    plan = {key: first.read("plan.json")[key] for key in ("splitter", "splitter_reason", "notes")}
    run = write_run(project, info, predicted, results, plan)
    return Blended(run, members, selection, alike)


def _nested_tests(members: Members, chosen: Evaluation) -> list[np.ndarray]:
    """Test predictions of each fold that know nothing of its validation rows; none if a member has no such ones."""
    if not all(has_fold_tests(run) for run in members.runs):
        return []
    return [
        nested.combine(stacked([fold_test(run, k) for run in members.runs])) for k, nested in enumerate(chosen.nested)
    ]


def _info(project: Project, members: Members, chosen: Evaluation, options: Options) -> dict[str, Any]:
    """`run.json`: as of a training, with the model "blend", and what went into it."""
    info = describe(project)
    weights = [float(w) for w in chosen.fitted.weights]
    ids = [run.id for run in members.runs]
    params = {"method": chosen.method, "weights": dict(zip(ids, weights, strict=True))}
    info["config"]["model"] = {"name": "blend", "params": params}
    details = {
        "method": chosen.method,
        "nonnegative": options.nonnegative,
        "n_bags": options.n_bags,
        "members": [
            {"run": run.id, "weight": weight, "cv": run.scores["mean"]}
            for run, weight in zip(members.runs, weights, strict=True)
        ],
        "honest": {"folds": list(chosen.honest), "mean": chosen.honest_mean},
        "optimistic": {"folds": list(chosen.optimistic), "mean": chosen.optimistic_mean},
    }
    fingerprint = hashlib.sha256(repr((info["fingerprint"], details)).encode()).hexdigest()
    return {**info, "fingerprint": fingerprint, "kind": "blend", "blend": details}
