"""Error texts for names that are not known: `did you mean`."""

from collections.abc import Iterable
from difflib import get_close_matches

from aicomp.errors import UsageError


def unknown_name(kind: str, name: str, known: Iterable[str], listing: str = "") -> UsageError:
    """Build the error for an unknown name, with the nearest known one in its hint.

    Args:
        kind: What the name should have been, such as "metric".
        name: The name as given.
        known: All names that would be right.
        listing: Command that lists them, such as "aicomp list metrics".
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hints = []
    if near:
        hints.append(f"did you mean `{near[0]}`?")
    if listing:
        hints.append(f"`{listing}` shows all")
    elif names and not near:
        hints.append(f"known: {', '.join(names)}")
    return UsageError(f"unknown {kind} `{name}`", " ".join(hints))
