"""From a template and a competition to a project folder."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath

import msgspec

from aicomp import catalogue
from aicomp.competition import Competition, dump_competition, load_competition
from aicomp.contract import Ask, Finding, Given, check_files
from aicomp.contract.infer import slug_of
from aicomp.contract.inquiry import shell_word
from aicomp.errors import DataError, UsageError
from aicomp.files import atomic_write, check_name
from aicomp.project import CONFIG_FILE, contract_path
from aicomp.raw_data import check_against_manifest, check_manifest, copy_raw_data
from aicomp.registry import resolve
from aicomp.resources import bundled, bundled_names
from aicomp.simulation.project import open_project
from aicomp.sources import Download, opened, source_folder
from aicomp.staging import take_back, whole_or_nothing

CONTRACT_FILE = "competition.toml"
DEFAULT_TEMPLATE = "tabular"
SIMULATION_TEMPLATE = "simulation"

SLUG_TOKEN = "{{slug}}"
"""The one token that is replaced, in TOML and Markdown alone: a template's Python stands as it is."""

_MODEL_LINE = re.compile(r'^name = "audio-resnet".*$', re.MULTILINE)
_SPEECH_LINE = 'name = "ctc"  # writes what is said, see README.md; it has parameters of its own for the sections below'
"""What stands in its place in the template `audio` where the target is a string."""

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
        files: The project's files, relative to its folder, without those in folders of `data/raw/`.
    """

    folder: Path
    competition: Competition
    findings: tuple[Finding, ...]
    files: tuple[str, ...]


def create_project(
    source: str | Download, into: Path | None, given: Given, template: str | None = None, ask: Ask | None = None
) -> Created:
    """Make a project of an embedded competition, a download, or a folder or .zip of files in Kaggle's form.

    All or nothing: the project appears whole, and no file that exists is changed.

    Args:
        source: Name of an embedded competition, a path, or a download.
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
    check_name(_name(source))
    if into is not None:
        refuse_project(into, _name(source))
    with opened(source, given, into, ask) as (data, competition, findings):
        name = template or competition.template
        if template is not None:
            findings = tuple(f for f in findings if f.what != "template")
        if competition.is_simulation != (name == SIMULATION_TEMPLATE):
            raise UsageError(
                f"template `{name}` does not fit `{competition.slug}`, which is {competition.problem_type}",
                f"take `--template {competition.template}`, or leave it out",
            )
        competition = msgspec.structs.replace(competition, template=name)
        folder = (into or _default_folder(source, competition.slug)).resolve()
        refuse_project(folder, _name(source))
        return _write_project(folder, competition, findings, data)


def create_simulation(slug: str, into: Path | None, environment: str, metric: str, host: str) -> Created:
    """Make a project on a simulation that is not embedded; nobody is asked about it.

    Args:
        slug: Its short name, by which submissions go.
        into: Folder of the project; None makes one of the slug's name here.
        environment: See `Competition.environment`.
        metric: See `competition_checks.SIMULATION_METRICS`.
        host: See `Competition.host`.

    Raises:
        UsageError: The slug is none, the contract would be wrong, or a project or one of its files is there already.
        AicompError: The disk is full or the folder cannot be written.
    """
    if slug != slug_of(slug):
        raise UsageError(f"`{slug}` is no slug: small letters, digits and `-`", f"try `{slug_of(slug)}`")
    findings = (
        Finding("environment", environment, "given with --environment, or known by the name"),
        Finding("metric", metric, "the default for this environment, or given with --metric"),
    )
    competition = Competition(
        slug=slug,
        title=slug.replace("-", " ").capitalize(),
        problem_type="simulation",
        metric=metric,
        environment=environment,
        template=SIMULATION_TEMPLATE,
        host=host,
    )
    folder = (into or Path.cwd() / slug).resolve()
    refuse_project(folder, slug)
    return _write_project(folder, competition, findings, folder)


