"""What an engine tells while folds train."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochEvent:
    """One epoch of one fold has ended.

    Attributes:
        fold: Number of the fold, from 0.
        epoch: Epochs done, from 1.
        n_epochs: Most epochs that the fold will take.
        score: Validation score of this epoch.
        best_score: Best validation score so far.
        train_loss: Mean training loss of this epoch.
        seconds: Since the fold's first epoch began.
        unit: What epochs are to this model: "epochs", or "rounds" of trees.
        note: What was done in another way than asked for since the last one, "" for nothing.
    """

    fold: int
    epoch: int
    n_epochs: int
    score: float
    best_score: float
    train_loss: float
    seconds: float
    unit: str = "epochs"
    note: str = ""


@dataclass(frozen=True)
class FoldEvent:
    """A fold is trained and saved."""

    fold: int


@dataclass(frozen=True)
class DeviceEvent:
    """Training is about to begin on a device, such as "cpu" or "cuda", in a number of processes."""

    device: str
    workers: int


@dataclass(frozen=True)
class LayoutEvent:
    """How folds are trained was chosen.

    Attributes:
        stacked: As one network of stacked weights, or one by one.
        folds: Those that are.
        reason: Why, as the end of a sentence.
    """

    stacked: bool
    folds: list[int]
    reason: str


@dataclass(frozen=True)
class NoteEvent:
    """Something was done in another way than asked for.

    Attributes:
        sentence: What, and why.
        fold: Number of the fold, None for all.
    """

    sentence: str
    fold: int | None = None


@dataclass(frozen=True)
class PlaceEvent:
    """A node of a cluster has begun a fold, or several from this one on."""

    fold: int
    node: str


@dataclass(frozen=True)
class RetryEvent:
    """A fold was lost with what trained it, and is begun anew; the reason is a sentence."""

    fold: int
    reason: str


Event = EpochEvent | FoldEvent | DeviceEvent | LayoutEvent | NoteEvent | PlaceEvent | RetryEvent
