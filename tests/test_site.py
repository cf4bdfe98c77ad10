"""The documentation is built as `make docs` builds it, and looked at; what must break the build is shown to."""

import doctest
import re
from html import unescape
from importlib import import_module
from pathlib import Path

import pytest
from browser import browser, console, needs_browser, requested, set_media, set_size, wait
from make_site import __main__ as site_program
from make_site import api, commands, html, navigation, staging
from make_site.checking import Page, problems
from page_look import CONTRAST, DESKTOP, PHONE

from aicomp.config import Config
from aicomp.metrics import ALL_METRICS
from aicomp.models import ALL_MODELS
from aicomp.resources import bundled_names
from aicomp.splitters import SPLITTERS

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.filterwarnings("ignore:.*MystReferenceResolver.app.*")  # of MyST with Sphinx 9


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx", reason="the documentation is built by `pip install 'aicomp[docs]'`")
    folder = tmp_path_factory.mktemp("site") / "site"
    assert site_program.main(["--into", str(folder)]) == 0
    return folder


def test_a_folder_that_holds_no_site_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("all of it", encoding="utf-8")
    assert site_program.main(["--into", str(tmp_path)]) == 1
    assert "holds no site: name another folder" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "all of it"


def read(site, name):
    return Page((site / f"{name}.html").read_text(encoding="utf-8"))


def test_the_site_is_built_without_a_warning_and_all_of_it(site):
    assert (site / "index.html").is_file()
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    made = {name for name in staging.repository_pages(ROOT) if name != "index"}
    reference = {name for name in navigation.named() if name.startswith("reference/")}
    assert pages == made | reference | {"index", "search", "genindex"}


def test_the_reference_has_every_name(site):
    anchors = read(site, "reference/commands").anchors
    assert {path.replace(" ", "-") for path, _ in commands.commands()} <= anchors
    for page, names in (
        ("metrics", ALL_METRICS),
        ("models", ALL_MODELS),
        ("splitters", SPLITTERS),
        ("templates", bundled_names("templates")),
        ("settings", [name for name in Config.__struct_fields__ if name not in ("seed", "device")]),
    ):
        text = unescape((site / "reference" / f"{page}.html").read_text(encoding="utf-8"))
        missing = [name for name in names if f">{name}<" not in text and f">[{name}]<" not in text]
        assert missing == [], page
    competitions = (site / "reference" / "competitions.html").read_text(encoding="utf-8")
    assert [slug for slug in bundled_names("competitions") if f">{slug}<" not in competitions] == []


def test_pages_in_chinese_are_found_from_the_first_page(site):
    assert {"tutorial.zh.html", "readme.zh.html"} <= set(read(site, "index").links)


@needs_browser
def test_pages_in_a_browser(site, tmp_path):
    """From the file system: no other host is asked, nothing is wider than a phone, and the search finds."""
    with browser(tmp_path) as driver:
        requested(driver)
        for name in ("index", "tutorial", "reference/settings", "reference/python"):
            for width in (PHONE, DESKTOP):
                set_size(driver, width)
                driver.get((site / f"{name}.html").as_uri())
                assert driver.execute_script("return document.documentElement.scrollWidth") <= width, (name, width)
        for scheme in ("light", "dark"):
            set_media(driver, prefers_color_scheme=scheme)
            driver.get((site / "index.html").as_uri())
            n, poor = driver.execute_script(CONTRAST)
            assert n > 20
            assert poor == [], scheme
        assert console(driver) == []
        for word, page in (("pinball", "/reference/metrics.html"), ("梯度下降", "/tutorial.zh.html")):
            driver.get(f"{(site / 'search.html').as_uri()}?q={word}")
            wait(driver, "document.querySelectorAll('ul.search li a').length > 0")
            found = driver.execute_script("return [...document.querySelectorAll('ul.search li a')].map(a => a.href)")
            assert any(page in address for address in found), word
        elsewhere = {address for address in requested(driver) if not address.startswith(("file:", "data:", "chrome"))}
    assert elsewhere == set()


