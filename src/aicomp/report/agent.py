"""Sections of the report of an agent: how it was trained, and the episodes that it played."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from aicomp.pages.document import Block, Cell, Facts, Figures, Items, Paragraph, Picture, Section, Table
from aicomp.pages.drawing import COLORS, INK, Drawing, new_figure
from aicomp.pages.render import number
from aicomp.project import AnyProject
from aicomp.report.parts import attempts_of, submissions
from aicomp.run import Run
from aicomp.simulation.curves import plot_history

_LARGEST_PICTURE = 1_000_000
"""Bytes of an animation that are still put into the page."""


def agent_scores(project: AnyProject, run: Run) -> Section:
    """What the agent is worth, in episodes that no training has seen."""
    scores = run.scores
    found, metric = scores["evaluation"], scores["metric"]
    facts: list[tuple[str, Cell]] = [
        (metric, number(found["mean"], 5)),
        ("95 % interval", f"{number(found['low'], 5)} to {number(found['high'], 5)}"),
        ("episodes", str(found["episodes"])),
        ("slowest action", f"{1000 * scores['slowest']:.1f} ms"),
    ]
    blocks: list[Block] = [Facts(tuple(facts))]
    episodes = run.read("episodes.json")["episodes"]
    blocks.append(Figures((draw_episodes(episodes, found, metric),)))
    if "opponents" in scores:
        rows = tuple(
            (name, str(g["won"]), str(g["drawn"]), str(g["lost"]), f"{number(g['low'], 3)} to {number(g['high'], 3)}")
            for name, g in scores["opponents"].items()
        )
        headings = ("opponent", "won", "drawn", "lost", "95 % interval of the share won")
        blocks.append(Table("Games by opponent", headings, rows, (1, 2, 3, 4)))
    worst = sorted(episodes, key=lambda e: (e["score"], e["seed"]))[:10]
    rows = tuple(
        (str(e["seed"]), e["opponent"] or "–", number(e["score"], 5), str(e["steps"]), number(1000 * e["slowest"], 2))
        for e in worst
    )
    headings = ("seed", "opponent", metric, "steps", "slowest action, ms")
    blocks.append(Table("The worst episodes, to be played again by their seeds", headings, rows, (2, 3, 4)))
    return Section("scores", "Scores", (*blocks, *_picture(run), *submissions(project, run)))


def draw_episodes(episodes: list[dict[str, Any]], found: dict[str, Any], metric: str) -> Drawing:
    """How often each score was reached."""
    scores = np.array([e["score"] for e in episodes], dtype=np.float64)
    spread = scores.max() - scores.min()
    ends = (scores.min(), scores.max()) if spread > 0 else (scores.min() - 0.5, scores.max() + 0.5)
    counts, edges = np.histogram(scores, bins=min(30, max(5, len(scores) // 3)), range=ends)
    with new_figure(6.0, 2.3) as figure:
        panel = figure.subplots()
        panel.stairs(counts, edges, fill=True, color=COLORS[0], alpha=0.75)
        panel.axvspan(found["low"], found["high"], color=COLORS[1], alpha=0.3, linewidth=0)
        panel.axvline(found["mean"], color=INK, linewidth=1)
        panel.set(xlabel=metric, ylabel="episodes")
    alt = (
        f"scores of {len(scores)} episodes from {number(float(scores.min()))} to {number(float(scores.max()))}, "
        f"mean {number(found['mean'])}"
    )
    return Drawing("episodes", alt, figure, "The line is the mean, the band its interval of 95 %.")


def _picture(run: Run) -> Iterator[Block]:
    path = run.folder / "episode.gif"
    if path.is_file() and path.stat().st_size <= _LARGEST_PICTURE:
        yield Picture(path.name, "one episode of the agent, as an animation", path.read_bytes(), "image/gif",
                      "The first episode of evaluation.")  # fmt: skip


def agent_curves(run: Run) -> Section | None:
    """Returns and evaluations on the way; None for an agent that was not trained here."""
    histories = [run.result(k)["history"] for k in range(len(run.scores["folds"]))]
    if not any(histories):
        return None
    metric = run.scores["metric"]
    with new_figure(9.6, 3.2) as figure:
        plot_history(figure, histories, metric=metric)
    words = ", ".join(f"seed {k} {number(score, 5)}" for k, score in enumerate(run.scores["folds"]))
    alt = f"returns in training and {metric} of evaluations on the way; in the episodes of selection: {words}"
    return Section("curves", "Learning curves", (Figures((Drawing("curves", alt, figure),)),))


def agent_training(run: Run) -> Section:
    """The seeds: independent trainings, of which the best is kept."""
    scores = run.scores
    rows = []
    for k, score in enumerate(scores["folds"]):
        result = run.result(k)
        taken = "yes" if k == scores["best_fold"] else "no"
        rows.append((str(k), number(score, 5), f"{result['steps']:,}", f"{result['best_step']:,}",
                     f"{result['seconds']:.0f}", taken))  # fmt: skip
    headings = ("training", scores["metric"], "steps", "best step", "seconds", "taken")
    return Section(
        "splits",
        "Trainings",
        (
            Paragraph(
                "Each training has its own seed. They were compared in the same episodes of selection; the one that "
                "was taken then played the episodes of evaluation, which neither training nor selection has seen."
            ),
            Table("Scores in the episodes of selection", headings, tuple(rows), (1, 2, 3, 4)),
        ),
    )


def agent_limits(project: AnyProject, run: Run) -> Section:
    """What is not known of an agent."""
    scores = run.scores
    found = [
        f"The interval speaks of the {scores['evaluation']['episodes']} episodes alone: other starts of the same "
        "environment, no other rules, and no opponents but those that are named.",
        "The best of several trainings was taken; another training with the same settings may end lower, as the scores "
        "of the seeds show.",
    ]
    notes = dict.fromkeys(n for k in range(len(scores["folds"])) for n in run.result(k).get("notes", []))
    found += [f"Note of a training: {note}." for note in notes]
    graded = [a for a in attempts_of(project, run) if a.score is not None]
    if graded:
        found.append(f"The score of the last submission was {number(graded[-1].score, 6)}.")
    return Section("limits", "Limits", (Items(tuple(found)),))
