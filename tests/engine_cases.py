"""What tests of `aicomp train --engine kaggle` share: a project, and what a notebook that trained it would write."""

import hashlib
import json
import shutil
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from kernel_server import KernelServer
from synthetic import QUICK, open_quick

from aicomp.kaggle.notebook.archive import write_zip
from aicomp.kaggle.notebook.wheels import Wheel
from aicomp.kaggle.remote.job import Wish, make_job
from aicomp.kaggle.remote.source import ARCHIVE, MANIFEST
from aicomp.project import Project
from aicomp.run import Run, list_runs

SETTINGS = tuple(word for entry in QUICK for word in ("--set", entry))


def packed_run(run: Run, marker: str, **changes) -> dict[str, bytes]:
    """What the notebook with this marker writes of a run: archive and manifest."""
    buffer = BytesIO()
    files = {}
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(p for p in run.folder.rglob("*") if p.is_file()):
            name = f"{run.id}/{path.relative_to(run.folder).as_posix()}"
            archive.writestr(name, path.read_bytes())
            files[name] = {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    raw = buffer.getvalue()
    manifest = {
        "pack": marker,
        "archive": {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()},
        "runs": [run.id],
        "files": files,
        "outcome": {"run": run.id},
        "machine": {"python": "3.12.1", "platform": "Linux", "cpus": 4, "gpus": ["Tesla T4"]},
        "began": 0.0,
        "seconds": 12.5,
        **changes,
    }
    return {ARCHIVE: raw, MANIFEST: json.dumps(manifest).encode(), "other.txt": b"x"}


def wheels_in_a_moment(folder: Path, packages: tuple[str, ...], python: str) -> list[Wheel]:
    """In the place of `make_wheels`, which packs this whole program."""
    name = "aicomp-0.1.0-py3-none-any.whl"
    write_zip(folder / name, {"content": b"aicomp"})
    return [Wheel(folder / name)]


class Elsewhere:
    """A project, a run of it that is not among its runs, and a host whose notebook brings that run.

    Attributes:
        project: The project, without runs.
        run: The run.
        host: The host.
    """

    def __init__(self, project: Project, run: Run, host: KernelServer, folder: Path) -> None:
        self.project, self.host = project, host
        self.run = Run(Path(shutil.move(run.folder, folder / run.id)))
        self.marker = make_job(open_quick(project.folder), Wish(SETTINGS, gpu=True)).marker
        self.bring()

    def bring(self, **changes) -> None:
        """Let the notebook write the run."""
        self.host.output = packed_run(self.run, self.marker, **changes)

    def runs(self) -> list[str]:
        """Names of the project's runs."""
        return [run.id for run in list_runs(self.project.runs)]


@pytest.fixture
def elsewhere(trained, host, tmp_path, monkeypatch) -> Elsewhere:
    project, run = trained
    monkeypatch.setattr("aicomp.kaggle.remote.job.make_wheels", wheels_in_a_moment)
    monkeypatch.setattr("aicomp.kaggle.remote.waiting.FIRST_POLL", 0.0)
    monkeypatch.chdir(project.folder)
    host.log = "epoch 1\nepoch 2\n"
    return Elsewhere(project, run, host, tmp_path)
