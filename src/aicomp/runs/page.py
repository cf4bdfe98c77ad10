"""All runs of a project as one page: the table, scores over time, and CV against public scores."""

from collections.abc import Collection, Sequence
from datetime import datetime

import numpy as np

from aicomp.competition import Competition
from aicomp.pages.drawing import COLORS, INK, Drawing, new_figure
from aicomp.pages.render import day, number, render
from aicomp.runs.facts import Facts
from aicomp.runs.trust import Trust

MOST_ROWS = 400
"""Runs that the table shows; a longer one is for `--csv`."""

_MANY_POINTS = 300
"""From here on points are drawn as a picture, so that the page stays small."""


def runs_page(competition: Competition, shown: Sequence[Facts], best: Collection[str], trust: Trust) -> str:
    """HTML of the page; everything that is given is escaped.

    Args:
        competition: The contract.
        shown: The runs, in the order of the table.
        best: Those of them with the best mean of their contest.
        trust: CV beside public scores.
    """
    contest, done = _commonest(shown), _done(shown)
    over_time, cv_and_public = _drawings(shown, trust)
    sections = [("scores", "Scores over time"), ("trust", "CV against public scores"), ("runs", "Runs")]
    return render(
        "aicomp.runs",
        "runs.html",
        title=f"Runs on {competition.title or competition.slug}",
        sections=sections,
        counts=[
            ("runs", number(len(shown))),
            ("done", number(sum(facts.is_done for facts in shown))),
            ("submitted", number(sum(facts.status is not None for facts in shown))),
            ("metric", contest[0]),
        ],
        over_time=over_time,
        n_other=sum(facts.mean is not None for facts in shown) - len(done),
        sentences=trust.sentences,
        cv_and_public=cv_and_public,
        headings=["run", "state", "model", "metric", "mean", "std", "public", "pooled", "seconds", "tags", "note"],
        rows=[_row(facts, best) for facts in _first(shown)],
        n_left=max(0, len(shown) - MOST_ROWS),
    )


def runs_drawings(shown: Sequence[Facts], trust: Trust) -> list[Drawing]:
    """What the page draws: scores over time, and CV against public scores where there are some."""
    return [drawing for drawing in _drawings(shown, trust) if drawing is not None]


def _drawings(shown: Sequence[Facts], trust: Trust) -> tuple[Drawing | None, Drawing | None]:
    done = _done(shown)
    many = len(trust.points) > 1
    return _over_time(done) if done else None, _cv_and_public(trust, _commonest(shown)[0]) if many else None


def _done(shown: Sequence[Facts]) -> list[Facts]:
    """The runs of the commonest contest that have a score, by time."""
    contest = _commonest(shown)
    return sorted((facts for facts in shown if facts.mean is not None and facts.contest == contest), key=_moment)


def _commonest(shown: Sequence[Facts]) -> tuple[str, str]:
    """The metric and data of most runs; of as many, those of the newest."""
    contests = [facts.contest for facts in sorted(shown, key=_moment)]
    return max(reversed(contests), key=contests.count) if len(set(contests)) > 1 else (*contests, ("", ""))[0]


def _first(shown: Sequence[Facts]) -> list[Facts]:
    """What the table has room for: the newest, in their order."""
    newest = {facts.run for facts in sorted(shown, key=_moment)[-MOST_ROWS:]}
    return [facts for facts in shown if facts.run in newest]


def _moment(facts: Facts) -> tuple[str, str]:
    return facts.created, facts.run


def _row(facts: Facts, best: Collection[str]) -> list[str]:
    n_folds = "?" if facts.n_folds is None else facts.n_folds
    public = number(facts.score, 5) if facts.score is not None else facts.status or ""
    return [
        f"{facts.run} ★" if facts.run in best else facts.run,
        "done" if facts.is_done else f"{facts.folds_done}/{n_folds} folds",
        facts.model,
        facts.metric,
        number(facts.mean, 5),
        number(facts.std, 2),
        public,
        number(facts.pooled, 5),
        f"{facts.seconds:.0f}",
        " ".join(facts.tags),
        facts.note,
    ]


def _over_time(done: Sequence[Facts]) -> Drawing:
    """Mean score of each run by the time it was begun, and the best so far."""
    higher = bool(done[0].greater_is_better)
    times = np.array([facts.created for facts in done], dtype="datetime64[s]")
    means = [facts.mean or 0.0 for facts in done]
    so_far = [means[0]]
    for mean in means[1:]:
        so_far.append(max(so_far[-1], mean) if higher else min(so_far[-1], mean))
    from matplotlib.dates import ConciseDateFormatter

    with new_figure(6.5, 2.8) as figure:
        axes = figure.subplots()
        many = len(done) > _MANY_POINTS
        # The best so far changes rarely: a line needs no more than these points.
        steps = [i for i in range(len(so_far)) if i in (0, len(so_far) - 1) or so_far[i] != so_far[i - 1]]
        axes.step(times[steps], [so_far[i] for i in steps], where="post", color=COLORS[1], label="best so far")
        axes.plot(times, means, ".", color=COLORS[0], alpha=0.5 if many else 1.0, rasterized=many, label="a run")
        axes.set_ylabel(f"{done[0].metric}, mean over folds")
        if len(set(times)) > 1:
            axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
        else:
            axes.set_xticks([])
        axes.grid(axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    best = so_far[-1]
    begun = [day(datetime.fromisoformat(facts.created)) for facts in (done[0], done[-1], done[means.index(best)])]
    span = f"{len(done)} runs from {begun[0]} to {begun[1]}"
    alt = f"{span}: the best mean {done[0].metric} is {best:.5g}, since {begun[2]}"
    return Drawing("scores-over-time", alt, figure, f"{'Higher' if higher else 'Lower'} is better. {alt}.")


def _cv_and_public(trust: Trust, metric: str) -> Drawing:
    """Each file that was submitted: what CV said of it, and what the host did."""
    cv, public = [p.cv for p in trust.points], [p.public for p in trust.points]
    many = len(cv) > _MANY_POINTS
    with new_figure(5, 3.6) as figure:
        axes = figure.subplots()
        low, high = max(min(cv), min(public)), min(max(cv), max(public))
        if low < high:
            axes.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=":", label="the same score")
            axes.legend(loc="best")
        axes.plot(cv, public, "o", color=COLORS[0], markersize=4, alpha=0.7, rasterized=many)
        axes.set_xlabel(f"CV, mean {metric}")
        axes.set_ylabel("public score")
        axes.grid()
    ranges = [
        f"{name} {min(scores):.5g} to {max(scores):.5g}" for name, scores in (("CV", cv), ("public score", public))
    ]
    alt = ", ".join([f"{len(cv)} submitted files", *ranges])
    return Drawing("cv-and-public", "; ".join([alt, *trust.sentences]), figure, f"{alt}.")
