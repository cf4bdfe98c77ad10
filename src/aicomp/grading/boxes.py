"""Solutions with a row per box, as the strings that submissions hold."""

from pathlib import Path

import numpy as np

from aicomp.boxes import FORM, ONE_LABEL, Form, parse_boxes, write_boxes
from aicomp.competition import BoxColumns
from aicomp.data.box_tables import find_box_columns, find_label_column, form_of, gather_boxes
from aicomp.errors import DataError
from aicomp.grading.text_table import TextTable
from aicomp.labels import order_labels


def gather_solution(
    solution: TextTable, path: Path, submission: TextTable, ids: tuple[str, ...]
) -> tuple[TextTable, Form] | None:
    """A solution with a row per box as one with a string per image, None where it has no columns of boxes.

    Args:
        solution: The truth.
        path: Its file.
        submission: The predictions; beside the ids it has one column.
        ids: Columns that name an image; empty takes the solution's first.

    Returns:
        The solution, whose column has the name of the submission's, and the form in which the submission writes boxes:
        with the parts that the solution has.

    Raises:
        DataError: A box is wrong, or the submission has several columns.
    """
    found = find_box_columns([str(c) for c in solution.frame.columns])
    if found is None:
        return None
    columns, edges = found
    ids = ids or (str(solution.frame.columns[0]),)
    asked = [str(c) for c in submission.frame.columns if c not in ids]
    if len(asked) != 1:
        raise DataError(
            f"`{submission.name}` has {len(asked)} columns beside the ids {', '.join(ids)}",
            "write all boxes of an image as one string",
        )
    label = find_label_column([str(c) for c in solution.frame.columns if c not in columns])
    labels = (ONE_LABEL,) if label is None else tuple(order_labels(solution.frame[label].dropna().str.strip())[0])
    where = BoxColumns(columns=columns, edges=edges, label=label, labels=labels)
    gathered = gather_boxes(solution.frame, path, where, ids, asked[0])
    form = form_of(has_label=label is not None, edges=edges)
    frame = gathered.frame[[*ids, asked[0]]]
    frame = frame.assign(**{asked[0]: [write_boxes(parse_boxes(text), form) for text in frame[asked[0]]]})
    lines = None if solution.lines is None else solution.lines[gathered.firsts]
    return TextTable(frame, solution.name, lines, solution.delimiter), form


def in_own_form(table: TextTable, column: str, form: Form) -> np.ndarray:
    """A column of boxes in the form of `aicomp.boxes.FORM`, object (n_rows,).

    Raises:
        DataError: A string is not of its form, with its line.
    """
    strings = table.strings(column)
    for row, text in enumerate(strings):
        try:
            strings[row] = write_boxes(parse_boxes(text, form)) if form != FORM else text
        except ValueError as e:
            raise DataError(f"{table.place(row)}: `{column}`: {e}", f"write boxes as `{form}`") from None
    return strings
