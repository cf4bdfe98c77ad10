"""Which template suits a competition, by what its columns hold."""

from collections.abc import Sequence, Set

from aicomp.contract.inquiry import Inquiry, listing
from aicomp.contract.pairs import Pair
from aicomp.contract.series import Series
from aicomp.contract.strings import ROWS, holds_sentences
from aicomp.contract.tables import Tables
from aicomp.data.media_files import MediaColumn
from aicomp.data.pixels import find_pixels
from aicomp.metrics.base import ProblemType


def find_template(
    tables: Tables,
    hidden: Set[str],
    media: Sequence[MediaColumn],
    series: Series | None,
    problem_type: ProblemType,
    pair: Pair | None,
    inquiry: Inquiry,
    *,
    has_boxes: bool = False,
) -> str:
    """Name of the template: "tabular" where no other one fits.

    "detection" where train has boxes, "image" or "audio" where a column names such files, "image" where columns are
    pixels, "top-items" for lists of items, "seq2seq" for other strings, "forecast" for series, "recommender" for pairs
    of a user and an item, and "text" where at least half of the columns are sentences.

    Args:
        tables: The competition's tables.
        hidden: Columns that nothing is learned from: ids and targets.
        media: Columns that name files.
        series: What is forecast, if anything is.
        problem_type: See `Competition.problem_type`.
        pair: Columns of user and item, if rows are such pairs.
        inquiry: Told the reason, where it is not "tabular".
        has_boxes: Whether boxes are to be found in images.
    """
    if has_boxes and media and media[0].kind == "image":
        inquiry.found("template", "detection", f"boxes in images, and `{media[0].name}` {media[0].reason}")
        return "detection"
    if media:
        first = media[0]
        other = "" if problem_type == "string" else "; `--template tabular` is another"
        inquiry.found("template", first.kind, f"`{first.name}` {first.reason}{other}")
        return first.kind
    if series is not None:
        reason = "test holds the next steps of the series of train; `--template tabular` is another"
        inquiry.found("template", "forecast", reason)
        return "forecast"
    pixels = find_pixels(*(t.frame.drop(columns=list(hidden), errors="ignore") for t in (tables.train, tables.test)))
    if pixels is not None:
        inquiry.found("template", "image", f"{pixels.reason}; `--template tabular` takes them as numbers")
        return "image"
    if problem_type == "string" and pair is not None:
        why = f"{tables.train.name} says who took what, and each `{pair.user}` is to get a list of `{pair.item}`"
        inquiry.found("template", "top-items", why)
        return "top-items"
    if problem_type == "string":
        inquiry.found("template", "seq2seq", "predictions are strings")
        return "seq2seq"
    if pair is not None:
        why = f"each row is a pair of `{pair.user}` and `{pair.item}`; `--template tabular` is another"
        inquiry.found("template", "recommender", why)
        return "recommender"
    columns = [c for c in tables.train.columns if c not in hidden and c in tables.test.columns]
    texts = [c for c in columns if holds_sentences(tables.train.frame[c].head(ROWS))]
    if not texts or 2 * len(texts) < len(columns):
        return "tabular"
    others = f"{len(columns) - len(texts)} other columns" if len(columns) > len(texts) else "no other column"
    inquiry.found(
        "template", "text", f"{listing(texts)} holds sentences, beside {others}; `--template tabular` is another"
    )
    return "text"
