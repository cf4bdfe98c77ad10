"""From a template and a competition to a project folder."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path, PurePath

import msgspec

from aicomp import catalogue
from aicomp.competition import Competition, dump_competition, load_competition
from aicomp.config import load_config
from aicomp.contract import Ask, Finding, Given, check_files, infer_contract
from aicomp.contract.inquiry import shell_word
from aicomp.errors import DataError, UsageError
from aicomp.files import atomic_write, writing
from aicomp.project import CONFIG_FILE
from aicomp.raw_data import check_manifest, copy_raw_data, manifest_path, unpacked
from aicomp.registry import resolve
from aicomp.resources import bundled, bundled_names

CONTRACT_FILE = "competition.toml"
DEFAULT_TEMPLATE = "tabular"

SLUG_TOKEN = "{{slug}}"
"""The one token that is replaced, in TOML and Markdown alone: a template's Python stands as it is."""

CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
"""Folders that tools leave in a template and no project gets: pip compiles the templates of an installed wheel."""

# Under its own name, a template's .gitignore would take effect in aicomp's repository, and a folder named .github would
# be easily overlooked.
RENAMED = {"gitignore": ".gitignore", "workflow.yml": ".github/workflows/aicomp.yml"}


@dataclass(frozen=True)
class Created:
    """A new project.

    Attributes:
        folder: The project.
        competition: Its contract.
        findings: How the contract was found; empty for an embedded competition.
        files: The project's files, relative to its folder.
    """

    folder: Path
    competition: Competition
    findings: tuple[Finding, ...]
    files: tuple[str, ...]


def create_project(
    source: str, into: Path | None, given: Given, template: str | None = None, ask: Ask | None = None
) -> Created:
    """Make a project of an embedded competition, or of a folder or .zip of files in Kaggle's form.

    All or nothing: the project appears whole, and no file that exists is changed.

    Args:
        source: Name of an embedded competition, or a path.
        into: Folder of the project; None makes one of the slug's name here.
        given: What the user says about the competition.
        template: Name of the template; None takes the one that the competition names.
        ask: Asks a person what the files do not say.

    Raises:
        UsageError: No such source or template, a project or one of its files is there already, or something about
            the competition has to be said.
        DataError: The data is wrong.
        AicompError: The disk is full or the folder cannot be written.
    """
    if into is not None:
        _refuse_project(into, source)
    with _data(source, given, into, ask) as (data, competition, findings):
        name = template or competition.template
        competition = msgspec.structs.replace(competition, template=name)
        contents = {**template_files(_template_folder(name), competition.slug), CONTRACT_FILE: b""}
        contents[CONTRACT_FILE] = dump_competition(competition, _comment(findings)).encode()
        folder = (into or _default_folder(source, competition.slug)).resolve()
        _refuse_project(folder, source)
        _refuse_existing([*contents, "data/raw", "data/manifest.json"], folder)
        with _whole_or_nothing(folder) as staging:
            for relative, content in contents.items():
                atomic_write(staging / relative, content)
            load_competition(staging / CONTRACT_FILE)
            load_config(staging / CONFIG_FILE)
            copy_raw_data(data, _file_names(competition), staging)
            files = sorted(p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file())
    return Created(folder, competition, findings, tuple(files))


def add_data(source: str | None, folder: Path) -> Created:
    """Put the data into a project that has none, such as a fresh clone, or whose data is damaged.

    Args:
        source: Name of an embedded competition, or a path; None takes the competition that the contract names.
        folder: The project.

    Raises:
        UsageError: No project, its data is there already, or no such source.
        DataError: The files break the contract.
    """
    if not (folder / CONFIG_FILE).is_file():
        raise UsageError(f"`{folder}` is no project: it has no `{CONFIG_FILE}`", "leave `--data-only` out to make one")
    competition = load_competition(folder / load_config(folder / CONFIG_FILE).competition)
    if _is_whole(folder):
        raise UsageError(f"`{folder}` has its data already", "to copy it anew, remove `data/manifest.json` first")
    with _source_folder(source or competition.slug) as data:
        check_files(competition, data)
        copy_raw_data(data, _file_names(competition), folder)
    files = [f"data/raw/{name}" for name in _file_names(competition)]
    return Created(folder.resolve(), competition, (), (*files, "data/manifest.json"))


def _is_whole(folder: Path) -> bool:
    try:
        check_manifest(folder)
    except DataError:
        return False
    return True


def template_files(folder: Path, slug: str) -> dict[str, bytes]:
    """Contents of the files that a template gives to a project, by their place in it."""
    contents = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or CACHES.intersection(relative.parts) or path.suffix == ".pyc":
            continue
        content = path.read_bytes()
        if path.suffix in (".toml", ".md"):
            content = content.replace(SLUG_TOKEN.encode(), slug.encode())
        contents[RENAMED.get(relative.as_posix(), relative.as_posix())] = content
    return contents


