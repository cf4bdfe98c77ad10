"""What a notebook needs, as the files of one private dataset, and the notebook itself."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aicomp.errors import AicompError, DataError, UsageError
from aicomp.files import atomic_write
from aicomp.kaggle.credentials import TOKEN_VARIABLE, find_credentials
from aicomp.kaggle.notebook.archive import write_zip
from aicomp.kaggle.notebook.kernel_source import OUTPUT, kernel_source
from aicomp.kaggle.notebook.wheels import Wheel, make_wheels
from aicomp.prediction import FOLD_FILES, RUN_FILES, check_can_predict
from aicomp.project import CONFIG_FILE, Project
from aicomp.run import Run

PROJECT_ZIP = "project.zip"

_LONGEST_TITLE = 50  # of a dataset and of a notebook, by Kaggle's rule
_OTHERS = ("data", "runs", "submissions", "node_modules")
"""Folders of a project whose Python files are none of its code."""

_LAST_STEP = "last_step.json"
"""What a run does to its predictions before they are submitted; one that does nothing may lack it."""

_TOKEN = re.compile(rb"KGAT_[0-9A-Za-z]{16,}")


@dataclass(frozen=True)
class PackedFile:
    """One file of the dataset.

    Attributes:
        path: Where it lies.
        sha256: Of the file, in hex.
        contents: What a zip holds, by name; empty for other files.
    """

    path: Path
    sha256: str
    contents: tuple[str, ...] = ()

    @property
    def is_unchanged(self) -> bool:
        """Whether it lies there as it was packed."""
        return self.path.is_file() and hashlib.sha256(self.path.read_bytes()).hexdigest() == self.sha256


@dataclass(frozen=True)
class Pack:
    """A dataset and a notebook, named after their content: the same content is the same name, and is pushed once.

    Attributes:
        run: The run that predicts.
        competition: The competition's slug.
        folder: Where the files lie.
        files: Files of the dataset.
        wheels: Those of them that are wheels.
        sha256: Over names and contents of the files and the notebook's text, in hex.
        kernel_text: The notebook, a Python script.
    """

    run: Run
    competition: str
    folder: Path
    files: tuple[PackedFile, ...]
    wheels: tuple[Wheel, ...]
    sha256: str
    kernel_text: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.path.stat().st_size for file in self.files)

    @property
    def dataset_slug(self) -> str:
        """Name of the dataset in its address."""
        return name_of(self.competition, self.sha256, "")

    def kernel_slug(self, attempt: int) -> str:
        """Name of the notebook in its address; a notebook that failed is pushed under another one."""
        return name_of(self.competition, self.sha256, "predict" if attempt == 1 else f"predict-{attempt}")

    @property
    def notes(self) -> str:
        """What a version of the dataset is called."""
        return f"run {self.run.id}"


def name_of(competition: str, sha256: str, ending: str) -> str:
    """A name in addresses, after a competition and a content.

    >>> name_of("House Prices", "0123456789abcdef", "train")
    'aicomp-house-prices-0123456789-train'
    """
    end = "-".join(part for part in (sha256[:10], ending) if part)
    slug = re.sub(r"[^a-z0-9]+", "-", competition.lower())
    return f"aicomp-{slug[: _LONGEST_TITLE - len(end) - 8].strip('-')}-{end}"


def title_of(slug: str) -> str:
    """The title from which Kaggle makes this slug."""
    return slug.replace("-", " ")


def notebook_folder(run: Run) -> Path:
    """Where everything about a run's notebook lies."""
    return run.folder / "notebook"


