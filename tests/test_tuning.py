"""Tuning a project: trials, what is kept of them, limits, and what survives a cut."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
from filelock import FileLock
from synthetic import init_project, open_quick
from tuning_cases import Silent, reopen, shifted_project, tuned

from aicomp.cross_validation import cross_validate
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.run import Run, find_run, list_runs
from aicomp.tuning.tune import study_folder
from aicomp.tuning.values import with_values

RIDGE = ("model.name=ridge", "workers=0", "split.n_splits=3")
TERRIBLE = '"model.params.shift" = [0.0, 0.01, 3.0]\n"model.params.mood" = false'
BROKEN = '"model.params.mood" = ["good", "broken"]\n"model.params.shift" = {low=0.0, high=0.1}'


def ridge(tmp_path, *overrides):
    from aicomp.project import Project

    return Project.open(init_project(tmp_path, "regression"), [*RIDGE, *overrides])


def shape(outcome):
    return [(t.state, t.values, t.score, t.folds) for t in outcome.trials]


def test_the_best_trial_is_a_run_and_equal_to_a_plain_training(tmp_path):
    project = ridge(tmp_path, "model.params.penalty=5000.0")
    outcome = tuned(project, 5)
    assert [t.number for t in outcome.trials] == [0, 1, 2, 3, 4]
    assert outcome.trials[0].values == {}
    done = [t for t in outcome.trials if t.state == "done"]
    assert outcome.best.score == min(t.score for t in done)
    assert outcome.best.number > 0
    assert outcome.run.scores["mean"] == outcome.best.score
    assert outcome.run.scores["folds"] == outcome.best.reported

    shutil.move(outcome.run.folder, tmp_path / "best")
    again = cross_validate(with_values(project, outcome.best.values))
    assert again.info["fingerprint"] == Run(tmp_path / "best").info["fingerprint"]
    for name in ("oof.csv", "test.csv", "scores.json"):
        assert (again.folder / name).read_bytes() == (tmp_path / "best" / name).read_bytes()


def test_runs_of_the_best_and_of_the_config_as_it_is_are_kept(tmp_path):
    project = ridge(tmp_path, "model.params.penalty=5000.0")
    outcome = tuned(project, 5)
    assert outcome.best.number > 0
    assert {run.id for run in list_runs(project.runs)} == {outcome.trials[0].run, outcome.best.run}
    assert find_run(project.runs).id == outcome.best.run  # what `aicomp submit` takes


def test_more_runs_are_kept_for_blends(tmp_path):
    project = ridge(tmp_path)
    outcome = tuned(project, 5, keep=3)
    ranked = sorted((t for t in outcome.trials if t.state == "done"), key=lambda t: t.score)
    kept = {t.run for t in ranked[:3]} | {outcome.trials[0].run}
    assert {run.id for run in list_runs(project.runs)} == kept
    assert find_run(project.runs).id == outcome.best.run


def test_a_study_goes_on_where_it_ended_as_if_it_had_not(tmp_path):
    whole = tuned(ridge(tmp_path / "a"), 5)
    project = ridge(tmp_path / "b")
    tuned(project, 2)
    watcher = Silent()
    outcome = tuned(project, 5, watcher=watcher)
    assert watcher.continued == 2
    assert [t.number for t, _ in watcher.trials] == [2, 3, 4]
    assert shape(outcome) == shape(whole)
    assert shape(tuned(project, 5)) == shape(whole)  # nothing is left to do


def test_seeds_draw_other_values(tmp_path):
    first = tuned(ridge(tmp_path / "a"), 2)
    other = tuned(ridge(tmp_path / "b", "seed=1"), 2)
    assert first.trials[1].values != other.trials[1].values


def test_what_trials_share_makes_the_study(tmp_path):
    project = shifted_project(tmp_path)
    from aicomp.tuning.space import choose_space

    def name(changed, fixed=()):
        return study_folder(changed, choose_space(changed, fixed)).name

    usual = name(project)
    assert usual.startswith("model-Shifted-")
    assert name(reopen(project.folder, "workers=2")) == usual
    for changed in ("split.n_splits=4", "seed=3", "model.params.mood=fine", "tune.space.model.params.mood=false"):
        assert name(reopen(project.folder, changed)) != usual
    assert name(project, ["model.params.mood"]) != usual
    model = project.folder / "features.py"
    model.write_text(model.read_text() + "\n# another\n")
    assert name(reopen(project.folder)) != usual


def test_a_trial_without_a_chance_is_cut_and_leaves_no_run(tmp_path):
    project = shifted_project(tmp_path, "split.n_splits=5", space=TERRIBLE)
    watcher = Silent()
    outcome = tuned(project, 12, watcher=watcher)
    cut = [t for t in outcome.trials if t.state == "cut"]
    assert cut
    assert {t.values["model.params.shift"] for t in cut} == {3.0}
    assert all(2 <= len(t.folds) < 5 and t.score > 2 * outcome.best.score for t in cut)
    assert "chance to beat trial" in cut[0].reason
    begun = {n for number, n, _ in watcher.folds if number == cut[0].number}
    assert begun == set(range(len(cut[0].folds) + 1))  # no fold was trained after that
    assert all(run.is_done for run in list_runs(project.runs))
    assert outcome.best.values.get("model.params.shift") in (0.0, 0.01)


def test_a_trial_that_fails_is_one_failed_trial(tmp_path):
    project = shifted_project(tmp_path, "seed=5", space=BROKEN)
    outcome = tuned(project, 5)
    failed = [t for t in outcome.trials if t.state == "failed"]
    assert {t.values["model.params.mood"] for t in failed} == {"broken"}
    assert failed[0].reason == "it broke"
    assert failed[0].score is None
    assert outcome.best.state == "done"
    assert all(run.is_done for run in list_runs(project.runs))


def test_failures_one_after_another_end_it(tmp_path):
    project = shifted_project(
        tmp_path, space=BROKEN.replace('"good"', '"broken", "broken "').replace('"broken "', '"x"')
    )
    model = project.folder / "model.py"
    model.write_text(model.read_text().replace('== "broken"', 'in ("broken", "x")'))
    with pytest.raises(AicompError, match=r"3 trials failed one after another, the last \(.*mood=.*\): it broke") as e:
        tuned(project, 9)
    assert e.value.hint == "mend it"


def test_wrong_values_are_for_the_user_to_correct(tmp_path):
    project = shifted_project(tmp_path, space='"model.params.mood" = ["wrong", "wrong too"]')
    model = project.folder / "model.py"
    model.write_text(model.read_text().replace('== "wrong"', 'in ("wrong", "wrong too")'))
    with pytest.raises(UsageError, match=r"trial 1 \(.*mood=.*\): `mood` is wrong"):
        tuned(project, 3)


def test_a_wrong_config_as_it_is_ends_it_at_once(tmp_path):
    with pytest.raises(UsageError, match="`mood` is wrong"):
        tuned(shifted_project(tmp_path, "model.params.mood=wrong"), 3)


def test_a_run_that_is_there_is_not_trained_again(tmp_path):
    project = ridge(tmp_path)
    run = cross_validate(project)
    watcher = Silent()
    outcome = tuned(project, 2, watcher=watcher)
    assert (outcome.trials[0].run, outcome.trials[0].reused) == (run.id, True)
    assert [entry for entry in watcher.folds if entry[0] == 0] == [(0, 0, 0)]
    assert outcome.trials[0].score == run.scores["mean"]


def test_runs_of_others_and_runs_that_were_submitted_are_not_removed(tmp_path):
    project = ridge(tmp_path, "tune.space.model.params.penalty=[1e8, 2e8]")
    own = cross_validate(with_values(project, {"model.params.penalty": 1e8}))
    submitted = cross_validate(with_values(project, {"model.params.penalty": 7.0}))
    (submitted.folder / "submission.json").write_text("{}")
    outcome = tuned(project, 5)
    assert outcome.best.number == 0
    assert own.is_done
    assert submitted.is_done
    reused = [t for t in outcome.trials if t.reused]
    assert {t.run for t in reused} <= {own.id}


def test_a_best_run_that_was_removed_is_trained_again(tmp_path):
    project = ridge(tmp_path, "model.params.penalty=5000.0")
    outcome = tuned(project, 3)
    assert outcome.best.number > 0
    shutil.rmtree(outcome.run.folder)
    again = tuned(project, 3)
    assert again.run.is_done
    assert again.run.scores["folds"] == outcome.best.reported


class Clock:
    """Each trained fold takes ten seconds."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Slow(Silent):
    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def on_folds(self, number, values, n_done, n_folds):
        super().on_folds(number, values, n_done, n_folds)
        self._clock.now += 10.0 if n_done else 0.0


