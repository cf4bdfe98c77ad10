"""A project on a simulation, from `aicomp init` to `aicomp submit`: runs, what survives a cut, and submissions."""

import json
import re
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from simulation_cases import QUICK, corridor_project

from aicomp.cli.main import main
from aicomp.competition import Competition, dump_competition, load_competition
from aicomp.engine.events import EpochEvent, FoldEvent
from aicomp.errors import DataError, UsageError
from aicomp.project import Project
from aicomp.run import Run, find_run, list_runs
from aicomp.simulation.check import check_agent
from aicomp.simulation.pack import build_agent
from aicomp.simulation.project import Simulation, open_project
from aicomp.simulation.referee import load_agent
from aicomp.simulation.training import train


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run."""
    folder = corridor_project(tmp_path_factory.mktemp("simulation") / "corridor")
    train(Simulation.open(folder, list(QUICK)))
    return folder


@pytest.fixture(scope="module")
def packed(project: Path) -> Path:
    """The submission of that run."""
    return build_agent(Simulation.open(project), find_run(project / "runs"))


@pytest.fixture
def run(project: Path) -> Run:
    return find_run(project / "runs")


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, object]:
    assert main([*arguments, "--json"]) == code
    content: dict[str, object] = json.loads(capsys.readouterr().out)
    return content


class TestRun:
    def test_it_holds_what_others_of_its_kind_hold(self, run: Run) -> None:
        names = {p.name for p in run.folder.iterdir()}
        assert names == {
            "DONE", "agent.json", "curves.csv", "curves.png", "episode.gif", "episodes.json", "folds", "folds.csv",
            "lock.txt", "plan.json", "run.json", "scores.json", "weights.safetensors",
        }  # fmt: skip
        assert {p.name for p in run.fold(1).iterdir()} == {
            "history.csv", "result.json", "spec.json", "weights.safetensors",
        }  # fmt: skip
        assert run.kind == "agent"
        assert run.info["versions"].keys() >= {"aicomp", "torch", "numpy"}
        assert run.info["config"]["training"]["steps"] == 2048

    def test_its_score_is_that_of_the_best_seed_in_episodes_of_their_own(self, run: Run) -> None:
        scores, episodes = run.scores, run.read("episodes.json")["episodes"]
        assert [e["seed"] for e in episodes] == list(range(2_000_000, 2_000_012))
        assert scores["folds"] == [run.result(k)["score"] for k in (0, 1)]
        best = scores["best_fold"]
        assert scores["folds"][best] == max(scores["folds"])
        for name in ("weights.safetensors",):
            assert (run.folder / name).read_bytes() == (run.fold(best) / name).read_bytes()
        # Out of the corridor from cell `seed % 3`: the steps before the last cost a tenth each.
        assert scores["pooled"] == pytest.approx(np.mean([1 - 0.1 * (3 - e["seed"] % 3) for e in episodes]))
        assert scores["evaluation"]["low"] < scores["pooled"] < scores["evaluation"]["high"]

    def test_the_gif_shows_the_first_episode(self, run: Run) -> None:
        with Image.open(run.folder / "episode.gif") as picture:
            assert picture.n_frames == run.read("episodes.json")["episodes"][0]["steps"] + 1
            assert len(np.unique(np.asarray(picture.convert("L")))) > 2

    def test_it_is_listed(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        [item] = said(capsys, "runs", "--project", str(project))["runs"]  # type: ignore[misc]
        assert (item["state"], item["model"], item["metric"]) == ("done", "ppo", "mean_return")
        assert item["best"]


def test_an_agent_of_the_project_is_a_run_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = corridor_project(tmp_path / "corridor")
    own = train(Simulation.open(folder, [*QUICK, "model.name=corridor:make_walker"]))
    assert own.scores["folds"] == [pytest.approx(np.mean([1 - 0.1 * (3 - s % 3) for s in range(1_000_000, 1_000_004)]))]
    with pytest.raises(DataError, match="returned `7`, and actions are whole numbers from 0 to 1"):
        train(Simulation.open(folder, [*QUICK, "model.name=corridor:make_fool"]))
    assert [r.id for r in list_runs(folder / "runs")] == [own.id]  # nothing is left of the mistake
    assert main(["submit", "--dry-run", "--project", str(folder)]) == 2
    assert "write it as one file whose last function is `agent(observation, configuration)`" in capsys.readouterr().err


class Stop(Exception):  # noqa: N818
    """A cut in the middle of a training."""


def test_a_training_that_was_cut_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = corridor_project(tmp_path / "corridor")
    monkeypatch.setattr("aicomp.training.checkpoints._LARGEST_SHARE", 1e9)
    quick = [*QUICK, "training.checkpoint=1e-9"]
    whole = train(Simulation.open(folder, quick))
    events: list[object] = []

    def cut(event: object) -> None:
        events.append(event)
        if isinstance(event, EpochEvent) and event.fold == 1 and event.epoch >= 1024:
            raise Stop

    with pytest.raises(Stop):
        train(Simulation.open(folder, quick), on_event=cut)
    [left] = [run for run in list_runs(folder / "runs") if run.id != whole.id]
    assert left.fold_is_done(0)
    assert not left.fold_is_done(1)
    first = (left.fold(0) / "weights.safetensors").read_bytes()
    later: list[object] = []
    done = train(Simulation.open(folder, quick), on_event=later.append)
    assert done.id == left.id
    assert done.is_done
    assert (done.fold(0) / "weights.safetensors").read_bytes() == first
    steps = [e.epoch for e in later if isinstance(e, EpochEvent)]
    assert steps[0] == 1280  # the fifth update of 256 steps
    assert [row["epoch"] for row in done.result(1)["history"]] == list(range(1, 9))
    assert [e.fold for e in later if isinstance(e, FoldEvent)] == [1]
    for k in (0, 1):
        names = ("weights.safetensors", "spec.json")
        assert all((done.fold(k) / name).read_bytes() == (whole.fold(k) / name).read_bytes() for name in names)
        assert done.result(k)["notes"] == []


def test_a_time_limit_ends_with_an_agent(tmp_path: Path) -> None:
    import time

    folder = corridor_project(tmp_path / "corridor")
    endless = [entry for entry in QUICK if "steps" not in entry]
    plans = []
    began = time.monotonic()
    limited = train(
        Simulation.open(folder, [*endless, "training.steps=100000000"]), limit=6.0, began=began, on_plan=plans.append
    )
    assert limited.is_done
    assert plans[0].n_seeds == 1  # two would have less than twenty seconds each
    assert 0 < limited.result(0)["steps"] < 100_000_000
    assert limited.scores["evaluation"]["episodes"] >= 1


class TestSubmission:
    def test_it_plays_by_itself_with_numpy_alone(self, packed: Path, run: Run, tmp_path: Path) -> None:
        program = f"""
            import sys
            for name in ("torch", "aicomp", "safetensors", "gymnasium"):
                sys.modules[name] = None  # to import one fails
            names = {{}}
            exec(open({str(packed)!r}).read(), names)
            agent = [value for value in names.values() if callable(value)][-1]
            print([agent(cell, None) for cell in range(4)])
        """
        done = subprocess.run(
            [sys.executable, "-I", "-c", textwrap.dedent(program)],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert json.loads(done.stdout) == [1, 1, 1, 1]

    def test_a_dry_run_plays_it_and_sends_nothing(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        content = said(capsys, "submit", "--dry-run", "--project", str(project))
        assert content["status"] == "valid"
        played: dict[str, object] = content["played"]  # type: ignore[assignment]
        assert len(played["episodes"]) == 5  # type: ignore[arg-type]
        assert not (project / "submissions" / "ledger.jsonl").exists()

    def test_it_is_graded_here_where_the_contract_says_so(
        self, project: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        content = said(capsys, "submit", "--yes", "--project", str(project))
        assert content["status"] == "graded"
        assert content["score"] == pytest.approx(
            np.mean([1 - 0.1 * (3 - seed % 3) for seed in range(3_000_000, 3_000_100)])
        )
        assert said(capsys, "runs", "--project", str(project))["runs"][0]["submission"]["status"] == "graded"  # type: ignore[index]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("def agent(seen, how):\n    return [1, 1][seen]", "it IndexError: list index out of"),
            ("def agent(seen):\n    return seen + 1", "it returned `2`, and actions are whole numbers from 0"),
            ("def agent(seen, how):\n    return None", "it returned `None`, and actions are whole numbers from 0 to 1"),
            ("import nothing_of_that_name", "fails when it is read: ModuleNotFoundError"),
            ("x = 1", "holds no function"),
            ("def agent(:", "fails when it is read: SyntaxError"),
            ("import time\ndef agent(seen, how):\n    time.sleep(2.1)\n    return 1", "it took 2."),
            ("import socket\ndef agent(seen, how):\n    socket.create_connection(('127.0.0.1', 80))", "it "),
            ("import os\ndef agent(seen, how):\n    os._exit(3)", "broke off while it was played"),
        ],
        ids=["exception", "illegal", "none", "import", "empty", "syntax", "slow", "network", "exit"],
    )  # fmt: skip
    def test_a_wrong_one_is_refused_with_what_it_saw(
        self, project: Path, tmp_path: Path, text: str, message: str
    ) -> None:
        file = tmp_path / "submission.py"
        file.write_text(text)
        with pytest.raises(DataError) as caught:
            check_agent(Simulation.open(project), file, n=3, first_seed=0, opponents=())
        assert message in caught.value.message
        if "returned" in message and "None" not in text:
            assert caught.value.message.endswith("for the observation 1")

    def test_a_corrupt_one_is_refused(self, project: Path, packed: Path, tmp_path: Path) -> None:
        text = packed.read_text()
        broken = tmp_path / "submission.py"
        broken.write_text(re.sub(r'_WEIGHTS = \(\n    "(.{20})', '_WEIGHTS = (\n    "AAAAAAAAAAAAAAAAAAAA', text))
        with pytest.raises(DataError, match="fails when it is read: error: Error -3"):
            check_agent(Simulation.open(project), broken, n=1, first_seed=0, opponents=())

    def test_an_archive_with_a_main_file_is_taken(self, project: Path, tmp_path: Path) -> None:
        (tmp_path / "helper.py").write_text("RIGHT = 1\n")
        (tmp_path / "main.py").write_text("from helper import RIGHT\ndef agent(seen):\n    return RIGHT\n")
        good, bad = tmp_path / "good.tar.gz", tmp_path / "bad.tar.gz"
        for path, name in ((good, "main.py"), (bad, "agent/main.py")):
            with tarfile.open(path, "w:gz") as archive:
                archive.add(tmp_path / "main.py", name)
                archive.add(tmp_path / "helper.py", "helper.py")
        simulation = Simulation.open(project)
        assert len(check_agent(simulation, good, n=2, first_seed=0, opponents=()).episodes) == 2
        with pytest.raises(DataError, match=r"holds no `main.py` on its top"):
            check_agent(simulation, bad, n=1, first_seed=0, opponents=())
        (tmp_path / "text.csv").write_text("")
        with pytest.raises(DataError, match=r"is neither a .py nor a .tar.gz"):
            check_agent(simulation, tmp_path / "text.csv", n=1, first_seed=0, opponents=())

    def test_the_last_callable_counts_as_with_kaggle(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("def agent(seen):\n    return 0\nlast = lambda seen: 5\nN = 3\n")
        assert load_agent(tmp_path / "a.py")("seen", None) == 5


@pytest.fixture(scope="module")
def connectx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on a game, with a run."""
    folder: Path = tmp_path_factory.mktemp("game") / "connectx"
    assert main(["init", "connectx", "--into", str(folder), "--json"]) == 0
    small = [entry for entry in QUICK if "episodes" not in entry]
    train(Simulation.open(folder, [*small, "training.seeds=1", "evaluation.episodes=4", "play.depth=2"]))
    return folder


