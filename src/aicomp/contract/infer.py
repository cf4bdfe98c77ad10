"""From a folder of files to a Competition, step by step: files, ids, targets, problem, submission, checks."""

import re
from dataclasses import dataclass
from pathlib import Path

from aicomp.competition import Competition, Files, SubmissionSchema
from aicomp.contract.boxes import find_boxes
from aicomp.contract.checks import check_tables, later_in_test, only_in_train
from aicomp.contract.columns import Targets, find_ids, find_targets
from aicomp.contract.files import find_files, find_group
from aicomp.contract.inquiry import Ask, Finding, Given, Inquiry, listing
from aicomp.contract.pairs import find_pair, find_side_tables, find_takers
from aicomp.contract.problem import Problem, find_problem
from aicomp.contract.series import find_series
from aicomp.contract.tables import Tables, find_tables
from aicomp.contract.template import find_template
from aicomp.errors import DataError, UsageError
from aicomp.labels import nearest_label
from aicomp.metrics.base import Needs
from aicomp.suggest import unknown_name


@dataclass(frozen=True)
class Inferred:
    """A contract and how it was found."""

    competition: Competition
    findings: tuple[Finding, ...]


def infer_contract(folder: Path, given: Given, name: str, ask: Ask | None = None) -> Inferred:
    """Infer the contract of the competition whose files lie in a folder.

    Args:
        folder: Holds train, test and sample submission in Kaggle's form, whatever the files are called.
        given: What the user says; the metric is in no file.
        name: What the slug is made of if none is given, such as the folder's name.
        ask: Asks a person what the files do not say; None refuses instead.

    Raises:
        DataError: A file is absent or wrong, with file, line, column and value.
        UsageError: Something could be several things and nobody can be asked, or a flag does not fit the files.
    """
    inquiry = Inquiry(given, ask)
    slug = given.slug or slug_of(name)
    if slug != slug_of(slug):
        raise UsageError(f"`--slug {slug}` is no slug: small letters, digits and `-`", f"try `--slug {slug_of(slug)}`")
    tables = find_tables(folder, inquiry)
    boxes = find_boxes(tables, folder, inquiry)
    tables = tables if boxes is None else boxes.tables
    ids = find_ids(tables, inquiry)
    targets = find_targets(tables, ids, inquiry)
    media = find_files(ids, targets, tables, folder)
    named = {column.name for column in media.columns}
    hidden = {*ids.columns, *targets.columns} - named
    takers = find_takers(tables, ids.columns, targets.columns)
    has_sounds = any(column.kind == "audio" for column in media.columns)
    problem = find_problem(tables, targets, inquiry, has_boxes=boxes is not None, has_sounds=has_sounds)
    takers = takers if boxes is None and problem.problem_type == "string" else None
    lacking = [] if takers else _check_features(hidden, named, tables, inquiry)
    pair = takers or find_pair(tables, hidden, problem.problem_type, inquiry)  # each pair once: no series
    has_numbers = problem.problem_type == "regression" and pair is None
    sampled = [t for t in (tables.train, tables.test) if t.is_sampled]
    is_asked = given.time is not None or bool(given.series)
    series = find_series(tables, targets.columns, inquiry) if has_numbers and (is_asked or not sampled) else None
    competition = Competition(
        slug=slug,
        title=slug.replace("-", " ").capitalize(),
        problem_type=problem.problem_type,
        id=ids.columns,
        target=targets.columns,
        labels=problem.labels,
        metric=problem.metric.name,
        files=Files(
            train=tables.train.name,
            test=tables.test.name,
            sample_submission=tables.sample.name,
            encoding=given.encoding,
            media=media.tops,
            tables=find_side_tables(tables, pair, inquiry) if pair and not takers else {},
        ),
        submission=_submission(targets, problem, tables, inquiry, blank=boxes is not None),
        group=_column("group", given.group, tables) or find_group(media.columns, lacking, tables, inquiry),
        time=series.time if series else _column("time", given.time, tables),
        series=series.series if series else (),
        horizon=series.horizon if series else 0,
        gap=series.gap if series else 0,
        first_row_id=ids.first_row_id,
        user=pair.user if pair else None,
        item=pair.item if pair else None,
        template=find_template(
            tables, hidden, media.columns, series, problem.problem_type, pair, inquiry, has_boxes=boxes is not None
        ),
        boxes=None if boxes is None else boxes.columns,
    )
    check_tables(competition, tables)
    for table in sampled:
        what = f"{len(table.frame)} of {table.n_rows} rows of {table.name}"
        inquiry.found("note", what, "columns are judged by these; ids and targets by all rows")
    _note_columns(competition, lacking, tables, inquiry)
    return Inferred(competition, tuple(inquiry.findings))


