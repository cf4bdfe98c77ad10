"""All of one run, as sections: a model card (Mitchell et al., arXiv 1810.03993)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from aicomp.diagnosis.diagnose import Diagnosis, diagnose
from aicomp.diagnosis.showing import sections_of
from aicomp.errors import UsageError
from aicomp.pages.document import Block, Cell, Facts, Figures, Finding, Paragraph, Picture, Section
from aicomp.pages.drawing import Drawing, new_figure
from aicomp.pages.render import number
from aicomp.project import AnyProject, Project
from aicomp.report import again, parts
from aicomp.report.agent import agent_curves, agent_limits, agent_scores, agent_training
from aicomp.report.curves import plot_curves
from aicomp.report.importance import importance
from aicomp.report.limits import limits
from aicomp.report.origin import Origin, find_origin
from aicomp.report.recipe import recipe
from aicomp.run import Run

_LARGEST_PICTURE = 600_000
"""Bytes of a picture of the run's folder that are still put into the page."""


@dataclass(frozen=True)
class Card:
    """A report.

    Attributes:
        title: Names competition and run.
        summary: What stands on top.
        sections: The rest.
        origin: What has changed since the run.
        diagnosis: What its predictions tell; None where they could not be looked at, which a section then says.
    """

    title: str
    summary: tuple[Block, ...]
    sections: tuple[Section, ...]
    origin: Origin
    diagnosis: Diagnosis | None


def make_card(project: AnyProject, run: Run) -> Card:
    """Put together all that is known of a run.

    Args:
        project: The project, of either kind.
        run: A run that is done.

    Raises:
        UsageError: `aicomp.toml` is wrong.
        DataError: The run is damaged.
    """
    origin = find_origin(project, run)
    title = f"{run.info['competition']['title']}: run {run.id}"
    if run.kind == "agent":
        made = (*_first(again.changes(origin)), *_agent_sections(project, run, origin))
        return Card(title, tuple(_agent_summary(run)), made, origin, None)
    assert isinstance(project, Project)
    diagnosis, why_not = _diagnosed(project, run, origin)
    first = _first(_highlights(run, origin, diagnosis))
    made = (*first, *_sections(project, run, origin, diagnosis, why_not))
    return Card(title, tuple(_summary(project, run)), made, origin, diagnosis)


def _first(findings: list[Finding]) -> list[Section]:
    """What to know before anything else; nothing where there is nothing."""
    return [Section("first", "What to know first", tuple(findings))] if findings else []


def _diagnosed(project: Project, run: Run, origin: Origin) -> tuple[Diagnosis | None, str]:
    """A diagnosis, or why there is none: it takes the targets, which the run does not hold."""
    if origin.data_changed is not False:
        state = "are others now" if origin.data_changed else "are not here"
        return None, f"The run's predictions were not compared with the truth, as the files that hold it {state}."
    try:
        return diagnose(project, run), ""
    except UsageError as e:  # the config names what is no longer there: the rest of the report still holds
        return None, f"The run's predictions were not compared with the truth: {e.message}."


def _summary(project: Project, run: Run) -> Iterator[Block]:
    scores, plan = run.scores, run.read("plan.json")
    direction = "higher" if scores["greater_is_better"] else "lower"
    n_folds = len(scores["folds"])
    facts: list[tuple[str, Cell]] = [
        (f"{scores['metric']} ({direction} is better)", f"{number(scores['mean'], 5)} ± {number(scores['std'], 2)}"),
        ("folds", f"{n_folds} by {plan['splitter']}"),
        ("all rows together", number(scores["pooled"], 5)),
    ]
    public = [a.score for a in parts.attempts_of(project, run) if a.score is not None]
    if public:
        facts.append(("public score", number(public[-1], 6)))
    facts += [
        ("model", run.info["config"]["model"]["name"]),
        ("rows", f"{plan['n_rows'][0]:,} train, {plan['n_rows'][1]:,} test"),
    ]
    facts += [("made", made)] if (made := _made(run)) else []
    yield Facts(tuple(facts))


def _made(run: Run) -> str:
    """When the run was begun, by its name; empty for one that was renamed."""
    try:
        return f"{datetime.strptime(run.id[:15], '%Y%m%d-%H%M%S'):%Y-%m-%d %H:%M}"
    except ValueError:
        return ""