class TestGame:
    def test_a_run_says_how_it_did_against_whom(self, connectx: Path) -> None:
        scores = find_run(connectx / "runs").scores
        assert scores["metric"] == "win_rate"
        assert scores["opponents"].keys() == {"random", "negamax"}
        assert sum(scores["opponents"]["random"][word] for word in ("won", "drawn", "lost")) == 2
        assert scores["opponents"]["random"]["won"] >= 1  # a search of two moves against chance

    def test_its_submission_plays_all_sides_without_an_account(
        self, connectx: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        content = said(capsys, "submit", "--dry-run", "--project", str(connectx))
        assert (content["status"], content["host"]) == ("valid", "kaggle")
        assert '"depth": 2' in Path(str(content["file"])).read_text()  # as the run has it, not aicomp.toml
        episodes: list[dict[str, object]] = content["played"]["episodes"]  # type: ignore[index]
        against = {str(episode["opponent"]) for episode in episodes}
        assert against == {
            f"{name}, moving {side}" for name in ("itself", "random", "negamax") for side in ("first", "second")
        }

    def test_a_move_into_a_full_column_is_named_with_the_board(self, connectx: Path, tmp_path: Path) -> None:
        (tmp_path / "submission.py").write_text("def agent(observation, configuration):\n    return 0\n")
        with pytest.raises(DataError) as caught:
            check_agent(
                Simulation.open(connectx), tmp_path / "submission.py", n=1, first_seed=0, opponents=("itself",),
                own_engine=True,
            )  # fmt: skip
        assert "it returned `0`, and that column is full (seed 0 against itself, moving second, action 7)" in str(
            caught.value
        )
        assert "board: [2, 0, 0," in str(caught.value)


class TestKinds:
    """A simulation is another kind of project: what is for rows refuses it, and the other way round."""

    @pytest.mark.parametrize(
        "command",
        [["blend"], ["train", "--pseudo", "x"], ["train", "--seeds", "2"], ["submit", "--notebook"], ["tune"]],
        ids=" ".join,
    )
    def test_commands_on_rows_refuse(
        self, project: Path, capsys: pytest.CaptureFixture[str], command: list[str]
    ) -> None:
        assert main([*command, "--project", str(project)]) == 2
        assert "simulation" in capsys.readouterr().err

    def test_each_is_opened_as_what_it_is(self, project: Path, tmp_path: Path) -> None:
        assert isinstance(open_project(project), Simulation)
        with pytest.raises(UsageError, match="it has no rows that this could work on"):
            Project.open(project)
        assert main(["init", "iris", "--into", str(tmp_path / "iris"), "--json"]) == 0
        assert isinstance(open_project(tmp_path / "iris"), Project)
        with pytest.raises(UsageError, match="is a project on rows, and no simulation"):
            Simulation.open(tmp_path / "iris")

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ("split.n_splits=3", "unknown key `split`"),
            ("training.gamma=1.5", "`training.gamma` is 1.5"),
            ("training.seeds=0", "`training.seeds` is 0"),
            ("evaluation.opponents=[]", "`evaluation.opponents` is empty"),
        ],
    )
    def test_wrong_settings_are_named(self, project: Path, entry: str, message: str) -> None:
        with pytest.raises(UsageError) as caught:
            Simulation.open(project, [entry])
        assert message in caught.value.message