def slug_of(name: str) -> str:
    """A name made safe: small letters, digits and single dashes.

    >>> slug_of("House Prices (2)"), slug_of("../...")
    ('house-prices-2', 'competition')
    """
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") or "competition"


def _check_features(hidden: set[str], files: set[str], tables: Tables, inquiry: Inquiry) -> list[str]:
    """Columns of train that test lacks.

    Args:
        hidden: Ids and targets, which are left out.
        files: Columns of both that name files: beside them train often has more to say.
        tables: The tables.
        inquiry: What is given.

    Raises:
        DataError: They are most of them, as if the wrong file was taken for test.
    """
    lacking, shared = only_in_train(hidden, tables)
    named = inquiry.given.train is not None and inquiry.given.test is not None
    if len(lacking) > len(shared) and not named and not files:
        train, test, n_columns = tables.train.name, tables.test.name, len(lacking) + len(shared)
        raise DataError(
            f"`{test}` lacks {len(lacking)} of the {n_columns} columns of `{train}`: {listing(lacking)}",
            f"take the right files; if these are, add `--train {train} --test {test}`",
        )
    return lacking


def _submission(
    targets: Targets, problem: Problem, tables: Tables, inquiry: Inquiry, *, blank: bool
) -> SubmissionSchema:
    """What the submission holds: what the metric needs, or probabilities if it has a column per class.

    Raises:
        UsageError: The metric needs a column per class and the sample has one column.
    """
    metric, sample = problem.metric, tables.sample
    columns = tuple(sample.columns)
    if targets.classes:
        inquiry.found("submission", "probability", f"{sample.name} has one column per class")
        return SubmissionSchema(columns=columns, wants="probability", sum_to_one=True)
    if problem.problem_type == "multiclass" and metric.needs == "probability":
        raise UsageError(
            f"metric `{metric.name}` needs a probability for each of {len(problem.labels)} classes, and "
            f"`{sample.name}` has one column for them",
            "add another `--metric`, or `--problem-type`",
        )
    inquiry.found("submission", metric.needs, f"metric {metric.name} needs it")
    _note_sample(metric.needs, targets, problem, tables, inquiry)
    return SubmissionSchema(columns=columns, wants=metric.needs, blank=blank)


def _note_sample(wants: Needs, targets: Targets, problem: Problem, tables: Tables, inquiry: Inquiry) -> None:
    """Say so where the sample holds something else than the labels that will be submitted."""
    if wants != "label" or not problem.labels:
        return
    column = tables.sample.columns[-1]
    values = tables.sample.values([column])[column].dropna().str.strip()
    strange = next((v for v in values.unique() if v not in problem.labels), None)
    if strange is not None:
        near = nearest_label(strange, problem.labels)
        spelled = f", as train has it, and not `{strange}`" if near else f"; `{strange}` is none"
        inquiry.found("note", f"{tables.sample.name} holds `{strange}`", f"labels are {_some(problem.labels)}{spelled}")


def _some(labels: tuple[str, ...]) -> str:
    return listing(labels, most=5)


def _column(flag: str, name: str | None, tables: Tables) -> str | None:
    if name is not None and name not in tables.train.columns:
        raise unknown_name(f"column of `{tables.train.name}`, given with `--{flag}`:", name, tables.train.columns)
    return name


def _note_columns(competition: Competition, lacking: list[str], tables: Tables, inquiry: Inquiry) -> None:
    for flag, column in (("group", competition.group), ("time", competition.time)):
        is_told = flag == "time" and competition.horizon
        if column is not None and getattr(inquiry.given, flag) is not None and not is_told:
            inquiry.found(flag, column, f"given with --{flag}")
    lacking = [column for column in lacking if column != competition.group]
    if lacking:
        inquiry.found("only in train", ", ".join(lacking), f"{tables.test.name} lacks them; they are not used")
    surplus = [c for c in tables.test.columns if c not in {*tables.train.columns, *competition.id, *competition.target}]
    if surplus:
        inquiry.found("only in test", ", ".join(surplus), "remove them in features.py")
    later = later_in_test(tables) if competition.time is None else None
    if later is not None:
        inquiry.found("note", f"test is later by {later}", f"`--time {later}` would validate on later rows too")
