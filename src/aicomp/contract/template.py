"""Which template suits a competition, by what its columns hold."""

import re
from collections.abc import Sequence, Set

import pandas as pd

from aicomp.contract.inquiry import Inquiry, listing
from aicomp.contract.tables import Tables
from aicomp.data.media_files import MediaColumn
from aicomp.data.pixels import find_pixels
from aicomp.data.strings import string_kind
from aicomp.data.text import is_written_without_blanks

_ROWS = 2000
_FEWEST_WORDS = 4
_WORD = re.compile(r"\w+")


def find_template(tables: Tables, hidden: Set[str], media: Sequence[MediaColumn], inquiry: Inquiry) -> str:
    """Name of the template.

    "image" or "audio" where a column names such files, "image" where columns are pixels, "text" where at least half of
    the columns are sentences, else "tabular".

    Args:
        tables: The competition's tables.
        hidden: Columns that nothing is learned from: ids and targets.
        media: Columns that name files.
        inquiry: Told the reason, where it is not "tabular".
    """
    if media:
        first = media[0]
        inquiry.found("template", first.kind, f"`{first.name}` {first.reason}; `--template tabular` is another")
        return first.kind
    pixels = find_pixels(*(t.frame.drop(columns=list(hidden), errors="ignore") for t in (tables.train, tables.test)))
    if pixels is not None:
        inquiry.found("template", "image", f"{pixels.reason}; `--template tabular` takes them as numbers")
        return "image"
    columns = [c for c in tables.train.columns if c not in hidden and c in tables.test.columns]
    texts = [c for c in columns if _holds_sentences(tables.train.frame[c].head(_ROWS))]
    if not texts or 2 * len(texts) < len(columns):
        return "tabular"
    others = f"{len(columns) - len(texts)} other columns" if len(columns) > len(texts) else "no other column"
    inquiry.found(
        "template", "text", f"{listing(texts)} holds sentences, beside {others}; `--template tabular` is another"
    )
    return "text"


def _holds_sentences(values: pd.Series) -> bool:
    present = values.dropna()
    if pd.api.types.is_numeric_dtype(present) or not len(present):
        return False
    texts = present.astype(str)
    if string_kind(texts)[0] != "text":
        return False
    return is_written_without_blanks(list(texts)) or float(texts.str.count(_WORD.pattern).mean()) >= _FEWEST_WORDS
