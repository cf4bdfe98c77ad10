import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "faults.md"


def rows():
    """Cells of the rows of the page's tables, without their heads."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if row[0] != "fault" and not set(row[0]) <= set("-")]


def names_of_tests():
    names = set()
    for path in TESTS.rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return names


def test_every_row_has_a_test_that_exists():
    existing = {name for name in names_of_tests() if name.startswith("test_")}
    for row in rows():
        assert len(row) == 4, row
        named = re.findall(r"`(test_\w+)`", row[3])
        assert named, row
        assert set(named) <= existing, row


def test_exit_codes_are_those_of_the_command_line():
    for row in rows():
        assert re.fullmatch(r"[0-6]( or [0-6])*", row[2]), row
