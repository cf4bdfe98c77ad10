"""The how-to pages are followed: their blocks run from top to bottom, in one folder for each page, in this process."""

import re
import runpy
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from doc_blocks import fenced, is_said, named_file

from aicomp.cli.main import main

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted((DOCS / "howto").glob("*.md"))
NEEDS = {"keras": "keras", "simulation": "gymnasium", "translation": "sacrebleu", "summarization": "rouge_score"}
OR_ELSE = re.compile(r'(.*?) \|\| echo "exit code \$\?"$')
IN_THIS_PROCESS = ["--set", "workers=0"]  # a process for each fold takes seconds to start
FOLD_AFTER_FOLD = ["--set", "training.layout=processes"]  # of networks; to time stacked folds takes seconds too


def command_lines(block):
    """The lines of a block of bash without comments; those that end with a backslash go on in the next one."""
    lines = (re.sub(r"(^|\s+)#\s.*$", "", line) for line in block.replace("\\\n", " ").splitlines())
    return [line.strip() for line in lines if line.strip()]


def run_aicomp(words, capsys):
    """Run the program as typed; returns its exit code, and what it said on stdout and stderr."""
    more = IN_THIS_PROCESS if words[0] == "train" else []
    more = more + FOLD_AFTER_FOLD if any(word.startswith("training.epochs=") for word in words) else more
    code = main([*words, *more])
    said = capsys.readouterr()
    return code, said.out, said.err


def run_line(line, capsys, monkeypatch):
    """Follow one line of bash: `cd`, `python FILE` or `aicomp`; returns what was printed."""
    expected = OR_ELSE.fullmatch(line)
    words = shlex.split(expected[1] if expected else line)
    target = None
    if len(words) > 2 and words[-2] == ">":
        words, target = words[:-2], Path(words[-1])
    program, *words = words
    if program == "cd":
        monkeypatch.chdir(words[0])
        return ""
    if program == "python":
        [script] = words
        runpy.run_path(script, run_name="__main__")
        said = capsys.readouterr()
        return said.out + said.err
    assert program == "aicomp", f"the test cannot run `{line}`"
    code, out, err = run_aicomp(words, capsys)
    assert "Traceback" not in err
    assert (code == 0) != bool(expected), f"{line}\nended with {code}\n{out}\n{err}"
    if target is not None:
        target.write_text(out, encoding="utf-8")
        out = ""
    return out + err + (f"exit code {code}\n" if expected else "")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_it_can_be_followed(page, tmp_path, monkeypatch, capsys):
    """Each block begins in the page's folder; Python is saved where its first line says, text compared as printed."""
    package = NEEDS.get(page.stem)
    if package is not None and find_spec(package) is None:  # not imported: Keras would choose its backend
        pytest.skip(f"{package} is not installed")
    monkeypatch.setenv("NO_COLOR", "1")
    said = ""
    for language, code in fenced(page.read_text(encoding="utf-8")):
        monkeypatch.chdir(tmp_path)
        if language == "bash":
            for line in command_lines(code):
                said += run_line(line, capsys, monkeypatch)
        elif language == "python":
            name = named_file(code)
            assert name, f"without the name of its file:\n{code}"
            Path(name).write_text(code, encoding="utf-8")
        elif language == "text":
            for line in code.splitlines():
                assert is_said(line, said), f"{line}\nis not in\n{said}"
        else:
            assert language in ("console", "toml"), f"`{language}` is of no kind that is run, compared or shown"


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_its_links_and_anchors_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for link, _, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#([^)]*))?\)", text):
        target = page.parent / link if link else page
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(target), f"{link}#{anchor}"


def anchors(path):
    """Anchors of a page's headings, as Markdown programs make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_names_every_page():
    index = (DOCS / "howto" / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))
    assert linked == {page.name for page in PAGES} - {"index.md"}
