"""Score a submission against a solution, both as the exact strings of their files."""

from aicomp.grading.boxes import gather_solution
from aicomp.grading.grade import grade
from aicomp.grading.infer import infer_roles
from aicomp.grading.roles import Roles, contract_roles
from aicomp.grading.text_table import TextTable, match_ids, read_text_table

__all__ = [
    "Roles",
    "TextTable",
    "contract_roles",
    "gather_solution",
    "grade",
    "infer_roles",
    "match_ids",
    "read_text_table",
]