@contextmanager
def _data(
    source: str, given: Given, into: Path | None, ask: Ask | None
) -> Iterator[tuple[Path, Competition, tuple[Finding, ...]]]:
    """The folder with the competition's files, its contract, and how that was found."""
    if not _is_embedded(source, into):
        with _source_folder(source) as folder:
            name = Path(source).resolve().name
            inferred = infer_contract(folder, given, name.removesuffix(".zip"), ask)
            yield folder, inferred.competition, inferred.findings
        return
    said = [f.name for f in fields(Given) if getattr(given, f.name) != f.default]
    if said:
        raise UsageError(
            f"`--{said[0].replace('_', '-')}` cannot be given for `{source}`: its contract is known",
            f"leave it out, or edit {CONTRACT_FILE} afterwards",
        )
    with _source_folder(source) as folder:
        yield folder, catalogue.load(source).competition, ()


def _is_embedded(source: str, into: Path | None) -> bool:
    """Whether a source is the name of an embedded competition; a folder of that name has to be told from it."""
    if source not in catalogue.names():
        return False
    folder = Path(source)
    is_project = (folder / CONFIG_FILE).exists()
    if into is None and folder.is_dir() and any(folder.iterdir()) and not is_project:
        raise UsageError(
            f"`{source}` is an embedded competition, and a folder here",
            f"write `./{source}` for the folder, or add `--into DIR` for the competition",
        )
    return True


@contextmanager
def _source_folder(source: str) -> Iterator[Path]:
    """The folder with the files of an embedded competition, of a folder or of a .zip."""
    if source in catalogue.names():
        with tempfile.TemporaryDirectory(prefix="aicomp-") as temporary:
            catalogue.load(source).write_data(Path(temporary))
            yield Path(temporary)
    elif Path(source).exists():
        with unpacked(Path(source)) as folder:
            yield folder
    else:
        raise _unknown_source(source)


def _unknown_source(source: str) -> UsageError:
    from difflib import get_close_matches

    if any(character in source for character in "./\\~"):
        return UsageError(f"`{source}` does not exist", "name a folder or .zip of a competition's files")
    near = get_close_matches(source, catalogue.names(), n=1, cutoff=0.5)
    guess = f"did you mean `{near[0]}`? " if near else ""
    return UsageError(
        f"`{source}` is neither an embedded competition nor a folder or .zip here",
        f"{guess}aicomp cannot download from Kaggle yet: download the files, then `aicomp init PATH --metric NAME`",
    )


def _template_folder(name: str) -> Path:
    known = {n: bundled("templates") / n for n in bundled_names("templates")}
    folder = Path(resolve("template", name, known))
    if not (folder / CONFIG_FILE).is_file():
        raise UsageError(f"template `{name}` has no `{CONFIG_FILE}` in `{folder}`", "`aicomp list templates` shows all")
    return folder


def _comment(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return "The contract of the competition: what aicomp takes for granted."
    lines = [" ".join(f"{f.what}: {f.value} ({f.because})".split()) for f in findings]
    return "\n".join(["The contract of the competition, inferred by `aicomp init`. Correct what is wrong.", "", *lines])


def _file_names(competition: Competition) -> list[str]:
    files = competition.files
    return [files.train, files.test, files.sample_submission]


def _default_folder(source: str, slug: str) -> Path:
    """A folder of the slug's name here, unless the source is that very folder."""
    folder = Path.cwd() / slug
    is_source = source not in catalogue.names() and Path(source).resolve() == folder.resolve()
    return folder.with_name(f"{slug}-project") if is_source else folder


def _refuse_project(folder: Path, source: str) -> None:
    if any((folder / name).exists() for name in (CONFIG_FILE, CONTRACT_FILE)):
        raise UsageError(
            f"`{folder}` is a project already",
            f"`--into DIR` makes another one; `aicomp init {shell_word(source)} --data-only --into "
            f"{shell_word(str(folder))}` puts the data into one that has none",
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"`{folder}` is a file", "name another folder with `--into DIR`")


def _refuse_existing(places: list[str], folder: Path) -> None:
    existing = [p for p in places if os.path.lexists(folder / p)]
    blocked = [p.as_posix() for place in places for p in PurePath(place).parents if (folder / p).is_file()]
    if existing or blocked:
        names = ", ".join(f"`{p}`" for p in dict.fromkeys([*existing, *blocked]))
        raise UsageError(
            f"`{folder}` holds {names} already, and nothing is overwritten",
            "name another folder with `--into DIR`, or move them away",
        )


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; it becomes `folder`, or is put into it, when the block ends well."""
    with writing(folder):
        made = [p for p in (folder.parent, *folder.parent.parents) if not p.exists()]
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
                staging = Path(temporary) / folder.name
                staging.mkdir()
                yield staging
                if folder.exists():
                    _move_into(staging, folder)
                else:
                    staging.rename(folder)
        except BaseException:
            _remove_empty(made)
            raise


def _move_into(staging: Path, folder: Path) -> None:
    """Move every file to the same place in a folder that has none of them; undo it if one cannot be moved."""
    manifest = manifest_path(staging)
    files = sorted((p for p in staging.rglob("*") if p.is_file()), key=lambda p: (p == manifest, p))
    moved: list[Path] = []
    made: list[Path] = []
    try:
        for path in files:
            target = folder / path.relative_to(staging)
            made += [p for p in target.parents if not p.exists()]
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
            moved.append(target)
    except BaseException:
        for target in moved:
            target.unlink(missing_ok=True)
        _remove_empty(made)
        raise


def _remove_empty(folders: list[Path]) -> None:
    """Remove those folders that are there and empty, the innermost first."""
    for folder in sorted(set(folders), key=lambda p: -len(p.parts)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
