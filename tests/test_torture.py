"""Twenty kills at random moments: nothing half is taken for whole, nothing told is lost, the same command goes on.

The moments come from a seed that is printed; `TORTURE_SEED=N` repeats them. Most are changes of files, counted by
`torture_hook`, as there a kill may hurt; some are by the clock, in the middle of whatever is done then.
"""

import json
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hosting import RunningHost
from torture_cases import SLUG, Torture, arguments, check_whole, left_over, runs_done, saved_runs

import aicomp
from aicomp.project import Project
from aicomp.raw_data import check_manifest
from aicomp.submission import read_ledger

pytest_plugins = ["torture_fixtures"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kills groups of processes"),
    pytest.mark.timeout(900),
]

TRAIN = [
    'model.name="mlp"',
    "workers=2",
    "training.layout=processes",
    "training.epochs=12",
    "training.batch_size=32",
    "training.checkpoint=0.02",
    "regularization.early_stopping=0",
    "split.n_splits=3",
]


@pytest.fixture(scope="module")
def seed() -> int:
    chosen = int(os.environ.get("TORTURE_SEED") or random.SystemRandom().randrange(10**6))
    print(f"TORTURE_SEED={chosen}")
    return chosen


def torture(
    place: Torture,
    command: list[str],
    n_kills: int,
    draw: random.Random,
    fresh: Callable[[], None],
    check: Callable[[bool], None],
) -> None:
    """Kill a command so often; whenever it comes to its end, or was killed three times, it begins on something new.

    Args:
        place: Where.
        command: What is typed, time and again.
        n_kills: Kills.
        draw: Random numbers.
        fresh: Prepares the place.
        check: Looks at what is there, told whether the command has come to its end.
    """
    fresh()
    began = time.monotonic()
    place.run(*command)
    seconds, n_changes = time.monotonic() - began, place.n_changes
    check(True)
    fresh()
    done = in_a_row = 0
    while done < n_kills:
        by_clock = draw.random() < 0.3
        how = "kill-parent" if draw.random() < 0.3 else "kill"
        if by_clock:
            was_killed = place.kill_after(command, draw.uniform(0.3, 1.0) * seconds)
        else:
            was_killed = place.kill_at_change(command, draw.randint(1, n_changes), how)
        done += was_killed
        in_a_row += was_killed
        check(not was_killed)
        if was_killed and in_a_row == 3:
            place.run(*command)
            check(True)
            was_killed = False
        if not was_killed:
            in_a_row = 0
            fresh()
    if in_a_row:
        place.run(*command)
        check(True)


def test_train(place: Torture, project: Path, seed: int) -> None:
    original, twin = place.root / "original", {}
    project.rename(original)

    def fresh() -> None:
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(original, project)
        told.clear()

    told: dict[str, bytes] = {}

    def check(is_done: bool) -> None:
        assert check_whole(project)
        # A fold that was finished stays as it is.
        folds = {str(p.relative_to(project)): p.read_bytes() for p in project.glob("runs/*/folds/*/result.json")}
        assert told.items() <= folds.items()
        told.update(folds)
        if is_done:
            # One that was killed when all was written, and only its words were missing, is followed by a second one.
            found, *again = runs_done(project).values()
            assert len(again) <= 1
            assert all(bits == found for bits in again)
            assert not left_over(project)
            assert [p.name for p in project.glob("runs/2*")] == [p.parent.name for p in project.glob("runs/*/DONE")]
            assert not list(project.glob("runs/*/work"))
            twin.setdefault("bits", found)
            assert found == twin["bits"]

    torture(place, arguments("train", overrides=TRAIN), 8, random.Random(f"{seed} train"), fresh, check)


def test_blend(place: Torture, project: Path, seed: int) -> None:
    members = saved_runs(project, 3)
    before, twin = runs_done(project), {}

    def fresh() -> None:
        for done in project.glob("runs/*/DONE"):
            if done.parent.name not in members:
                shutil.rmtree(done.parent)

    def check(is_done: bool) -> None:
        assert check_whole(project)
        found = runs_done(project)
        assert before.items() <= found.items()
        new = [found[name] for name in found if name not in members]
        twin.setdefault("bits", new[0] if new else None)
        # A kill right after it was written leaves a whole one, and the command that is given next makes another.
        assert all(blend == twin["bits"] for blend in new)
        if is_done:
            assert new
            assert not left_over(project)
            names = {p.name for p in project.glob("runs/*")}
            assert names - {".lock", ".naming.lock"} == set(found)

    torture(place, arguments("blend", *members), 4, random.Random(f"{seed} blend"), fresh, check)


