"""`aicomp tune`, as a person and as a program meet it."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys

import pytest
from synthetic import init_project

from aicomp.cli.main import main
from aicomp.cli.output import Output
from aicomp.cli.trials import TrialsTable
from aicomp.tuning import tuner
from aicomp.tuning.trials import Trial

QUICK = ["--model", "ridge", "--set", "workers=0", "--set", "split.n_splits=3"]


@pytest.fixture
def folder(tmp_path, monkeypatch, capsys):
    project = init_project(tmp_path, "regression")
    config = project / "aicomp.toml"  # a config that tuning can better: it has the first value, and the space the rest
    config.write_text(config.read_text() + '\n[tune.space]\n"model.params.penalty" = [5000.0, 1.0, 2.0]\n')
    monkeypatch.chdir(project)
    capsys.readouterr()
    return project


def test_programs_read_one_object_and_the_command_trains_the_same(folder, capsys):
    assert main(["tune", *QUICK, "--trials", "4", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    content = json.loads(out)
    assert set(content) == {
        "study", "metric", "greater_is_better", "ended", "trials", "best", "default", "gain", "nested",
    }  # fmt: skip
    assert [t["trial"] for t in content["trials"]] == [0, 1, 2, 3]
    best, default = content["best"], content["default"]
    assert content["gain"] == pytest.approx(default["mean"] - best["mean"])
    assert content["gain"] >= 0
    assert content["nested"]["gain"] == pytest.approx(default["mean"] - content["nested"]["mean"])
    assert content["nested"]["mean"] >= best["mean"]  # an error: the chosen folds cannot be better than the best
    assert (folder / "runs" / "tune" / content["study"]["name"] / "tune.png").read_bytes().startswith(b"\x89PNG")
    kept = {t["run"] for t in content["trials"]} - {None}
    assert kept == {best["run"], default["run"]}
    assert "trial 3: rmse " in err

    words = shlex.split(best["command"])
    assert words[:2] == ["aicomp", "train"]
    assert main([*words[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["folds"] == best["folds"]


def test_people_read_what_the_score_is_worth_and_what_to_type(folder, capsys):
    worse = ["--set", "model.params.penalty=5000.0"]
    assert main(["train", "--json", "--set", "model.name=ridge", *QUICK[2:], *worse]) == 0
    (folder / "aicomp.toml").write_text(
        (folder / "aicomp.toml").read_text().replace('name = "tabm"', 'name = "ridge"\nparams = {penalty = 5000.0}')
    )
    assert main(["tune", *QUICK[2:], "--trials", "4"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()[1:]
    assert re.fullmatch(
        r"rmse: \d+\.\d+ ± \S+ over 3 folds, trial \d of 4 trials \(.*\d done.*\) \(lower is better\)", lines[0]
    )
    assert re.fullmatch(r"  model.params.penalty = [12]\.0", lines[1])
    assert re.fullmatch(
        r"config as it is: \S+, worse by \S+; but this is the best of \d by the folds they were chosen on", lines[2]
    )
    assert re.fullmatch(r"chosen on the other folds: rmse \S+, better by \S+", lines[3])
    assert re.fullmatch(
        r"  aicomp train --set workers=0 --set split.n_splits=3 --set model.params.penalty=\S+", lines[-2]
    )
    assert re.fullmatch(r"next: aicomp submit \d{8}-\d{6}\S* --dry-run", lines[-1])
    assert "  model.params.penalty: 5000.0, 1.0, 2.0\n" in err
    assert re.search(r"^trial 0: rmse \d+\.\d+, best \S+ \(trial 0\), \d+ s; config as it is$", err, re.MULTILINE)

    run = lines[-1].split()[3]
    assert main(["submit", "--dry-run", "--json"]) == 0  # without a name it is the best trial's
    assert json.loads(capsys.readouterr().out)["run"] == run
    assert main(["tune", *QUICK[2:], "--trials", "4"]) == 0
    assert "continuing after 4 trials, the best is trial " in capsys.readouterr().err


def test_without_a_better_trial_it_says_so(folder, capsys):
    assert main(["tune", *QUICK, "--trials", "1"]) == 0
    out = capsys.readouterr().out
    assert "no trial is better than the config as it is\n" in out
    assert "trial 0 of 1 trial (1 done)" in out


def test_a_model_of_another_name_drops_the_parameters_of_the_first(folder, capsys):
    (folder / "aicomp.toml").write_text(
        (folder / "aicomp.toml").read_text().replace("[model]", "[model]\nparams = {k = 4}")
    )
    assert main(["tune", *QUICK, "--trials", "1", "--json"]) == 0
    command = json.loads(capsys.readouterr().out)["best"]["command"]
    assert command.startswith("aicomp train --set model.name=ridge --set 'model.params={}' ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--model", "rige"], 2, "unknown model `rige`"),
        (["--time-limit", "soon"], 2, "`--time-limit soon` is no length of time"),
        (["--trials", "0"], 2, "invalid value for `--trials`"),
        (["--model", "ridge", "--set", "model.params.penalty=2.0"], 2, "every setting is fixed by `--set`"),
        (["--model", "ridge", "--set", "tune.space.model.params.penalt={low=1.0,high=2.0}"], 2, "unknown setting"),
        (["--set", "tune.spaces=1"], 2, "unknown key `tune.spaces`"),
    ],
)
def test_what_is_wrong_is_said_at_once(folder, arguments, code, message, capsys):
    assert main(["tune", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_without_optuna_the_extra_is_named(folder, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr("aicomp.tuning.optuna_study.find_spec", lambda name: None if name == "optuna" else find(name))
    assert main(["tune"]) == 2
    assert capsys.readouterr().err == (
        "error: `aicomp tune` needs the package `optuna`, which is not installed\n\nhint: pip install 'aicomp[tune]'\n"
    )


def test_an_interrupt_keeps_the_trials(folder, monkeypatch, capsys):
    weigh = tuner.Tuner._weigh

    def interrupted(self, pending, folds, n_folds):
        if pending.number == 2:
            raise KeyboardInterrupt
        weigh(self, pending, folds, n_folds)

    monkeypatch.setattr(tuner.Tuner, "_weigh", interrupted)
    assert main(["tune", *QUICK, "--trials", "3"]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("the trials so far are kept: the same command continues\nerror: interrupted\n")
    monkeypatch.undo()
    os.chdir(folder)
    assert main(["tune", *QUICK, "--trials", "3", "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(json.loads(out)["trials"]) == 3
    assert "continuing after 2 trials" in err


def test_a_limit_too_short_for_the_config_as_it_is_fails_with_one_that_is_not(folder, capsys):
    (folder / "features.py").write_text("import time\n\n\ndef add_features(table):\n    time.sleep(60)\n")
    assert main(["tune", *QUICK, "--time-limit", "1s"]) == 1
    err = capsys.readouterr().err
    assert "error: the config as it is takes longer than the time limit of 1 s: 0 of ? folds were trained\n" in err
    assert "hint: `--time-limit 2s` goes on with the folds that are left\n" in err


def test_help_imports_no_optuna():
    code = "import sys\nfrom aicomp.cli.main import main\nmain(['tune', '--help'])\nassert 'optuna' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.fixture
def terminal(monkeypatch):
    """A table on a terminal of 100 columns and 14 lines."""
    monkeypatch.setattr(Output, "is_terminal", property(lambda self: True))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "14")


class Opened:
    """A study that has just been made."""

    def __init__(self, path):
        self.path, self.trials, self.best = path, [], None


def test_a_terminal_shows_a_table_of_the_latest_trials_and_the_best_one(terminal, tmp_path, capsys):
    from rich.console import Console

    table = TrialsTable(Output(False), "rmse")
    with table:
        table.on_study(Opened(tmp_path / "ridge-1" / "study.db"), ())
        best = Trial(0, "done", {}, 1.5, 0.1, {0: 1.5}, [1.5], 2.0, "r0")
        table.on_trial(best, best)
        for number in range(1, 12):
            table.on_folds(number, {"model.params.penalty": 2.5}, 1, 3)
            state = "cut" if number == 11 else "done"
            trial = Trial(number, state, {"model.params.penalty": float(number)}, 2.0, 0.1, {0: 2.0, 1: 2.0}, [], 61.0)
            table.on_trial(trial, best)
        table.on_folds(12, {"model.params.mood": "[bold]"}, 2, 3)
        console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
        console.print(table._table())
    lines = [line.split() for line in console.export_text().splitlines()]
    assert lines[0] == ["trial", "state", "rmse", "best", "seconds", "values"]
    assert lines[1] == ["0", "done", "1.5", "*", "2", "config", "as", "it", "is"]
    assert [line[0] for line in lines[2:]] == ["7", "8", "9", "10", "11", "12"]
    assert lines[-2] == ["11", "cut,", "2", "folds", "2", "61", "penalty=11.0"]
    assert lines[-1] == ["12", "2", "of", "3", "folds", 'mood="[bold]"']
