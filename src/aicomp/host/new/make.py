"""One labelled table becomes a folder that `aicomp host` serves: read, choose, deal, write, check."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.competition import Competition, dump_competition
from aicomp.contract import Ask, Finding, Given, infer_contract
from aicomp.errors import DataError, UsageError
from aicomp.files import atomic_write
from aicomp.grading import TextTable, read_text_table
from aicomp.host.check import Problem, check_folder
from aicomp.host.folder import CONTRACT_FILE, HOST_FILE
from aicomp.host.new.dealing import PRIVATE, PUBLIC, TRAIN, deal_units, digest, feature_units, later_rows, seconds_of
from aicomp.host.new.kinds import choose_metric, choose_problem, sample_submission
from aicomp.host.new.texts import description, host_toml, readme
from aicomp.host.new.wishes import Choosing, Wishes
from aicomp.host.solution import USAGE_COLUMN
from aicomp.metrics import Metric
from aicomp.metrics.base import ProblemType
from aicomp.staging import whole_or_nothing

FEWEST_ROWS = 10
_ID_NAME = re.compile(r"(^|_|\b)(id|ids|index|key|uuid)$|[a-z]I[dD]$|^unnamed: 0$", re.IGNORECASE)


@dataclass(frozen=True)
class Made:
    """A new competition.

    Attributes:
        folder: Where it lies.
        competition: Its contract.
        choices: What was chosen, and why.
        files: Its files, sorted.
        rows: How many rows are train, public and private.
        problems: What `aicomp host check` says of it.
    """

    folder: Path
    competition: Competition
    choices: tuple[Finding, ...]
    files: tuple[str, ...]
    rows: tuple[int, int, int]
    problems: tuple[Problem, ...]


def make_competition(wishes: Wishes, into: Path, ask: Ask | None = None) -> Made:
    """Make the folder of a competition, whole or not at all.

    Args:
        wishes: What the organizer says.
        into: The folder in which it is made, under its slug; the one that `aicomp host` is to serve.
        ask: Asks a person what the table does not say.

    Raises:
        UsageError: The slug is none, the folder exists, or something has to be said.
        DataError: The table is wrong, with line, column and value.
        AicompError: The disk is full or the folder cannot be written.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", wishes.slug):
        raise UsageError(f"`{wishes.slug}` is no name of a competition", "use small letters, digits and `-`")
    folder = into / wishes.slug
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"`{folder}` is there already", "take another name, or `--into DIR`")
    choosing = Choosing(wishes, ask)
    table = read_text_table(wishes.train, encoding=wishes.encoding)
    targets, name_of_id, frame = _columns(table, choosing)
    kind = choose_problem(frame[list(targets)], choosing)
    metric = choose_metric(kind, choosing)
    parts = _deal(frame, table, targets, kind, choosing)
    tables = _tables(frame, parts, targets, name_of_id, kind, metric, wishes)
    with whole_or_nothing(folder) as staging:
        for name, content in tables.items():
            atomic_write(staging / f"{name}.csv", content.to_csv(index=False, lineterminator="\n"))
        competition = _contract(staging, targets, name_of_id, kind, metric, wishes)
        texts = {
            CONTRACT_FILE: dump_competition(competition, "Made by `aicomp competition new`."),
            HOST_FILE: host_toml(competition),
            "description.md": description(competition, metric, wishes),
            "README.md": readme(competition),
        }
        for name, text in texts.items():
            atomic_write(staging / name, text)
        files = tuple(sorted(p.name for p in staging.iterdir()))
    rows = (int((parts == TRAIN).sum()), int((parts == PUBLIC).sum()), int((parts == PRIVATE).sum()))
    return Made(folder, competition, tuple(choosing.choices), files, rows, tuple(check_folder(folder)))


def _columns(table: TextTable, choosing: Choosing) -> tuple[tuple[str, ...], str, pd.DataFrame]:
    """Targets, the name of the new id, and the table without the old one.

    Raises:
        UsageError: A column that is named is none of the table, or is two things at once.
        DataError: There are too few rows, a target is missing, or no column is left to predict from.
    """
    wishes = choosing.wishes
    columns = table.header
    if len(table) < FEWEST_ROWS:
        raise DataError(f"`{table.name}` has {len(table)} rows", f"a competition needs at least {FEWEST_ROWS}")
    targets = choosing.target(columns)
    for flag, column in (("id", wishes.id), ("group", wishes.group), ("time", wishes.time)):
        if column is not None:
            choosing.need(column, flag, columns)
            if column in targets:
                raise UsageError(f"`{column}` is the target, and given with `--{flag}`", "name another column")
    for column in targets:
        table.refuse(table.frame[column].isna().to_numpy(), column, "and has to be known", "remove that row")
    old = _old_id(table.frame, targets, choosing)
    frame = table.frame if old is None else table.frame.drop(columns=old)
    if USAGE_COLUMN in frame.columns:
        raise UsageError(f"`{table.name}` has a column `{USAGE_COLUMN}`, which a solution needs", "rename it")
    name = next(n for n in (old, "id", "row_id", "aicomp_id") if n is not None and n not in frame.columns)
    choosing.chose("id", name, "rows are mixed and numbered anew, so that neither id nor place tells of the target")
    if len(frame.columns) == len(targets):
        raise DataError(f"`{table.name}` has no column to predict from", "add one, or name the right `--target`")
    return targets, name, frame


