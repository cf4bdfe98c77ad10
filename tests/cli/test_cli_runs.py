import csv
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from run_cases import Capture, error_of, json_of, make_project, make_run, output_of

from aicomp.cli.main import main


def add_submission(project: Path, runs: list[str], cv: float, score: float | None) -> None:
    """A line for the intent and one for the outcome, as `aicomp submit` writes them."""
    path = project / "submissions" / "ledger.jsonl"
    path.parent.mkdir(exist_ok=True)
    number = f"{len(path.read_bytes().splitlines()) if path.is_file() else 0:032x}"
    intent = {
        "event": "intent", "id": number, "time": "2026-01-01T00:00:00Z", "competition": "shop", "host": "kaggle",
        "run": runs[0] if len(runs) == 1 else None, "runs": runs, "file": "a.csv", "sha256": number[::-1] * 2,
        "message": "",
        "cv": {"metric": "roc_auc", "mean": cv, "std": 0.01},
    }  # fmt: skip
    outcome = {"event": "outcome", "id": number, "status": "complete", "score": score}
    with path.open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in (intent, outcome))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path, monkeypatch)


@pytest.mark.usefixtures("project")
def test_no_run_yet(capsys: Capture) -> None:
    assert output_of(capsys) == ["no run yet: `aicomp train` makes one"]
    assert json_of(capsys) == {"runs": [], "cv_and_public": None, "page": None, "csv": None, "pngs": []}


def test_the_table(project: Path, capsys: Capture) -> None:
    def name(**ago: int) -> str:
        return (datetime.now() - timedelta(**ago)).strftime("%Y%m%d-%H%M%S")

    names = [name(days=3), name(hours=5), name(minutes=7)]
    make_run(project, names[0], [0.8, 0.9])
    make_run(project, names[1], [0.9, 0.91], model="model:build_model").write(
        "submission.json", {"status": "graded", "score": 0.90625}
    )
    make_run(project, names[2], [0.95], n_folds=5, model="mlp")
    assert output_of(capsys) == [
        "   run              state      model              metric   mean ± std     public   pooled  seconds  age",
        f"   {names[0]}  done       tabm               roc_auc  0.85 ± 0.05             0.86    3        3 days",
        f"*  {names[1]}  done       model:build_model  roc_auc  0.905 ± 0.005  0.90625  0.915   3        5 h",
        f"   {names[2]}  1/5 folds  mlp                roc_auc                                  1        7 min",
        f"* best: {names[1]}, roc_auc 0.905 (higher is better)",
    ]


def test_json(project: Path, capsys: Capture) -> None:
    make_run(project, "20260102-030405", [0.8, 0.9]).write("submission.json", {"status": "unknown"})
    make_run(project, "20260102-030405-002", [], n_folds=3)
    done, cut = json_of(capsys)["runs"]
    assert done == {
        "run": "20260102-030405",
        "folder": str(project / "runs" / "20260102-030405"),
        "created": "2026-01-02T03:04:05",
        "state": "done",
        "folds_done": 2,
        "n_folds": 2,
        "kind": "train",
        "model": "tabm",
        "metric": "roc_auc",
        "greater_is_better": True,
        "mean": pytest.approx(0.85),
        "std": pytest.approx(0.05),
        "pooled": pytest.approx(0.86),
        "seconds": 3.0,
        "best": True,
        "submission": {"status": "unknown", "score": None},
        "note": "",
        "tags": [],
        "members": [],
    }
    assert {key: cut[key] for key in ("created", "state", "folds_done", "n_folds", "mean", "best", "submission")} == {
        "created": "2026-01-02T03:04:05",
        "state": "unfinished",
        "folds_done": 0,
        "n_folds": 3,
        "mean": None,
        "best": False,
        "submission": None,
    }


def test_a_run_that_was_cut_before_its_folds_were_laid_out(project: Path, capsys: Capture) -> None:
    (make_run(project, "20260102-030405", [], n_folds=3).folder / "plan.json").unlink()
    assert "  0/? folds  " in output_of(capsys)[1]


def test_a_renamed_run_keeps_its_time(project: Path, capsys: Capture) -> None:
    run = make_run(project, "baseline", [0.5])
    made = datetime.fromtimestamp((run.folder / "run.json").stat().st_mtime)
    assert json_of(capsys)["runs"][0]["created"] == made.replace(microsecond=0).isoformat()


def test_the_best_is_the_lowest_where_lower_is_better(project: Path, capsys: Capture) -> None:
    for name, score in (("20260101-000001", 3.0), ("20260101-000002", 2.0), ("20260101-000003", 2.5)):
        make_run(project, name, [score], metric=("rmse", False))
    assert [run["run"] for run in json_of(capsys)["runs"] if run["best"]] == ["20260101-000002"]
    assert output_of(capsys)[-1] == "* best: 20260101-000002, rmse 2 (lower is better)"


def test_scores_of_other_metrics_and_other_data_are_other_contests(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.7])
    make_run(project, "20260101-000002", [0.6])
    make_run(project, "20260101-000003", [0.4], metric=("log_loss", False))
    make_run(project, "20260101-000004", [0.1], data_hash="other")
    best = [run["run"][-1] for run in json_of(capsys)["runs"] if run["best"]]
    assert best == ["1", "3", "4"]


def test_of_equal_means_each_is_best(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.5])
    make_run(project, "20260101-000002", [0.5])
    assert [run["best"] for run in json_of(capsys)["runs"]] == [True, True]


