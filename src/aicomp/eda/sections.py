"""The sections of the page, each only where it applies, and what stands at its top."""

import numpy as np

from aicomp.eda import column_sections as of_columns
from aicomp.eda import data_sections as of_data
from aicomp.eda.exploration import Exploration
from aicomp.eda.gallery import Gallery
from aicomp.eda.section import Section
from aicomp.project import Project


def make_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """All that apply; texts come before columns where most columns are texts."""
    n_texts = sum(column.column.kind == "text" for column in found.sampled.columns)
    is_of_texts = 2 * n_texts >= len(found.sampled.columns) or found.target.form == "strings"
    columns = [
        of_columns.telling_sections,
        of_columns.moved_sections,
        of_columns.missing_sections,
        of_columns.dependence_sections,
        of_columns.levels_sections,
        of_data.spans_sections,
    ]
    texts = [of_data.texts_sections]
    makers = [
        of_data.target_sections,
        of_data.boxes_sections,
        of_data.series_sections,
        of_data.pairs_sections,
        of_data.files_sections,
        *(texts + columns if is_of_texts else columns + texts),
        of_columns.unused_sections,
    ]
    return [section for make in makers for section in make(project, found, gallery)]


def facts_of(project: Project, found: Exploration) -> list[tuple[str, str]]:
    """The contract and the sizes."""
    contract, dataset = project.competition, found.dataset
    metric = project.task.metric
    facts = [
        ("problem", "boxes in images" if contract.boxes is not None else str(contract.problem_type)),
        ("target", ", ".join(contract.target)),
        ("metric", f"{metric.name}, {'higher' if metric.greater_is_better else 'lower'} is better"),
        ("rows of train", f"{len(dataset.train):,}"),
        ("rows of test", f"{len(dataset.test):,}"),
        (
            "columns",
            f"{len(found.sampled.columns)}"
            + (f" and {len(found.sampled.dropped)} not used" if found.sampled.dropped else ""),
        ),
        ("id", ", ".join(contract.id)),
    ]
    kinds = [c.column.kind for c in found.sampled.columns]
    if len(set(kinds)) > 1:
        facts.append(("kinds", ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))))
    if dataset.groups is not None:
        sizes = np.unique(dataset.groups.astype(str), return_counts=True)[1]
        name = project.config.split.group or contract.group
        facts.append((f"groups by {name}", f"{len(sizes):,}, the largest of {sizes.max():,} rows"))
    for name, value in (
        ("time", contract.time),
        ("splitter", contract.splitter),
        ("sample submission", contract.files.sample_submission),
    ):
        if value:
            facts.append((name, value))
    return facts
