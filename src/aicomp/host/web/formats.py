"""Numbers and moments as the pages write them."""

from datetime import UTC, datetime

from aicomp.host.submissions import Submission
from aicomp.host.wire import wire_score

_UNITS = (("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3600), ("minute", 60))
_WORDS = {"PENDING": "Being scored", "COMPLETE": "Scored", "ERROR": "Error"}


def size(n_bytes: int) -> str:
    """A number of bytes for people.

    >>> size(0), size(999), size(1500), size(12_345_678), size(8 * 2**30)
    ('0 B', '999 B', '1.5 kB', '12.3 MB', '8.6 GB')
    >>> size(256 * 2**20)
    '268 MB'
    """
    amount = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.95 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:,.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:,.1f} {unit}"


def count(n: int) -> str:
    r"""A number of things, with a narrow space between thousands.

    >>> count(7), count(12345) == "12\u202f345"
    ('7', True)
    """
    return f"{n:,}".replace(",", "\u202f")


def ordinal(n: int) -> str:
    """A place.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '111th']
    """
    suffix = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def percent(share: float) -> str:
    """A share.

    >>> percent(0.3), percent(0.125)
    ('30 %', '12.5 %')
    """
    return f"{share * 100:.3g} %"


def iso(moment: datetime) -> str:
    """A moment for machines: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def absolute(moment: datetime) -> str:
    """A moment for people.

    >>> absolute(datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
    '5 Jan 2026, 09:30 UTC'
    """
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def relative(moment: datetime, now: datetime) -> str:
    """How far a moment is from now, in its largest unit; `static/times.js` writes the same.

    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> relative(datetime(2026, 1, 5, 9, 30, tzinfo=UTC), noon), relative(datetime(2026, 1, 7, tzinfo=UTC), noon)
    ('2 hours ago', 'in 1 day')
    >>> relative(noon, noon), relative(datetime(2026, 1, 5, 12, 0, 9, tzinfo=UTC), noon)
    ('just now', 'in less than a minute')
    """
    seconds = (moment - now).total_seconds()
    for unit, length in _UNITS:
        n = int(abs(seconds) // length)
        if n:
            amount = f"{n} {unit}{'' if n == 1 else 's'}"
            return f"{amount} ago" if seconds < 0 else f"in {amount}"
    return "just now" if seconds <= 0 else "in less than a minute"


def score(value: float) -> str:
    """A score with the digits that the wire has."""
    return wire_score(value)


def status_words(submission: Submission) -> str:
    """What became of a submission, in a word or two."""
    return _WORDS[submission.status]


def spoken(submission: Submission) -> str:
    """What became of a submission, to be read aloud."""
    if submission.public is not None:
        return f"scored {score(submission.public)}"
    return submission.error if submission.status == "ERROR" else "being scored"
