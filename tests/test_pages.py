"""Pages and drawings: what is given is escaped, colours are the page's, and a browser finds nothing wrong."""

import re

import pytest
from browser import browser, needs_browser
from page_look import look_at

from aicomp.pages.drawing import COLORS, INK, Drawing, new_figure
from aicomp.pages.render import data_uri, render

BAD = "<script>alert(1)</script>$x$"
PAGE = """{% extends "page.html" %}
{% from "parts.html" import drawing, table, facts, finding, picture %}
{% block lead %}<p>{{ words }}</p>{% endblock %}
{% block content %}
<h2 id="a">{{ words }}</h2>
{{ facts([("rows", 1234 | number), (words, 0.25 | percent)]) }}
{{ drawing(d) }}
{{ picture(uri, words) }}
{{ table([words, "n"], [[words, 1], [words * 9, 2]], words, [1]) }}
{{ finding("high", words, words * 9, words) }}
{{ finding("ok", "fine", "no evidence") }}
{% endblock %}
"""


def drawn(name="bars"):
    with new_figure(5, 2) as figure:
        panel = figure.subplots()
        panel.bar([BAD, "b"], [1, 2], color=COLORS[0])
        panel.plot([0, 1], [1, 2], color=COLORS[1])
        panel.set_title(BAD)
    return Drawing(name, f"two bars, {BAD}", figure, BAD)


@pytest.fixture
def page(monkeypatch):
    from jinja2 import ChoiceLoader, DictLoader

    from aicomp.pages import render as module

    make = module._environment

    def environment(package):
        found = make(package)
        found.loader = ChoiceLoader([DictLoader({"test.html": PAGE}), found.loader])
        return found

    monkeypatch.setattr(module, "_environment", environment)
    sections = [("a", BAD), ("a", "again"), ("content", "whole")]
    d = drawn()
    return render("aicomp.pages", "test.html", title=BAD, words=BAD, d=d, uri=data_uri(d.png()), sections=sections)


def test_everything_given_is_escaped(page):
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 12


def test_a_drawing_has_the_pages_colours_and_no_name_twice():
    text = drawn().svg()
    assert INK not in text
    assert not [color for color in COLORS if color in text]
    assert "var(--ink)" in text
    assert "<style" not in text
    assert "$x$" in text
    ids = re.findall(r'id="([^"]+)"', text) + re.findall(r'id="([^"]+)"', drawn("others").svg())
    assert len(ids) == len(set(ids))
    assert drawn().svg() == drawn().svg()


def test_numbers_of_a_logarithmic_axis_are_written_out():
    with new_figure(3, 2) as figure:
        panel = figure.subplots()
        panel.plot([1, 10, 100], [1, 2, 3])
        panel.set_xscale("log")
    text = Drawing("log", "a line", figure).svg()
    assert ">100</text>" in text
    assert "$" not in text


def test_a_name_that_is_not_given_is_an_error():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        render("aicomp.pages", "page.html")


@needs_browser
def test_a_browser_finds_nothing_wrong(page, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    with browser(tmp_path / "profile") as driver:
        look_at(driver, path, tmp_path / "shots")
    assert len(list((tmp_path / "shots").iterdir())) == 4
