import json
import os
from pathlib import Path

import pytest
from run_cases import Capture, error_of, json_of, make_project, make_run, output_of

from aicomp.run import Run
from aicomp.runs.export.content import exported
from aicomp.runs.facts import read_facts

A, B, CUT = "20260101-000001", "20260102-000001", "20260103-000001"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_project(tmp_path, monkeypatch)
    monkeypatch.setenv("TZ", "UTC")
    for name in (A, B):
        run = make_run(made, name, [0.8, 0.9], params={"d_block": 64})
        history = [{"epoch": e, "valid_loss": 1 / e, "score": None, "seconds": e / 10} for e in (1, 2, 3)]
        run.write("folds/0/result.json", {"seconds": 1.0, "history": history})
    make_run(made, CUT, [], n_folds=2)
    Run(made / "runs" / A).write("submission.json", {"status": "complete", "score": 0.75})
    Run(made / "runs" / A).write("notes.json", {"note": "first", "tags": ["base"]})
    return made


def test_what_is_given_away(project: Path) -> None:
    run = Run(project / "runs" / A)
    content = exported(run, read_facts(run))
    assert content.params == {"model.name": "tabm", "model.params.d_block": 64, "seed": 0}
    assert [(course.name, [(step, value) for step, _, value in course.points]) for course in content.courses] == [
        ("valid_loss/fold1", [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))])
    ]
    assert content.scores == {
        "cv/mean": pytest.approx(0.85),
        "cv/std": pytest.approx(0.05),
        "cv/pooled": pytest.approx(0.86),
        "cv/fold1": 0.8,
        "cv/fold2": 0.9,
        "public": 0.75,
    }
    assert content.tags["aicomp.tags"] == "base"
    assert content.artifacts[str(run.folder / "folds.csv")] == (run.folder / "folds.csv").stat().st_size
    assert content.ended - content.began == 3.0


def test_wrong_usage(project: Path, capsys: Capture) -> None:
    assert "is not told for which program" in error_of(capsys, "export", A)
    assert "name the runs, or all of them" in error_of(capsys, "export", "--to", "mlflow")
    assert "name the runs, or all of them" in error_of(capsys, "export", A, "--all", "--to", "mlflow")
    assert f"run `{CUT}` is not finished" in error_of(capsys, "export", CUT, "--to", "mlflow")
    assert "is not one of" in error_of(capsys, "export", A, "--to", "excel")


@pytest.mark.parametrize("program", ["mlflow", "tensorboard"])
def test_what_is_missing_is_named(
    project: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    import sys

    for module in ("mlflow", "alembic", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, module, None)
    said = error_of(capsys, "export", A, "--to", program)
    assert f"error: `--to {program}` needs the package `" in said
    assert f"pip install 'aicomp[{program}]'" in said


def test_mlflow(project: Path, capsys: Capture) -> None:
    pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    from mlflow import MlflowClient

    assert json_of(capsys, "export", "--all", "--to", "mlflow", "--into", "out")["runs"] == [A, B]
    Run(project / "runs" / A).write("notes.json", {"note": "second", "tags": []})
    assert output_of(capsys, "export", A, "--to", "mlflow", "--into", "out")[0] == "1 run written into `out`"
    client = MlflowClient(tracking_uri=f"sqlite:///{project / 'out' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("shop")
    found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(found) == {A, B}
    run = found[A]
    assert run.info.status == "FINISHED"
    assert run.data.params["model.params.d_block"] == "64"
    assert run.data.metrics["public"] == 0.75
    assert run.data.tags["mlflow.note.content"] == "second"
    course = client.get_metric_history(run.info.run_id, "valid_loss/fold1")
    assert [(metric.step, metric.value) for metric in course] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_tensorboard(project: Path, capsys: Capture) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (project / "out" / A).mkdir(parents=True)
    (project / "out" / A / "mine.txt").write_text("stays")
    for _ in range(2):
        assert json_of(capsys, "export", "--all", "--to", "tensorboard", "--into", "out")["runs"] == [A, B]
    assert sorted(p.name for p in (project / "out").iterdir()) == [A, B]
    assert (project / "out" / A / "mine.txt").is_file()
    events = EventAccumulator(str(project / "out" / A))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("valid_loss/fold1")] == [
        (1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))
    ]  # fmt: skip
    assert [e.value for e in events.Scalars("cv/mean")] == [pytest.approx(0.85)]
    text = events.Tensors("note/text_summary")[0].tensor_proto.string_val[0].decode()
    assert json.dumps(text) == json.dumps("    first")
