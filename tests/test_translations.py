"""Pages in Chinese say what the English ones say: the same commands, sections, links and names in code.

Nothing of a translation is trained a second time. `test_readme.py` and `test_tutorial.py` run the English blocks; here
the blocks that differ in a comment are read by bash, Python and TOML themselves, which tell what they would run: what
looks like a comment and is none shows.
"""

import ast
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from doc_blocks import FENCE, fenced

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "docs/tutorial.md"]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def translated(page):
    return page.removesuffix(".md") + ".zh.md"


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page):
    return FENCE.sub("", read(page))


def headings(page):
    return re.findall(r"^(#+) (.+)$", prose(page), re.MULTILINE)


def links(page):
    """Targets of links and images, a translation counted as its original, and without the one to the other language."""
    targets = re.findall(r"\]\(([^)]+)\)", prose(page))
    assert targets[0] == Path(translated(page) if not page.endswith(".zh.md") else page.replace(".zh", "")).name
    return sorted(target.replace(".zh.md", ".md") for target in targets[1:])


def read_by_bash(code):
    """A block as bash prints it when it has read it as the body of a function: all but the comments."""
    done = subprocess.run(
        ["bash", "--norc", "-euc", f"block() {{\n{code}\n}}\ndeclare -f block"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def typed(code):
    """A block of a terminal: what is typed as words without comments, what is printed as it stands."""
    lines = code.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) if line.startswith("$ ") else line for line in lines]


def meaning(language, code):
    """A block without what a translation may change in it."""
    if language == "bash":
        return read_by_bash(code)
    if language == "console":
        return typed(code)
    if language == "python":
        file = re.match(r"# \S+\.py\n", code)  # what it is to be saved as is no comment to translate
        return file and file[0], ast.dump(ast.parse(code))
    return tomllib.loads(code) if language == "toml" else code


@pytest.mark.parametrize("page", PAGES)
class TestPair:
    def test_blocks_are_the_same_commands_in_the_same_order(self, page):
        english, chinese = fenced(read(page)), fenced(read(translated(page)))
        assert [language for language, _ in chinese] == [language for language, _ in english]
        for (language, original), (_, translation) in zip(english, chinese, strict=True):
            # Equal bytes need no reading.
            if translation != original:
                assert meaning(language, translation) == meaning(language, original), translation

    def test_comments_are_translated(self, page):
        for language, code in fenced(read(translated(page))):
            if language in {"bash", "console", "python", "toml"}:
                for comment in re.findall(r"(?:^|\s)# .*$", code, re.MULTILINE):
                    assert CHINESE.search(comment) or re.fullmatch(r"\s*# \S+\.py", comment), comment

    def test_sections_are_the_same(self, page):
        english, chinese = headings(page), headings(translated(page))
        assert [level for level, _ in chinese] == [level for level, _ in english]
        for (_, original), (_, translation) in zip(english, chinese, strict=True):
            assert CHINESE.search(translation) or translation == original in {"aicomp", "Keras"}, translation

    def test_links_are_the_same(self, page):
        assert links(translated(page)) == links(page)

    def test_a_page_that_is_translated_is_linked_in_chinese(self, page):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", prose(translated(page)))[1:]:
            if not target.endswith(".zh.md"):
                assert not (ROOT / translated(page)).parent.joinpath(translated(target)).is_file(), target

    def test_names_in_code_are_the_same(self, page):
        """Whoever adds an option to a paragraph in English is reminded to tell it in Chinese."""
        english, chinese = (
            sorted(" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(name)))
            for name in (page, translated(page))
        )
        assert chinese == english

    def test_tables_and_lists_are_as_long(self, page):
        for mark in (r"^\|", r"^- ", r"^\d+\. ", r"^    \S"):
            english, chinese = (len(re.findall(mark, prose(name), re.MULTILINE)) for name in (page, translated(page)))
            assert chinese == english, mark

    def test_no_paragraph_is_left_in_english(self, page):
        for line in prose(translated(page)).splitlines():
            words = re.sub(r"`[^`]*`|\[[^\]]*\]\([^)]*\)", "", line)
            if re.search(r"[A-Za-z]{2,}(?: [A-Za-z]+){3}", words):
                assert CHINESE.search(words), line


@pytest.mark.parametrize(
    ("code", "translation"),
    [
        ("aicomp train  # once", "aicomp train  # 一次"),
        ("cd iris\naicomp runs", "cd iris\n# 列出\naicomp runs"),
    ],
)
def test_a_comment_may_be_translated(code, translation):
    assert meaning("bash", translation) == meaning("bash", code)


@pytest.mark.parametrize(
    ("language", "code", "translation"),
    [
        ("bash", "aicomp train  # once", "aicomp train# 一次"),  # to bash no comment
        ("bash", "aicomp train  # once", "aicomp train  #一次\naicomp runs"),
        ("bash", "aicomp train --set seed=1", "aicomp train --set seed=2"),
        ("bash", "aicomp train || echo no  # or", "aicomp train || echo yes  # 或"),
        ("console", "$ aicomp train  # once", "$ aicomp tune  # 一次"),
        ("console", "$ aicomp train\nfits", "$ aicomp train\n合适"),
        ("python", "x = 1  # one", "x = 2  # 一"),
        ("python", "# a.py\nx = 1", "# b.py\nx = 1"),
        ("toml", "x = 1  # one", "x = 2  # 一"),
        ("text", "x = 1", "x = 2"),
    ],
)
def test_anything_else_that_differs_is_found(language, code, translation):
    assert meaning(language, translation) != meaning(language, code)