def _old_id(frame: pd.DataFrame, targets: tuple[str, ...], choosing: Choosing) -> str | None:
    """The column that named rows until now, which is left out: it may tell in which order they came."""
    wishes = choosing.wishes
    if wishes.id is not None:
        choosing.chose("left out", wishes.id, "given with --id; a new id takes its place")
        return wishes.id
    kept = {*targets, wishes.group, wishes.time}
    for column in frame.columns:
        if column not in kept and _ID_NAME.search(str(column)) and frame[column].is_unique:
            choosing.chose("left out", str(column), "named like an id and different in every row; a new id replaces it")
            return str(column)
    return None


def _deal(
    frame: pd.DataFrame, table: TextTable, targets: tuple[str, ...], kind: ProblemType, choosing: Choosing
) -> np.ndarray:
    """Part of each row: train, public or private, (n_rows,) int64.

    Raises:
        UsageError: A part would be empty.
    """
    wishes = choosing.wishes
    if wishes.group is not None and wishes.time is not None:
        raise UsageError("`--group` and `--time` are both given", "give the one that mirrors how the model is used")
    lines = table.lines if table.lines is not None else np.arange(len(frame)) + 2
    parts = np.full(len(frame), TRAIN)
    if wishes.time is not None:
        seconds = seconds_of(frame[wishes.time], wishes.time, lines, table.name)
        test = np.flatnonzero(later_rows(seconds, wishes.test_share))
        parts[test] = PUBLIC
        parts[test[later_rows(seconds[test], 1 - wishes.public_share)]] = PRIVATE
        choosing.chose("split", f"by {wishes.time}", "test is later than train, and private later than public")
    else:
        units, because = _units(frame, targets, kind, choosing)
        strata = (
            list(frame[targets[0]]) if kind in ("binary", "multiclass") and wishes.group is None else [""] * len(frame)
        )
        order = [digest(wishes.slug, wishes.seed, "split", row) for row in range(len(frame))]
        test = np.flatnonzero(deal_units(units, strata, wishes.test_share, order))
        parts[test] = PRIVATE
        order = [digest(wishes.slug, wishes.seed, "public", int(row)) for row in test]
        public = deal_units([units[r] for r in test], [strata[r] for r in test], wishes.public_share, order)
        parts[test[public]] = PUBLIC
        choosing.chose("split", "by " + (wishes.group or "rows"), because)
    for part, name, flag in ((TRAIN, "train", "test"), (PUBLIC, "public", "public"), (PRIVATE, "private", "public")):
        if not (parts == part).any():
            raise UsageError(f"no row would be {name}", f"give another `--{flag}-share`, or more rows")
    sizes = f"{(parts == TRAIN).sum()} train, {(parts == PUBLIC).sum()} public, {(parts == PRIVATE).sum()} private"
    choosing.chose("rows", sizes, f"--test-share {wishes.test_share:g}, --public-share {wishes.public_share:g}")
    return parts


def _units(
    frame: pd.DataFrame, targets: tuple[str, ...], kind: ProblemType, choosing: Choosing
) -> tuple[list[object], str]:
    """What stays together, and why."""
    group = choosing.wishes.group
    if group is not None:
        values = frame[group]
        units: list[object] = [f"={v}" if isinstance(v, str) else i for i, v in enumerate(values)]
        return units, f"all rows of one `{group}` lie in the same part, as in a test of groups never seen"
    same = list(feature_units(frame, [c for c in frame.columns if c not in targets]))
    seed = choosing.wishes.seed
    kept = "; rows with the same features stay together" if len(set(same)) < len(same) else ""
    shares = ", each class by its share" if kind in ("binary", "multiclass") else ""
    return [*same], f"at random (seed {seed}){shares}{kept}"


def _tables(
    frame: pd.DataFrame,
    parts: np.ndarray,
    targets: tuple[str, ...],
    name_of_id: str,
    kind: ProblemType,
    metric: Metric,
    wishes: Wishes,
) -> dict[str, pd.DataFrame]:
    """The four tables, in the order of the new ids."""
    order = np.array(sorted(range(len(frame)), key=lambda row: digest(wishes.slug, wishes.seed, "id", row)))
    mixed, parts = frame.iloc[order].reset_index(drop=True), parts[order]
    mixed.insert(0, name_of_id, np.arange(len(mixed)))
    hidden = mixed[parts != TRAIN]
    usage = np.where(parts[parts != TRAIN] == PUBLIC, "Public", "Private")
    train = mixed[parts == TRAIN]
    return {
        "train": train,
        "test": hidden.drop(columns=list(targets)),
        "sample_submission": sample_submission(hidden[[name_of_id]], train[list(targets)], kind, metric),
        "solution": hidden[[name_of_id, *targets]].assign(**{USAGE_COLUMN: usage}),
    }


def _contract(
    folder: Path, targets: tuple[str, ...], name_of_id: str, kind: ProblemType, metric: Metric, wishes: Wishes
) -> Competition:
    given = Given(
        metric=metric.name,
        id=(name_of_id,),
        target=targets,
        problem_type=kind,
        group=wishes.group,
        time=wishes.time,
        slug=wishes.slug,
        train="train.csv",
        test="test.csv",
        sample="sample_submission.csv",
    )
    return infer_contract(folder, given, wishes.slug).competition
