"""The noun Submission: a validated file, and what became of it."""

from aicomp.submission.blend import blend_runs
from aicomp.submission.build import build_blend, build_submission, submission_path
from aicomp.submission.ledger import read_ledger, record_intent, record_outcome
from aicomp.submission.sample import Sample, read_sample
from aicomp.submission.validate import validate_submission

__all__ = [
    "Sample",
    "blend_runs",
    "build_blend",
    "build_submission",
    "read_ledger",
    "read_sample",
    "record_intent",
    "record_outcome",
    "submission_path",
    "validate_submission",
]
