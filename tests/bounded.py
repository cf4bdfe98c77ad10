"""How long properties and fuzzed inputs are tried.

By default the same few examples every time, so that a change alone can make a test fail. `FUZZ_EXAMPLES=5000` tries so
many of each, other ones every time; what fails is shown, and kept in `.hypothesis/` for the next time.
"""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings

from aicomp.errors import AicompError


def bounded(max_examples: int) -> Callable[[Any], Any]:
    """Try so many examples."""
    many = os.environ.get("FUZZ_EXAMPLES")
    return settings(
        max_examples=int(many or max_examples),
        derandomize=many is None,
        database=settings.default.database if many else None,  # type: ignore[union-attr]
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
    )


def refusal(call: Callable[[], object]) -> AicompError | None:
    """The error by which a call refuses what it was given, None if it takes it; any other exception is a bug."""
    try:
        call()
    except AicompError as e:
        return e
    return None
