"""How a length of time is written: `90s`, `10m`, `1h30m`, or a number of seconds."""

import re

from aicomp.errors import UsageError

_UNITS = {"h": 3600, "m": 60, "s": 1}


def parse_time_limit(text: str) -> float:
    """Seconds of a length of time.

    Args:
        text: Hours, minutes and seconds, in that order, each with its letter; or seconds alone.

    Raises:
        UsageError: It is of another form, or not above 0.

    >>> parse_time_limit("1h30m"), parse_time_limit("90"), parse_time_limit("0.5m")
    (5400.0, 90.0, 30.0)
    """
    number = r"(?:\d+(?:\.\d+)?)"
    form = rf"(?:(?P<h>{number})h)?(?:(?P<m>{number})m(?:in)?)?(?:(?P<s>{number})s?)?"
    found = re.fullmatch(form, text.strip().lower().replace(" ", ""))
    seconds = sum(float(found[unit] or 0) * size for unit, size in _UNITS.items()) if found else 0.0
    if seconds <= 0:
        raise UsageError(f"`--time-limit {text}` is no length of time", "write for example `--time-limit 10m` or `90s`")
    return seconds
