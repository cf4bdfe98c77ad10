"""Permutation importance as points with their intervals."""

from aicomp.explain.importance import Importances
from aicomp.pages.drawing import COLORS, FAINT, INK, Drawing, new_figure
from aicomp.pages.render import number

_MOST = 20


def draw_importances(found: Importances) -> Drawing:
    """The 20 most important columns and groups."""
    entries = found.ranked[:_MOST]
    with new_figure(4.9, 0.7 + 0.26 * len(entries)) as figure:
        panel = figure.subplots()
        places = range(len(entries))
        panel.axvline(0, color=INK, linewidth=0.7)
        for place, entry in zip(places, entries, strict=True):
            color = COLORS[0] if entry.low > 0 else COLORS[1]
            marker = "o" if entry.low > 0 else "D"
            panel.plot([entry.low, entry.high], [place, place], color=color, linewidth=2)
            panel.plot(entry.mean, place, marker, color=color, markersize=5)
        panel.set_yticks(list(places), [shortened(entry.name) for entry in entries])
        panel.set_ylim(len(entries) - 0.4, -0.6)
        panel.grid(axis="x", color=FAINT)
        panel.tick_params(axis="y", length=0)
        panel.set_xlabel(f"{found.metric} gets worse by")
    first = entries[0]
    alt = (
        f"Importance of {len(entries)} columns. Most important: {first.name}, without which {found.metric} gets "
        f"worse by {number(first.mean, 3)} ({number(first.low, 3)} to {number(first.high, 3)})."
    )
    return Drawing("importance", alt, figure, "Lines are 95 % intervals. Diamonds: 0 lies within, or it gets better.")


def shortened(name: str, most: int = 34) -> str:
    """A name that leaves room for a drawing.

    >>> shortened("a" * 50)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'
    """
    return name if len(name) <= most else name[: most - 1] + "…"