@pytest.mark.parametrize("existing", [False, True])
def test_init(place: Torture, host: RunningHost, seed: int, existing: bool) -> None:
    project, twin = place.root / "p", {}
    command = ["init", SLUG, "--host", host.url, "--into", "p", "--json"]

    def fresh() -> None:
        for folder in (project, place.root / "cache"):
            shutil.rmtree(folder, ignore_errors=True)
        if existing:
            (project / "docs").mkdir(parents=True)
            (project / "docs" / "mine.txt").write_text("mine")

    def check(is_done: bool) -> None:
        if existing:
            assert (project / "docs" / "mine.txt").read_text() == "mine"
        whole = (project / "aicomp.toml").exists()
        if whole:  # what makes it a project comes last
            Project.open(project)
            check_manifest(project)
            files = {str(p.relative_to(project)): p.read_bytes() for p in project.rglob("*") if p.is_file()}
            twin.setdefault("files", files)
            assert files == twin["files"]
        if is_done:
            assert whole
            assert not left_over(place.root)
            assert sorted(p.name for p in place.root.iterdir()) == ["cache", "p"]
        elif whole:  # killed when all was there, before it could say so: then it is there already
            error = json.loads(place.run(*command, code=2).stdout)["error"]
            assert "is a project already" in error["message"]
            fresh()

    torture(place, command, 2, random.Random(f"{seed} init {existing}"), fresh, check)


def test_submit(place: Torture, project: Path, host: RunningHost, seed: int) -> None:
    left = saved_runs(project, 6)
    client = host.client("Ada")
    acknowledged: dict[str, int] = {}
    draw, n_kills = random.Random(f"{seed} submit"), 0

    def posted() -> list[dict[str, object]]:
        found: list[dict[str, object]] = client.call("ListSubmissions", competitionName=SLUG, pageSize=1000)[
            "submissions"
        ]
        return found

    while n_kills < 4:
        run = left.pop()
        command = arguments("submit", run, "--yes")
        for _ in range(2):
            if draw.random() < 0.5:
                n_kills += place.kill_after(command, draw.uniform(0.5, 3.0))
            else:
                n_kills += place.kill_at_change(command, draw.randint(1, 12))
            assert check_whole(project)
            known = {a.ref for a in read_ledger(Project.open(project))}
            assert set(acknowledged.values()) <= known
        told = json.loads(place.run(*command).stdout)
        assert told["status"] in ("sent", "complete", "already sent")
        acknowledged[run] = told["ref"]
        # Once there, once here, and under the same number.
        tag = told["sha256"][:12]
        assert [p["ref"] for p in posted() if tag in str(p["description"])] == [told["ref"]]
        attempts = [a for a in read_ledger(Project.open(project)) if a.sha256 == told["sha256"] and a.ref is not None]
        assert [(a.ref, a.runs) for a in attempts] == [(told["ref"], (run,))]
        assert aicomp.Run(project / "runs" / run).read("submission.json")["ref"] == told["ref"]
    assert len(posted()) == len(acknowledged)


def test_a_full_disk_in_the_middle_of_a_training(place: Torture, project: Path, seed: int) -> None:
    original = place.root / "original"
    shutil.copytree(project, original)
    command = arguments("train", overrides=[*TRAIN, "workers=0", "training.checkpoint=0"])
    place.run(*command)
    n_changes, (twin,) = place.n_changes, runs_done(project).values()
    shutil.rmtree(project)
    original.rename(project)
    draw = random.Random(f"{seed} full")
    # Half of the changes are before the last fold is trained; from the removal of `work/` on nothing is written.
    for at in (2, draw.randint(2, n_changes // 2), n_changes // 2):
        said = place.run(*command, at=at, how="full", code=1)
        assert "Traceback" not in said.stderr
        error = json.loads(said.stdout)["error"]
        assert error["message"].startswith("cannot write `")
        assert "No space left on device" in error["message"]
        assert error["hint"] == "free some space, or correct the permissions"
        assert check_whole(project) or at == 2
    place.run(*command)
    assert list(runs_done(project).values()) == [twin]
    assert not left_over(project)
