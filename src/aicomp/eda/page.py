"""What was found about a project's data as one page that loads nothing from anywhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicomp.eda.drawings.columns import draw_relation, draw_values
from aicomp.eda.exploration import Exploration, Study
from aicomp.eda.gallery import Gallery, Shown
from aicomp.eda.section import Section
from aicomp.eda.sections import facts_of, make_sections
from aicomp.eda.standing_out import standing_out
from aicomp.pages.render import number, percent, render
from aicomp.project import Project

MOST_BYTES = 3_000_000
"""Of a page."""

_MOST_DRAWN = 48


@dataclass(frozen=True)
class ColumnPart:
    """A column on the page.

    Attributes:
        name: The column.
        facts: Names and values.
        drawings: Of it.
    """

    name: str
    facts: list[tuple[str, str]]
    drawings: list[Shown]

    @property
    def size(self) -> int:
        """Bytes of its drawings."""
        return sum(drawing.size for drawing in self.drawings)


@dataclass(frozen=True)
class Page:
    """A page and what is said about it.

    Attributes:
        html: It.
        facts: What stands at its top, names and values.
        stands_out: Sentences.
        notes: What was left out or computed from a part of the rows.
        pictures: PNG files that were written.
    """

    html: str
    facts: list[tuple[str, str]]
    stands_out: list[str]
    notes: list[str]
    pictures: list[Path]


def make_page(project: Project, found: Exploration, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> Page:
    """Draw all and fill the page in.

    Args:
        project: The project.
        found: What was computed.
        folder: Where each drawing is written as PNG; None for nowhere.
        most_bytes: A larger page loses its last pictures, and says so.
    """
    gallery = Gallery(folder)
    sections = make_sections(project, found, gallery)
    chosen = _chosen(found)
    columns = [_column(found, study, k, gallery) for k, study in enumerate(chosen)]
    values: dict[str, Any] = {
        "title": f"{project.competition.title}: what the data is like",
        "facts": facts_of(project, found),
        "stands_out": standing_out(found),
    }
    notes = _notes(found, len(chosen))
    html = _render(sections, columns, notes, values)
    while len(html.encode()) > most_bytes and _drop_some(sections, columns, len(html.encode()) - most_bytes):
        n_left = sum(bool(column.drawings) for column in columns)
        lost = f"To keep this page under {most_bytes / 1e6:.3g} MB, {n_left} of {len(columns)} columns are drawn below"
        n_sheets = sum(len(section.sheets) for section in sections)
        told = f"{lost}, and {n_sheets} sheets of pictures are shown." if n_sheets else f"{lost}."
        html = _render(sections, columns, [*notes, told], values)
        values["lost"] = told
    if "lost" in values:
        notes = [*notes, values.pop("lost")]
    return Page(html, values["facts"], values["stands_out"], notes, gallery.written)


def _render(sections: list[Section], columns: list[ColumnPart], notes: list[str], values: dict[str, Any]) -> str:
    links = [(s.id, s.heading) for s in sections]
    if columns:
        links.append(("columns", "Column by column"))
    given = {name: value for name, value in values.items() if name != "lost"}
    return render(
        "aicomp.eda",
        "eda.html",
        sections=[("stands-out", "What stands out"), *links],
        parts=sections,
        columns=columns,
        notes=notes,
        **given,
    )


def _drop_some(sections: list[Section], columns: list[ColumnPart], excess: int) -> bool:
    """Take the last drawings of columns away, or a half of the sheets where none is left; False if nothing is left."""
    drawn = [k for k, column in enumerate(columns) if column.drawings]
    if drawn:
        freed = 0
        for k in reversed(drawn):
            freed += columns[k].size
            columns[k] = ColumnPart(columns[k].name, columns[k].facts, [])
            if freed > excess + 1000:
                break
        return True
    largest = max(sections, key=lambda section: len(section.sheets) + len(section.drawings), default=None)
    if largest is None or not (largest.sheets or largest.drawings):
        return False
    del largest.sheets[len(largest.sheets) // 2 :]
    del largest.drawings[len(largest.drawings) // 2 :]
    return True


def _chosen(found: Exploration) -> list[Study]:
    """Columns that are drawn: in turn the next most telling one and the next one that is farthest from train."""
    ranked = [[s.name for s in found.by_association], [s.name for s in found.by_drift]]
    place = {name: min(r.index(name) if name in r else len(r) for r in ranked) for name in {*ranked[0], *ranked[1]}}
    drawable = [s for s in found.studies if s.relation is not None]
    return sorted(drawable, key=lambda s: place.get(s.name, len(place)))[:_MOST_DRAWN]


def _column(found: Exploration, study: Study, k: int, gallery: Gallery) -> ColumnPart:
    missing, score, drift = found.missing, study.association, study.drift
    facts: list[tuple[str, str]] = [("kind", study.values.column.kind)]
    if study.values.levels is not None:
        facts.append(("levels", f"{len(study.values.levels):,}"))
    if missing.train.get(study.name) or missing.test.get(study.name):
        shares = f"{percent(missing.train[study.name])} in train, {percent(missing.test.get(study.name))} in test"
        facts.append(("missing", shares))
    if score is not None:
        facts.append(("tells of the target", f"{percent(max(score.share, 0.0))} ± {percent(1.96 * score.error)}"))
    if drift is not None:
        facts.append(
            ("train against test", f"{drift.measure} {number(drift.distance, 2)}, chance {number(drift.bound, 2)}")
        )
    drawings = (draw_values(study, f"column-{k}-values"), draw_relation(study, found.target, f"column-{k}-target"))
    return ColumnPart(study.name, facts, gallery.show_all(drawings))


def _notes(found: Exploration, n_drawn: int) -> list[str]:
    """What was computed from a part of the rows, or left out."""
    notes = []
    if found.is_sampled:
        train, test = (f"{len(r):,}" for r in (found.sampled.train, found.sampled.test))
        notes.append(
            "Kinds of columns, distributions, what columns tell of the target, train against test, correlations, times "
            f"and texts are computed from a random sample of {train} rows of train and {test} of test (`--sample` "
            "changes that). Row and level counts, missing values, duplicates, the target, series and pairs are those "
            "of all rows."
        )
    dependence = found.dependence
    if dependence is not None and dependence.n_rows < len(found.sampled.train):
        notes.append(f"Correlations are computed from {dependence.n_rows:,} rows.")
    n_columns = sum(s.relation is not None for s in found.studies)
    if n_drawn < n_columns:
        notes.append(
            f"{n_drawn} of {n_columns} columns are drawn, those that tell most of the target or differ most between "
            "train and test; `--json` has the numbers of all."
        )
    return notes
