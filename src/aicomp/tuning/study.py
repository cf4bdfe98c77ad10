"""A study: the trials of one space on one project, kept by Optuna in a SQLite file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.models.space import Setting
from aicomp.tuning.optuna_study import distribution, open_study, quiet, sampler, suggest
from aicomp.tuning.trials import State, Trial, attributes_of, restore

if TYPE_CHECKING:
    import optuna


_BROKEN_OFF = "broken_off"
_SECOND_TRY = "second_try"


@dataclass(frozen=True)
class Pending:
    """A trial that has begun.

    Attributes:
        number: See `Trial`.
        values: What it has instead of the config's, by dotted key.
        trial: Optuna's own.
    """

    number: int
    values: dict[str, Any]
    trial: "optuna.Trial"


class Study:
    """The trials so far, and which values come next.

    Values of trial n follow from the seed, n and the trials before it alone, so that a study that was cut goes on as if
    it had not been.

    Args:
        path: The SQLite file; it is made if it is not there.
        space: What is tuned.
        seed: Of the sampler.
        greater_is_better: Direction of the scores.

    Raises:
        UsageError: Optuna is not installed.
        DataError: The file is no study.
    """

    def __init__(self, path: Path, space: Sequence[Setting], *, seed: int, greater_is_better: bool) -> None:
        self.path = path
        self.greater_is_better = greater_is_better
        self._space = space
        self._seed = seed
        self._study = open_study(path, greater_is_better=greater_is_better)

    @property
    def trials(self) -> list[Trial]:
        """Trials that have ended, in their order; those that were broken off and go on as another are left out."""
        import optuna

        states: dict[Any, State] = {optuna.trial.TrialState.COMPLETE: "done", optuna.trial.TrialState.PRUNED: "cut"}
        ended = [t for t in self._study.get_trials(deepcopy=False) if t.state.is_finished() and not _goes_on(t)]
        return [restore(i, states.get(t.state, "failed"), t.user_attrs) for i, t in enumerate(ended)]

    @property
    def best(self) -> Trial | None:
        """The best trial that is done; of equal ones the first."""
        done = [t for t in self.trials if t.state == "done"]
        choose = max if self.greater_is_better else min
        return choose(done, key=lambda t: t.score) if done else None  # type: ignore[arg-type, return-value]

    def begin(self) -> Pending:
        """The next trial: one that was broken off, else one that the sampler suggests."""
        number = len(self.trials)
        self._study.sampler = sampler(self._seed, number)
        with quiet():
            trial = self._study.ask()
            values = {s.key: suggest(trial, s) for s in self._space}
        trial.set_user_attr("values", values)
        return Pending(number, values, trial)

    def tell_folds(self, pending: Pending, n_folds: int, score: float) -> None:
        """Take note of what the folds that are trained lead one to expect."""
        pending.trial.report(score, step=n_folds)

    def end(self, pending: Pending, ended: Trial) -> None:
        """Take note of how a trial ended."""
        import optuna

        for name, value in attributes_of(ended).items():
            pending.trial.set_user_attr(name, value)
        if ended.state == "done":
            self._study.tell(pending.trial, ended.score)
        else:
            states = optuna.trial.TrialState
            self._study.tell(pending.trial, state=states.PRUNED if ended.state == "cut" else states.FAIL)

    def add(self, ended: Trial, values: Mapping[str, Any]) -> None:
        """Take note of a trial whose values are known only after it: the config's own, "auto" resolved.

        Args:
            ended: The trial.
            values: What of the space it had, as far as that is known.
        """
        import optuna

        fitting = [s for s in self._space if s.key in values and s.holds(values[s.key])]
        with quiet():
            self._study.add_trial(
                optuna.trial.create_trial(
                    value=ended.score,
                    params={s.key: values[s.key] for s in fitting},
                    distributions={s.key: distribution(s) for s in fitting},
                    user_attrs=attributes_of(ended),
                )
            )

    def break_off(self, pending: Pending) -> None:
        """Mark a trial that was interrupted as failed; the next one has the same values."""
        pending.trial.set_user_attr(_BROKEN_OFF, True)
        self._again(pending.trial.number, pending.trial.params, pending.trial.user_attrs)

    def tidy(self) -> list[dict[str, Any]]:
        """Mark trials as failed whose process has died; each is tried once more.

        Returns:
            Values of those that died in their second try, and are not tried again.
        """
        import optuna

        given_up = []
        for trial in self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
            if _SECOND_TRY in trial.user_attrs:
                self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
                given_up.append(dict(trial.user_attrs.get("values", {})))
            else:
                self._again(trial.number, trial.params, {_SECOND_TRY: True})
        return given_up

    def _again(self, number: int, params: dict[str, Any], about: Mapping[str, Any]) -> None:
        import optuna

        if len(params) == len(self._space):  # it may have died before all of its values were drawn
            kept = {_SECOND_TRY: True} if _SECOND_TRY in about else {}
            with quiet():
                self._study.enqueue_trial(params, user_attrs=kept)
        self._study.tell(number, state=optuna.trial.TrialState.FAIL)


def _goes_on(trial: "optuna.trial.FrozenTrial") -> bool:
    """Whether a trial was broken off and another has its values: it failed and nobody said how it ended."""
    if trial.state.name != "FAIL" or "seconds" in trial.user_attrs:
        return False
    return _BROKEN_OFF in trial.user_attrs or _SECOND_TRY not in trial.user_attrs
