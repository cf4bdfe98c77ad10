"""What `aicomp` is measured by, as lines of pass or FAIL; "open" where the results do not say."""

from collections.abc import Iterator

from board import DEFAULTS, LIMITED, Board, Result

TREES = ("catboost", "lightgbm")
LARGEST_GAP, LARGEST_TIME_RATIO, LARGEST_OVERRUN = 0.03, 2.0, 1.05
LEAST_WON = 6 / 8
SMALL, SECONDS_OF_SMALL = "titanic", 10.0


def goals(board: Board) -> str:
    """Markdown: a line for each goal."""
    return "\n".join(f"- {line}" for check in (defaults_goals, limited_goals) for line in check(board))


def verdict(reached: bool) -> str:
    return "pass" if reached else "FAIL"


def defaults_goals(board: Board) -> Iterator[str]:
    """PyTorch defaults beside the trees alone."""
    systems = (DEFAULTS, *TREES)
    slugs = board.complete(systems)
    if not slugs:
        yield f"open: the goals of the defaults need {', '.join(systems)} on one set at least"
        return
    ranks = board.mean_ranks(systems)
    best = all(ranks[DEFAULTS] < ranks[s] for s in TREES)
    shown = ", ".join(f"{s} {ranks[s]:.2f}" for s in systems)
    rivals = " and ".join(TREES)
    yield f"{verdict(best)}: defaults have a better mean rank than {rivals} over {len(slugs)} sets: {shown}"
    gaps = {slug: gap(board, slug) for slug in slugs}
    worst = max(gaps, key=lambda slug: gaps[slug])
    yield (
        f"{verdict(gaps[worst] <= LARGEST_GAP)}: on no set more than {LARGEST_GAP:.0%} worse than the better of them: "
        f"at worst {gaps[worst]:+.1%} of the error, on {worst}"
    )
    ours, theirs = (board.total_seconds(s, slugs) for s in (DEFAULTS, "catboost"))
    cut = "; catboost was stopped on a set" if any(board.cells[s, "catboost"].stopped for s in slugs) else ""
    within = ours <= LARGEST_TIME_RATIO * theirs
    yield (
        f"{verdict(within)}: at most {LARGEST_TIME_RATIO:g} x catboost's time: "
        f"{ours:.0f} s / {theirs:.0f} s = {ours / theirs:.2f}{cut}"
    )
    if (small := board.cells.get((SMALL, DEFAULTS))) is not None:
        quick = finished(small) and small.seconds < SECONDS_OF_SMALL
        yield f"{verdict(quick)}: {SMALL} in less than {SECONDS_OF_SMALL:g} s: {small.seconds:.1f} s"


def gap(board: Board, slug: str) -> float:
    """Relative difference of the defaults' error to the smaller of the trees' errors; below 0 is better.

    Infinite if the defaults have no score; 0 against an error of 0 that they reach as well.
    """
    ours = board.cells[slug, DEFAULTS].error
    theirs = min(board.cells[slug, s].error for s in TREES)
    if ours == theirs:
        return 0.0
    return ours / theirs - 1 if theirs else float("inf")


def limited_goals(board: Board) -> Iterator[str]:
    """The run with a time limit beside everyone."""
    if LIMITED not in board.systems:
        yield f"open: the goals under a time limit need {LIMITED}"
        return
    slugs = board.complete(board.systems)
    if slugs and len(board.systems) > 1:
        ranks = board.mean_ranks(board.systems)
        others = {s: rank for s, rank in ranks.items() if s != LIMITED}
        next_best = min(others, key=lambda s: others[s])
        yield (
            f"{verdict(ranks[LIMITED] < others[next_best])}: {LIMITED} has the best mean rank over {len(slugs)} sets: "
            f"{ranks[LIMITED]:.2f}, the next is {next_best} with {others[next_best]:.2f}"
        )
    else:
        yield f"open: the mean rank of {LIMITED} needs a set that all have run"
    yield against_autogluon(board)
    limited = [board.cells[slug, LIMITED] for slug in board.slugs if (slug, LIMITED) in board.cells]
    overruns = {r.slug: r.seconds / r.time_limit for r in limited if r.time_limit}
    worst = max(overruns, key=lambda slug: overruns[slug])
    held = overruns[worst] <= LARGEST_OVERRUN and all(finished(r) for r in limited)
    yield (
        f"{verdict(held)}: a valid run within {LARGEST_OVERRUN:g} x the limit: "
        f"at most {overruns[worst]:.3f} of it, on {worst}"
    )


def against_autogluon(board: Board) -> str:
    """Sets on which the run with a time limit is strictly better than AutoGluon."""
    slugs = board.complete((LIMITED, "autogluon"))
    if not slugs:
        return f"open: {LIMITED} against autogluon"
    pairs = [(board.cells[slug, LIMITED], board.cells[slug, "autogluon"]) for slug in slugs]
    won = [theirs for ours, theirs in pairs if ours.error < theirs.error]
    walkovers = sum(not finished(theirs) for theirs in won)
    note = f", of these {walkovers} where it has no score" if walkovers else ""
    return (
        f"{verdict(len(won) / len(slugs) >= LEAST_WON)}: {LIMITED} better than autogluon on at least 6 of 8 sets: "
        f"on {len(won)} of {len(slugs)}{note}"
    )


def finished(result: Result) -> bool:
    return result.hidden is not None
