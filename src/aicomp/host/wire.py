"""How things look on the wire: errors, dates, and fields at their default value, which are left out."""

from datetime import UTC, datetime
from typing import Any

from aicomp.errors import AicompError


class ApiError(AicompError):
    """A call that the host refuses.

    Args:
        status: HTTP status.
        message: For the person behind the client, as Kaggle would word it.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def body(self) -> dict[str, Any]:
        """What is sent with the status."""
        return {"code": self.status, "message": self.message}


def wire_date(moment: datetime) -> str:
    """A moment as Kaggle writes it.

    >>> wire_date(datetime(2026, 1, 1, 12, 0, 0, 500, tzinfo=UTC))
    '2026-01-01T12:00:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wire_score(score: float | None) -> str:
    """A score as Kaggle writes it, "" where there is none.

    >>> wire_score(0.5), wire_score(1 / 3), wire_score(None)
    ('0.50000', '0.33333', '')
    """
    return "" if score is None else f"{score:.5f}" if abs(score) >= 0.001 or score == 0 else f"{score:.5g}"


def without_defaults(content: dict[str, Any]) -> dict[str, Any]:
    """Leave out the fields at their default value, at all depths, as Kaggle does.

    >>> without_defaults({"ref": 0, "files": [{"name": "a", "totalBytes": 0}], "message": ""})
    {'files': [{'name': 'a'}]}
    """
    lean: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            value = without_defaults(value)
        elif isinstance(value, list):
            value = [without_defaults(v) if isinstance(v, dict) else v for v in value]
        if value not in ("", 0, None, False, [], {}):
            lean[key] = value
    return lean