def test_a_damaged_run_is_named(project: Path, capsys: Capture) -> None:
    run = make_run(project, "20260101-000001", [0.5])
    (run.folder / "scores.json").write_text("{")
    assert main(["runs"]) == 3
    assert f"error: `{run.folder / 'scores.json'}` is damaged: " in capsys.readouterr().err


def test_another_folder(project: Path, tmp_path_factory: pytest.TempPathFactory, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.5])
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(elsewhere)
        assert len(json_of(capsys, "--project", str(project))["runs"]) == 1
        assert "lies in no project" in error_of(capsys)


def test_cv_is_set_beside_public_scores(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.8])
    assert "CV and public" not in "\n".join(output_of(capsys))
    for cv, score in ((0.80, 0.70), (0.81, 0.72), (0.82, 0.71)):
        add_submission(project, ["20260101-000001"], cv, score)
    assert output_of(capsys)[-1] == (
        "CV and public score: 3 files have both a CV and a public score: too few to say whether CV can be trusted "
        "here, 4 at least"
    )
    assert json_of(capsys)["cv_and_public"] is None
    add_submission(project, ["20260101-000001", "20260101-000002"], 0.84, 0.75)
    add_submission(project, ["20260101-000001"], 0.85, None)  # not scored yet
    found = json_of(capsys)["cv_and_public"]
    # Ranks 1 2 3 4 and 1 3 2 4: 1 - 6 * 2 / (4 * 15) = 0.8; of six pairs, one stands the other way round.
    assert found["spearman"] == pytest.approx(0.8)
    assert (found["n"], found["same_order"], found["n_pairs"]) == (4, 5, 6)
    assert found["low"] < 0 < found["high"] < 1
    assert output_of(capsys)[-3:] == [
        "CV and public score: over 4 files: whether CV can be trusted here is not known yet, as chance alone may order "
        "the files so",
        # tanh(atanh(0.8) ± 1.96 * sqrt(1.32)).
        "rank correlation 0.80, 95 % interval -0.82 to 1.00",
        "of 6 pairs of files, 5 stand in the same order by both scores",
    ]


def test_sorting_and_the_newest(project: Path, capsys: Capture) -> None:
    for name, score, model in (("20260101-000001", 3.0, "b"), ("20260101-000002", 2.0, "c"), ("baseline", 2.5, "a")):
        make_run(project, name, [score], metric=("rmse", False), model=model)
    make_run(project, "20260101-000003", [], n_folds=2, model="d", metric=("rmse", False))

    def order(*arguments: str) -> list[str]:
        return [run["run"] for run in json_of(capsys, *arguments)["runs"]]

    assert order("--sort", "mean") == ["20260101-000002", "baseline", "20260101-000001", "20260101-000003"]
    assert order("--sort", "model") == ["baseline", "20260101-000001", "20260101-000002", "20260101-000003"]
    assert order("--last", "2", "--sort", "name") == ["20260101-000003", "baseline"]
    assert "is not one of 'created', 'mean'" in error_of(capsys, "--sort", "luck").replace("`", "'")


def test_a_spreadsheet_finds_no_formula(project: Path, capsys: Capture) -> None:
    run = make_run(project, "20260101-000001", [-0.5, -0.7], model="@SUM(A1)")
    run.write("notes.json", {"note": '=HYPERLINK("http://a.invalid")', "tags": ["-1+1", "-2"]})
    make_run(project, "20260101-000002", [0.9], model="+1").write("notes.json", {"note": "-3.5e-2", "tags": ["-2"]})
    assert output_of(capsys, "--csv", "runs.csv")[-1] == "written: `runs.csv`"
    first, second = csv.DictReader((project / "runs.csv").read_text().splitlines())
    assert first["model"] == "'@SUM(A1)"
    assert first["note"] == '\'=HYPERLINK("http://a.invalid")'
    assert first["tags"] == "'-1+1 -2"
    assert first["mean"] == "-0.6"
    assert (second["model"], second["note"], second["tags"]) == ("+1", "-3.5e-2", "-2")  # plain numbers
    cells = [cell for row in (first, second) for cell in row.values()]
    assert not [c for c in cells if c.startswith(("=", "@", "\t", "\r"))]


def test_blends_and_agents_are_listed_as_such(project: Path, capsys: Capture) -> None:
    blend = make_run(project, "20260101-000001", [0.5])
    blend.write("run.json", {**blend.info, "kind": "blend", "blend": {"members": [{"run": "a"}, {"run": "b"}]}})
    agent = make_run(project, "20260101-000002", [1.0, 2.0], metric=("mean_return", True))
    agent.write("run.json", {**agent.info, "kind": "agent"})
    runs = json_of(capsys)["runs"]
    assert [(run["kind"], run["members"]) for run in runs] == [("blend", ["a", "b"]), ("agent", [])]


def test_the_page_is_written(project: Path, capsys: Capture) -> None:
    make_run(project, "20260101-000001", [0.5], model="<script>")
    make_run(project, "20260101-000002", [], n_folds=3)
    answer = json_of(capsys, "--output", "runs.html", "--png", "figures")
    assert answer["page"] == "runs.html"
    assert answer["pngs"] == [str(Path("figures", "scores-over-time.png"))]
    assert (project / answer["pngs"][0]).read_bytes()[1:4] == b"PNG"
    page = (project / "runs.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "0/3 folds" in page
