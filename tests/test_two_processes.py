"""Two processes in one project, or one cache: each ends as if it were alone, or is refused and says why."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hosting import RunningHost
from torture_cases import LONGEST, SLUG, Torture, arguments, check_whole, left_over, runs_done, saved_runs

from aicomp.cli.main import main
from aicomp.project import Project
from aicomp.raw_data import check_manifest
from aicomp.submission import read_ledger

pytest_plugins = ["torture_fixtures"]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="starts groups of processes")]

TRAIN = ['model.name="mlp"', "workers=0", "training.epochs=25", "training.batch_size=32", "split.n_splits=3"]


def wait_until(is_so: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    ends = time.monotonic() + LONGEST
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.02)


def ended(process: "subprocess.Popen[str]") -> tuple[int, dict[str, object]]:
    out, err = process.communicate(timeout=LONGEST)
    assert "Traceback" not in err, err
    return process.returncode, json.loads(out)


def test_a_second_training_is_refused_and_the_first_ends(place: Torture, project: Path) -> None:
    first = place.start(arguments("train", overrides=TRAIN))
    wait_until(lambda: list(project.glob("runs/*/*/READY")), first)
    error = json.loads(place.run(*arguments("train", overrides=TRAIN), code=1).stdout)["error"]
    assert error["message"].startswith("another training is running in `")
    assert error["hint"] == "wait for it, or copy the project to train side by side"
    code, told = ended(first)
    assert code == 0
    assert list(runs_done(project)) == [told["run"]]
    assert check_whole(project)


def test_blends_and_lists_beside_a_training(
    place: Torture, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    members = saved_runs(project, 2)
    alone = json.loads(place.run(*arguments("blend", *members)).stdout)
    training = place.start(arguments("train", overrides=TRAIN))
    wait_until(lambda: list(project.glob("runs/*/*/READY")), training)
    blending = place.start(arguments("blend", *members))
    monkeypatch.chdir(project)
    seen: list[set[str]] = []
    while training.poll() is None or blending.poll() is None:
        assert main(["runs", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)["runs"]
        seen.append({run["run"] for run in listed if run["state"] == "done"})
        assert {run["run"] for run in listed} >= {*members, alone["run"]}
    (code, beside), (trained, run) = ended(blending), ended(training)
    assert (code, trained) == (0, 0)
    assert beside["honest"] == alone["honest"]
    assert all(before <= after for before, after in pairwise(seen))
    assert set(runs_done(project)) == {*members, alone["run"], beside["run"], run["run"]}
    assert check_whole(project)
    assert not left_over(project)


def test_the_same_file_from_two_processes_is_sent_once(place: Torture, project: Path, host: RunningHost) -> None:
    (run,) = saved_runs(project, 1)
    both = [place.start(arguments("submit", run, "--yes")) for _ in range(2)]
    told = [ended(process) for process in both]
    assert [code for code, _ in told] == [0, 0]
    assert sorted(str(content["status"]) for _, content in told) == ["already sent", "sent"]
    (ref,) = {content["ref"] for _, content in told}
    listed = host.client("Ada").call("ListSubmissions", competitionName=SLUG, pageSize=1000)["submissions"]
    tag = str(told[0][1]["sha256"])[:12]
    assert [s["ref"] for s in listed if tag in s["description"]] == [ref]
    assert [(a.ref, a.runs) for a in read_ledger(Project.open(project))] == [(ref, (run,))]


@pytest.mark.parametrize("existing", [False, True])
def test_of_two_inits_into_one_folder_one_makes_the_project(place: Torture, host: RunningHost, existing: bool) -> None:
    project = place.root / "p"
    if existing:
        project.mkdir()
        (project / "mine.txt").write_text("mine")
    both = [place.start(["init", SLUG, "--host", host.url, "--into", "p", "--json"]) for _ in range(2)]
    told = sorted((ended(process) for process in both), key=lambda end: end[0])
    assert [code for code, _ in told] == [0, 2]
    message = told[1][1]["error"]["message"]  # type: ignore[index]
    assert any(words in message for words in ("is a project already", "in the meantime", "and nothing is overwritten"))
    check_manifest(project)
    Project.open(project)
    assert (project / "mine.txt").exists() == existing
    assert sorted(p.name for p in place.root.iterdir()) == ["cache", "p"]


def test_two_downloads_into_one_cache(place: Torture, host: RunningHost) -> None:
    both = [place.start(["init", SLUG, "--host", host.url, "--into", name, "--json"]) for name in ("p", "q")]
    assert [ended(process)[0] for process in both] == [0, 0]
    for name in ("p", "q"):
        check_manifest(place.root / name)
    raw = [{path.name: path.read_bytes() for path in (place.root / n / "data" / "raw").iterdir()} for n in ("p", "q")]
    assert raw[0] == raw[1]
    assert not left_over(place.root)
