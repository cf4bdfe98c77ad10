"""Columns of sentences: as something to learn from, and as what is to be predicted."""

import re

import pandas as pd

from aicomp.contract.tables import Tables
from aicomp.data.dates import parse_dates
from aicomp.data.strings import for_patterns, string_kind
from aicomp.data.text import is_written_without_blanks

ROWS = 2000
"""Rows that are looked at."""

SHORTER = 0.6
"""Share of the source's length below which a target is rather its summary than its translation."""

_FEWEST_WORDS = 4
_FEWEST_CHARACTERS = 2
_LETTERS = 0.7
_WORD = re.compile(r"\w+")


def holds_sentences(values: pd.Series) -> bool:
    """Whether a column holds texts of some words, or of a language that is written without blanks."""
    present = values.dropna()
    if pd.api.types.is_numeric_dtype(present) or not len(present):
        return False
    texts = for_patterns(present.astype(str))
    if parse_dates(texts) is not None or string_kind(texts)[0] != "text":
        return False
    return is_written_without_blanks(list(texts)) or float(texts.str.count(_WORD.pattern).mean()) >= _FEWEST_WORDS


def holds_language(values: pd.Series) -> bool:
    """Whether sentences are of letters for the most part: lists of ids, boxes or numbers are not."""
    texts = for_patterns(values.dropna().astype(str).head(ROWS))
    if not holds_sentences(texts):
        return False
    letters = texts.str.count(r"[^\W\d_]").sum()
    return bool(letters >= _LETTERS * texts.str.count(r"\S").sum())


def holds_transcripts(values: pd.Series) -> bool:
    """Whether what belongs to sounds is what is said in them, and neither classes nor amounts.

    Most rows have a text of their own, of several characters. Digits are such a text if one of them begins with a
    superfluous zero, which no amount does.
    """
    texts = for_patterns(values.dropna().astype(str).str.strip())
    if not len(texts) or 2 * texts.nunique() <= len(texts) or texts.str.len().mean() < _FEWEST_CHARACTERS:
        return False
    if pd.to_numeric(texts, errors="coerce").notna().all():
        return bool(texts.str.fullmatch(r"\d+").all() and texts.str.match(r"0\d").any())
    return True


def guess_transcript_metric(values: pd.Series) -> tuple[str, str]:
    """The metric of what is said in sounds, and why: "wer" for sentences, "cer" for anything shorter."""
    if holds_sentences(values.head(ROWS)):
        return "wer", "the usual one of spoken sentences"
    return "cer", "the usual one of spoken characters and words"


def guess_metric(tables: Tables, target: str) -> tuple[str, str]:
    """The metric of a target of sentences, and why: a translation is about as long as its source, a summary is not.

    Args:
        tables: The competition's tables.
        target: The column to predict.

    Returns:
        "bleu" or "rougeL"; "chrf" for a language that is written without blanks.
    """
    train = tables.train.frame
    sources = [c for c in train.columns if c != target and c in tables.test.columns]
    sources = [c for c in sources if holds_sentences(train[c].head(ROWS))]
    texts = train[target].fillna("").astype(str).head(ROWS)
    if is_written_without_blanks(list(texts)):
        return "chrf", f"`{target}` is written without blanks between words"
    if not sources:
        return "rougeL", f"`{target}` holds sentences, and no column to predict from does"
    lengths = {c: float(train[c].fillna("").astype(str).head(ROWS).str.len().mean()) for c in sources}
    source = max(lengths, key=lengths.__getitem__)
    ratio = float(texts.str.len().mean()) / max(lengths[source], 1.0)
    shown = f"`{target}` is {ratio:.2g} times as long as `{source}`"
    return ("rougeL", f"{shown}, as a summary") if ratio < SHORTER else ("bleu", f"{shown}, as a translation")