def make_pack(project: Project, run: Run) -> Pack:
    """Write the files of the dataset and the notebook into the run's folder.

    Args:
        project: The project.
        run: A run that is done.

    Raises:
        DataError: The run cannot predict new rows.
        UsageError: The code has changed since the run, a package is not installed, a file holds a token, or the test
            table is no file of the competition.
        NetworkError: A wheel for another platform cannot be fetched.
    """
    check_can_predict(project, run)
    if project.competition.files.made:
        raise UsageError(
            f"`{project.competition.files.test}` was made by `aicomp init`, and a notebook would not find it",
            "send the submission as a file: `aicomp submit`",
        )
    folder = notebook_folder(run) / "pack"
    if folder.exists():
        shutil.rmtree(folder)
    entries = dict(_project_entries(project, run))
    check_secrets(entries)
    write_zip(folder / PROJECT_ZIP, entries)
    wheels = make_wheels(folder, project.config.notebook.packages, project.config.notebook.python)
    files = [packed_file(folder / PROJECT_ZIP, tuple(sorted(entries)))]
    files += [packed_file(wheel.path) for wheel in sorted(wheels, key=lambda w: w.path.name)]
    marker, marker_file = _marker(folder, project, run, files)
    text = kernel_source(
        competition=project.competition.slug,
        run_id=run.id,
        marker=marker,
        test=project.competition.files.test,
        sample=project.competition.files.sample_submission,
    )
    check_secrets({"the notebook": text.encode()})
    atomic_write(notebook_folder(run) / "kernel.py", text)
    files.append(marker_file)
    listed = "".join(f"{f.path.name} {f.sha256}\n" for f in files)
    digest = hashlib.sha256(f"{listed}{text}".encode()).hexdigest()
    return Pack(run, project.competition.slug, folder, tuple(files), tuple(wheels), digest, text)


def _project_entries(project: Project, run: Run) -> Iterator[tuple[str, bytes]]:
    """What a prediction needs of a project: contract, config, code, and the run's models; no data."""
    for name in (CONFIG_FILE, project.config.competition):
        yield name, (project.folder / name).read_bytes()
    for path in code_files(project.folder):
        yield path.relative_to(project.folder).as_posix(), path.read_bytes()
    last = [_LAST_STEP] if (run.folder / _LAST_STEP).is_file() else []
    names = [*RUN_FILES, *last, *(f"folds/{k}/{name}" for k in range(len(run.scores["folds"])) for name in FOLD_FILES)]
    for name in names:
        yield f"runs/{run.id}/{name}", (run.folder / name).read_bytes()


def code_files(folder: Path) -> Iterator[Path]:
    """The project's Python files, without those of environments and hidden folders."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix == ".py":
            yield path
        elif path.is_dir() and not path.is_symlink() and not _is_foreign(path):
            yield from code_files(path)


def _is_foreign(folder: Path) -> bool:
    is_cache = folder.name.startswith((".", "__")) or folder.name in _OTHERS
    return is_cache or (folder / "pyvenv.cfg").exists()


def packed_file(path: Path, contents: tuple[str, ...] = ()) -> PackedFile:
    """A file of the dataset as it lies there now."""
    return PackedFile(path, hashlib.sha256(path.read_bytes()).hexdigest(), contents)


def _marker(folder: Path, project: Project, run: Run, files: list[PackedFile]) -> tuple[str, PackedFile]:
    """A file whose name no other dataset has: by it the notebook finds its own, wherever it is mounted."""
    listed = {file.path.name: file.sha256 for file in files}
    content = {"competition": project.competition.slug, "run": run.id, "output": OUTPUT, "sha256": listed}
    text = json.dumps(content, indent=1) + "\n"
    name = f"aicomp-{hashlib.sha256(text.encode()).hexdigest()[:10]}.json"
    atomic_write(folder / name, text)
    return name, packed_file(folder / name)


def check_secrets(entries: dict[str, bytes]) -> None:
    """Refuse to pack a file with a token, as whoever may see the dataset may read it."""
    secrets = _secrets()
    for name, content in entries.items():
        if _TOKEN.search(content) or any(secret in content for secret in secrets):
            raise UsageError(
                f"`{name}` holds a token or a key and would be sent with the notebook",
                "take it out of the file and read it from the environment; make a new one, as this one may be known",
            )


def _secrets() -> list[bytes]:
    values = [os.environ.get(name, "") for name in (TOKEN_VARIABLE, "KAGGLE_API_TOKEN", "KAGGLE_KEY")]
    try:
        found = find_credentials()
    except AicompError:  # there are none, so that none can be in a file
        found = None
    values += [found.token or "", found.key or ""] if found is not None else []
    return [value.encode() for value in values if len(value) >= 8]


def check_packed(files: Iterable[PackedFile]) -> None:
    """Refuse files that have changed since they were packed.

    Raises:
        DataError: Names the file.
    """
    for file in files:
        if not file.is_unchanged:
            raise DataError(f"`{file.path}` has changed since it was packed", "run the same command again")
