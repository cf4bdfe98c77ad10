"""The table of runs as CSV that a spreadsheet may open: no cell of it can be a formula."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")

_COLUMNS = (
    "run", "created", "state", "folds_done", "n_folds", "kind", "model", "metric", "greater_is_better", "mean", "std",
    "pooled", "public_score", "submission_status", "seconds", "best", "tags", "note", "members", "folder",
)  # fmt: skip


def to_csv(items: Sequence[dict[str, Any]]) -> str:
    """Runs as lines of CSV.

    Args:
        items: As `aicomp runs --json` has them.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for item in items:
        sent = item["submission"] or {}
        row = {
            **item,
            "public_score": sent.get("score"),
            "submission_status": sent.get("status"),
            "tags": " ".join(item["tags"]),
            "members": " ".join(item["members"]),
        }
        writer.writerow(safe_cell(row[name]) for name in _COLUMNS)
    return file.getvalue()


def safe_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what could begin one.

    Plain numbers stay as they are, and None is empty. OWASP, "CSV Injection", names the characters.

    >>> safe_cell("=1+1"), safe_cell(-0.5), safe_cell("-2"), safe_cell("-2+3"), safe_cell(None), safe_cell("a=b")
    ("'=1+1", '-0.5', '-2', "'-2+3", '', 'a=b')
    """
    text = "" if value is None else str(value)
    if text.startswith(_STARTS_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
