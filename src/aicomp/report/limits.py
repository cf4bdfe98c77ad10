"""What a run does not tell, and what is known to be weak about it."""

from typing import Any

from aicomp.diagnosis.diagnose import Diagnosis
from aicomp.pages.document import Items, Section
from aicomp.pages.render import number, percent
from aicomp.project import AnyProject
from aicomp.report.parts import CHECK_FILE, attempts_of
from aicomp.run import Run

_SMALL_FOLD = 100


def limits(project: AnyProject, run: Run, diagnosis: Diagnosis | None) -> Section:
    """Limits as sentences.

    Args:
        project: The project.
        run: The run.
        diagnosis: What its predictions tell; None if they could not be looked at.
    """
    found = _of_validation(run, diagnosis)
    results = [run.result(k) for k in range(len(run.scores["folds"]))]
    found += _of_training(run, results)
    found += _of_submissions(project, run)
    if (run.folder / CHECK_FILE).is_file():
        found.append("How test rows differ from train rows is among what `aicomp check` found.")
    else:
        found.append("Whether test rows are like train rows was not looked at: `aicomp check` does that.")
    found.append(
        "Whether errors fall on some people more than on others shows only where columns tell people apart: see "
        "the scores by segment."
    )
    return Section("limits", "Limits", (Items(tuple(found)),))


def _of_validation(run: Run, diagnosis: Diagnosis | None) -> list[str]:
    plan, scores = run.read("plan.json"), run.scores
    n_train, found = plan["n_rows"][0], []
    if scores["n_validated"] < n_train:
        share = percent(scores["n_validated"] / n_train)
        found.append(f"Only {scores['n_validated']:,} of {n_train:,} train rows ({share}) were validated.")
    if len(scores["folds"]) == 1:
        found.append("There is one fold: how much its score owes to the choice of rows is not known.")
    sizes = [f.n for f in diagnosis.folds.folds] if diagnosis is not None else []
    if sizes and min(sizes) < _SMALL_FOLD:
        found.append(f"Folds are small, the smallest of {min(sizes)} rows: scores of single folds are mostly noise.")
    if diagnosis is not None:
        overall = diagnosis.segments.overall
        found.append(
            f"On many more rows of the same kind, {scores['metric']} would be from {number(overall.low)} to "
            f"{number(overall.high)}, with a confidence of 95 %."
        )
    return [*found, *(f"{note[:1].upper()}{note[1:]}." for note in plan["notes"])]


def _of_training(run: Run, results: list[dict[str, Any]]) -> list[str]:
    found = []
    chosen = [r for r in results if r.get("history") and r.get("best_epoch") is not None and len(r["history"]) > 1]
    if chosen:
        found.append(
            "How long each fold was trained was chosen by the rows that score it, which makes it a little better "
            "than that of new rows."
        )
    if run.kind == "blend":
        found.append("The members were chosen by scores on the same rows, which the nested score does not correct for.")
    if run.kind == "saved":
        found.append("Whether what made the predictions saw the validated rows is not known to aicomp.")
    if run.info["config"]["split"].get("train_rows", "auto") != "auto":
        found.append(f"Each fold was trained on {run.info['config']['split']['train_rows']:,} rows at most.")
    if run.info["config"].get("pseudo", {}).get("run"):
        found.append(f"It was trained on test rows too, with the labels of run {run.info['config']['pseudo']['run']}.")
    notes = dict.fromkeys(note for r in results for note in r.get("notes", []))
    return [*found, *(f"Note of a fold: {note}." for note in notes)]


def _of_submissions(project: AnyProject, run: Run) -> list[str]:
    scores = run.scores
    sent = [a for a in attempts_of(project, run) if a.score is not None and a.runs == (run.id,)]
    if not sent or not scores["std"]:
        return []
    public = sent[-1].score
    assert public is not None
    away = abs(public - scores["mean"]) / scores["std"]
    side = "better" if (public > scores["mean"]) == scores["greater_is_better"] else "worse"
    words = f"The public score, {number(public, 6)}, is {side} than the mean of the folds by {number(away, 2)} of their"
    strange = ": the split may not mirror the hidden test" if away > 3 else ""
    return [f"{words} standard deviations{strange}."]
