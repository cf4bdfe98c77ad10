"""Sections about columns: what they tell, how far test is from train, what is missing, what goes together."""

from aicomp.eda.dependence import MOST_COLUMNS
from aicomp.eda.drawings.overview import draw_associations, draw_dependence, draw_missing
from aicomp.eda.exploration import Exploration
from aicomp.eda.gallery import Gallery
from aicomp.eda.section import MOST_ROWS, Rows, Section
from aicomp.pages.render import number, percent
from aicomp.project import Project


def telling_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """What each column tells of the target."""
    ranked = found.by_association
    if not ranked:
        return []
    rows = [
        [s.name, s.values.column.kind, percent(max(s.association.share, 0.0)), percent(1.96 * s.association.error)]
        for s in ranked[:MOST_ROWS]
        if s.association is not None
    ]
    table = Rows("What each column tells by itself", ["column", "kind", "told", "±"], rows, [2, 3])
    return [
        Section(
            "telling",
            "Columns and the target",
            [_what_told(found)],
            drawings=gallery.show(draw_associations(ranked)),
            tables=[table],
        )
    ]


def _what_told(found: Exploration) -> str:
    of = {
        "strings": "the length of the target",
        "lists": "the length of the list",
        "boxes": "the number of boxes",
    }.get(found.target.form, "the target")
    if found.target.are_shares:
        measure = "the share of its entropy (log loss), so it is a normalised mutual information"
    else:
        measure = "the share of the variance of its ranks (R²)"
    return (
        f"How much of {of} one column settles by itself: {measure}. Means per bin or level, or a linear model on the "
        "words of a text, are learned from four of five parts of the rows and judged on the fifth, so that numbers, "
        "levels and texts compare, and many levels win nothing by chance. Columns that tell only together do not show "
        "here."
    )


def moved_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Train against test."""
    ranked = found.by_drift
    if not ranked:
        return []
    rows = []
    for study in ranked[:MOST_ROWS]:
        if study.drift is not None:
            d = study.drift
            beyond = [*(["distribution"] if d.is_beyond else []), *(["missing"] if d.is_missing_beyond else [])]
            rows.append(
                [
                    study.name,
                    study.values.column.kind,
                    f"{d.measure} {d.distance:.3f}",
                    f"{d.bound:.3f}",
                    _signed(d.missing),
                    " and ".join(beyond) or "–",
                ]
            )
    headings = ["column", "kind", "distance", "chance below", "missing more", "beyond chance"]
    return [
        Section(
            "drift",
            "Train against test",
            [_WHAT_DRIFT],
            tables=[Rows("Distance of test from train", headings, rows, [2, 3, 4])],
        )
    ]


def _signed(share: float) -> str:
    return "0 %" if share == 0 else f"{'+' if share > 0 else '−'}{percent(abs(share))}"


_WHAT_DRIFT = (
    "KS is the largest difference of the shares of rows up to a value, for numbers, times and lengths of texts; "
    "TV the share of rows that would have to change their level. If test is drawn from the same rows as train, "
    "each row by itself, no column exceeds its bound in 99 of 100 such pages; where rows belong to groups or "
    "follow one another in time, chance reaches further."
)


def missing_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Missing values."""
    missing = found.missing
    if not missing.columns:
        return []
    texts = [f"{percent(missing.complete)} of the rows of train lack nothing."]
    if len(missing.columns) > 25:
        texts.append(f"25 of {len(missing.columns)} columns with missing values are drawn, the emptiest.")
    tables = []
    if missing.together:
        rows = [
            [", ".join(group), f"{len(group)}", percent(missing.train[group[0]])] for group in missing.together[:20]
        ]
        tables.append(Rows("Missing in the same rows", ["columns", "how many", "share of train"], rows, [1, 2]))
    return [Section("missing", "Missing values", texts, drawings=gallery.show(draw_missing(missing)), tables=tables)]


def dependence_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Columns two by two, and rows that are there twice."""
    dependence, rows = found.dependence, found.duplicates
    texts, drawings, tables = [], [], []
    if dependence is not None:
        texts.append(_WHAT_DEPENDENCE)
        if len(dependence.names) == MOST_COLUMNS:
            texts.append(f"{MOST_COLUMNS} columns are compared, those that tell most of the target first.")
        drawings = gallery.show(draw_dependence(dependence))
        if dependence.pairs:
            values = [[a, b, f"{value:.3f}"] for a, b, value in dependence.pairs[:MOST_ROWS]]
            tables.append(Rows("Pairs above 0.95", ["column", "and", "strength"], values, [2]))
    facts = []
    if rows is not None:
        facts = [
            ("rows of train that repeat one", f"{rows.train:,}"),
            ("rows of test that repeat one", f"{rows.test:,}"),
            ("rows of test that are in train", f"{rows.across:,}"),
            ("rows of train alike with differing targets", f"{rows.differing:,}"),
        ]
    heading = "Correlations and duplicates" if rows is not None else "Correlations"
    return [Section("dependence", heading, texts, facts, drawings, tables=tables)] if texts or facts else []


_WHAT_DEPENDENCE = (
    "Spearman's rank correlation of two numbers, Cramér's V of two columns of levels, the correlation ratio of a "
    "number's ranks over levels, the latter two less what chance brings."
)


def levels_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Columns of many levels."""
    if not found.levels:
        return []
    rows = [
        [
            s.name,
            f"{s.train:,}",
            f"{s.test:,}",
            number(s.rows_each),
            percent(s.single),
            percent(s.unseen_levels),
            percent(s.unseen_rows),
            f"{s.commonest[0][:60]} ({percent(s.commonest[1])})",
        ]
        for s in found.levels[:MOST_ROWS]
    ]
    headings = [
        "column",
        "levels in train",
        "in test",
        "rows each, median",
        "train rows alone",
        "test levels unseen",
        "test rows unseen",
        "commonest",
    ]
    return [
        Section(
            "levels",
            "Columns of many levels",
            [_WHAT_LEVELS],
            tables=[Rows("Levels", headings, rows, [1, 2, 3, 4, 5, 6])],
        )
    ]


_WHAT_LEVELS = (
    "Codes and categories of more than 32 levels. Alone are rows whose level no other row of train has; unseen is "
    "what test has and train does not."
)


def unused_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Columns that training drops."""
    if not found.sampled.dropped:
        return []
    rows = [[c.name, c.reason] for c in found.sampled.dropped[:MOST_ROWS]]
    return [Section("unused", "Columns that are not used", tables=[Rows("Not used", ["column", "why"], rows, [])])]
