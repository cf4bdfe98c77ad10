"""Time limits: how they are written, and the alarm that keeps them."""

import signal
import time

import pytest

from aicomp.errors import UsageError
from aicomp.tuning.time_limit import parse_time_limit
from aicomp.tuning.trying import OutOfTime, alarm


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("45", 45), ("1.5h", 5400), ("10 min", 600)],
)
def test_lengths_of_time(text, seconds):
    assert parse_time_limit(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10x", "-5s", "0", "5m1h", "nan", "inf"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(UsageError, match="is no length of time"):
        parse_time_limit(text)


def test_the_alarm_rings_where_nothing_is_said():
    with pytest.raises(OutOfTime), alarm(0.05):
        time.sleep(30)
    with pytest.raises(OutOfTime), alarm(-3.0):
        time.sleep(30)


def test_the_alarm_of_others_goes_on():
    before = signal.getsignal(signal.SIGALRM)
    others = signal.getitimer(signal.ITIMER_REAL)[0]  # of the tests' own time limit
    with alarm(20.0):
        assert signal.getitimer(signal.ITIMER_REAL)[0] <= 20
    assert signal.getsignal(signal.SIGALRM) is before
    after = signal.getitimer(signal.ITIMER_REAL)[0]
    assert (others == 0) == (after == 0)
    with alarm(None):
        assert signal.getsignal(signal.SIGALRM) is before
