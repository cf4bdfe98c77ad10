"""A process that is told to end (SIGTERM, Ctrl-C) keeps the state of its training first, if that takes a moment."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SECONDS = 5.0
"""That a training has to come to its next step and to write; then it ends as it is."""

_asked = False
_keeps = False


class Stopped(BaseException):
    """The state is written and the process is to end; nothing of a training catches it."""


class Terminated(BaseException):
    """A signal came; the parser of the command line would swallow what KeyboardInterrupt says.

    Args:
        number: Of the signal, SIGINT or SIGTERM.
        hint: How to go on.
    """

    def __init__(self, number: int, hint: str) -> None:
        super().__init__(hint)
        self.word = "interrupted" if number == signal.SIGINT else "terminated"
        self.hint = hint
        self.exit_code = 128 + number


def ask() -> bool:
    """Have the training of this process stop; returns whether one is under way that keeps its state."""
    global _asked
    _asked = True
    return _keeps


def is_asked(*, keeps: bool = False) -> bool:
    """Whether this process is to end.

    Args:
        keeps: The caller is a training that keeps its state when it is asked next.
    """
    global _keeps
    _keeps = _keeps or keeps
    return _asked


def ends_at_once() -> None:
    """No training that would keep its state is under way."""
    global _keeps
    _keeps = False


@contextmanager
def stopping_softly(hint: str) -> Iterator[None]:
    """SIGTERM and Ctrl-C raise `Terminated` inside; a training of this process keeps its state first.

    A second signal ends it at once, and so do `SECONDS`. Other threads than the main one get no signals: there, nothing
    is changed.

    Args:
        hint: What the exception says: how to go on.
    """
    global _asked
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received, timers = 0, []

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal received
        if not received and ask():
            received = number
            timer = threading.Timer(SECONDS, signal.raise_signal, (number,))
            timer.daemon = True
            timer.start()
            timers.append(timer)
            return
        received = received or number
        ask()
        raise Terminated(received, hint)

    ends_at_once()
    # What is ignored, as by `nohup`, stays so.
    heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, on_signal) for number in heard}
    try:
        yield
    except Stopped:
        raise Terminated(received, hint) from None
    finally:
        for timer in timers:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked = False
        ends_at_once()