# What breaks the build.


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({"index": "# A\n\n[b](b.md)\n"}, "b.md"),
        ({"index": "# A\n\n[here](#nowhere)\n"}, "nowhere"),
        ({"index": "# A\n", "stray": "# B\n"}, "isn't included in any toctree"),
        ({"index": "# A\n\n```{toctree}\ngone\n```\n"}, "nonexisting document"),
    ],
    ids=["link", "place", "page outside the navigation", "page of the navigation"],
)
def test_what_is_broken_fails(tmp_path, capfd, pages, said):
    pytest.importorskip("sphinx", reason="the documentation is built by `pip install 'aicomp[docs]'`")
    (tmp_path / "source").mkdir()
    for name, text in pages.items():
        (tmp_path / "source" / f"{name}.md").write_text(text)
    assert html.build(tmp_path / "source", tmp_path / "site") != 0
    assert said in capfd.readouterr().err


def test_a_page_that_the_navigation_does_not_name_fails():
    with pytest.raises(LookupError, match="not in the navigation: news"):
        staging.check_names(navigation.named() | {"news"})
    with pytest.raises(LookupError, match="not there: metrics"):
        staging.check_names(navigation.named() - {"metrics"})


def test_a_built_page_that_loads_or_links_amiss_is_found(tmp_path):
    (tmp_path / "style.css").write_text("@import '//fonts.example/a.css'; p { color: url(https://cdn.example/b.png) }")
    (tmp_path / "b.html").write_text("<p id='there'>")
    (tmp_path / "index.html").write_text(
        "<link rel='stylesheet' href='style.css'><script src='https://cdn.example/c.js'></script><img src='no.png'>"
        "<a href='b.html#there'></a><a href='b.html#not'></a><a href='c.html'></a><a href='https://example.org'></a>"
    )
    assert problems(tmp_path) == [
        "index.html loads https://cdn.example/c.js",
        "index.html loads no.png, which is not there",
        "index.html links to b.html#not, which has no such place",
        "index.html links to c.html, which is not there",
        "style.css loads //fonts.example/a.css",
        "style.css loads https://cdn.example/b.png",
    ]


# What pages are made of.


@pytest.mark.parametrize("name", ["markdown", "commands", "settings", "names", "staging", "searching"])
def test_examples_of_its_docstrings(name):
    if name == "searching":
        pytest.importorskip("sphinx", reason="the documentation is built by `pip install 'aicomp[docs]'`")
    failed, tried = doctest.testmod(import_module(f"make_site.{name}"))
    assert failed == 0
    assert tried > 0


def test_links_are_turned_and_code_is_not():
    text = "[a](../README.md) [b](plugin/README.md#x) ![c](rows.png)\n\n```text\n[d](../README.md)\n```\n"
    turned = staging.turned(text, "docs/extending.md")
    assert turned == text.replace("](../README.md) [b]", "](readme.md) [b]")
    assert staging.turned("[a](docs/metrics.md)", "README.md") == "[a](metrics.md)"
    assert staging.turned("[a](../metrics.md)", "docs/howto/text.md") == "[a](../metrics.md)"


def test_the_api_is_what_templates_import():
    found = api.imported(ROOT)
    assert found["aicomp"] == {"Project", "Run", "project_folds"}
    assert "ModelSpec" in found["aicomp.models"]
    assert all("ModelSpec" not in names for module, names in found.items() if module != "aicomp.models")


def test_a_command_is_told_as_its_help_tells_it():
    page = commands.page()
    assert "aicomp score [OPTIONS] SOLUTION SUBMISSION" in page
    assert re.search(r"^\| `--resamples N` \| .*`--bootstrap`.*1000.* `x>=100`\. \|$", page, re.MULTILINE)
    assert re.search(r"^### aicomp runs clean$", page, re.MULTILINE)
