"""Errors that reach the user: one message, one hint that can be typed, one exit code.

Messages are lowercase, put names in backticks and give the offending value with its place (file, row, column).
"""


class AicompError(Exception):
    """It ran and failed (exit code 1).

    Args:
        message: What is wrong, lowercase, without a final full stop.
        hint: The next thing to type or change; empty when there is none.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AicompError):
    """Wrong usage or configuration (exit code 2)."""

    exit_code = 2


class DataError(AicompError):
    """An input file or a submission is invalid (exit code 3)."""

    exit_code = 3


class CredentialsError(AicompError):
    """Kaggle credentials are missing or refused (exit code 4)."""

    exit_code = 4


class RefusedError(AicompError):
    """Kaggle refuses: rules, deadline, daily limit, no such competition (exit code 5)."""

    exit_code = 5


class NetworkError(AicompError):
    """Network failure or time-out; trying again may help (exit code 6)."""

    exit_code = 6
