"""What the user says of a run: a note and tags, in its `notes.json`, which nothing else reads or writes."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aicomp.errors import DataError, UsageError
from aicomp.files import writing
from aicomp.run import Run

FILE = "notes.json"
"""In a run's folder."""

KEEP = "keep"
"""The tag that keeps a run from `aicomp runs clean`."""

_LONGEST_NOTE = 2000
_LONGEST_TAG = 40


@dataclass(frozen=True)
class Notes:
    """A note and tags.

    Attributes:
        text: The note, one line; empty without one.
        tags: In alphabetical order, none twice.
    """

    text: str = ""
    tags: tuple[str, ...] = ()


def read_notes(run: Run) -> Notes:
    """The notes of a run; empty ones if it has none.

    Raises:
        DataError: The file is damaged.
    """
    path = run.folder / FILE
    if not path.is_file():
        return Notes()
    content = run.read(FILE)
    if not isinstance(content, dict):
        raise DataError(f"`{path}` is damaged: it holds no object", f"correct `{path}`, or remove it")
    return Notes(str(content.get("note", "")), tuple(sorted({str(tag) for tag in content.get("tags", ())})))


def set_note(run: Run, text: str) -> tuple[Notes, Notes]:
    """Give a run a note in place of the one it has; an empty text takes it away.

    Returns:
        The notes before and after.

    Raises:
        UsageError: The text is too long.
    """
    cleaned = _one_line(text)
    if len(cleaned) > _LONGEST_NOTE:
        raise UsageError(f"the note has {len(cleaned)} characters", f"write at most {_LONGEST_NOTE}")
    return _change(run, lambda notes: Notes(cleaned, notes.tags))


def add_tags(run: Run, tags: Sequence[str]) -> tuple[Notes, Notes]:
    """Give a run tags, besides those it has.

    Returns:
        The notes before and after.

    Raises:
        UsageError: A tag is empty, too long, or holds a blank, a comma or a control character.
    """
    checked = [_checked_tag(tag) for tag in tags]
    return _change(run, lambda notes: Notes(notes.text, tuple(sorted({*notes.tags, *checked}))))


def remove_tags(run: Run, tags: Sequence[str]) -> tuple[Notes, Notes]:
    """Take tags away from a run.

    Returns:
        The notes before and after.

    Raises:
        UsageError: It does not have one of them.
    """
    had = read_notes(run).tags
    absent = next((tag for tag in tags if tag not in had), None)
    if absent is not None:
        raise UsageError(
            f"run `{run.id}` has no tag `{absent}`", f"it has: {', '.join(had)}" if had else "it has no tag at all"
        )
    return _change(run, lambda notes: Notes(notes.text, tuple(t for t in notes.tags if t not in tags)))


def _change(run: Run, change: Callable[[Notes], Notes]) -> tuple[Notes, Notes]:
    with _alone(run.folder.parent):
        before = read_notes(run)
        after = change(before)
        if after == Notes():
            (run.folder / FILE).unlink(missing_ok=True)
        elif after != before:
            run.write(FILE, {"note": after.text, "tags": list(after.tags)})
    return before, after


@contextmanager
def _alone(runs: Path) -> Iterator[None]:
    """Let two commands that change notes at once do so one after the other: none loses what the other wrote."""
    from filelock import FileLock

    with writing(runs / ".notes.lock"), FileLock(runs / ".notes.lock"):
        yield


def _one_line(text: str) -> str:
    """The text on one line, without characters that would steer a terminal."""
    return " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text).split())


def _checked_tag(tag: str) -> str:
    bad = next((c for c in tag if c.isspace() or c == "," or unicodedata.category(c)[0] == "C"), None)
    if not tag or bad is not None or len(tag) > _LONGEST_TAG:
        raise UsageError(
            f"`{_one_line(tag)}` is no tag", f"a tag is one word without commas, {_LONGEST_TAG} characters at most"
        )
    return tag