def test_no_trial_begins_that_would_not_end_in_time(tmp_path):
    clock = Clock()
    outcome = tuned(ridge(tmp_path), None, 119.0, watcher=Slow(clock), clock=clock)
    assert outcome.ended == "time"
    assert len(outcome.trials) == 3  # 30 s each: a fourth would end after 120 s
    assert [t.seconds for t in outcome.trials] == [30.0] * 3
    assert clock.now == 190.0


def test_the_number_of_trials_ends_it_before_the_time(tmp_path):
    clock = Clock()
    outcome = tuned(ridge(tmp_path), 2, 1000.0, watcher=Slow(clock), clock=clock)
    assert (outcome.ended, len(outcome.trials)) == ("trials", 2)


class Jump(Slow):
    """From trial 1 on the time is over when a trial begins."""

    def on_folds(self, number, values, n_done, n_folds):
        super().on_folds(number, values, n_done, n_folds)
        if number == 1:
            self._clock.now += 1000.0


def test_a_trial_that_the_time_ends_leaves_no_run(tmp_path):
    clock = Clock()
    project = ridge(tmp_path)
    outcome = tuned(project, None, 200.0, watcher=Jump(clock), clock=clock)
    assert [t.state for t in outcome.trials] == ["done", "failed"]
    assert outcome.trials[1].reason == "the time limit was over"
    assert outcome.ended == "time"
    assert [run.id for run in list_runs(project.runs)] == [outcome.trials[0].run]


