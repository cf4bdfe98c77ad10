"""Score a submission against a solution, both as the exact strings of their files."""

from aicomp.grading.bootstrap import Interval, bootstrap
from aicomp.grading.boxes import gather_solution
from aicomp.grading.grade import grade, read_rows, score_rows
from aicomp.grading.infer import infer_roles
from aicomp.grading.metric_columns import find_metric_columns
from aicomp.grading.roles import Roles, contract_roles
from aicomp.grading.text_table import TextTable, match_ids, read_text_table

__all__ = [
    "Interval",
    "Roles",
    "TextTable",
    "bootstrap",
    "contract_roles",
    "find_metric_columns",
    "gather_solution",
    "grade",
    "infer_roles",
    "match_ids",
    "read_rows",
    "read_text_table",
    "score_rows",
]
