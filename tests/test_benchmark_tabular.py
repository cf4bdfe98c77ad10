"""benchmarks/tabular.py runs, stops and resumes: with small programs in place of peers."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmark_cases import FOLDER, load, measured, result, systems, tabular


def python(code):
    return [sys.executable, "-c", code]


# Running


def test_a_command_that_answers(tmp_path):
    outcome = measured.run_measured(python("print('{\"mean\": 1.5}')"), tmp_path, patience=60)
    assert outcome.answer == {"mean": 1.5}
    assert not outcome.stopped
    assert outcome.seconds > 0


def test_a_crash_is_told_by_its_last_line(tmp_path):
    code = "import sys; print('noise', file=sys.stderr); raise ValueError('no such column')"
    outcome = measured.run_measured(python(code), tmp_path)
    assert outcome.answer is None
    assert outcome.problem == "ValueError: no such column (exit code 1)"


def test_who_is_not_done_is_stopped_with_all_its_children(tmp_path):
    child = "import pathlib, os, time; pathlib.Path('child').write_text(str(os.getpid())); time.sleep(600)"
    code = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)\n"
        "time.sleep(600)"
    )
    outcome = measured.run_measured(python(code), tmp_path, patience=5)
    assert outcome.stopped
    assert outcome.answer is None
    assert outcome.peak_mb > 1
    assert not alive(int((tmp_path / "child").read_text()))


def test_what_a_command_leaves_behind_is_stopped_too(tmp_path):
    child = "import pathlib, os, time; pathlib.Path('child').write_text(str(os.getpid())); time.sleep(600)"
    code = (
        "import subprocess, sys, time, pathlib\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)\n"
        "while not pathlib.Path('child').exists(): time.sleep(0.1)\n"
        "time.sleep(2)\n"
        "print('{}')"
    )
    outcome = measured.run_measured(python(code), tmp_path, patience=60)
    assert outcome.answer == {}
    assert not alive(int((tmp_path / "child").read_text()))


def alive(pid):
    import psutil

    for _ in range(50):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return False
        time.sleep(0.1)
    return True


# A whole run, with a peer that is a few lines

PEER = """
import json, sys
from pathlib import Path
job = json.loads(Path(sys.argv[1]).read_text())
lines = Path(job["test"]).read_text().splitlines()[1:]
rows = [f"{line.split(',')[0]},{job['labels'][-1]}" for line in lines]
Path(job["out"]).write_text(f"{job['id']},{job['target']}\\n" + "\\n".join(rows) + "\\n")
print(json.dumps({"mean": 0.5, "file": job["out"]}))
"""


@pytest.fixture
def data(tmp_path):
    """A set in Kaggle's form, "titanic" by name: two thirds of the hidden rows are `yes`."""
    folder = tmp_path / "data" / "titanic"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    train = [f"{i},{draw.normal():.3f},{('no', 'yes')[i % 2]}" for i in range(60)]
    test = [f"{i},{draw.normal():.3f}" for i in range(60, 90)]
    for name, header, lines in (
        ("train", "Id,x,y", train),
        ("test", "Id,x", test),
        ("sample_submission", "Id,y", [f"{i},no" for i in range(60, 90)]),
        ("solution", "Id,y", [f"{i},{('no', 'yes', 'yes')[i % 3]}" for i in range(60, 90)]),
    ):
        (folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder.parent


@pytest.fixture
def peers(tmp_path, monkeypatch):
    """The peers `quick`, `slow` and `broken`, in this interpreter."""
    folder = tmp_path / "checkout" / "benchmarks" / "peers"
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "own.txt").write_text("")
    (folder / "common.py").write_text("")
    (folder / "quick.py").write_text(PEER)
    (folder / "slow.py").write_text("import time; time.sleep(600)")
    (folder / "broken.py").write_text("raise MemoryError('too large')")
    source = tmp_path / "checkout" / "src" / "aicomp"
    source.mkdir(parents=True)
    monkeypatch.setattr(systems, "HERE", folder.parent)
    monkeypatch.setattr(systems, "PEERS", {name: ("own", f"{name}.py") for name in ("quick", "slow", "broken")})
    monkeypatch.setattr(systems, "python_of", lambda system: Path(sys.executable))
    return folder


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["tabular.py", *map(str, arguments)])
    tabular.main()
    return capsys.readouterr()


