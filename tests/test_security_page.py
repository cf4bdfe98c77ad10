"""docs/security.md names tests that exist, and all of those that are written for it."""

import re
from pathlib import Path

from test_faults_page import names_of_tests

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")


def promises():
    """Text of each promise by its number."""
    parts = re.split(r"^### (\d+)\. ", PAGE.split("## Reporting")[0], flags=re.MULTILINE)[1:]
    return dict(zip(map(int, parts[::2]), parts[1::2], strict=True))


def named(text):
    return set(re.findall(r"`(test_\w+)`(?!\.)", text))


def test_promises_are_numbered_and_name_tests_that_exist():
    assert list(promises()) == list(range(1, len(promises()) + 1))
    existing = names_of_tests()
    for number, text in promises().items():
        tests = named(text.split("\nTests: ")[1])
        assert tests, number
        assert tests <= existing, tests - existing


def test_every_test_of_security_holds_a_promise():
    written = set()
    for path in TESTS.glob("test_security_*.py"):
        if path.name != Path(__file__).name:
            written |= set(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert len(written) > 40
    assert written - set().union(*(named(text) for text in promises().values())) == set()


def test_no_address_is_invented():
    assert "@" not in PAGE
    assert re.findall(r"https?://\S+", PAGE) == []
