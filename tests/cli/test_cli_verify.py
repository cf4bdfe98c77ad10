"""`aicomp verify`: what is identical, what differs and by how much, and what is refused."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from simulation_cases import QUICK as QUICK_AGENT
from simulation_cases import corridor_project
from synthetic import init_project, open_quick, quick_arguments

from aicomp import Run as SavedRun
from aicomp.cli.main import main
from aicomp.cross_validation import cross_validate
from aicomp.ensemble.blending import blend
from aicomp.raw_data import write_manifest
from aicomp.run import find_run, list_runs
from aicomp.simulation.project import Simulation
from aicomp.simulation.training import train as train_agent

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run, which tests copy."""
    folder = init_project(tmp_path_factory.mktemp("made"))
    cross_validate(open_quick(folder))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "project", symlinks=True))


@pytest.fixture
def verify(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Runs the command, checks its exit code, and gives what it printed on both streams."""

    def run(code: int, *arguments: str, project: Path = folder) -> tuple[str, str]:
        capsys.readouterr()
        assert main(["verify", "--project", str(project), *arguments]) == code
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return captured.out, captured.err

    return run


def bytes_of(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def edit_info(folder: Path, change) -> None:
    run = find_run(folder / "runs")
    info = run.info
    change(info)
    run.write("run.json", info)


def test_every_fold_is_made_again_and_nothing_is_left_of_it(folder, verify, capsys):
    run = find_run(folder / "runs")
    before = bytes_of(folder / "runs")
    out, err = verify(0)
    assert out.splitlines()[0].split() == ["fold", "what", "SHA-256", "again"]
    assert [line.split()[1] for line in out.splitlines()[1:12]] == [
        *["oof", "test", "weights"] * 3,
        "oof.csv",
        "test.csv",
    ]
    assert out.count("identical") == 12
    assert out.splitlines()[-1].startswith(f"run {run.id}: identical (all 3 folds, ")
    assert "what is another" not in out
    assert "unknown" not in out
    assert f"run {run.id} is made again: all 3 folds" in err
    assert bytes_of(folder / "runs") == before
    assert [r.id for r in list_runs(folder / "runs")] == [run.id]
    assert not (folder / "runs" / ".verify").exists()


def test_one_fold_is_enough_and_programs_read_one_object(folder, verify):
    out, err = verify(0, "--folds", "1", "--json")
    assert out.count("\n") == 1
    content = json.loads(out)
    assert set(content) == {
        "run", "kind", "identical", "n_folds", "folds", "code", "parts", "changes", "unknown", "seconds", "folder",
    }  # fmt: skip
    assert (content["folds"], content["n_folds"], content["identical"]) == ([0], 3, True)
    assert [(p["fold"], p["what"]) for p in content["parts"]] == [(0, "oof"), (0, "test"), (0, "weights")]
    weights = find_run(folder / "runs").fold(0) / "weights.safetensors"
    assert content["parts"][2]["now"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert content["code"] == {"source": "project", "commit": None, "reason": "", "changed": []}
    assert (content["changes"], content["unknown"], content["folder"]) == ([], [], None)
    assert "fold 0 of 3, counted from 0" in err


def test_folds_are_named_by_a_comma(folder, verify):
    assert json.loads(verify(0, "--folds", "0,2", "--json")[0])["folds"] == [0, 2]
    assert json.loads(verify(0, "--folds", "2,", "--json")[0])["folds"] == [2]


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ("4", "there is no fold 3: the run has folds 0 to 2"),
        ("0,9", "there is no fold 9: the run has folds 0 to 2"),
        ("0", "`--folds 0` names no folds"),
        ("all", "`--folds all` names no folds"),
        (",", "`--folds ,` names no folds"),
    ],
)
def test_folds_that_are_not_there_are_refused(verify, folds, message):
    out, err = verify(2, "--folds", folds)
    assert out == ""
    assert message in err


def test_what_differs_is_counted_and_measured(folder, verify):
    run = find_run(folder / "runs")
    path = run.fold(1) / "weights.safetensors"
    weights = load_file(path)
    name = max(weights, key=lambda n: weights[n].size)
    weights[name].reshape(-1)[:2] += np.float32(0.5)
    weights[name].reshape(-1)[0] += np.float32(0.5)
    save_file(weights, path)
    arrays = load_file(run.fold(2) / "predictions.safetensors")
    arrays["test"][3] += 0.25
    save_file(arrays, run.fold(2) / "predictions.safetensors")
    out, _ = verify(1)
    lines = {tuple(line.split()[:2]): line for line in out.splitlines() if line}
    total = sum(w.size for w in weights.values())
    assert f"2 of {total} numbers, by 1 at most" in lines["1", "weights"]
    assert "1 of 30 rows, by 0.25 at most" in lines["2", "test"]
    assert lines["0", "weights"].endswith("identical")
    assert "nothing that the run recorded is another here" in out
    assert out.splitlines()[-1] == f"run {run.id}: different, 2 of 11 parts (all 3 folds)"
    content = json.loads(verify(1, "--json")[0])
    odd = [(p["fold"], p["what"], p["n_different"]) for p in content["parts"] if not p["identical"]]
    assert odd == [(1, "weights", 2), (2, "test", 1)]


def test_other_packages_are_named_though_the_bits_agree(folder, verify):
    run = find_run(folder / "runs")
    lock = run.folder / "lock.txt"
    lines = ["numpy==1.0.0" if line.startswith("numpy==") else line for line in lock.read_text().splitlines()]
    lock.write_text("\n".join([*lines, "gone-package==3.1"]) + "\n")
    edit_info(folder, lambda info: info.update(processor="Abacus 9", python="2.7.1"))
    out, _ = verify(0, "--folds", "1")
    assert "what is another than it was; the bits agree all the same:" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["package", "numpy", "1.0.0", np.__version__] in rows
    assert ["package", "gone-package", "3.1", "-"] in rows
    assert any(row[:4] == ["processor", "processor", "Abacus", "9"] for row in rows)
    assert any(row[:3] == ["python", "python", "2.7.1"] for row in rows)


def test_a_run_of_an_older_version_says_what_is_unknown(folder, verify):
    run = find_run(folder / "runs")
    (run.folder / "lock.txt").unlink()
    (run.folder / "execution.json").unlink()

    def old(info):
        for key in ("code_files", "data_files", "processor", "source_hash"):
            del info[key]
        info["versions"]["torch"] = "1.0"

    edit_info(folder, old)
    content = json.loads(verify(0, "--folds", "1", "--json")[0])
    assert [sentence.partition(":")[0] for sentence in content["unknown"]] == [
        "packages", "processor", "aicomp", "threads",
    ]  # fmt: skip
    assert [(c["kind"], c["name"], c["then"]) for c in content["changes"]] == [("package", "torch", "1.0")]


def test_code_of_the_recorded_commit_is_taken(folder, verify):
    """The project's features are broken since; outside git there is no way back, and the files are named."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run([*GIT, "-C", str(folder), "add", "-A"], check=True)
    subprocess.run([*GIT, "-C", str(folder), "commit", "-qm", "as it was"], check=True)
    cross_validate(open_quick(folder, "seed=5"))
    features = folder / "features.py"
    features.write_text(features.read_text() + "\n\ndef add_features(table):\n    return table[['size']]\n")
    (folder / "extra.py").write_text("A = 1\n")
    content = json.loads(verify(0, "--folds", "1", "--json")[0])
    commit = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert content["code"] == {
        "source": "commit",
        "commit": commit.stdout.strip(),
        "reason": "",
        "changed": ["extra.py (added)", "features.py (changed)"],
    }
    edit_info(folder, lambda info: info.update(git={"commit": commit.stdout.strip(), "dirty": True}))
    out, err = verify(1, "--folds", "1")
    assert "code: that of today, as files differed from commit" in err
    assert "since then: extra.py (added), features.py (changed)" in err
    assert ["code", "features.py", "(changed)"] in [line.split() for line in out.splitlines()]
    edit_info(folder, lambda info: info.update(git={"commit": "0" * 40, "dirty": False}))
    assert "commit 0000000000 is not in the repository" in verify(1, "--folds", "1")[1]
    edit_info(folder, lambda info: info.update(git=None) or info.pop("code_files"))
    assert "since then: which ones, the run did not record" in verify(1, "--folds", "1")[1]


def test_other_data_is_refused_and_named(folder, verify):
    path = folder / "data" / "raw" / "test.csv"
    path.write_text(path.read_text().replace("red", "blue"))
    out, err = verify(3)
    assert out == ""
    assert "`data/raw/test.csv`" in err
    write_manifest(folder)  # as if it had come anew
    _, err = verify(3)
    assert "was made on other data than `data/raw/` holds now: `test.csv`\n" in err
    edit_info(folder, lambda info: info.pop("data_files"))
    assert "the run did not record" in verify(3)[1]


def test_weights_that_were_removed_are_not_compared(folder, verify):
    (find_run(folder / "runs").fold(0) / "weights.safetensors").unlink()
    out, _ = verify(0, "--folds", "1")
    assert "the run's weights were removed" in out
    assert "could not be compared" in out.splitlines()[-1]


def test_what_was_made_again_is_kept_and_still_no_run(folder, verify, capsys):
    content = json.loads(verify(0, "--folds", "1", "--keep", "--json")[0])
    kept = Path(content["folder"])
    assert (kept / "folds" / "0" / "weights.safetensors").is_file()
    assert kept.is_relative_to(folder / "runs" / ".verify")
    assert main(["runs", "--json", "--project", str(folder)]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 1


def test_folds_of_one_network_are_made_together(folder, verify):
    run = cross_validate(open_quick(folder, "training.layout=stacked", 'model.name="mlp"', "model.params.d_block=16"))
    out, err = verify(0, run.id, "--folds", "1")
    assert "all 3 folds" in err
    assert "folds 1, 2 too, which were trained as one network with it" in out


def test_pseudo_labels_come_from_the_run_of_then(folder, verify):
    first = find_run(folder / "runs")
    run = cross_validate(open_quick(folder, f"pseudo.run={first.id}"))
    assert json.loads(verify(0, run.id, "--folds", "1", "--json")[0])["identical"]
    arrays = load_file(first.fold(0) / "predictions.safetensors")
    save_file({**arrays, "test": 1 - arrays["test"]}, first.fold(0) / "predictions.safetensors")
    assert f"learned pseudo-labels of `{first.id}`, whose predictions are others now" in verify(2, run.id)[1]
    shutil.rmtree(first.folder)
    assert first.id in verify(2, run.id)[1]


def test_a_blend_is_blended_again(folder, verify):
    other = cross_validate(open_quick(folder, "seed=1"))
    first = list_runs(folder / "runs")[0]
    blended = blend(open_quick(folder), [first, other], "hill-climbing").run
    content = json.loads(verify(0, blended.id, "--json")[0])
    assert (content["kind"], content["identical"], content["unknown"]) == ("blend", True, [])
    assert [p["what"] for p in content["parts"][:3]] == ["oof", "test", "weights"]
    assert "is a blend, and is made again as a whole" in verify(2, blended.id, "--folds", "1")[1]
    shutil.rmtree(other.folder)
    assert f"its member `{other.id}` is gone" in verify(2, blended.id)[1]


def test_a_run_of_another_framework_is_refused(folder, verify):
    first = find_run(folder / "runs")
    oof = np.full(90, 0.5)
    saved = SavedRun.create("my-xgb", folder).save(oof, np.full(30, 0.5))
    assert (saved.folder / "lock.txt").is_file()
    out, err = verify(2, saved.id)
    assert out == ""
    assert "its predictions were saved by `Run.create('my-xgb')`" in err
    assert first.id != saved.id


def test_an_agent_is_trained_again(tmp_path, verify):
    project = corridor_project(tmp_path / "corridor")
    run = train_agent(Simulation.open(project, [*QUICK_AGENT, "training.steps=512", "training.seeds=1"]))
    assert (run.folder / "lock.txt").is_file()
    content = json.loads(verify(0, "--json", project=project)[0])
    assert [(p["what"], p["identical"]) for p in content["parts"]] == [("weights", True), ("episodes", True)]
    run.write("plan.json", {"n_folds": 1, "limit": 60.0})
    assert "its training followed a clock" in verify(2, project=project)[1]


def test_an_unfinished_run_and_a_project_without_one_are_refused(folder, verify, tmp_path):
    run = find_run(folder / "runs")
    (run.folder / "DONE").unlink()
    assert "holds only unfinished runs" in verify(2)[1]
    assert "is not finished" in verify(2, run.id)[1]


def test_the_command_trains_as_the_run_did(folder, verify, capsys):
    """Two processes of the command line, as a user has them."""
    assert main(["train", "--project", str(folder), *quick_arguments("workers=2", "seed=3")]) == 0
    run = find_run(folder / "runs")
    assert run.read("execution.json")["processes"] == 2
    out, err = verify(0)
    assert "device: cpu, 2 processes" in err
    assert f"run {run.id}: identical" in out