def test_the_others_go_on_after_a_crash_and_a_stop(data, peers, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.jsonl"
    systems = "broken,slow,quick"
    arguments = (data, "--only", "titanic", "--systems", systems, "--patience", 3, "--out", out)
    shown = run(monkeypatch, capsys, *arguments)
    assert "| titanic | accuracy (rank) | failed | not finished in 3 s | **0.6667** (1) |" in shown.out
    assert "- titanic, broken: MemoryError: too large (exit code 1)" in shown.out
    assert len(out.read_text().splitlines()) == 3
    assert run(monkeypatch, capsys, "--table", out).out == shown.out


def test_resume_runs_only_what_is_not_there_yet(data, peers, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.jsonl"
    arguments = (data, "--only", "titanic", "--systems", "quick", "--out", out)
    run(monkeypatch, capsys, *arguments)
    with pytest.raises(SystemExit, match="add --resume"):
        run(monkeypatch, capsys, *arguments)
    run(monkeypatch, capsys, *arguments, "--resume")
    assert len(out.read_text().splitlines()) == 1
    (peers / "quick.py").write_text(PEER + "\n# changed")
    run(monkeypatch, capsys, *arguments, "--resume")
    assert len(out.read_text().splitlines()) == 2
    solution = data / "titanic" / "solution.csv"
    solution.write_text(solution.read_text().replace("60,no", "60,yes"))
    run(monkeypatch, capsys, *arguments, "--resume")
    assert len(out.read_text().splitlines()) == 3


def test_what_was_stopped_runs_again_only_with_more_patience(data, peers, monkeypatch):
    arguments = type("Arguments", (), {"data": data, "patience": 10.0, "time_limit": None})
    stopped = replace(
        result("titanic", "slow", None, stopped=True, patience=10.0),
        code=systems.code_hash("slow"),
        data=systems.data_hash(data / "titanic"),
    )
    assert tabular.earlier([stopped], "titanic", "slow", arguments) == stopped
    arguments.patience = 20.0
    assert tabular.earlier([stopped], "titanic", "slow", arguments) is None
    failed = replace(stopped, stopped=False, problem="it broke")
    arguments.patience = 10.0
    assert tabular.earlier([failed], "titanic", "slow", arguments) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--systems", "catbost"], "no system `catbost`"),
        (["--systems", "autogluon"], "`autogluon` needs --time-limit"),
        (["--only", "titanc"], "no set `titanc`"),
        (["--only", "adult"], "has no solution.csv"),
    ],
)
def test_what_cannot_work_is_refused_at_once(data, monkeypatch, capsys, arguments, message):
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, data, *arguments)
    assert message in capsys.readouterr().err


def test_aicomp_itself_is_trained_and_scored(data, tmp_path):
    """As its user types it, in a process of its own."""
    out = tmp_path / "out.jsonl"
    command = [sys.executable, str(FOLDER / "tabular.py"), str(data), "--only", "titanic", "--out", str(out)]
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    line = json.loads(out.read_text())
    assert (line["system"], line["metric"]) == ("aicomp", "accuracy")
    assert 0 <= line["hidden"] <= 1
    assert line["peak_mb"] > 50
    assert "| aicomp |" in done.stdout


# What the peers share


def test_the_plain_preparation(tmp_path):
    import pandas as pd

    common = load("common", FOLDER / "peers")
    table = pd.DataFrame(
        {
            "blank number": [" 1.5", "2", " ", "4", "4", "5"],
            "when": ["2024-02-03 04:00:00"] * 6,
            "name": list("abcdef"),
            "kind": [" x", "x", None, "y", "y", "y"],
        }
    )
    plain = common.plain_columns(table)
    assert list(plain.columns) == [
        "blank_number", "when_year", "when_month", "when_day", "when_day_of_week", "when_hour", "kind"
    ]  # fmt: skip
    assert plain["blank_number"].tolist()[:2] == [1.5, 2.0]
    assert plain["blank_number"].isna().tolist()[2]
    assert plain["when_hour"].tolist() == [4] * 6
    assert plain["kind"].astype(str).tolist() == ["x", "x", "missing", "y", "y", "y"]


def test_a_fold_of_plain_predictions(tmp_path):
    """Predicting each fold's own mean: five folds of a target that alternates score an AUC of one half."""
    import pandas as pd

    common = load("common", FOLDER / "peers")
    job = common.Job("s", tmp_path, tmp_path, tmp_path / "out.csv", "Id", "y", "binary", ["no", "yes"], "roc_auc",
                     "probability", None, 1)  # fmt: skip
    y = np.arange(20) % 2
    data = common.Data(pd.DataFrame({"x": y}), y, pd.DataFrame({"x": [0, 1, 1]}), pd.Series([7, 8, 9]))
    score, predictions = common.cross_validate(
        job, data, lambda job, x, y, vx, vy: lambda rows: np.full(len(rows), 0.5)
    )
    assert score == 0.5
    common.write_predictions(job, data.ids, predictions)
    assert (tmp_path / "out.csv").read_text() == "Id,y\n7,0.5\n8,0.5\n9,0.5\n"


def test_classes_that_a_peer_left_out_keep_their_columns(tmp_path):
    common = load("common", FOLDER / "peers")
    job = common.Job("s", tmp_path, tmp_path, tmp_path, "Id", "y", "multiclass", ["a", "b", "c"], "accuracy",
                     "label", None, 1)  # fmt: skip
    full = common.by_class(job, np.array([[0.25, 0.75]]), np.array([0, 2]))
    assert full.tolist() == [[0.25, 0.0, 0.75]]