def test_a_limit_that_is_shorter_than_the_config_as_it_is(tmp_path):
    project = shifted_project(tmp_path)
    (project.folder / "features.py").write_text("import time\n\n\ndef add_features(table):\n    time.sleep(60)\n")
    with pytest.raises(AicompError, match="takes longer than the time limit of 1 s") as caught:
        tuned(reopen(project.folder), None, 1.0)
    assert "`--time-limit 2s` goes on" in caught.value.hint
    assert caught.value.exit_code == 1


class Interrupted(Silent):
    def on_folds(self, number, values, n_done, n_folds):
        super().on_folds(number, values, n_done, n_folds)
        if (number, n_done) == (2, 1):
            raise KeyboardInterrupt


def test_an_interrupted_trial_goes_on_with_the_folds_that_are_left(tmp_path):
    whole = tuned(ridge(tmp_path / "a"), 4)
    project = ridge(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        tuned(project, 4, watcher=Interrupted())
    watcher = Silent()
    outcome = tuned(project, 4, watcher=watcher)
    assert shape(outcome) == shape(whole)
    assert [n for number, n, _ in watcher.folds if number == 2] == [0, 1, 2, 3]
    assert all(run.is_done for run in list_runs(project.runs))


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from aicomp.project import Project
from tuning_cases import Silent, tuned

class Killed(Silent):
    def on_folds(self, number, values, n_done, n_folds):
        if (number, n_done) == (2, 1):
            os.kill(os.getpid(), signal.SIGKILL)

tuned(Project.open(Path({folder!r}), {overrides!r}), 4, watcher=Killed())
"""


def kill_in_trial_2(project):
    code = KILLED.format(tests=os.path.dirname(__file__), folder=str(project.folder), overrides=list(RIDGE))  # noqa: PTH120
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_killed_trial_is_tried_once_more_and_then_given_up(tmp_path):
    whole = tuned(ridge(tmp_path / "a"), 4)
    project = ridge(tmp_path / "b")
    assert kill_in_trial_2(project).returncode == -signal.SIGKILL
    assert [run.is_done for run in list_runs(project.runs)].count(False) == 1
    copy = tmp_path / "c"
    shutil.copytree(project.folder, copy)

    outcome = tuned(project, 4)
    assert shape(outcome) == shape(whole)
    assert all(run.is_done for run in list_runs(project.runs))

    from aicomp.project import Project

    twice = Project.open(copy, list(RIDGE))
    assert kill_in_trial_2(twice).returncode == -signal.SIGKILL
    outcome = tuned(twice, 4)
    assert shape(outcome)[:2] == shape(whole)[:2]
    assert (outcome.trials[2].state, outcome.trials[2].reason) == ("failed", "its process was killed twice")
    assert outcome.trials[2].values == whole.trials[2].values
    assert all(run.is_done for run in list_runs(twice.runs))


def test_one_command_tunes_a_project_at_a_time(tmp_path):
    project = ridge(tmp_path)
    tuned(project, 1)
    with FileLock(project.runs / ".lock"), pytest.raises(AicompError, match="another training is running"):
        tuned(project, 2)
    assert len(tuned(project, 2).trials) == 2  # that was nothing about the trial


def test_a_damaged_study_is_no_bug(tmp_path):
    project = ridge(tmp_path)
    study = tuned(project, 1).study
    study.path.write_bytes(b"no database at all" * 100)
    with pytest.raises(DataError, match="cannot be read as a study") as caught:
        tuned(project, 1)
    assert caught.value.hint == f"remove `{study.path.parent}`"


def test_networks_tune_their_training_and_the_sampler_knows_the_config_as_it_is(tmp_path):
    folder = init_project(tmp_path)
    outcome = tuned(open_quick(folder), 3)
    assert set(outcome.trials[1].values) == {"training.learning_rate", "regularization.weight_decay"}
    known = outcome.study._study.get_trials()[0].params
    assert known == {"training.learning_rate": 0.008, "regularization.weight_decay": 0.02}


@pytest.mark.slow
def test_folds_in_processes_are_cut_too_and_the_best_run_is_that_of_a_plain_training(tmp_path):
    project = shifted_project(tmp_path, "split.n_splits=5", "workers=2", space=TERRIBLE)
    outcome = tuned(project, 10)
    assert "cut" in {t.state for t in outcome.trials}
    assert all(run.is_done for run in list_runs(project.runs))
    assert not (project.runs / ".shared").exists()
    shutil.move(outcome.run.folder, tmp_path / "best")
    again = cross_validate(with_values(project, outcome.best.values))
    for name in ("oof.csv", "test.csv", "scores.json"):
        assert (again.folder / name).read_bytes() == (tmp_path / "best" / name).read_bytes()