def _write_project(folder: Path, competition: Competition, findings: tuple[Finding, ...], data: Path) -> Created:
    """Lay out a project from its contract; `data` holds the competition's files."""
    contents = {**template_files(template_folder(competition.template), competition.slug), CONTRACT_FILE: b""}
    contents[CONTRACT_FILE] = dump_competition(competition, _comment(findings)).encode()
    if competition.problem_type == "string" and competition.template == "audio":
        contents[CONFIG_FILE] = _MODEL_LINE.sub(_SPEECH_LINE, contents[CONFIG_FILE].decode()).encode()
    data_files = [] if competition.is_simulation else ["data/raw", "data/manifest.json"]
    _refuse_existing([*contents, *data_files], folder)
    with whole_or_nothing(folder, last=(CONTRACT_FILE, CONFIG_FILE)) as staging:
        for relative, content in contents.items():
            atomic_write(staging / relative, content)
        open_project(staging)
        copy_raw_data(data, file_names(competition), staging, competition.files.media)
        files = sorted(p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file())
        files = [path for path in files if not is_below_raw(path)]
    return Created(folder, competition, findings, tuple(files))


def add_data(source: str | Download | None, folder: Path) -> Created:
    """Put the data into a project that has none, such as a fresh clone, or whose data is damaged.

    Args:
        source: Name of an embedded competition, a path, or a download; None takes the competition that the contract
            names.
        folder: The project.

    Raises:
        UsageError: No project, its data is there already, or no such source.
        DataError: The files break the contract, or a download is not what the project's manifest says.
    """
    competition = contract_without_data(folder)
    with source_folder(source or competition.slug, competition.files.encoding) as data:
        check_files(competition, data)
        if isinstance(source, Download):
            check_against_manifest(data, folder)
        copy_raw_data(data, file_names(competition), folder, competition.files.media)
    files = [f"data/raw/{name}" for name in file_names(competition)]
    return Created(folder.resolve(), competition, (), (*files, "data/manifest.json"))


def contract_without_data(folder: Path) -> Competition:
    """The contract of a project that lacks its data.

    Raises:
        UsageError: No project, its data is there, or it is on a simulation.
    """
    if not (folder / CONFIG_FILE).is_file():
        raise UsageError(f"`{folder}` is no project: it has no `{CONFIG_FILE}`", "leave `--data-only` out to make one")
    competition = load_competition(contract_path(folder))
    if competition.is_simulation:
        raise UsageError(f"`{folder}` is a project on a simulation: it has no data", "go on with `aicomp train`")
    if _is_whole(folder):
        raise UsageError(f"`{folder}` has its data already", "to copy it anew, remove `data/manifest.json` first")
    return competition


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


def template_folder(name: str) -> Path:
    """The folder of a template by its name.

    Raises:
        UsageError: No such template.
    """
    known = {n: bundled("templates") / n for n in bundled_names("templates")}
    folder = Path(resolve("template", name, known))
    if not (folder / CONFIG_FILE).is_file():
        raise UsageError(f"template `{name}` has no `{CONFIG_FILE}` in `{folder}`", "`aicomp list templates` shows all")
    return folder


def is_below_raw(path: str) -> bool:
    """Whether a file lies in a folder of `data/raw/`, as images do, of which there may be a great many."""
    return path.startswith("data/raw/") and path.count("/") > 2


def _comment(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return "The contract of the competition: what aicomp takes for granted."
    lines = [" ".join(f"{f.what}: {f.value} ({f.because})".split()) for f in findings]
    return "\n".join(["The contract of the competition, inferred by `aicomp init`. Correct what is wrong.", "", *lines])


def file_names(competition: Competition) -> list[str]:
    """The files of `data/raw/` that a contract names."""
    files = competition.files
    if competition.is_simulation:
        return []
    return [files.train, files.test, files.sample_submission, *files.tables]


def _name(source: str | Download) -> str:
    return source.slug if isinstance(source, Download) else source


def _default_folder(source: str | Download, slug: str) -> Path:
    """A folder of the slug's name here, unless the source is that very folder."""
    folder = Path.cwd() / slug
    if isinstance(source, Download):
        return folder
    is_source = not catalogue.is_embedded(source) and Path(source).resolve() == folder.resolve()
    return folder.with_name(f"{slug}-project") if is_source else folder


def refuse_project(folder: Path, source: str) -> None:
    """Refuse a folder that is a project already, or a file; what a killed `aicomp init` left in it is removed first.

    Args:
        folder: Where a project is to be made.
        source: What it is to be made of, as it is typed.

    Raises:
        UsageError: It is.
        AicompError: What was left cannot be removed.
    """
    check_name(str(folder))
    take_back(folder.absolute())
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
