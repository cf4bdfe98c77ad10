"""Check a submission before it costs one of the day's few tries."""

from pathlib import Path

import numpy as np

from aicomp.boxes import has_labels, parse_boxes
from aicomp.competition import BoxColumns, Competition
from aicomp.errors import DataError
from aicomp.grading.large_table import open_text_table
from aicomp.grading.text_table import TextTable, match_ids
from aicomp.metrics.probability import SUM_TOLERANCE
from aicomp.submission.sample import Sample


def validate_submission(path: Path, sample: Sample, *, name: str | None = None) -> TextTable:
    """Refuse a submission that Kaggle would refuse or score as wrong.

    Checked are, in this order: the columns; the ids, as exact strings; and every prediction: labels spelled as in
    train, probabilities in [0, 1] that sum to 1 where they must, finite numbers, strings that are not blank. Rows
    may stand in any order.

    Args:
        path: The file.
        sample: What it must look like.
        name: What messages call it; None takes the file's name.

    Returns:
        The submission.

    Raises:
        DataError: With file, line, column and value of the first bad row.
    """
    table = open_text_table(path, name=name)
    _check_header(table, sample)
    if sample.competition.submission.wants in ("probability", "value"):
        table.prepare(sample.competition.id, sample.competition.prediction_columns)
    match_ids(sample.table, table, sample.competition.id)
    check_predictions(table, sample.competition)
    return table


def check_predictions(table: TextTable, competition: Competition) -> None:
    """Refuse predictions that are not what the contract's `[submission]` wants.

    Raises:
        DataError: With line, column and value.
    """
    columns, schema = competition.prediction_columns, competition.submission
    if schema.wants == "string":
        _check_strings(table, competition)
        return
    if schema.wants == "label" and competition.problem_type == "regression":
        for column in columns:
            values = table.numbers(column)
            table.refuse(values != np.floor(values), column, "but the metric takes whole numbers", "round it")
        return
    if schema.wants == "label":
        # A multilabel target is 0 or 1 in each column.
        for column in columns:
            table.codes(column, competition.labels or ("0", "1"))
        return
    found = [table.numbers(column) for column in columns]
    if schema.wants == "probability":
        for column, of_column in zip(columns, found, strict=True):
            outside = (of_column < 0) | (of_column > 1)
            table.refuse(outside, column, "but a probability lies in [0, 1]", "write probabilities, not scores")
    if schema.sum_to_one:
        _check_sums(table, found)


def _check_strings(table: TextTable, competition: Competition) -> None:
    for column in competition.prediction_columns if not competition.submission.blank else ():
        table.need_values(column)
    if competition.boxes is not None:
        _check_boxes(table, competition.prediction_columns[0], competition.boxes)


def _check_boxes(table: TextTable, column: str, boxes: BoxColumns) -> None:
    """Refuse a string that is no list of boxes, and labels that train does not have."""
    known = set(boxes.labels)
    for row, text in enumerate(table.strings(column)):
        try:
            labels = parse_boxes(text, boxes.form).labels
        except ValueError as e:
            raise DataError(
                f"{table.place(row)}: `{column}`: {e}", f"write boxes as `{boxes.form}`, one behind the other"
            ) from None
        strange = [str(label) for label in labels if label not in known] if has_labels(boxes.form) else []
        if strange:
            raise DataError(
                f"{table.place(row)}: `{column}` has a box of `{strange[0]}`, which is none of {list(boxes.labels)}",
                "spell labels as in train, and write no blank within one",
            )


def _check_sums(table: TextTable, values: list[np.ndarray]) -> None:
    total = sum(values[1:], start=values[0])
    off = abs(total - 1) > SUM_TOLERANCE
    if off.any():
        row = int(np.argmax(off))
        raise DataError(
            f"{table.place(row)}: the probabilities sum to {total[row]:.4g}, not to 1"
            + (f" (and {int(off.sum()) - 1} more rows)" if off.sum() > 1 else ""),
            "divide each row by its sum",
        )


def _check_header(table: TextTable, sample: Sample) -> None:
    header, expected = table.header, list(sample.competition.submission.columns)
    if header == expected and table.delimiter == sample.table.delimiter:
        return
    hint = f"the header must be `{sample.table.delimiter.join(expected)}`"
    if table.delimiter != sample.table.delimiter:
        raise DataError(
            f"`{table.name}` has {table.delimiter!r} between its fields, not {sample.table.delimiter!r}", hint
        )
    missing = [c for c in expected if c not in header]
    if missing:
        near = next((c for c in header if c.casefold() == missing[0].casefold()), None)
        spelled = "" if near is None else f"; it has `{near}`"
        raise DataError(f"`{table.name}` has no column `{missing[0]}`{spelled}", hint)
    extra = [c for c in header if c not in expected]
    if extra:
        index = "; a DataFrame's index was written" if extra[0].startswith("Unnamed: ") else ""
        raise DataError(f"`{table.name}` has the column `{extra[0]}` too many{index}", hint)
    raise DataError(f"`{table.name}` has its columns in the order {', '.join(header)}", hint)
