"""A run that is copied while it is trained; a store that does not answer never stops the training."""

from collections.abc import Callable

from aicomp.engine.events import Event, FoldEvent, NoteEvent
from aicomp.errors import AicompError, NetworkError
from aicomp.run import Run
from aicomp.storage.mirror import Mirror, push
from aicomp.storage.remote import Remote


class Following:
    """Copies what a run has so far, again and again.

    Args:
        url: The store's folder of runs, "" for no copy.
        on_event: Who is told of what happens.
    """

    def __init__(self, url: str, on_event: Callable[[Event], None]) -> None:
        # A wrong address is an error now, not after hours.
        self._remote = Remote(url) if url else None
        self._on_event = on_event
        self._mirror: Mirror | None = None
        self._folds: list[int] = []
        self._is_begun = False
        self._run: Run | None = None

    def begin(self, run: Run) -> None:
        """A run is laid out, or continued."""
        if self._remote is None:
            return
        self._run, self._mirror = run, Mirror(self._remote, run)
        self._folds = [k for k in range(run.read("plan.json")["n_folds"]) if run.fold_is_done(k)]
        self._copy()

    def on_event(self, event: Event) -> None:
        """Pass an event on; a fold that is trained is copied."""
        self._on_event(event)
        if self._mirror is not None and isinstance(event, FoldEvent):
            self._folds.append(event.fold)
            self._copy()

    def finish(self) -> None:
        """The run is done.

        Raises:
            NetworkError: It cannot be copied; here it is whole.
        """
        if self._mirror is None or self._run is None or self._remote is None:
            return
        try:
            push(self._run, self._remote.url)
        except NetworkError as e:
            hint = f"the run is whole here: `aicomp runs push {self._run.id} {self._remote.url}` copies it"
            raise NetworkError(e.message, hint) from e

    def _copy(self) -> None:
        assert self._mirror is not None
        try:
            if not self._is_begun:
                self._mirror.begin()
                self._is_begun = True
            while self._folds:
                self._mirror.add_fold(self._folds[0])
                self._folds.pop(0)
        except NetworkError as e:
            self._tell(e)

    def _tell(self, error: AicompError) -> None:
        self._on_event(NoteEvent(f"{error.message}; it is tried again after the next fold"))