def _highlights(run: Run, origin: Origin, diagnosis: Diagnosis | None) -> list[Finding]:
    """The findings of all parts that matter most, the worst first."""
    found = again.changes(origin)
    check = parts.checked(run)
    if check is not None:
        found += [b for b in check.blocks if isinstance(b, Finding) and b.severity == "high"]
    if diagnosis is not None:
        worse = [s for s in diagnosis.segments.believed if s.is_worse]
        if worse:
            first = worse[0]
            found.append(
                Finding("medium", "Some segments are worse beyond noise",
                        f"{len(worse)} of {len(diagnosis.segments.ranked)}; first {first.column} {first.level} with "
                        f"{number(first.score)} where its column has {number(first.expected)}.",
                        "See the scores by segment.")
            )  # fmt: skip
        off = [c for c in diagnosis.calibrations if c.is_off]
        if off:
            title = "Probabilities are not calibrated" if off[0].kind == "probability" else "Values lean to one side"
            found.append(
                Finding("low", title, f"{off[0].of}: off by {number(off[0].error, 3)} on average, where chance alone "
                        f"brings {number(off[0].error_at_most, 3)} at most.", "See calibration.")
            )  # fmt: skip
        p_value = diagnosis.folds.p_value
        if p_value is not None and p_value < 0.05:
            found.append(Finding("low", "The folds differ by more than chance", "Some hold rows that are harder.",
                                 "Compare runs fold by fold."))  # fmt: skip
    return sorted(found, key=lambda f: parts.SEVERITIES.index(f.severity))


def _sections(
    project: Project, run: Run, origin: Origin, diagnosis: Diagnosis | None, why_not: str
) -> Iterator[Section]:
    yield parts.purpose(run)
    yield parts.scores(project, run)
    curves = learning_curves(run)
    if curves is not None:
        yield curves
    if diagnosis is not None:
        yield from sections_of(diagnosis)
    else:
        yield Section("diagnosis", "Diagnosis", (Paragraph(why_not),))
    yield importance(project, run, data_is_same=origin.data_changed is False)
    check = parts.checked(run)
    if check is not None:
        yield check
    yield parts.data(project, run, origin)
    yield parts.folds(run)
    yield recipe(run)
    yield again.versions(run)
    yield limits(project, run, diagnosis)
    yield again.again(run, origin)


def learning_curves(run: Run) -> Section | None:
    """Losses and scores over the epochs, and what else the run drew; None if it drew nothing."""
    scores = run.scores
    histories = [run.result(k)["history"] for k in range(len(scores["folds"]))]
    blocks: list[Block] = []
    if any(len(history) > 1 for history in histories):
        with new_figure(9.6, 3.4) as figure:
            plot_curves(figure, histories, metric_name=scores["metric"], greater_is_better=scores["greater_is_better"])
        lengths = [len(history) for history in histories]
        alt = f"losses and {scores['metric']} over up to {max(lengths)} epochs of {len(histories)} folds"
        blocks.append(Figures((Drawing("curves", alt, figure),)))
    pictures = {"forecasts.png": "series with what the folds predicted and the forecast",
                "augmentation.png": "training files beside what augmentation makes of them"}  # fmt: skip
    for name, alt in pictures.items():
        path = run.folder / name
        if path.is_file() and path.stat().st_size <= _LARGEST_PICTURE:
            blocks.append(Picture(name, alt, path.read_bytes()))
    heading = "Learning curves" if any(isinstance(block, Figures) for block in blocks) else "Pictures"
    return Section("curves", heading, tuple(blocks)) if blocks else None


def _agent_summary(run: Run) -> Iterator[Block]:
    found, metric = run.scores["evaluation"], run.scores["metric"]
    facts: list[tuple[str, Cell]] = [
        (f"{metric} (higher is better)", number(found["mean"], 5)),
        ("95 % interval", f"{number(found['low'], 5)} to {number(found['high'], 5)}"),
        ("episodes", str(found["episodes"])),
        ("model", run.info["config"]["model"]["name"]),
        ("environment", run.info["competition"]["environment"]),
    ]
    facts += [("made", made)] if (made := _made(run)) else []
    yield Facts(tuple(facts))


def _agent_sections(project: AnyProject, run: Run, origin: Origin) -> Iterator[Section]:
    yield parts.purpose(run)
    yield agent_scores(project, run)
    curves = agent_curves(run)
    if curves is not None:
        yield curves
    yield agent_training(run)
    yield recipe(run)
    yield again.versions(run)
    yield agent_limits(project, run)
    yield again.again(run, origin)
