"""Sections about what the data is: the target, boxes, series, pairs, texts, times, files."""

import numpy as np

from aicomp.eda.drawings.overview import draw_boxes, draw_pairs, draw_sizes, draw_target
from aicomp.eda.drawings.series import draw_season, draw_series, draw_span, draw_total
from aicomp.eda.exploration import Exploration
from aicomp.eda.gallery import Gallery
from aicomp.eda.media_sections import file_parts
from aicomp.eda.section import MOST_ROWS, Rows, Section
from aicomp.eda.texts import TermGroup, TextColumn
from aicomp.eda.times import moment
from aicomp.pages.render import number, percent
from aicomp.project import Project


def target_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """The target, or all of them."""
    target = found.target
    facts = []
    if target.form == "values" and target.y.ndim == 1:
        y = target.y
        facts = [
            ("mean", number(float(y.mean()))),
            ("standard deviation", number(float(y.std()))),
            ("median", number(float(np.median(y)))),
            ("distinct values", f"{len(np.unique(y)):,}"),
        ]
    tables = []
    if target.form == "values" and target.y.ndim > 1:
        names = project.competition.target
        tables.append(
            Rows(
                "Targets",
                ["target", "mean", "deviation", "least", "median", "largest"],
                [
                    [name, *(number(float(v)) for v in (y.mean(), y.std(), y.min(), np.median(y), y.max()))]
                    for name, y in zip(names[:MOST_ROWS], target.y.T, strict=False)
                ],
                [1, 2, 3, 4, 5],
            )
        )
    heading = "The target" if len(project.competition.target) == 1 else "The targets"
    return [Section("target", heading, facts=facts, drawings=gallery.show(draw_target(target)), tables=tables)]


def boxes_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Boxes of images."""
    boxes = found.boxes
    if boxes is None or not boxes.n:
        return []
    rows = [
        [b.label, f"{b.n:,}", percent(b.images), number(b.width), number(b.height)] for b in boxes.labels[:MOST_ROWS]
    ]
    table = Rows(
        "Labels of boxes", ["label", "boxes", "of the images", "median width", "median height"], rows, [1, 2, 3, 4]
    )
    facts = [
        ("boxes", f"{boxes.n:,}"),
        ("boxes of an image, median", number(float(np.median(boxes.per_image)))),
        ("most in an image", f"{boxes.per_image.max():,}"),
    ]
    return [Section("boxes", "Boxes", facts=facts, drawings=gallery.show(draw_boxes(boxes)), tables=[table])]


def series_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Series in time."""
    series = found.series
    if series is None:
        return []
    low, middle, high = series.lengths
    facts = [
        ("series", f"{series.n_series:,}"),
        ("step", series.step),
        ("steps of train", f"{series.n_steps:,}"),
        ("rows of a series", f"{low:,} to {high:,}, median {number(middle)}"),
        ("horizon", f"{series.horizon:,}" + (f" after a gap of {series.gap:,}" if series.gap else "")),
        ("zeros", percent(series.zeros)),
        ("steps without a row", percent(series.holes)),
    ]
    if series.season is not None:
        of_total, of_one = (percent(s) for s in (series.season.strength, series.season.median_strength))
        strengths = f"{of_total} of the total, {of_one} in a series"
        facts.append((f"strength of the season of {series.season.period}", strengths))
    total = [draw_total(series, project.competition.target[0])] if series.n_series > 1 else []
    drawings = gallery.show_all([*total, *draw_season(series), *draw_series(series)])
    return [Section("series", "Series in time", [_WHAT_SERIES], facts, drawings)]


_WHAT_SERIES = (
    "The strength of a season is the share of what a series moves around its moving mean that comes round. Single "
    "series are drawn from the largest to the smallest by the sum of their values."
)


def pairs_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Users and items."""
    pairs = found.pairs
    if pairs is None:
        return []
    facts = [
        ("pairs", f"{pairs.n_pairs:,}"),
        ("density", percent(pairs.density)),
        ("repeated pairs", f"{pairs.repeated:,}"),
    ]
    for side in (pairs.user, pairs.item):
        facts.append((f"different {side.name}", f"{len(side.counts):,}"))
        facts.append((f"{side.name} with one pair", percent(float((side.counts == 1).mean()))))
        if side.unseen == side.unseen:
            facts.append((f"test rows of a new {side.name}", percent(side.unseen)))
    return [Section("pairs", "Users and items", facts=facts, drawings=gallery.show(draw_pairs(pairs)))]


def files_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Images and sounds."""
    made = []
    for k, (heading, texts, facts, drawings, sheets, tables) in enumerate(file_parts(project, found)):
        rows = [Rows(caption, headings, values, right) for caption, headings, values, right in tables]
        made.append(
            Section(f"files-{k}", heading, texts, facts, gallery.show_all(drawings), gallery.keep(sheets), rows)
        )
    return made


def texts_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """A section for each column of text."""
    return [_text(k, text, gallery) for k, text in enumerate(found.texts)]


def _text(k: int, text: TextColumn, gallery: Gallery) -> Section:
    train, test = text.characters
    unit, sizes = ("words", text.words) if text.by_words else ("characters", text.characters)
    facts = [
        (f"{unit} in train", _quartiles(sizes[0])),
        *([(f"{unit} in test", _quartiles(sizes[1]))] if len(test) else []),
        ("empty", percent(float((train == 0).mean()))),
        ("repeated in train", percent(text.repeated)),
    ]
    drawings = gallery.show(draw_sizes(f"text-{k}", train, test, "characters", f"Lengths of {text.name}"))
    what = "Terms are words" if text.by_words else "Terms are runs of two and three characters"
    texts = [f"{what}; counted in {text.n_rows:,} texts of train."]
    tables = [_terms(text.frequent, text.name)] if text.frequent.terms else []
    tables += [_terms(group, text.name) for group in text.groups if group.terms]
    return Section(f"text-{k}", f"Text: {text.name}", texts, facts, drawings, tables=tables)


def _terms(group: TermGroup, column: str) -> Rows:
    is_all = all(term.elsewhere != term.elsewhere for term in group.terms)
    if is_all:
        return Rows(
            f"Frequent in {column}", ["term", "of the texts"], [[t.text, percent(t.share)] for t in group.terms], [1]
        )
    rows = [[t.text, percent(t.share), percent(t.elsewhere)] for t in group.terms]
    caption = f"More frequent where it is {group.name} ({group.n_texts:,} texts of {column})"
    return Rows(caption, ["term", "of these", "of the others"], rows, [1, 2])


def _quartiles(sizes: np.ndarray) -> str:
    low, middle, high = np.quantile(sizes, [0.05, 0.5, 0.95])
    return f"{number(float(middle), 3)} (5 % to 95 %: {number(float(low), 3)} to {number(float(high), 3)})"


def spans_sections(project: Project, found: Exploration, gallery: Gallery) -> list[Section]:
    """Columns of times."""
    if not found.spans:
        return []
    rows = [[s.name, *(moment(t) for t in (*s.train, *s.test)), percent(s.after)] for s in found.spans[:MOST_ROWS]]
    headings = ["column", "train from", "to", "test from", "to", "of test after train"]
    drawings = gallery.show_all(draw_span(span, f"span-{k}") for k, span in enumerate(found.spans[:6]))
    return [Section("times", "Dates and times", drawings=drawings, tables=[Rows("Times", headings, rows, [5])])]
