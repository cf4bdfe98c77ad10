"""What a list of runs shows of each one."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from aicomp.run import Run
from aicomp.runs.notes import read_notes


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a run without looking at its predictions.

    Attributes:
        run: Its id.
        kind: "train", "blend", "saved" or "agent".
        created: When it was begun, local time in ISO form.
        is_done: Whether every part of it was written.
        folds_done: Folds that are trained.
        n_folds: Folds in all, None as long as they are not laid out.
        model: Name of the model.
        metric: Name of the metric.
        data_hash: SHA-256 of the data: scores on other data are another contest.
        seconds: What its folds took together.
        greater_is_better: Direction of the metric; like the scores None for a run that is not done.
        mean: Mean score over the folds.
        std: Standard deviation over the folds.
        pooled: Score of all validated rows together.
        status: What became of its last submission, None if it has none.
        score: Public score of that, or the score on the hidden part of a built-in competition.
        note: The user's words.
        tags: The user's tags.
        members: The runs that a blend consists of.
    """

    run: str
    kind: str
    created: str
    is_done: bool
    folds_done: int
    n_folds: int | None
    model: str
    metric: str
    data_hash: str
    seconds: float
    greater_is_better: bool | None = None
    mean: float | None = None
    std: float | None = None
    pooled: float | None = None
    status: str | None = None
    score: float | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    members: tuple[str, ...] = ()

    @property
    def contest(self) -> tuple[str, str]:
        """What two runs must have in common for their scores to be compared: the metric and the data."""
        return self.metric, self.data_hash


def read_facts(run: Run) -> Facts:
    """Read a run's facts from its files.

    Raises:
        DataError: One of them is damaged.
    """
    info, is_done = run.info, run.is_done
    scores: dict[str, Any] = run.scores if is_done else {}
    n_folds = len(scores["folds"]) if is_done else _planned_folds(run)
    seconds = [of_fold for k in range(n_folds or 0) if (of_fold := _seconds(run, k)) is not None]
    sent = run.read("submission.json") if (run.folder / "submission.json").is_file() else {}
    notes = read_notes(run)
    return Facts(
        run=run.id,
        kind=info.get("kind", "train"),
        created=_created(run).isoformat(),
        is_done=is_done,
        folds_done=len(seconds),
        n_folds=n_folds,
        model=info["config"]["model"]["name"],
        metric=scores.get("metric", info["competition"]["metric"]),
        data_hash=info["data_hash"],
        seconds=float(sum(seconds)),
        **{key: scores.get(key) for key in ("greater_is_better", "mean", "std", "pooled")},
        status=sent.get("status"),
        score=sent.get("score"),
        note=notes.text,
        tags=notes.tags,
        members=tuple(str(member["run"]) for member in info.get("blend", {}).get("members", ())),
    )


class _Result(msgspec.Struct):
    """What is wanted of a fold's `result.json`; its history is passed over, which is most of it."""

    seconds: float


def _seconds(run: Run, k: int) -> float | None:
    """What a fold took; None if it is not trained."""
    try:
        return msgspec.json.decode((run.folder / f"folds/{k}/result.json").read_bytes(), type=_Result).seconds
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError):
        return float(run.result(k)["seconds"])  # which says what is wrong with it


def _planned_folds(run: Run) -> int | None:
    if not (run.folder / "plan.json").is_file():
        return None
    n: int = run.read("plan.json")["n_folds"]
    return n


def _created(run: Run) -> datetime:
    """From the name, which a copied folder keeps, else from the file that is written first and never again."""
    try:
        return datetime.strptime(run.id[:15], "%Y%m%d-%H%M%S")
    except ValueError:
        return datetime.fromtimestamp((run.folder / "run.json").stat().st_mtime).replace(microsecond=0)


def by_contest(known: Iterable[Facts]) -> list[list[Facts]]:
    """The runs that have a score, those together whose metric and data are the same: others cannot be compared."""
    contests: dict[tuple[str, str], list[Facts]] = {}
    for facts in known:
        if facts.mean is not None:
            contests.setdefault(facts.contest, []).append(facts)
    return list(contests.values())
