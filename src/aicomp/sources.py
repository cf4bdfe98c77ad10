"""Where a competition's files come from: an embedded competition, a download, or a folder or .zip in Kaggle's form."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec

from aicomp import catalogue
from aicomp.class_folders import with_tables
from aicomp.competition import Competition
from aicomp.contract import Ask, Finding, Given, infer_contract
from aicomp.contract.entry import with_entry
from aicomp.contract.inquiry import shell_word
from aicomp.errors import AicompError, UsageError
from aicomp.project import CONFIG_FILE
from aicomp.raw_data import unpacked


@dataclass(frozen=True)
class Download:
    """A competition's files, fetched from Kaggle or another host, and what the host says besides.

    Attributes:
        folder: Where the files lie.
        slug: The host's short name of the competition.
        title: For people.
        url: Page of the competition.
        host: See `Competition.host`.
        deadline: See `Competition.deadline`.
        findings: What the host says, for people and for the contract.
        notes: What is true of this machine and this day alone, for people.
        notebook_only: Whether the host takes notebooks and no files.
    """

    folder: Path
    slug: str
    title: str
    url: str
    host: str
    deadline: str = ""
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    notebook_only: bool = False

    def describe(self, competition: Competition) -> Competition:
        """A contract with what the host says; the slug stays the host's, since submissions go by it."""
        return msgspec.structs.replace(
            competition, slug=self.slug, title=self.title, url=self.url, host=self.host, deadline=self.deadline
        )


def is_remote(source: str, *, host_is_named: bool) -> bool:
    """Whether a source is a competition to be asked for at Kaggle or at a host.

    A path that exists and the name of an embedded competition are none, the latter unless a host is named. A project is
    no source, so that its folder does not stand in the way of its competition's name.

    Args:
        source: As the user gives it.
        host_is_named: Whether `--host` or `AICOMP_HOST` names a host.
    """
    if catalogue.is_embedded(source):
        return host_is_named
    is_path = Path(source).exists() and not (Path(source) / CONFIG_FILE).is_file()
    return not is_path and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", source) is not None


def near_embedded(source: str) -> str:
    """The embedded competition that a name may have been meant for, "" if none is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(source, catalogue.embedded_names(), n=1, cutoff=0.75)), "")


@contextmanager
def opened(
    source: str | Download, given: Given, into: Path | None, ask: Ask | None
) -> Iterator[tuple[Path, Competition, tuple[Finding, ...]]]:
    """The folder with the competition's files, its contract, and how that was found."""
    if isinstance(source, Download):
        with with_tables(source.folder, given.encoding) as folder:
            known = catalogue.known_contract(source.slug) if source.host == "kaggle" else None
            inferred = with_entry(known, folder, given, source.slug, ask)
            competition = _with_origin(inferred.competition, source.folder)
            yield folder, source.describe(competition), (*source.findings, *inferred.findings)
        return
    if not is_embedded(source, into):
        with _raw_folder(source) as found, with_tables(found, given.encoding) as folder:
            with _naming(source, folder):
                competition, findings = _of_own_files(folder, source, given, ask)
            yield folder, _with_origin(competition, found), findings
        return
    said = [f.name for f in fields(Given) if getattr(given, f.name) != f.default]
    if said:
        raise UsageError(
            f"`--{said[0].replace('_', '-')}` cannot be given for `{source}`: its contract is known",
            "leave it out, or edit competition.toml afterwards",
        )
    with source_folder(source) as folder:
        yield folder, catalogue.load(source).competition, ()


def _of_own_files(folder: Path, source: str, given: Given, ask: Ask | None) -> tuple[Competition, tuple[Finding, ...]]:
    """The contract of files that the user has: with the catalogue's entry, where `--slug` names one that is trained."""
    known = catalogue.known_contract(given.slug) if given.slug else None
    if given.slug is None or known is None or known.about is None or known.about.untrainable:
        name = Path(source).resolve().name.removesuffix(".zip")
        with _hinting_at_an_entry(name, given):
            inferred = infer_contract(folder, given, name, ask)
        return inferred.competition, inferred.findings
    inferred = with_entry(known, folder, given, given.slug, ask)
    return msgspec.structs.replace(inferred.competition, title=known.title, url=known.url), inferred.findings


@contextmanager
def _naming(source: str, folder: Path) -> Iterator[None]:
    """Errors name what the user gave, where that was unpacked or looked at elsewhere."""
    try:
        yield
    except AicompError as e:
        if folder.resolve() != Path(source).resolve():
            e.message = e.message.replace(str(folder), source)
            e.args = (e.message,)
        raise


@contextmanager
def _hinting_at_an_entry(name: str, given: Given) -> Iterator[None]:
    """Where the files do not say all, and are called as a competition that the catalogue knows: say so."""
    try:
        yield
    except UsageError as e:
        if given.slug is None and catalogue.known_contract(name) is not None:
            e.hint = f"{e.hint}; if these are the files of `{name}` on Kaggle, `--slug {name}` says all that is known"
        raise


def is_embedded(source: str, into: Path | None) -> bool:
    """Whether a source is the name of an embedded competition; a folder of that name has to be told from it."""
    if not catalogue.is_embedded(source):
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
def source_folder(source: str | Download, encoding: str = "utf-8") -> Iterator[Path]:
    """The folder with the files of an embedded competition, of a download, of a folder or of a .zip."""
    if isinstance(source, Download):
        with with_tables(source.folder, encoding) as folder:
            yield folder
    elif catalogue.is_embedded(source):
        with tempfile.TemporaryDirectory(prefix="aicomp-") as temporary:
            catalogue.load(source).write_data(Path(temporary))
            yield Path(temporary)
    else:
        with _raw_folder(source) as found, with_tables(found, encoding) as folder:
            yield folder


@contextmanager
def _raw_folder(source: str) -> Iterator[Path]:
    """The folder with the files of a folder or .zip, as they came."""
    if not Path(source).exists():
        raise _unknown_source(source)
    with unpacked(Path(source)) as folder:
        yield folder


def _with_origin(competition: Competition, source: Path) -> Competition:
    """A contract that says whether a table of it is no file of the source, but was made of what is there."""
    is_made = not (source / competition.files.test).exists()
    return msgspec.structs.replace(competition, files=msgspec.structs.replace(competition.files, made=is_made))


def _unknown_source(source: str) -> UsageError:
    from difflib import get_close_matches

    if any(character in source for character in "./\\~"):
        return UsageError(f"`{source}` does not exist", "name a folder or .zip of a competition's files")
    near = get_close_matches(source, catalogue.embedded_names(), n=1, cutoff=0.5)
    guess = f"did you mean `{near[0]}`? " if near else ""
    return UsageError(
        f"`{source}` is neither an embedded competition nor a folder or .zip here",
        f"{guess}`aicomp list competitions` shows the embedded ones; `aicomp doctor {shell_word(source)}` asks Kaggle",
    )
