"""A diagnosis as sections of a page."""

from collections.abc import Iterator
from typing import Any

from aicomp.diagnosis.calibration import Calibration
from aicomp.diagnosis.confusion import Confusion
from aicomp.diagnosis.detection import Detection
from aicomp.diagnosis.diagnose import Diagnosis
from aicomp.diagnosis.drawing import (
    MOST_CLASSES,
    draw_along,
    draw_calibration,
    draw_confusion,
    draw_folds,
    draw_residuals,
    draw_segments,
    shortened,
)
from aicomp.diagnosis.residuals import Residuals
from aicomp.diagnosis.segments import Segment, Segments
from aicomp.diagnosis.worst import WorstRow
from aicomp.pages.document import Block, Cell, Figures, Heading, Items, Paragraph, Section, Table
from aicomp.pages.render import number, percent

_MOST_SHOWN = 20
_MOST_COLUMNS = 10
_LONGEST_VALUE = 90
_MOST_CALIBRATED = 4


def sections_of(diagnosis: Diagnosis) -> list[Section]:
    """What a diagnosis says, in the order in which it is worth reading; empty parts are left out."""
    metric = diagnosis.metric
    parts = [
        ("worst-rows", "Most wrong rows", _worst(diagnosis)),
        ("segments", "Score by segment", _segments(diagnosis.segments, metric)),
        ("calibration", "Calibration", _calibration(diagnosis.calibrations)),
        ("confusion", "Confusion", _confusion(diagnosis.confusion)),
        ("labels", "Labels of boxes", _detection(diagnosis.detection)),
        ("residuals", "Residuals", _residuals(diagnosis.residuals, diagnosis.segments)),
        ("by-fold", "Folds", _folds(diagnosis)),
    ]
    sections = [Section(id_, heading, tuple(blocks)) for id_, heading, found in parts if (blocks := list(found))]
    remarks = [*diagnosis.notes, *diagnosis.missing]
    if remarks:
        sections.append(Section("remarks", "Remarks", (Items(tuple(remarks)),)))
    return sections


def _worst(diagnosis: Diagnosis) -> Iterator[Block]:
    if not diagnosis.worst:
        return
    rows = diagnosis.worst
    names = _telling(rows)
    yield Paragraph(
        f"The {len(rows)} validated rows of the largest loss, each predicted by the model that did not train on it. "
        "Look here first for wrong labels and for what no column tells."
    )
    left_out = len(rows[0].values) - len(names)
    caption = "Most wrong rows" + (f", with {len(names)} of {len(rows[0].values)} columns" if left_out else "")
    numbers = tuple(5 + i for i, name in enumerate(names) if all(_is_number(r.values[name]) for r in rows))
    are_numbers = not any(_is_words(word) for r in rows for word in (r.truth, r.predicted))
    yield Table(
        caption,
        ("row", "true", "predicted", "loss", "fold", *names),
        tuple(
            (_short(r.id), _short(r.truth), _short(r.predicted), number(r.loss, 3), str(r.fold),
             *(_short(r.values[n]) for n in names))
            for r in rows
        ),
        (*((1, 2) if are_numbers else ()), 3, 4, *numbers),
    )  # fmt: skip


def _telling(rows: tuple[WorstRow, ...]) -> list[str]:
    """Columns that are shown: the first ones in which the rows differ at all."""
    names = list(rows[0].values)
    differing = [n for n in names if len({str(r.values[n]) for r in rows}) > 1]
    return (differing or names)[:_MOST_COLUMNS]


