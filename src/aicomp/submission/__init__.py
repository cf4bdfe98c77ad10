"""The noun Submission: a validated file, and what became of it."""

from aicomp.submission.build import build_submission, submission_path
from aicomp.submission.ledger import record_intent, record_outcome
from aicomp.submission.sample import Sample, read_sample
from aicomp.submission.validate import validate_submission

__all__ = [
    "Sample",
    "build_submission",
    "read_sample",
    "record_intent",
    "record_outcome",
    "submission_path",
    "validate_submission",
]
