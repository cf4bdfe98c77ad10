"""What a notebook that trains needs, as the files of one private dataset, and the notebook itself."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aicomp.errors import UsageError
from aicomp.files import atomic_write
from aicomp.kaggle.notebook.archive import write_zip
from aicomp.kaggle.notebook.image import closure
from aicomp.kaggle.notebook.pack import PROJECT_ZIP, PackedFile, check_secrets, code_files, name_of, packed_file
from aicomp.kaggle.notebook.wheels import make_wheels
from aicomp.kaggle.remote.source import kernel_source
from aicomp.project import CONFIG_FILE, Project
from aicomp.raw_data import manifest_path

PROGRAM = ("typer", "rich", "platformdirs", "tomli-w")
"""What `aicomp train` imports and Kaggle's image may lack, beside what a prediction needs. What these need goes along,
in the versions that are installed here, which fit each other."""


@dataclass(frozen=True)
class Wish:
    """What is asked of the machine, and of `aicomp train` there.

    Attributes:
        arguments: Of `aicomp train`, beside project and `--json`.
        gpu: Whether it has a GPU.
        machine: Kaggle's name of the machine; "" takes the one that Kaggle gives.
        internet: Whether it reaches the internet.
        hours: After which it is ended.
    """

    arguments: tuple[str, ...] = ()
    gpu: bool = False
    machine: str = ""
    internet: bool = False
    hours: float = 12.0


@dataclass(frozen=True)
class Job:
    """A dataset and a notebook, named after their content: the same content is the same name, and is pushed once.

    Attributes:
        competition: The competition's slug.
        wish: What is asked of the machine.
        folder: `runs/.kaggle/<name>/` of the project, where all that is known about it lies.
        files: Files of the dataset.
        marker: Name of the file that no other dataset has.
        sha256: Over the files, the notebook's text and what is asked of the machine, in hex.
        kernel_text: The notebook, a Python script.
    """

    competition: str
    wish: Wish
    folder: Path
    files: tuple[PackedFile, ...]
    marker: str
    sha256: str
    kernel_text: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.path.stat().st_size for file in self.files)

    @property
    def notes(self) -> str:
        """What a version of the dataset is called."""
        return "to train"

    @property
    def dataset_slug(self) -> str:
        """Name of the dataset in its address."""
        return name_of(self.competition, self.sha256, "")

    def kernel_slug(self, attempt: int) -> str:
        """Name of the notebook in its address; a notebook that failed is pushed under another one."""
        return name_of(self.competition, self.sha256, "train" if attempt == 1 else f"train-{attempt}")


def engine_folder(project: Project) -> Path:
    """Where the engine keeps what it knows; no run is called so."""
    return project.runs / ".kaggle"


def make_job(project: Project, wish: Wish) -> Job:
    """Pack a project, without its data, and write the notebook.

    Args:
        project: The project; its own code, config and contract go along, and the hashes of its data.
        wish: What is asked of the machine.

    Raises:
        UsageError: A package is not installed, a file holds a token, or the tables are no files of the competition.
        NetworkError: A wheel for another platform cannot be fetched.
    """
    files = project.competition.files
    if files.made:
        raise UsageError(
            f"`{files.test}` was made by `aicomp init`, and Kaggle's machines would not find it",
            "train here: `aicomp train`",
        )
    staging = engine_folder(project) / f"packing-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    entries = dict(_project_entries(project))
    check_secrets(entries)
    write_zip(staging / PROJECT_ZIP, entries)
    notebook = project.config.notebook
    needed = sorted({re.sub(r"[-_.]+", "-", d.name).lower() for d in closure(PROGRAM)})
    wheels = make_wheels(staging, (*needed, *notebook.packages), notebook.python)
    made = [packed_file(staging / PROJECT_ZIP, tuple(sorted(entries)))]
    made += [packed_file(wheel.path) for wheel in sorted(wheels, key=lambda w: w.path.name)]
    listed = "".join(f"{f.path.name} {f.sha256}\n" for f in made)
    asked = json.dumps([project.competition.slug, *vars(wish).values()])
    marker = f"aicomp-{hashlib.sha256(f'{listed}{asked}'.encode()).hexdigest()[:10]}.json"
    atomic_write(staging / marker, json.dumps({"sha256": {f.path.name: f.sha256 for f in made}}, indent=1) + "\n")
    text = kernel_source(
        competition=project.competition.slug,
        marker=marker,
        tables=[name for name in (files.train, files.test, files.sample_submission) if name],
        arguments=list(wish.arguments),
    )
    check_secrets({"the notebook": text.encode()})
    sha256 = hashlib.sha256(f"{listed}{asked}{text}".encode()).hexdigest()
    folder = engine_folder(project) / sha256[:16]
    made.append(packed_file(staging / marker))
    placed = [PackedFile(folder / "pack" / f.path.name, f.sha256, f.contents) for f in made]
    if all(file.is_unchanged for file in placed):
        shutil.rmtree(staging)  # an earlier command has made the same
    else:
        shutil.rmtree(folder / "pack", ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        staging.rename(folder / "pack")
    return Job(project.competition.slug, wish, folder, tuple(placed), marker, sha256, text)


def _project_entries(project: Project) -> Iterator[tuple[str, bytes]]:
    """Config, contract, code, and the hashes of the data; no data."""
    for name in (CONFIG_FILE, project.config.competition):
        yield name, (project.folder / name).read_bytes()
    for path in code_files(project.folder):
        yield path.relative_to(project.folder).as_posix(), path.read_bytes()
    yield "data/manifest.json", manifest_path(project.folder).read_bytes()
