"""Code blocks of a page: found, and followed as a reader would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fenced(text):
    """All code blocks of a page in their order: pairs of language and code."""
    return FENCE.findall(text)


def blocks(text, language):
    """The code blocks in one language."""
    return [code for name, code in fenced(text) if name == language]


def run_block(code, folder):
    """Run a block of bash in a folder, as if typed; where it fails, the test fails with what it said."""
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done


def named_file(code):
    """The file that a block of Python is to be saved as: its first line, `# folder/name.py`; None without one."""
    first = re.match(r"# ([\w./-]+\.py)\n", code)
    return first and first[1]


def numbers_apart(line):
    """A line's words, and its numbers."""
    return NUMBER.sub("#", " ".join(line.split())), [float(number) for number in NUMBER.findall(line)]


def is_said(line, output):
    """Whether a line of the output begins with this one or holds it; numbers may differ as processors do."""
    words, numbers = numbers_apart(line)
    for said in output.splitlines():
        said_words, said_numbers = numbers_apart(said)
        skipped = said_words.find(words)
        if skipped >= 0:
            first = said_words[:skipped].count("#")
            if said_numbers[first : first + len(numbers)] == pytest.approx(numbers, rel=0.15, abs=0.001):
                return True
    return False
