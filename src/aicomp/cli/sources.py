"""What `aicomp init` does where its source is a competition of Kaggle or a host: check, download, say what is known.

Everything that can be refused is refused before the download: a wrong flag must not cost an hour.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aicomp.cli.output import Output
from aicomp.errors import AicompError, DataError, UsageError

if TYPE_CHECKING:
    from aicomp.contract import Finding, Given
    from aicomp.kaggle.endpoint import Endpoint
    from aicomp.kaggle.preflight import Clearance
    from aicomp.project import Project
    from aicomp.sources import Download

_LEFT = "left there"


@dataclass(frozen=True)
class Wanted:
    """What is asked of a host.

    Attributes:
        host: `--host`.
        patterns: `--file`; empty takes the tables.
    """

    host: str | None
    patterns: tuple[str, ...] = ()

    def is_remote(self, source: str) -> bool:
        """Whether a source is asked for at Kaggle or a host.

        Raises:
            UsageError: It is not, and a flag only makes sense if it is.
        """
        import os

        from aicomp.kaggle.endpoint import HOST_VARIABLE
        from aicomp.sources import is_remote

        named = bool(self.host or os.environ.get(HOST_VARIABLE, "").strip())
        if is_remote(source, host_is_named=named):
            return True
        flag = "--host" if self.host else "--file" if self.patterns else ""
        if flag:
            what = "lies here" if Path(source).exists() else "is not downloaded"
            raise UsageError(f"`{flag}` cannot be given for `{source}`, which {what}", f"leave `{flag}` out")
        return False


def fetch_source(
    source: str, into: Path | None, given: "Given", template: str | None, wanted: Wanted, out: Output
) -> "tuple[Download, Given]":
    """Download a competition for a new project; returns it, and what is given completed by what the host says.

    Raises:
        AicompError: It cannot be had, or a flag is wrong; the latter is found before anything is downloaded.
    """
    from aicomp.contract.entry import refuse_entry
    from aicomp.kaggle.endpoint import KAGGLE, find_endpoint
    from aicomp.metrics import get_metric
    from aicomp.scaffold import refuse_project, template_folder

    if given.slug is not None:
        raise UsageError(f"`--slug` cannot be given for `{source}`: submissions go by its own", "leave `--slug` out")
    refuse_project(into or Path.cwd() / source, source)
    if template is not None:
        template_folder(template)
    if given.metric is not None and ":" not in given.metric:
        get_metric(given.metric)
    endpoint = find_endpoint(wanted.host)
    if endpoint.host == KAGGLE:
        refuse_entry(source, given.metric)
    with _meaning_an_embedded_one(source):
        download, clearance = _fetch(source, endpoint, wanted.patterns, out)
    return download, replace(given, stated_metric=clearance.info.metric, stated_by=endpoint.name)


def data_source(source: str | None, folder: Path, wanted: Wanted, out: Output) -> "str | Download | None":
    """Where the data of a project that lacks it comes from: downloaded, if the contract or the source says so.

    Raises:
        AicompError: It cannot be had.
    """
    from aicomp.kaggle.endpoint import find_endpoint
    from aicomp.scaffold import contract_without_data, file_names

    if source is not None and not wanted.is_remote(source):
        return source
    competition = contract_without_data(folder)
    if source is None and competition.host == "local":
        return None
    names = tuple(_only(name) for name in file_names(competition))
    endpoint = find_endpoint(wanted.host, competition.host)
    download, _ = _fetch(source or competition.slug, endpoint, wanted.patterns or names, out)
    return replace(download, notes=tuple(n for n in download.notes if n.what != _LEFT))


def check_data_is_there(project: "Project") -> None:
    """Where a project of a host has no data, say so with what stands against downloading it.

    Nothing is asked of the host as long as the data is there.

    Raises:
        DataError: There is no data, and it can be downloaded.
        AicompError: There is no data, and it cannot be downloaded: the error says why and what to do first.
    """
    from aicomp.contract.inquiry import shell_word
    from aicomp.kaggle.connection import connect
    from aicomp.kaggle.endpoint import find_endpoint
    from aicomp.kaggle.preflight import check_before_download
    from aicomp.raw_data import manifest_path
    from aicomp.scaffold import file_names

    competition, folder = project.competition, project.folder
    # Without a page, the data came from a folder here, and the host may know no such competition.
    if competition.host == "local" or not competition.url or manifest_path(folder).is_file():
        return
    try:
        with connect(find_endpoint(None, competition.host)) as connection:
            check_before_download(connection, competition.slug, [_only(n) for n in file_names(competition)])
    except AicompError as e:
        raise type(e)(f"`{folder}` has no data yet, and it cannot be downloaded now: {e.message}", e.hint) from e
    raise DataError(f"`{folder}` has no data yet", f"run `aicomp init --data-only --into {shell_word(str(folder))}`")


def _only(name: str) -> str:
    """A pattern that matches one name."""
    import glob

    return glob.escape(name)


def _fetch(slug: str, endpoint: "Endpoint", patterns: tuple[str, ...], out: Output) -> "tuple[Download, Clearance]":
    from aicomp.cli.transfer import Transfer
    from aicomp.kaggle.connection import connect
    from aicomp.kaggle.download import download_competition
    from aicomp.kaggle.preflight import check_before_download

    with connect(endpoint) as connection:
        clearance = check_before_download(connection, slug, patterns)
        with Transfer(out, f"`{slug}` of {endpoint.name}") as transfer:
            folder = download_competition(
                connection, slug, patterns=clearance.patterns, on_progress=transfer.on_progress
            )
    return _describe(clearance, endpoint, folder), clearance


def _describe(clearance: "Clearance", endpoint: "Endpoint", folder: Path) -> "Download":
    """The files, with what the host says of the competition and what it does not."""
    from aicomp.contract import Finding
    from aicomp.sources import Download

    info, says = clearance.info, f"{endpoint.name} says so"
    findings = [Finding("competition", info.title, info.url)]
    if info.deadline is None:
        findings.append(Finding("deadline", "unknown", f"{endpoint.name} names none"))
    else:
        findings.append(Finding("deadline", f"{info.deadline:%Y-%m-%d %H:%M} UTC", says))
    if info.notebook_only:
        findings.append(Finding("takes", "notebooks", f"{says}; `aicomp submit --notebook` sends one"))
    return Download(
        folder / clearance.folder,
        info.slug,
        info.title,
        info.url,
        endpoint.host,
        "" if info.deadline is None else f"{info.deadline:%Y-%m-%dT%H:%M:%SZ}",
        tuple(findings),
        tuple(_notes(clearance, folder)),
        info.notebook_only,
    )


def _notes(clearance: "Clearance", folder: Path) -> "Iterator[Finding]":
    from aicomp.checkup import size_text
    from aicomp.contract import Finding
    from aicomp.kaggle.doctor import check_deadline

    for what, files, why in (
        ("downloaded", clearance.files, f"in `{folder}`, for all projects"),
        (_LEFT, clearance.left_out, "no tables, or not matched by --file"),
    ):
        if files:
            count = "1 file" if len(files) == 1 else f"{len(files)} files"
            yield Finding(what, f"{count}, {size_text(sum(f.bytes for f in files))}", why)
    deadline = check_deadline(clearance.info)
    if deadline.status == "warning":
        yield Finding("note", f"deadline {deadline.detail}", deadline.hint or "hurry")


@contextmanager
def telling_what_was_left(download: "Download") -> Iterator[None]:
    """Where a table is lacking, say in the hint that there are files that were not downloaded."""
    from aicomp.contract.tables import LackingError

    try:
        yield
    except LackingError as e:
        left = next((n.value for n in download.notes if n.what == _LEFT), "")
        more = f"; {left} were not downloaded, `--file PATTERN` takes those" if left else ""
        e.hint = (
            f"{e.hint}{more}; where there is no such file, lay out train, test and sample submission yourself from "
            f"`{download.folder}` and run `aicomp init FOLDER --metric NAME`"
        )
        raise


@contextmanager
def _meaning_an_embedded_one(source: str) -> Iterator[None]:
    """Where a competition cannot be had and its name is near that of an embedded one, say so in the hint."""
    from aicomp.sources import near_embedded

    try:
        yield
    except AicompError as e:
        near = near_embedded(source)
        if near and near != source:
            e.hint = f"did you mean the embedded `{near}`? Else: {e.hint}"
        raise
