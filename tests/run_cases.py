"""Runs of which there is no more than a list of runs reads, and `aicomp runs` as its users call it."""

import json
from pathlib import Path
from typing import Any

import pytest
from submission_cases import competition

from aicomp.cli.main import main
from aicomp.competition import dump_competition
from aicomp.run import Run

Capture = pytest.CaptureFixture[str]

FOLDS = "id,fold\n1,0\n2,1\n3,0\n4,1\n"


def make_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without data, in which commands run from now on."""
    (folder / "aicomp.toml").touch()
    (folder / "competition.toml").write_text(dump_competition(competition()))
    monkeypatch.chdir(folder)
    return folder


def make_run(project: Path, name: str, folds: list[float], **changes: Any) -> Run:
    """A run whose folds took 1, 2, ... seconds; it is done unless `n_folds` says that there are more of them."""
    n_folds = changes.get("n_folds", len(folds))
    metric, higher = changes.get("metric", ("roc_auc", True))
    run = Run(project / "runs" / name)
    info = {
        "config": {"model": {"name": changes.get("model", "tabm"), "params": changes.get("params", {})}, "seed": 0},
        "competition": {"metric": metric},
        "data_hash": changes.get("data_hash", "d"),
        "code_hash": changes.get("code_hash", "c"),
        "versions": {"torch": changes.get("torch", "2.13.0")},
    }
    run.write("run.json", info)
    run.write("plan.json", {"n_folds": n_folds})
    for k in range(len(folds)):
        run.write(f"folds/{k}/result.json", {"seconds": k + 1.0})
    (run.folder / "folds.csv").write_text(changes.get("folds_csv", FOLDS))
    if n_folds == len(folds):
        mean = sum(folds) / n_folds
        std = (sum((f - mean) ** 2 for f in folds) / n_folds) ** 0.5
        scores = {"metric": metric, "greater_is_better": higher, "folds": folds, "mean": mean, "std": std}
        run.write("scores.json", {**scores, "pooled": mean + 0.01})
        (run.folder / "DONE").touch()
    return run


def output_of(capsys: Capture, *arguments: str) -> list[str]:
    assert main(["runs", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


def json_of(capsys: Capture, *arguments: str) -> Any:
    (line,) = output_of(capsys, *arguments, "--json")
    return json.loads(line)


def error_of(capsys: Capture, *arguments: str, code: int = 2) -> str:
    assert main(["runs", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err
