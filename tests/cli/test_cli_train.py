"""`aicomp train`, as a person and as a program meet it."""

import json
import re

import pytest
from synthetic import init_project, open_quick, quick_arguments

from aicomp.cli import progress
from aicomp.cli.main import main
from aicomp.cli.output import Output
from aicomp.cli.progress import Progress
from aicomp.engine.events import DeviceEvent, EpochEvent, FoldEvent
from aicomp.run import find_run


@pytest.fixture
def folder(tmp_path, capsys):
    project = init_project(tmp_path)
    capsys.readouterr()
    return project


def test_people_read_the_plan_the_folds_and_the_outcome(folder, capsys):
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    captured = capsys.readouterr()
    for line in (
        r"run \d{8}-\d{6}: 90 train rows, 30 test rows",
        r"  size    number    numbers",
        r"  color   category  3 distinct strings",
        r"  when    datetime  dates as YYYY-MM-DD",
        r"folds: 3 by `stratified` \(.*\)",
        r"device: cpu, 1 process",
        r"fold 0: roc_auc 0\.\d+, 2 of at most 2 epochs, \d+ s; 1 of 3 folds done, at most \d+ s left",
        r"fold 2: roc_auc 0\.\d+, 2 of at most 2 epochs, \d+ s; 3 of 3 folds done",
    ):
        assert re.search(f"^{line}$", captured.err, re.MULTILINE), f"{line}\n{captured.err}"
    scores = find_run(folder / "runs").scores
    assert captured.out.splitlines()[0] == (
        f"roc_auc: {scores['mean']:.5g} ± {scores['std']:.2g} over 3 folds, "
        f"{scores['pooled']:.5g} over all rows together (higher is better)"
    )
    assert captured.out.splitlines()[-1] == "next: aicomp submit --dry-run"


def test_programs_read_one_object(folder, capsys):
    assert main(["train", "--project", str(folder), "--json", *quick_arguments()]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    content = json.loads(out)
    assert set(content) == {
        "run", "folder", "metric", "greater_is_better", "folds", "mean", "std", "pooled", "n_validated", "seconds",
        "last_step",
        "check",
    }  # fmt: skip
    assert content["run"] == find_run(folder / "runs").id


def test_the_project_is_found_from_a_folder_inside_it(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder / "data" / "raw")
    assert main(["train", "--json", *quick_arguments()]) == 0
    assert json.loads(capsys.readouterr().out)["folder"].startswith(str(folder))


def test_a_continued_run_says_so_and_fresh_begins_anew(folder, capsys):
    from aicomp.cross_validation import cross_validate

    def stop(event):
        if isinstance(event, FoldEvent):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cross_validate(open_quick(folder), on_event=stop)
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    assert "continuing: 1 of 3 folds are trained already" in capsys.readouterr().err
    assert main(["train", "--project", str(folder), "--fresh", *quick_arguments()]) == 0
    assert "continuing" not in capsys.readouterr().err
    assert len(list((folder / "runs").glob("*/DONE"))) == 2


def test_a_terminal_gets_bars_with_score_and_time_left(monkeypatch):
    from rich.console import Console

    console = Console(force_terminal=True, width=120, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    monkeypatch.setattr("rich.console.Console", lambda **keywords: console)
    monkeypatch.setattr(progress.Output, "is_terminal", property(lambda self: True))
    with Progress(Output(as_json=False), "rmse") as shown:
        shown.begin(5, [3, 4])
        shown.on_event(DeviceEvent("cpu", 2))
        shown.on_event(EpochEvent(3, 5, 10, 0.75, 0.625, 0.1, 20.0))
        shown._bars.refresh()
    text = console.export_text()
    assert re.search(r"folds .*0/2.*at most 30 s left", text)  # 10 of 20 s left in fold 3, 20 in fold 4, two at a time
    assert re.search(r"fold 3 .*5/10.*rmse 0\.75, best 0\.625", text)
