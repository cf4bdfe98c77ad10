"""A trial that has ended, and its form in a database."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["done", "cut", "failed"]


@dataclass(frozen=True)
class Trial:
    """A trial that has ended.

    Attributes:
        number: From 0, which is the config as it is.
        state: "done"; "cut" where its first folds left no chance to win; "failed".
        values: What it has instead of the config's, by dotted key.
        score: Mean over the folds, as the run reports it; of a cut trial, what its folds lead one to
            expect; None if it failed.
        std: Standard deviation over the folds; None unless it is done.
        folds: Score of each fold by number, before any last step: what trials are compared by while they run.
        reported: Score of each fold as the run reports it; empty unless it is done.
        seconds: How long it took.
        run: Its run, which may have been removed since; "" unless it is done.
        reused: Whether that run was there already.
        reason: Why it was cut or failed.
    """

    number: int
    state: State
    values: dict[str, Any]
    score: float | None = None
    std: float | None = None
    folds: dict[int, float] = field(default_factory=dict)
    reported: list[float] = field(default_factory=list)
    seconds: float = 0.0
    run: str = ""
    reused: bool = False
    reason: str = ""


def attributes_of(trial: Trial) -> dict[str, Any]:
    """What is kept of a trial, as JSON."""
    return {name: value for name, value in asdict(trial).items() if name not in ("number", "state")}


def restore(number: int, state: State, attributes: Mapping[str, Any]) -> Trial:
    """What `attributes_of` gave; a trial without it died in its process."""
    known = {name: attributes[name] for name in Trial.__dataclass_fields__ if name in attributes}
    known["folds"] = {int(k): score for k, score in known.get("folds", {}).items()}  # keys of JSON are strings
    if state == "failed":
        known.setdefault("reason", "its process was killed twice")
    return Trial(number=number, state=state, **{"values": {}, **known})
