"""A downloaded competition that the catalogue knows: its entry, held against the files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from aicomp import catalogue
from aicomp.about import About, refuse_untrainable, refuse_without_metric
from aicomp.competition import Competition
from aicomp.contract.infer import Inferred, infer_contract
from aicomp.contract.inquiry import Ask, Finding, Given, listing
from aicomp.errors import AicompError, UsageError
from aicomp.metrics import get_metric

_COLUMNS = ("id", "target", "series")
_WORDS = ("problem_type", "group", "time")


def refuse_entry(slug: str, metric: str | None) -> None:
    """Refuse, before anything is downloaded, a competition that the catalogue knows and aicomp cannot train.

    Args:
        slug: A competition of Kaggle.
        metric: What `--metric` says.

    Raises:
        UsageError: No template trains it, or aicomp lacks its metric, or has it only to grade, and the user names no
            other.
    """
    known = catalogue.known_contract(slug)
    if known is None:
        return
    refuse_untrainable(slug, known.metric, known.about)
    refuse_without_metric(slug, metric or known.metric, known.about, f"`aicomp init {slug} --metric {{}}`")
    reason = "" if metric is not None else get_metric(known.metric).why_graded_only
    if reason:
        raise UsageError(
            f"the metric of `{slug}`, `{known.metric}`, grades files and cannot guide a training: {reason}",
            f"`aicomp init {slug} --metric NAME` trains by another one; `aicomp list metrics` shows all",
        )


def with_entry(known: Competition | None, folder: Path, given: Given, slug: str, ask: Ask | None) -> Inferred:
    """Infer the contract of downloaded files, with what the catalogue's entry says in place of what nobody says.

    What the user says comes first, then the entry, then the files. Where the files say otherwise than the entry, that
    is a finding, or the error that it would be of a flag, with the entry named in its hint.

    Args:
        known: The entry; None infers everything.
        folder: Holds the files.
        given: What the user says.
        slug: Of the competition.
        ask: Asks a person what neither says.

    Raises:
        DataError: A file is absent or wrong.
        UsageError: Something could be several things, or the entry does not fit the files.
    """
    if known is None:
        return infer_contract(folder, given, slug, ask)
    entry = f"`aicomp show {slug}`"
    said: dict[str, Any] = {k: v for k, v in _said(known, folder).items() if v and not getattr(given, k)}
    try:
        inferred = infer_contract(folder, replace(given, **said), slug, ask)
    except AicompError as e:
        flags = ", ".join(f"`--{name.replace('_', '-')}`" for name in said)
        e.hint = (
            f"{e.hint}; {flags} come from aicomp's entry of `{slug}` (`aicomp show {slug}`): give them to overrule it"
        )
        if known.files.made and not (folder / known.files.test).exists():
            e.hint = (
                f"`{known.files.test}` is made where the files are that ids name, {listing(known.files.media)}: bring "
                "them too, or add `--file '*'` to a download"
            )
        raise
    entry = f"`aicomp show {slug}`"
    first = Finding("entry", slug, f"known to aicomp, {entry}: {', '.join(said) or 'all was given'}")
    given_or_said = {*said, *(name for name in ("train", "test", "sample") if getattr(given, name))}
    differing = tuple(_differences(known, inferred.competition, given_or_said, entry))
    findings = [_attributed(finding, set(said)) for finding in inferred.findings]
    return Inferred(_completed(inferred.competition, known), (first, *differing, *findings))


def _attributed(finding: Finding, said: set[str]) -> Finding:
    """A finding that calls a flag what the entry says."""
    flag = finding.because.removeprefix("given with --").replace("-", "_")
    return replace(finding, because="aicomp's entry says so") if flag in said else finding


def _said(known: Competition, folder: Path) -> dict[str, str | tuple[str, ...]]:
    """What the entry says, by names of `Given`; files only where they are there under these names."""
    said: dict[str, str | tuple[str, ...]] = {name: getattr(known, name) or () for name in (*_COLUMNS, *_WORDS)}
    said["metric"] = known.metric
    if known.boxes is not None:  # the target is gathered of the rows of train, and is no column of it
        said["target"] = ()
    files = known.files
    names = {"train": files.train, "test": files.test, "sample": files.sample_submission}
    return said | {role: name for role, name in names.items() if name and (folder / name).is_file()}


def _differences(known: Competition, found: Competition, said: set[str], entry: str) -> list[Finding]:
    """Where the files say otherwise than the entry."""
    pairs: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "columns": (known.submission.columns, found.submission.columns),
        "labels": (known.labels, found.labels),
    }
    differing = [
        Finding("contradiction", listing(of_files), f"{what} of the files, but {listing(of_entry)} of {entry}")
        for what, (of_entry, of_files) in pairs.items()
        if of_entry and set(of_entry) != set(of_files)
    ]
    names = {"train": known.files.train, "test": known.files.test, "sample": known.files.sample_submission}
    absent = [name for role, name in names.items() if name and role not in said]
    if absent:
        differing.append(Finding("contradiction", listing(absent), f"named by {entry}, and not among the files"))
    return differing


def _completed(found: Competition, known: Competition) -> Competition:
    """The contract of the files, with what only the entry knows."""
    about = known.about
    assert about is not None
    # What the files say is verified by them; what stays open are the facts about the competition itself.
    still_open = {f.name for f in msgspec.structs.fields(About)} | {"medals", "medals_source"}
    unverified = tuple(name for name in about.unverified if name in still_open)
    about = msgspec.structs.replace(about, unverified=unverified, nearest_metric="")
    return msgspec.structs.replace(
        found,
        about=about,
        medals=known.medals,
        medals_source=known.medals_source,
        metric_columns=known.metric_columns,
        splitter=known.splitter,
    )