class TestContract:
    def test_it_is_written_and_read(self, tmp_path: Path) -> None:
        contract = Competition(
            slug="c", title="C", problem_type="simulation", metric="win_rate", environment="kaggle:connectx"
        )
        (tmp_path / "c.toml").write_text(dump_competition(contract))
        assert load_competition(tmp_path / "c.toml") == contract

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ('environment = ""', "`environment` is empty"),
            ('metric = "rmse"', "unknown metric of a simulation in `c.toml`: `rmse`"),
            ('target = ["y"]', "a simulation has no `target`"),
            ('problem_type = "regression"', "`environment` is for simulations, but the problem is regression"),
            ('problem_type = "regression"\nenvironment = ""', "there is no `[files]`"),
        ],
    )
    def test_a_wrong_one_is_refused(self, tmp_path: Path, change: str, message: str) -> None:
        entries = {
            "slug": '"c"', "title": '"C"', "problem_type": '"simulation"', "metric": '"mean_return"',
            "environment": '"CartPole-v1"',
        }  # fmt: skip
        entries |= dict(line.split(" = ", 1) for line in change.splitlines())
        (tmp_path / "c.toml").write_text("".join(f"{k} = {v}\n" for k, v in entries.items()))
        with pytest.raises(UsageError) as caught:
            load_competition(tmp_path / "c.toml")
        assert message in caught.value.message

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["lux", "--template", "simulation"], "which environment is `lux`?"),
            (["lux", "--environment", "CartPole-v1", "--target", "y"], "`--target` is for competitions with files"),
            (["lux", "--environment", "x", "--template", "text"], "`--environment` is for simulations"),
            (["cartpole", "--environment", "x"], "`--environment` cannot be given for `cartpole`"),
            (["cartpole", "--template", "tabular"], "template `tabular` does not fit `cartpole`, which is simulation"),
            (["iris", "--template", "simulation"], "template `simulation` does not fit `iris`, which is multiclass"),
            (["Lux", "--environment", "CartPole-v1"], "`Lux` is no slug"),
        ],
    )
    def test_init_says_what_does_not_go_together(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
        arguments: list[str], message: str,
    ) -> None:  # fmt: skip
        monkeypatch.chdir(tmp_path)
        assert main(["init", *arguments]) == 2
        assert message in capsys.readouterr().err
        assert not list(tmp_path.iterdir())

    def test_init_of_any_simulation_asks_nobody(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        created = said(
            capsys, "init", "lux-ai", "--template", "simulation", "--environment", "environment:LaneKeeping", "--into",
            str(tmp_path / "lux"),
        )  # fmt: skip
        contract: dict[str, object] = created["competition"]  # type: ignore[assignment]
        assert (contract["host"], contract["metric"]) == ("kaggle", "mean_return")
        assert main(["init", "--data-only", "--into", str(tmp_path / "lux")]) == 2
        assert "it has no data" in capsys.readouterr().err
