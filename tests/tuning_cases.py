"""A project whose model predicts the mean of the target and a shift: what each trial must score is known."""

from pathlib import Path

from synthetic import init_project

from aicomp.project import Project
from aicomp.tuning.tune import Limits, Outcome, tune

MODEL = '''
import numpy as np
from aicomp.errors import AicompError, UsageError
from aicomp.models import Round
from aicomp.models.space import Choice, Float

SPACE = (Float("model.params.shift", 0.0, 0.1), Choice("model.params.mood", ("good", "fine")))


class Shifted:
    """The mean of the target, and a shift in standard deviations."""

    numbers = "normal"

    def __init__(self, spec, *, shift=0.05, mood="good"):
        self._shift, self._mood = shift, mood
        self._mean = 0.0

    def fit(self, train, y, valid, valid_y, goal, watch):
        if self._mood == "broken":
            raise AicompError("it broke", "mend it")
        if self._mood == "wrong":
            raise UsageError("`mood` is wrong", "correct it")
        self._mean = float(np.mean(y)) + self._shift
        watch(Round(1, 1, self.predict(valid), 1.0, 1.0))
        return 1

    def predict(self, rows):
        return np.full(len(rows), self._mean)

    def state_dict(self):
        return {"mean": np.array([self._mean])}

    def load_state_dict(self, state):
        self._mean = float(state["mean"][0])
'''


class Silent:
    """Whoever is told keeps it."""

    def __init__(self):
        self.trials = []
        self.folds = []

    def on_study(self, study, space):
        self.continued = len(study.trials)

    def on_folds(self, number, values, n_done, n_folds):
        self.folds.append((number, n_done, n_folds))

    def on_trial(self, trial, best):
        self.trials.append((trial, best))


def shifted_project(tmp_path: Path, *overrides: str, space: str = "") -> Project:
    folder = init_project(tmp_path, "regression")
    (folder / "model.py").write_text(MODEL)
    if space:
        config = folder / "aicomp.toml"
        config.write_text(f"{config.read_text()}\n[tune.space]\n{space}\n")
    return reopen(folder, *overrides)


def reopen(folder: Path, *overrides: str) -> Project:
    return Project.open(folder, ["model.name=model:Shifted", "model.params={}", "workers=0", *overrides])


def tuned(project: Project, n_trials: int | None = 4, seconds: float | None = None, **more) -> Outcome:
    watcher = more.pop("watcher", None) or Silent()
    return tune(project, Limits(n_trials, seconds, more.pop("keep", 1)), watcher, **more)
