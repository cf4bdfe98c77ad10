"""The official `kaggle` program, unmodified, pushes kernels and makes datasets on this host."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hosting import running_host, write_competition
from kernel_cases import finished

from aicomp.isolation import can_hide, isolation_fault

PROGRAM = shutil.which("kaggle", path=str(Path(sys.executable).parent)) or "kaggle"
needs_namespaces = pytest.mark.skipif(not can_hide(), reason=f"no namespaces here: {isolation_fault()}")


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosted")
    write_competition(folder / "toy")
    with running_host(folder, "Ada", "Bob") as host:
        yield host


@pytest.fixture
def kaggle(hosted, tmp_path):
    """Runs the program as a team; gives standard output, and fails where it does."""

    def run(*words, team="Ada", code=0):
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        environment = hosted.kaggle_environment(home, team)
        done = subprocess.run(
            [PROGRAM, *map(str, words)], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run


def write_kernel(folder, code, *, slug="ada/official-try", kind="script", **more):
    folder.mkdir(exist_ok=True)
    name = "main.py" if kind == "script" else "main.ipynb"
    (folder / name).write_text(code)
    metadata = {
        "id": slug,
        "title": slug.partition("/")[2].replace("-", " "),
        "code_file": name,
        "language": "python",
        "kernel_type": kind,
        "is_private": True,
        "enable_internet": False,
        "competition_sources": ["toy"],
        **more,
    }
    (folder / "kernel-metadata.json").write_text(json.dumps(metadata))
    return folder


def write_dataset(folder, files, slug="ada/official-data"):
    folder.mkdir(exist_ok=True)
    metadata = {"id": slug, "title": "Official data", "licenses": [{"name": "CC0-1.0"}]}
    (folder / "dataset-metadata.json").write_text(json.dumps(metadata))
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@needs_namespaces
def test_kernels_push_status_output_list_pull_and_submit(kaggle, hosted, tmp_path):
    code = (
        "import pandas as pd\n"
        "test = pd.read_csv('/kaggle/input/toy/test.csv')\n"
        "test[['id']].assign(y=test['x']).to_csv('submission.csv', index=False)\n"
        "print('rows:', len(test))\n"
    )
    said = kaggle("kernels", "push", "-p", write_kernel(tmp_path / "kernel", code))
    assert "Kernel version 1 successfully pushed." in said
    finished(hosted.client("Ada"), "ada/official-try")
    assert 'ada/official-try has status "KernelWorkerStatus.COMPLETE"' in kaggle(
        "kernels", "status", "ada/official-try"
    )

    kaggle("kernels", "output", "ada/official-try", "-p", tmp_path / "output")
    assert sorted(p.name for p in (tmp_path / "output").iterdir()) == ["official-try.log", "submission.csv"]
    assert (tmp_path / "output" / "submission.csv").read_text().startswith("id,y\na0,0\n")
    assert (tmp_path / "output" / "official-try.log").read_text() == "rows: 10\n"

    assert kaggle("kernels", "logs", "ada/official-try") == "rows: 10\n\n"
    assert "ada/official-try" in kaggle("kernels", "list", "--mine")
    assert "submission.csv" in kaggle("kernels", "files", "ada/official-try")
    kaggle("kernels", "pull", "ada/official-try", "-p", tmp_path / "pulled", "-m")
    assert (tmp_path / "pulled" / "official-try.py").read_text() == code
    pulled = json.loads((tmp_path / "pulled" / "kernel-metadata.json").read_text())
    assert pulled["competition_sources"] == ["toy"]

    words = ("-k", "ada/official-try", "-v", "1", "-f", "submission.csv", "-m", "from a kernel", "toy")
    assert "Successfully submitted" in kaggle("competitions", "submit", *words)


@needs_namespaces
def test_a_notebook_that_fails_says_why(kaggle, hosted, tmp_path):
    cells = [{"cell_type": "code", "source": ["1 / 0\n"], "metadata": {}, "outputs": [], "execution_count": None}]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    kaggle("kernels", "push", "-p", write_kernel(tmp_path / "kernel", text, slug="ada/official-fail", kind="notebook"))
    finished(hosted.client("Ada"), "ada/official-fail")
    said = kaggle("kernels", "status", "ada/official-fail")
    assert 'has status "KernelWorkerStatus.ERROR"' in said
    assert "ZeroDivisionError" in said


def test_datasets_create_status_version_files_and_download(kaggle, tmp_path):
    folder = write_dataset(tmp_path / "data", {"a.csv": "x\n1\n", "empty.txt": ""})
    said = kaggle("datasets", "create", "-p", folder)
    assert "Your private Dataset is being created" in said
    assert kaggle("datasets", "status", "ada/official-data").strip() == "ready"

    write_dataset(folder, {"a.csv": "x\n1\n2\n"})
    assert "Dataset version is being created" in kaggle("datasets", "version", "-p", folder, "-m", "more rows")
    assert "a.csv" in kaggle("datasets", "files", "ada/official-data")
    kaggle("datasets", "download", "ada/official-data", "-f", "a.csv", "-p", tmp_path / "one")
    assert (tmp_path / "one" / "a.csv").read_text() == "x\n1\n2\n"
    kaggle("datasets", "download", "ada/official-data", "-p", tmp_path / "all", "--unzip")
    assert (tmp_path / "all" / "empty.txt").read_text() == ""
    assert "ada/official-data" in kaggle("datasets", "list", "--mine")
    assert "already in use" in kaggle("datasets", "create", "-p", folder)


def test_others_see_neither(kaggle, tmp_path):
    kaggle("datasets", "create", "-p", write_dataset(tmp_path / "data", {"a.csv": "x\n"}, slug="ada/hidden-data"))
    kaggle("datasets", "status", "ada/hidden-data", team="Bob", code=1)
    kaggle("datasets", "files", "ada/hidden-data", team="Bob", code=1)
    write_kernel(tmp_path / "kernel", "1", slug="ada/hidden-kernel")
    kaggle("kernels", "push", "-p", tmp_path / "kernel")
    kaggle("kernels", "pull", "ada/hidden-kernel", "-p", tmp_path / "pulled", team="Bob", code=1)
