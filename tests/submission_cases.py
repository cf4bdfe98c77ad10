"""Projects with a finished run that nobody had to train: its predictions are given."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from aicomp.competition import Competition, Files, SubmissionSchema, dump_competition
from aicomp.project import Project
from aicomp.raw_data import copy_raw_data
from aicomp.run import Run

TEST_IDS = ["007", "010", "0x1"]


def competition(**changes: Any) -> Competition:
    """A binary competition with labels No and Yes, in which a probability is wanted."""
    schema = {"columns": ("id", "bought"), "wants": "probability", **changes.pop("submission", {})}
    entries = {
        "slug": "shop",
        "title": "Shop",
        "problem_type": "binary",
        "id": ("id",),
        "target": ("bought",),
        "metric": "roc_auc",
        "labels": ("No", "Yes"),
        **changes,
    }
    files = Files(train="train.csv", test="test.csv", sample_submission="sample_submission.csv")
    return Competition(**entries, files=files, submission=SubmissionSchema(**schema))


def make_project(folder: Path, contract: Competition, sample: str) -> Project:
    """A project with a sample submission; its train and test are stubs that building a submission does not read."""
    source = folder / "downloads"
    source.mkdir(parents=True)
    for name, text in (("train.csv", "x\n1\n"), ("test.csv", "x\n1\n"), ("sample_submission.csv", sample)):
        (source / name).write_bytes(text.encode())
    root = folder / "project"
    root.mkdir()
    (root / "aicomp.toml").write_text("[features]\n")
    (root / "competition.toml").write_text(dump_competition(contract), encoding="utf-8")
    copy_raw_data(source, ["train.csv", "test.csv", "sample_submission.csv"], root)
    return Project.open(root)


def make_run(project: Project, *folds: list[Any], ids: dict[str, list[str]] | None = None) -> Run:
    """A run that is done, with the test predictions of each fold."""
    run = Run(project.runs / "20260101-120000")
    for k, predictions in enumerate(folds):
        run.fold(k).mkdir(parents=True)
        save_file({"test": np.array(predictions, dtype=np.float64)}, run.fold(k) / "predictions.safetensors")
    scores = {"metric": project.competition.metric, "folds": [0.5] * len(folds), "mean": 0.75, "std": 0.01}
    (run.folder / "run.json").write_text("{}")
    (run.folder / "scores.json").write_text(json.dumps({**scores, "pooled": 0.74}))
    (run.folder / "test_ids.json").write_text(json.dumps({"id": TEST_IDS} if ids is None else ids))
    (run.folder / "DONE").touch()
    return run
