"""Make a run again from its recorded config, contract, data, code and seeds, and compare it with what it holds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicomp.engine.events import Event
from aicomp.errors import DataError, UsageError
from aicomp.project import AnyProject
from aicomp.raw_data import check_manifest, data_files, data_hash
from aicomp.run import Run
from aicomp.verification.circumstances import Circumstances, find_circumstances
from aicomp.verification.parts import Part, compare_files, compare_folds
from aicomp.verification.scratch import Code, place_code, scratch_folder

_FILES = ("oof.csv", "test.csv")


@dataclass(frozen=True)
class Wish:
    """What is to be made again.

    Attributes:
        n_folds: How many folds, the first ones; None for all.
        folds: Numbers of folds, instead of `n_folds`.
    """

    n_folds: int | None = None
    folds: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> "Wish":
        """Read "3", how many, or "0,3" and "3,", which ones.

        Raises:
            UsageError: It is neither.

        >>> Wish.parse("1"), Wish.parse("3,")
        (Wish(n_folds=1, folds=()), Wish(n_folds=None, folds=(3,)))
        """
        if text is None:
            return cls()
        words = [word.strip() for word in text.split(",")]
        numbers = [word for word in words if word]
        if not numbers or not all(word.isdecimal() for word in numbers):
            raise _no_folds(text)
        if len(words) > 1:
            return cls(folds=tuple(sorted({int(word) for word in numbers})))
        if int(text) < 1:
            raise _no_folds(text)
        return cls(int(text))

    def of(self, n: int) -> list[int]:
        """Numbers of the folds, of a run that has `n`.

        Raises:
            UsageError: It has fewer.
        """
        wanted = list(self.folds) if self.folds else list(range(n if self.n_folds is None else self.n_folds))
        if wanted[-1] >= n:
            last = "folds 0 to" if n > 1 else "fold"
            raise UsageError(
                f"there is no fold {wanted[-1]}: the run has {last} {n - 1}", f"write `--folds {n}` or less"
            )
        return wanted


@dataclass(frozen=True)
class Verification:
    """What came out.

    Attributes:
        run: The run.
        n_folds: Folds that it has.
        folds: Numbers of those that were made again.
        added: Of these, the ones that nobody asked for: their weights were trained as one network with the others.
        code: The code that it was made again with.
        parts: What was compared.
        circumstances: What is another than when it was made.
        seconds: How long it took.
        folder: What was made, None if it was removed.
    """

    run: Run
    n_folds: int
    folds: tuple[int, ...]
    added: tuple[int, ...]
    code: Code
    parts: tuple[Part, ...]
    circumstances: Circumstances
    seconds: float
    folder: Path | None

    @property
    def is_identical(self) -> bool:
        """Whether everything that could be compared has the same bits."""
        return all(part.is_identical for part in self.parts if part.is_compared)


@dataclass(frozen=True)
class Observer:
    """Who watches.

    Attributes:
        on_begin: Called with the number of folds, those that are made again, and the code.
        on_event: Called with what happens in training.
    """

    on_begin: Callable[[int, Sequence[int], Code], None] = lambda n_folds, folds, code: None
    on_event: Callable[[Event], None] = lambda event: None


def verify(
    project: AnyProject, run: Run, wish: Wish, *, keep: bool = False, observer: Observer | None = None
) -> Verification:
    """Make a run again beside the others, and compare every bit; the run itself is only read.

    Args:
        project: The project.
        run: One of its runs that is done.
        wish: Which folds.
        keep: Whether what was made again stays.
        observer: Who watches.

    Raises:
        UsageError: The run cannot be made again: its predictions came from elsewhere, or what it was made of is gone.
        DataError: The data is another.
        AicompError: A fold failed.
    """
    observer = observer or Observer()
    began = time.monotonic()
    check_kind(run, wish)
    n_folds = len(run.scores["folds"])
    asked = wish.of(n_folds)
    info = run.info
    if run.kind != "agent":
        check_data(project, run)
    with scratch_folder(project, run.id, keep=keep) as folder:
        code = place_code(project, info, folder)
        folds = _folds_to_make(run, asked)
        observer.on_begin(n_folds, folds, code)
        again = _make(folder, run, folds, n_folds, observer)
        parts = _compare(run, again, folds, n_folds)
        circumstances = find_circumstances(run, again)
    return Verification(
        run=run,
        n_folds=n_folds,
        folds=tuple(folds),
        added=tuple(k for k in folds if k not in asked),
        code=code,
        parts=tuple(parts),
        circumstances=circumstances,
        seconds=time.monotonic() - began,
        folder=again.folder if keep else None,
    )


def check_kind(run: Run, wish: Wish) -> None:
    """Refuse runs that hold too little to be made again, and parts of those that are made as a whole.

    Raises:
        UsageError: The run is such a one.
    """
    name = run.info["config"]["model"]["name"]
    if run.kind == "saved":
        raise UsageError(
            f"run `{run.id}` cannot be made again: its predictions were saved by `Run.create({name!r})`, and the run "
            "does not hold the code that made them",
            "run that code again and save a second run; `aicomp runs compare` shows both",
        )
    if run.kind != "train" and wish != Wish():
        what = {"blend": "a blend", "agent": "of a simulation"}.get(run.kind, run.kind)
        raise UsageError(f"run `{run.id}` is {what}, and is made again as a whole", "leave `--folds` out")


def check_data(project: AnyProject, run: Run) -> None:
    """Refuse data that is another than the run's, and name the files.

    Raises:
        DataError: It is.
    """
    check_manifest(project.folder)
    info = run.info
    if data_hash(project.folder) == info["data_hash"]:
        return
    then: dict[str, str] | None = info.get("data_files")
    now = data_files(project.folder)
    if then is None:
        what = f"which of {_listed(now)} it is, the run did not record"
    else:
        what = _listed(name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name))
    raise DataError(
        f"run `{run.id}` was made on other data than `data/raw/` holds now: {what}",
        "put the files of then back, `aicomp init SOURCE --data-only`, and verify again",
    )


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _folds_to_make(run: Run, asked: list[int]) -> list[int]:
    from aicomp.verification.rerun import folds_with

    return folds_with(run, asked) if run.kind == "train" else asked


def _compare(run: Run, again: Run, folds: list[int], n_folds: int) -> list[Part]:
    if run.kind == "agent":
        from aicomp.verification.replay import compare_agents

        return compare_agents(run, again)
    parts = compare_folds(run, again, folds)
    return parts + compare_files(run, again, _FILES) if len(folds) == n_folds else parts


def _make(folder: Path, run: Run, folds: Sequence[int], n_folds: int, observer: Observer) -> Run:
    if run.kind == "blend":
        from aicomp.verification.reblend import blend_again

        return blend_again(folder, run)
    if run.kind == "agent":
        from aicomp.verification.replay import play_again

        return play_again(folder, run, observer.on_event)
    from aicomp.verification.rerun import train_again

    return train_again(folder, run, folds, whole=len(folds) == n_folds, on_event=observer.on_event)


def _no_folds(text: str) -> UsageError:
    return UsageError(
        f"`--folds {text}` names no folds", "write `--folds 1` for one fold, or `--folds 0,3` for folds 0 and 3"
    )
