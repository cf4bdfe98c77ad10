"""Test predictions by fold: what a run predicts of test without having seen the rows that a fold validates."""

import numpy as np

from aicomp.run import Run


def has_fold_tests(run: Run) -> bool:
    """Whether a run that is done has test predictions of each fold's own model.

    Runs that were trained have; saved ones if they were given a list; blends if all of their members have.
    """
    info = run.info
    kind = info.get("kind", "train")
    if kind == "blend":
        return "test_nested" in run.predictions(0)
    return kind != "saved" or bool(info.get("test_by_fold"))


def fold_test(run: Run, k: int) -> np.ndarray:
    """Test predictions by which nothing of fold `k`'s validation rows was seen; only where `has_fold_tests`."""
    arrays = run.predictions(k)
    return arrays.get("test_nested", arrays["test"])
