"""Fixtures for the tests of notebooks, beside `kaggle_fixtures`: a trained project, and a server to push to."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_server import TOKEN, KernelServer, kernel_server
from synthetic import init_project, open_quick

from aicomp.cross_validation import cross_validate
from aicomp.project import Project
from aicomp.run import Run, find_run


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = init_project(tmp_path_factory.mktemp("trained"))
    cross_validate(open_quick(folder))
    return folder


@pytest.fixture
def trained(trained_folder: Path, tmp_path: Path) -> tuple[Project, Run]:
    """A project of its own for each test, and its run."""
    project = Project.open(Path(shutil.copytree(trained_folder, tmp_path / "binary-project")))
    return project, find_run(project.runs)


@pytest.fixture
def host(no_credentials: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KernelServer]:
    """A server that is named by `AICOMP_HOST`, without pauses."""
    with kernel_server() as server:
        monkeypatch.setenv("AICOMP_HOST", server.url)
        monkeypatch.setenv("AICOMP_TOKEN", TOKEN)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        for pause in ("patience.FIRST_PAUSE", "submit.LOOK_PAUSE", "submissions.FIRST_POLL"):
            monkeypatch.setattr(f"aicomp.kaggle.{pause}", 0.0)
        for part in ("dataset", "push"):
            monkeypatch.setattr(f"aicomp.kaggle.notebook.{part}.FIRST_POLL", 0.0)
        yield server
