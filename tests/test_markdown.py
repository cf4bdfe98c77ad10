"""Markdown of reports: nothing that is given is markup, and a parser reads back what was meant."""

import pytest
from markdown_it import MarkdownIt

from aicomp.pages.document import Code, Facts, Finding, Heading, Items, Link, Paragraph, Picture, Section, Table
from aicomp.pages.markdown import escape, inline, markdown, plain

HOSTILE = [
    "<script>alert(1)</script>", "a|b|c", "line one\nline two", "# heading", "- item", "1. item", "**bold** _em_ __x__",
    "[text](http://example.org)", "![x](y)", "`code`", "``", "`", "a&lt;b &amp; c", "~~~", "$x$", "\\|", "\\",
    "---", "===", "http://example.org/a_b", "> quote", "+ plus", "\ttab", "*", "ends with \\", "$`x`$",
    "| --- | --- |", "snake_case_name",
]  # fmt: skip


def parser():
    return MarkdownIt("commonmark").enable("table").enable("strikethrough")


def text_of(tokens):
    return "".join(t.content for t in tokens if t.type in ("text", "code_inline"))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_comes_back_as_it_was(text):
    (_, words, _) = parser().parse(escape(text))
    assert {t.type for t in words.children} == {"text"} or text == ""
    assert text_of(words.children) == " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_a_table_keeps_its_columns(text):
    table = Table(text, (text, "n"), ((text, "1"), (Link(text, "a b(c).html"), text)), (1,))
    tokens = parser().parse(markdown(text, [Section("s", text, (table, Facts(((text, text),))))], lambda p: None))
    assert not [t for t in tokens if t.type.startswith("html")]
    assert [t.type for t in tokens].count("td_open") == 4
    cells = [t for t in tokens if t.type == "inline"]
    assert not [c for t in cells for c in t.children if c.type.startswith("html")]
    links = [c for t in cells for c in t.children if c.type == "link_open"]
    assert [link.attrs["href"] for link in links] == ["a%20b%28c%29.html"]
    assert not [c for t in cells for c in t.children if c.type == "image"]


def test_every_block_is_written():
    blocks = (
        Heading("Sub"), Paragraph("run `aicomp check` *now*"), Items(("one", Link("two", "2.html"))),
        Finding("high", "Leak", "A column | tells", "Drop `it`"), Code("echo ```\nx", "console"),
        Picture("p.png", "a curve", b"", caption="Below"),
    )  # fmt: skip
    text = markdown("T", [Section("a", "A", blocks)], lambda picture: f"report/{picture.name}")
    assert "### Sub" in text
    assert "run `aicomp check` \\*now\\*" in text
    assert "- one\n- [two](2.html)" in text
    assert "- **high: Leak.** A column \\| tells What to do: Drop `it`" in text
    assert "````console\necho ```\nx\n````" in text
    assert "![a curve](report/p.png)\n\nBelow" in text
    assert "(a curve)" in markdown("T", [Section("a", "A", blocks[-1:])], lambda picture: None)


def test_columns_are_as_wide_as_their_cells():
    table = Table("c", ("name", "n"), (("a", "1"), ("longer", "100")), (1,))
    lines = markdown("T", [Section("s", "S", (table,))], lambda p: None).splitlines()
    assert lines[-4:] == ["| name   |   n |", "| ------ | --: |", "| a      |   1 |", "| longer | 100 |"]


def test_a_terminal_is_not_steered():
    for steering in ("\x1b[31m", "\x07", "\x9b", chr(0x202E), "\ud800"):
        assert steering not in plain(f"a{steering}b")
        assert steering[0] not in escape(f"a{steering}b") + inline(f"`a{steering}b`")
    assert plain("a\nb\tc") == "a\nb\tc"
