"""The noun Submission: a validated file, and what became of it.

Its parts are imported when they are first used: who only reads the ledger need not wait for pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aicomp.submission.blend import blend_runs
    from aicomp.submission.build import build_blend, build_checked, build_submission, submission_path
    from aicomp.submission.ledger import read_ledger, record_intent, record_outcome
    from aicomp.submission.sample import Sample, read_sample
    from aicomp.submission.validate import validate_submission

__all__ = [
    "Sample",
    "blend_runs",
    "build_blend",
    "build_checked",
    "build_submission",
    "read_ledger",
    "read_sample",
    "record_intent",
    "record_outcome",
    "submission_path",
    "validate_submission",
]

_MODULES = {
    "Sample": "sample",
    "blend_runs": "blend",
    "build_blend": "build",
    "build_checked": "build",
    "build_submission": "build",
    "read_ledger": "ledger",
    "read_sample": "sample",
    "record_intent": "ledger",
    "record_outcome": "ledger",
    "submission_path": "build",
    "validate_submission": "validate",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module `aicomp.submission` has no attribute `{name}`")
    return getattr(import_module(f"aicomp.submission.{_MODULES[name]}"), name)
