"""docs/security.md: code runs only if it is the user's, an installed plugin's, or in isolation."""

import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from one_competition import one_competition
from security_cases import NAMES, aicomp, plant, telltale
from synthetic import init_project, quick_arguments, write_folder

from aicomp.cli.main import main
from aicomp.cross_validation import cross_validate
from aicomp.errors import UsageError
from aicomp.processes import CREDENTIALS, child_environment, python_module
from aicomp.project import Project
from aicomp.registry import load_object
from aicomp.run import find_run

pytest_plugins = ["kaggle_fixtures"]

SOURCE = Path(__file__).parent.parent / "src" / "aicomp"
WORKERS = quick_arguments("workers=2")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with a run, whose folds were trained by other processes, beside files named as packages are."""
    base = tmp_path_factory.mktemp("shadowed")
    project = init_project(base)
    canary = base / "canary"
    plant(project, canary)
    plant(project / "data" / "raw", canary, ["metric", "loader", *NAMES])
    done = aicomp("train", "--json", *WORKERS, cwd=project)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folds"]
    assert not canary.exists(), canary.read_text()
    return project, canary


COMMANDS = {
    "runs": ["runs"],
    "report": ["report"],
    "check": ["check"],
    "eda": ["eda"],
    "explain": ["explain"],
    "submit": ["submit", "--dry-run"],
    "list": ["list", "metrics"],
    "competitions": ["list", "competitions"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_file_of_the_project_stands_in_for_a_package(trained, command):
    project, canary = trained
    done = aicomp(*COMMANDS[command], cwd=project)
    assert done.returncode == 0, done.stderr
    assert not canary.exists(), canary.read_text()


def test_no_file_of_the_current_folder_stands_in_for_a_package(tmp_path):
    canary, here = tmp_path / "canary", tmp_path / "here"
    plant(here, canary)
    source = write_folder(tmp_path / "downloads")
    plant(source, canary, ["metric", "features", "model", "conftest", *NAMES])
    done = aicomp("init", str(source), "--metric", "roc_auc", "--into", "made", cwd=here)
    assert done.returncode == 0, done.stderr
    done = aicomp("score", str(source / "sample_submission.csv"), "--json", cwd=here / "made")
    assert "traceback" not in done.stderr.lower()
    assert not canary.exists(), canary.read_text()
    assert telltale(canary) not in (here / "made" / "features.py").read_text()


def test_every_process_is_started_without_the_current_folder_on_its_path():
    """`-m` without `-P` would search the current folder first."""
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert '[sys.executable, "-m"' not in text, path
    assert python_module("a.b", "c") == [sys.executable, "-P", "-m", "a.b", "c"]


def test_processes_that_ask_no_server_have_no_credentials(tmp_path, monkeypatch):
    for name in CREDENTIALS:
        monkeypatch.setenv(name, "planted-secret")
    assert "planted-secret" not in child_environment(OTHER="x").values()
    project = init_project(tmp_path)
    spy = tmp_path / "environments"
    (project / "model.py").write_text(
        "import os\nfrom aicomp.models import MODELS\n\n\ndef build(spec):\n"
        f"    with open({str(spy)!r}, 'a') as file:\n"
        "        file.write(repr(dict(os.environ)) + open('/proc/self/cmdline').read() + '\\n')\n"
        "    return MODELS['linear'](spec)\n"
    )
    arguments = [*WORKERS, "--set", 'model.name="model:build"']
    done = aicomp("train", *arguments, cwd=project, **dict.fromkeys(CREDENTIALS, "planted-secret"))
    assert done.returncode == 0, done.stderr
    told = spy.read_text()
    assert "aicomp.engine.worker" in told
    assert "planted-secret" not in told


def test_code_of_a_downloaded_folder_is_data(tmp_path, monkeypatch, capsys):
    """A contract, a config and Python files that come with the data: none of them is taken for the user's."""
    canary = tmp_path / "canary"
    source = write_folder(tmp_path / "downloads")
    plant(source, canary, ["features", "model", "metric", "train", "conftest", "setup", *NAMES])
    (source / "competition.toml").write_text('slug = "evil"\nmetric = "metric:evil"\n')
    (source / "aicomp.toml.txt").write_text('[features]\nfunction = "metric:evil"\n')
    (source / "host.toml").write_text('metric = "metric:evil"\n')
    archive = tmp_path / "downloads.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in source.iterdir():
            opened.write(path, path.name)
    for number, place in enumerate((source, archive)):
        into = tmp_path / f"project{number}"
        assert main(["init", str(place), "--metric", "roc_auc", "--into", str(into), "--json"]) == 0
        project = Project.open(into)
        assert project.competition.metric == "roc_auc"
        cross_validate(Project.open(into, ['model.name="linear"', "workers=0", "training.epochs=1"]))
        monkeypatch.chdir(into)
        for command in (["runs"], ["report"], ["check"]):
            assert main(command) == 0
    capsys.readouterr()
    assert not canary.exists(), canary.read_text()