def _is_words(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return True
    return False


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _short(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool | int | float):
        return number(value) if not isinstance(value, bool) else str(value)
    return shortened(str(value), _LONGEST_VALUE) or "(empty)"


def _segments(segments: Segments, metric: str) -> Iterator[Block]:
    for i, (name, found) in enumerate(segments.along.items()):
        if len(found) > 1:
            yield Heading(f"By {name}")
            yield Figures((draw_along(name, found, segments.overall.score, metric, i),))
    if not segments.ranked:
        yield Paragraph("No column has two levels of enough rows, so that there is nothing to compare.")
        return
    if segments.along:
        yield Heading("By every column")
    yield Paragraph(_verdict(segments))
    shown = segments.ranked[: max(8, min(_MOST_SHOWN, len(segments.believed)))]
    yield Figures((draw_segments(shown, segments.overall.score, metric),))
    yield Paragraph(
        f"Points are scores with intervals of 95 %, orange where worse; the dashed line is {metric} of all rows "
        f"({number(segments.overall.score)}), short strokes are means over the levels of a column, with which a "
        "level is compared.",
        is_soft=True,
    )
    yield _segment_table(segments, metric)


def _verdict(segments: Segments) -> str:
    n, believed = len(segments.ranked), segments.believed
    columns = "1 column" if segments.n_columns == 1 else f"{segments.n_columns} columns"
    looked = f"{n} segments of {columns} were looked at"
    if segments.n < segments.n_of:
        looked += f", on {segments.n:,} rows drawn from {segments.n_of:,}"
    if segments.n_unscored:
        looked += f"; {segments.n_unscored} more cannot be scored alone, as they lack a class or rows"
    if not believed:
        return f"{looked}. None is beyond what chance brings among so many: what stands here first may be luck."
    worse = [s for s in believed if s.is_worse]
    differ = "differs" if len(believed) == 1 else "differ"
    sentence = f"{looked}. {len(believed)} {differ} from the other levels of the column beyond noise"
    if not worse:
        return f"{sentence}, none of them worse."
    first = worse[0]
    return (
        f"{sentence}, {len(worse)} of them worse; first {first.column} {shortened(first.level, 60)}: "
        f"{number(first.score)} where its column has {number(first.expected)}."
    )


def _segment_table(segments: Segments, metric: str) -> Table:
    shown = segments.ranked[: max(_MOST_SHOWN, len(segments.believed[:60]))]
    biased = any(s.bias is not None for s in shown)
    headings = ["column", "level", "rows", metric, "95 % interval", "its column", "beyond noise", "corrected p"]
    if biased:
        headings.append("prediction less truth")
    rows = tuple(_segment_row(s, biased) for s in shown)
    return Table(
        "Segments, the furthest beyond noise first", tuple(headings), rows, (2, 3, 4, 5, 7, 8),
        f"{len(rows)} segments in numbers",
    )  # fmt: skip


def _segment_row(s: Segment, biased: bool) -> tuple[Cell, ...]:
    word = ("worse" if s.is_worse else "better") if s.is_believed else "no"
    cells = [shortened(s.column, 60), shortened(s.level, 60), f"{s.n:,}", number(s.score),
             f"{number(s.low, 3)} to {number(s.high, 3)}", number(s.expected), word, _p_value(s.p_value)]  # fmt: skip
    return (*cells, number(s.bias, 3)) if biased else tuple(cells)


def _p_value(p: float) -> str:
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def _calibration(found: tuple[Calibration, ...]) -> Iterator[Block]:
    if not found:
        return
    first = found[0]
    unit = "" if first.kind == "probability" else f" (unit of {first.of})"
    name = "Expected calibration error" if first.kind == "probability" else "Mean distance"
    yield Paragraph(
        f"{name} of the {first.of if first.kind == 'probability' else 'means of ' + first.of}: {number(first.error, 3)}"
        f"{unit}. A calibrated model would show {number(first.error_by_chance, 3)} with these rows, and more than "
        f"{number(first.error_at_most, 3)} in 5 % of the cases: {_off(first)}"
    )
    drawn = [
        *found[:1],
        *sorted(found[1:], key=lambda c: -c.error / max(c.error_at_most, 1e-12))[: _MOST_CALIBRATED - 1],
    ]
    yield Figures(tuple(draw_calibration(c, f"calibration-{i}") for i, c in enumerate(drawn)))
    if len(found) > 1:
        rows = tuple(
            (c.of, f"{c.n:,}", number(c.error, 3), number(c.error_by_chance, 3), number(c.error_at_most, 3),
             "yes" if c.is_off else "no")
            for c in found
        )  # fmt: skip
        headings = ("of", "rows", "error", "by chance", "at most by chance", "beyond")
        yield Table("Calibration of each output", headings, rows, (1, 2, 3, 4))
    points = tuple(
        (f"{number(b.predicted, 4)}", f"{b.n:,}", number(b.observed, 4), f"{number(b.low, 3)} to {number(b.high, 3)}")
        for b in first.bins
    )
    what = "share that is true" if first.kind == "probability" else "mean truth"
    yield Table(
        f"Calibration: {first.of}", ("mean prediction", "rows", what, "95 % interval"), points, (1, 2, 3),
        "The points in numbers",
    )  # fmt: skip


def _off(found: Calibration) -> str:
    if not found.is_off:
        return "this is not beyond noise."
    lean = "too high" if found.lean > 0 else "too low"
    return f"it is off beyond noise, {lean} by {number(abs(found.lean), 3)} on average."


def _confusion(found: Confusion | None) -> Iterator[Block]:
    if found is None:
        return
    if found.counts and len(found.labels) <= MOST_CLASSES:
        yield Figures((draw_confusion(found),))
        yield Paragraph("Shares are of the rows that have the true label.", is_soft=True)
    elif found.mistaken:
        mistakes = tuple((t, p, f"{n:,}") for t, p, n in found.mistaken[:_MOST_SHOWN])
        yield Table("Most frequent mistakes", ("true", "predicted", "rows"), mistakes, (2,))
    rows = tuple(
        (c.label, f"{c.n:,}", f"{c.n_predicted:,}", percent(c.precision), percent(c.recall), percent(c.f1))
        for c in found.classes[:200]
    )
    headings = ("label", "rows", "predicted", "precision", "recall", "F1")
    summary = f"{len(rows)} labels in numbers" if len(rows) > _MOST_SHOWN else ""
    yield Table("Each label", headings, rows, (1, 2, 3, 4, 5), summary)


def _detection(found: Detection | None) -> Iterator[Block]:
    if found is None:
        return
    yield Paragraph(
        f"Boxes surer than {number(found.cut, 3)} are counted, where F1 over all images is highest; one is right if it "
        "overlaps a true box of its label by half or more. Average precision takes all boxes."
    )
    rows = tuple(
        (c.label, f"{c.n:,}", number(c.precision, 3), percent(c.found / c.n if c.n else None), percent(c.small),
         percent(c.large), f"{c.wrong:,}")
        for c in found.labels
    )  # fmt: skip
    headings = ("label", "true boxes", "average precision", "found", "of the smallest third", "of the largest", "wrong")
    yield Table("Each label of boxes", headings, rows, (1, 2, 3, 4, 5, 6))


def _residuals(found: tuple[Residuals, ...], segments: Segments) -> Iterator[Block]:
    for i, r in enumerate(found):
        if len(found) > 1:
            yield Heading(r.target)
        of = f"log(1 + {r.target})" if r.is_log else r.target
        side = "larger" if r.mean > 0 else "smaller"
        noise = f"beyond noise, the truth is {side}" if abs(r.mean) > 2 * r.error else "no more than noise"
        tails = ", with far ones more frequent than under a normal distribution" if r.kurtosis > 1 else ""
        yield Paragraph(
            f"Residuals are {of} less its prediction: mean {number(r.mean, 3)} ± {number(r.error, 2)} ({noise}), "
            f"standard deviation {number(r.std, 3)}{tails}."
        )
        yield Figures((draw_residuals(r, f"residuals-{i}"),))
        values = tuple(number(v, 4) for v in r.quantiles.values())
        yield Table("So many residuals are below", tuple(r.quantiles), (values,), tuple(range(1, len(values))))
    if found and (leaning := _leaning(segments)):
        rows = tuple((shortened(s.column, 60), shortened(s.level, 60), f"{s.n:,}", number(s.bias, 3)) for s in leaning)
        headings = ("column", "level", "rows", "prediction less truth")
        yield Table("Segments whose mean prediction is furthest from the mean truth", headings, rows, (2, 3))


def _leaning(segments: Segments) -> list[Segment]:
    known = [s for s in segments.ranked if s.bias is not None]
    return sorted(known, key=lambda s: -abs(s.bias or 0.0))[:8]


def _folds(diagnosis: Diagnosis) -> Iterator[Block]:
    found, metric = diagnosis.folds, diagnosis.metric
    if len(found.folds) == 1:
        yield Paragraph("There is one fold, so that how scores vary from fold to fold is not known.")
    else:
        if found.p_value is None:
            words = "Whether the folds differ by more than chance cannot be told from their rows."
        elif found.p_value < 0.05:
            words = (
                f"The folds differ by more than chance would bring (p {_p_value(found.p_value)}): some hold rows that "
                "are harder, so compare runs fold by fold."
            )
        else:
            words = f"The folds differ by no more than chance brings (p {_p_value(found.p_value)})."
        yield Paragraph(words)
        yield Figures((draw_folds(found, metric),))
    rows = tuple(
        (str(f.fold), f"{f.n:,}", number(f.score, 5), number(f.error, 2), number(f.loss, 3)) for f in found.folds
    )
    headings = ("fold", "validated rows", metric, "standard error", "mean loss of a row")
    yield Table("Each fold", headings, rows, (1, 2, 3, 4))
