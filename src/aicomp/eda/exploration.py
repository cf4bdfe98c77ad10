"""All that is computed about a project's data, before anything is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from aicomp.data.interactions import HISTORY
from aicomp.dataset import Dataset, load_dataset
from aicomp.eda.association import Score, associate
from aicomp.eda.boxes import BoxSet, read_boxes
from aicomp.eda.codes import MANY_LEVELS, Levels, count_levels
from aicomp.eda.columns import Sampled, Values, lengths, sample
from aicomp.eda.dependence import Dependence, depend
from aicomp.eda.drift import Drift, drift
from aicomp.eda.duplicates import Duplicates, find_duplicates
from aicomp.eda.files import FileSet, read_files
from aicomp.eda.missing import Missing, find_missing
from aicomp.eda.pairs import Pairs, count_lists, count_pairs
from aicomp.eda.relation import Relation, relate
from aicomp.eda.series import SeriesSet, read_series
from aicomp.eda.target import Target, target_of
from aicomp.eda.texts import TextColumn, read_texts
from aicomp.eda.times import Span, find_span
from aicomp.project import Project

SAMPLE = 100_000
"""Rows of train, and of test, from which what is not a count is computed."""


@dataclass(frozen=True)
class Study:
    """One column.

    Attributes:
        values: As it is compared: texts as their lengths in characters.
        association: What it tells of the target, None where that is not asked.
        drift: Train against test, None where one of them has no value.
        relation: The target's means over its values, None for files.
    """

    values: Values
    association: Score | None
    drift: Drift | None
    relation: Relation | None

    @property
    def name(self) -> str:
        """Of the column."""
        return self.values.name


@dataclass(frozen=True)
class Exploration:
    """What there is to know about a project's data; what does not apply is empty or None.

    Attributes:
        dataset: The data.
        target: The target, all rows.
        sampled: The rows that columns were compared on.
        studies: Of the columns that training uses, in their order.
        missing: Of all rows.
        duplicates: Of all rows; None where rows are no table (lists of items, series).
        dependence: Columns two by two.
        levels: Columns of many levels, all rows.
        spans: Columns of times.
        texts: Columns of text; where strings are to be predicted, the target as well.
        files: Columns of files.
        series: Where something is forecast.
        pairs: Where rows are pairs of a user and an item.
        boxes: Where boxes are to be predicted.
    """

    dataset: Dataset
    target: Target
    sampled: Sampled
    studies: tuple[Study, ...]
    missing: Missing
    duplicates: Duplicates | None
    dependence: Dependence | None
    levels: tuple[Levels, ...]
    spans: tuple[Span, ...]
    texts: tuple[TextColumn, ...]
    files: tuple[FileSet, ...]
    series: SeriesSet | None
    pairs: Pairs | None
    boxes: BoxSet | None

    @property
    def is_sampled(self) -> bool:
        """Whether columns were compared on a part of the rows."""
        return len(self.sampled.train) < len(self.dataset.train) or len(self.sampled.test) < len(self.dataset.test)

    @property
    def by_association(self) -> list[Study]:
        """Columns by what they tell of the target, the most telling first; those that were not asked are left out."""
        asked = [study for study in self.studies if study.association is not None]
        return sorted(asked, key=lambda s: -s.association.share if s.association else 0.0)

    @property
    def by_drift(self) -> list[Study]:
        """Columns by how far test is from train beyond what chance brings, the farthest first."""
        compared = [study for study in self.studies if study.drift is not None]
        return sorted(compared, key=lambda s: s.drift.bound - s.drift.distance if s.drift else 0.0)


def explore(project: Project, most_rows: int = SAMPLE) -> Exploration:
    """Read a project's data and compute all of it.

    Args:
        project: The project.
        most_rows: Rows from which what is not a count is computed, see `SAMPLE`.

    Raises:
        DataError: The data breaks the contract.
        UsageError: The config or the feature function is wrong.
    """
    competition, dataset = project.competition, load_dataset(project)
    target = target_of(competition, dataset.y)
    sampled = sample(project, dataset, most_rows)
    shown = target.take(sampled.train)
    studies = _studies(sampled.columns, shown, has_rows=not competition.is_of_lists)
    ranked = sorted(studies, key=lambda s: -s.association.share if s.association else 0.0)
    is_table = not competition.is_of_lists and dataset.series is None
    return Exploration(
        dataset=dataset,
        target=target,
        sampled=sampled,
        studies=studies,
        missing=find_missing(dataset.train, dataset.test),
        duplicates=find_duplicates(dataset.train, dataset.test, dataset.y) if is_table else None,
        dependence=depend(sampled.columns, [s.name for s in ranked]),
        levels=_levels(sampled.columns, dataset),
        spans=tuple(s for c in sampled.columns if c.column.kind == "datetime" and (s := find_span(c)) is not None),
        texts=_texts(sampled.columns, shown, is_of_lists=competition.is_of_lists),
        files=_files(sampled.columns, dataset),
        series=None if dataset.series is None else read_series(dataset.series, dataset.y),
        pairs=_pairs(project, dataset),
        boxes=None if competition.boxes is None else read_boxes([str(text) for text in dataset.y]),
    )


def _studies(columns: Sequence[Values], target: Target, *, has_rows: bool) -> tuple[Study, ...]:
    if not has_rows:
        return ()
    studies = []
    for values in columns:
        compared = lengths(values) if values.column.kind == "text" else values
        is_file = values.column.kind in ("image", "audio")
        apart = None if is_file else drift(compared, len(columns))
        relation = None if is_file else relate(compared, target)
        studies.append(Study(compared, associate(values, target), apart, relation))
    return tuple(studies)


def _levels(columns: Sequence[Values], dataset: Dataset) -> tuple[Levels, ...]:
    names = [c.name for c in columns if c.column.kind in ("category", "code") and len(c.levels or ()) > MANY_LEVELS]
    return tuple(count_levels(dataset.train[name], dataset.test[name]) for name in names)


def _texts(columns: Sequence[Values], target: Target, *, is_of_lists: bool) -> tuple[TextColumn, ...]:
    if is_of_lists:
        return ()
    asked = None if target.form in ("strings", "boxes") else target
    found = [read_texts(c.name, c.texts("train"), c.texts("test"), asked) for c in columns if c.column.kind == "text"]
    if target.form == "strings":
        found.append(read_texts(f"{target.names[0]} (target)", list(target.y), [], None))
    return tuple(found)


def _files(columns: Sequence[Values], dataset: Dataset) -> tuple[FileSet, ...]:
    found, seen = [], set()
    named = {column.name for column in dataset.media.columns}
    for column in columns:
        kind = column.column.kind
        if kind not in ("image", "audio") or column.name not in named:
            continue
        of_train, of_test = (
            frozenset(str(path) for path in table[column.name].dropna().unique())
            for table in (dataset.train, dataset.test)
        )
        if (of_train, of_test) not in seen:  # an id and a path may name the same files
            seen.add((of_train, of_test))
            found.append(read_files(column.name, kind, of_train, of_test, dataset.media.root))
    return tuple(found)


def _pairs(project: Project, dataset: Dataset) -> Pairs | None:
    user, item = project.competition.user, project.competition.item
    if user is None or item is None:
        return None
    if project.competition.is_of_lists:
        known = dataset.train[HISTORY] if HISTORY in dataset.train else pd.Series([""] * len(dataset.y))
        return count_lists(list(known), list(dataset.y), (user, item))
    if user not in dataset.train or item not in dataset.train:
        return None  # the user's own features took one of them away
    return count_pairs(dataset.train, dataset.test, user, item)