def test_code_that_a_server_sends_is_data(tmp_path, no_credentials, monkeypatch, capsys):
    canary, folder = tmp_path / "canary", write_folder(tmp_path / "shop")
    monkeypatch.setenv("AICOMP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AICOMP_TOKEN", "good")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    plant(folder, canary, ["features", "model", "metric", *NAMES])
    with one_competition("shop-sales", folder, evaluationMetric="metric:evil") as server:
        code = main(["init", "shop-sales", "--host", server.url, "--metric", "roc_auc"])
        assert code == 0, capsys.readouterr().err
        assert main(["init", "shop-sales", "--host", server.url, "--into", "other"]) != 0
    capsys.readouterr()
    assert not canary.exists(), canary.read_text()


def test_a_run_that_came_from_elsewhere_runs_none_of_its_code(tmp_path, monkeypatch, capsys):
    canary, project = tmp_path / "canary", init_project(tmp_path)
    cross_validate(Project.open(project, ['model.name="linear"', "workers=0", "training.epochs=1"]))
    run = find_run(Project.open(project).runs).folder
    came = run.with_name(f"{run.name}-came")
    shutil.copytree(run, came)
    plant(came, canary, ["features", "model", "metric", *NAMES])
    plant(came / "code", canary, ["features", "model", "metric", *NAMES])
    info = json.loads((came / "run.json").read_text())
    info["config"]["model"]["name"] = f"runs/{came.name}/model:build"
    info["config"]["features"] = {"function": f"runs/{came.name}/features:add_features"}
    info["competition"]["metric"] = f"runs/{came.name}/metric:evil"
    (came / "run.json").write_text(json.dumps(info))
    monkeypatch.chdir(project)
    for command in (["runs"], ["report"], ["explain"], ["submit", "--dry-run"], ["runs", "compare", run.name]):
        main([*command, came.name])
        words = capsys.readouterr()
        assert "Traceback" not in words.err, words.err
    assert not canary.exists(), canary.read_text()


@pytest.mark.parametrize("reference", ["data/raw/model:build", "../model:build", "/etc/model:build", "a\\b:build"])
def test_references_name_files_of_the_project_itself(tmp_path, reference):
    plant(tmp_path / "data" / "raw", tmp_path / "canary", ["model"])
    with pytest.raises(UsageError, match="in another folder"):
        load_object(reference, tmp_path)
    assert not (tmp_path / "canary").exists()


def test_files_of_a_project_import_each_other_now_and_later(tmp_path):
    (tmp_path / "neighbour_now.py").write_text("from neighbour_of_it import value\n")
    (tmp_path / "neighbour_of_it.py").write_text("value = 1\n")
    (tmp_path / "neighbour_later.py").write_text("value = 2\n")
    package = tmp_path / "neighbour_package"
    package.mkdir()
    (package / "part.py").write_text("import importlib\nvalue = importlib.import_module('neighbour_later').value + 1\n")
    (tmp_path / "model.py").write_text(
        "from neighbour_now import value\n\n\ndef build():\n"
        "    from neighbour_later import value as later\n    from neighbour_package.part import value as last\n"
        "    return value, later, last\n"
    )
    before = list(sys.path)
    assert load_object("model:build", tmp_path)() == (1, 2, 3)
    assert sys.path == before
    with pytest.raises(ModuleNotFoundError):
        import neighbour_nobody_imported  # noqa: F401


def test_only_files_of_a_project_import_its_files(tmp_path):
    plant(tmp_path, tmp_path / "canary", ["asked_by_a_library"])
    library = tmp_path.with_name(f"{tmp_path.name}-library")
    library.mkdir()
    (library / "asking_library.py").write_text("import asked_by_a_library\n")
    inner = tmp_path / ".venv" / "lib" / "site-packages"
    inner.mkdir(parents=True)
    (inner / "inner_library.py").write_text("import asked_by_a_library\n")
    for path, name in ((library, "asking_library"), (inner, "inner_library")):
        (tmp_path / "model.py").write_text(
            f"import sys\nsys.path.append({str(path)!r})\ntry:\n    import {name}\nfinally:\n    sys.path.pop()\n"
        )
        with pytest.raises(UsageError, match="No module named 'asked_by_a_library'"):
            load_object("model:build", tmp_path)
    assert not (tmp_path / "canary").exists()


def test_a_folder_of_data_is_no_module(tmp_path):
    (tmp_path / "rich").mkdir()
    (tmp_path / "model.py").write_text("import rich\nplace = rich.__file__\n")
    (tmp_path / "asker.py").write_text("import importlib.util\nplace = importlib.util.find_spec('tomli_w').origin\n")
    (tmp_path / "tomli_w").mkdir()
    assert not load_object("model:place", tmp_path).startswith(str(tmp_path))
    assert not load_object("asker:place", tmp_path).startswith(str(tmp_path))
