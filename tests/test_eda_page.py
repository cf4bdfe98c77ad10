"""The page of `aicomp eda`: for every kind of project, with hostile names and values, and never too large."""

import re

import media_cases
import numpy as np
import pandas as pd
import pytest
import ratings
from box_cases import write_boxes_competition
from browser import browser, needs_browser
from page_look import look_at
from series_cases import a_panel, write_panel
from synthetic import METRIC, init_project
from test_top_items import write as write_lists

from aicomp.cli.main import main
from aicomp.eda.exploration import explore
from aicomp.eda.page import make_page
from aicomp.eda.standing_out import standing_out
from aicomp.project import Project

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (SCRIPT, "$x^2$", "=HYPERLINK(0)", "ß 日本語 🙂 ‮abc", "n" * 300, "a`b", "line\\nbreak", "{{ 7 * 7 }}")


def page_of(where, **more):
    project = Project.open(where)
    return make_page(project, explore(project), **more)


def headings(page):
    return re.findall(r"<h2 id=\"[^\"]*\">([^<]*)</h2>", page.html)


def new_project(source, into, metric, *more):
    assert main(["init", str(source), "--metric", metric, "--into", str(into), "--json", *more]) == 0
    return into


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A project whose columns and values try to break out of the page."""
    folder = tmp_path_factory.mktemp("hostile")
    random = np.random.default_rng(0)
    n = 160
    table = pd.DataFrame({"id": range(n)})
    for j, name in enumerate(HOSTILE):
        table[name] = random.choice([*HOSTILE, None], n) if j % 2 else random.normal(size=n).round(3)
    table["words"] = [f"{SCRIPT} word{i % 7} and $more$ text number {i}" for i in range(n)]
    table[HOSTILE[0]] = table[HOSTILE[0]].mask(np.arange(n) % 3 == 0)
    table["y"] = np.where(table["id"] % 2 == 0, SCRIPT, "=1+1")
    (folder / "data").mkdir()
    table[:110].to_csv(folder / "data" / "train.csv", index=False)
    table[110:].drop(columns="y").to_csv(folder / "data" / "test.csv", index=False)
    table[110:][["id", "y"]].to_csv(folder / "data" / "sample_submission.csv", index=False)
    return new_project(folder / "data", folder / "project", "accuracy")


def test_hostile_names_and_values_are_escaped(hostile, recwarn):
    page = page_of(hostile)
    assert "<script" not in page.html
    assert "&lt;script&gt;" in page.html
    assert "{{ 7 * 7 }}" in page.html
    assert not [str(w.message) for w in recwarn]


@needs_browser
def test_a_browser_finds_nothing_wrong(hostile, tmp_path):
    path = tmp_path / "eda.html"
    path.write_text(page_of(hostile).html, encoding="utf-8")
    with browser(tmp_path / "profile") as driver:
        look_at(driver, path, tmp_path / "shots")
    assert len(list((tmp_path / "shots").iterdir())) == 4


@pytest.mark.parametrize("problem", sorted(METRIC))
def test_every_problem_has_a_page(tmp_path, capsys, problem):
    page = page_of(init_project(tmp_path, problem, n_train=120, n_test=40))
    capsys.readouterr()
    assert headings(page)[0] == "What stands out"
    assert {"Columns and the target", "Train against test", "Dates and times", "Column by column"} <= set(
        headings(page)
    )
    assert "Images" not in page.html
    assert dict(page.facts)["rows of train"] == "120"
    if problem == "binary":
        assert re.search(r"`bought`|by itself.*`size`", " ".join(page.stands_out))


def test_a_page_too_large_loses_its_last_drawings_and_says_so(tmp_path, capsys):
    folder = init_project(tmp_path, "binary")
    capsys.readouterr()
    whole = page_of(folder)
    assert not whole.notes
    n_bytes = len(whole.html.encode())
    cut = page_of(folder, most_bytes=n_bytes - 20_000)
    assert len(cut.html.encode()) <= n_bytes - 20_000
    assert re.search(r"To keep this page under .* MB, [123] of 4 columns are drawn", cut.notes[-1])
    assert cut.notes[-1] in cut.html


def test_a_sample_is_told_and_counts_are_of_all_rows(tmp_path, capsys):
    folder = init_project(tmp_path, "binary", n_train=400, n_test=150)
    capsys.readouterr()
    project = Project.open(folder)
    found = explore(project, 100)
    page = make_page(project, found)
    assert len(found.sampled.train) == len(found.sampled.test) == 100
    assert "random sample of 100 rows of train and 100 of test" in page.notes[0]
    assert page.notes[0].replace("`", "").split(" (")[0] in re.sub(r"</?code>", "", page.html).replace("`", "")
    assert sum(found.target.counts.values()) == 400
    assert dict(page.facts)["rows of test"] == "150"


def test_what_was_planted_stands_out(tmp_path, capsys):
    random = np.random.default_rng(1)
    n = 600
    table = pd.DataFrame({"id": range(n), "plain": random.normal(size=n), "y": (random.random(n) < 0.04).astype(int)})
    table["disguise"] = np.where(table["y"] == 1, "A", "B")
    table["moved"] = random.normal(size=n) + 2 * (table["id"] >= 400)
    table["code"] = [f"c{i}" for i in np.where(table["id"] < 400, table["id"] % 50, table["id"] % 90)]
    table["twin"] = np.exp(table["plain"])
    table["hole"] = table["plain"].mask(table["id"] % 4 > 0)
    (tmp_path / "data").mkdir()
    columns = ["id", "plain", "disguise", "moved", "code", "twin", "hole"]
    table[:400].to_csv(tmp_path / "data" / "train.csv", index=False)
    table[400:][columns].to_csv(tmp_path / "data" / "test.csv", index=False)
    table[400:][["id", "y"]].to_csv(tmp_path / "data" / "sample_submission.csv", index=False)
    folder = new_project(tmp_path / "data", tmp_path / "project", "roc_auc")
    capsys.readouterr()
    said = "\n".join(standing_out(explore(Project.open(folder))))
    assert "`disguise` alone tells" in said
    assert re.search(r"distributed otherwise in test.*`moved` \(KS 0\.\d+", said)
    assert "Class `1` is rare" in said
    assert re.search(r"`code`: \d+.* % of test's rows have a level", said)
    assert "`plain` and `twin` (1.000)" in said
    assert "`hole` (75 %)" in said
    assert "`plain` alone" not in said


def test_nothing_stands_out_where_nothing_is(tmp_path, capsys):
    random = np.random.default_rng(2)
    table = pd.DataFrame({"id": range(600), "a": random.normal(size=600), "b": random.normal(size=600)})
    table["y"] = (table["a"] + random.normal(size=600) > 0).astype(int)
    (tmp_path / "data").mkdir()
    table[:400].to_csv(tmp_path / "data" / "train.csv", index=False)
    table[400:].drop(columns="y").to_csv(tmp_path / "data" / "test.csv", index=False)
    table[400:][["id", "y"]].to_csv(tmp_path / "data" / "sample_submission.csv", index=False)
    folder = new_project(tmp_path / "data", tmp_path / "project", "roc_auc")
    capsys.readouterr()
    said = standing_out(explore(Project.open(folder)))
    assert len(said) == 1  # what tells most is always said
    assert "`a`" in said[0]


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_files_are_shown_and_damaged_ones_named(tmp_path, capsys, kind):
    (tmp_path / "data").mkdir()
    media_cases.write_competition(tmp_path / "data", kind, n=40, n_test=8)
    ending = "png" if kind == "image" else "wav"
    (tmp_path / "data" / "files" / f"003.{ending}").write_bytes(b"no such file")
    folder = new_project(tmp_path / "data", tmp_path / "project", "accuracy")
    (folder / "data" / "raw" / "files" / f"005.{ending}").unlink()
    capsys.readouterr()
    page = page_of(folder, folder=tmp_path / "png")
    what = "image" if kind == "image" else "sound"
    said = " ".join(page.stands_out)
    assert f"1 of 48 {what} files are missing, such as `files/005.{ending}`" in said
    assert f"files are damaged: `files/003.{ending}`" in said
    assert f"{'Images' if kind == 'image' else 'Sounds'}: file" in headings(page)
    shown = 'alt="10 images: train, yes' if kind == "image" else "Waveform and spectrogram, files/"
    assert shown in page.html
    assert {p.suffix for p in page.pictures} == {".png"}
    assert all(p.read_bytes()[1:4] == b"PNG" for p in page.pictures)


def test_boxes_are_counted_and_drawn(tmp_path, capsys):
    write_boxes_competition(tmp_path / "data", n=20, n_test=5, empty=2)
    folder = new_project(tmp_path / "data", tmp_path / "project", "map50")
    capsys.readouterr()
    page = page_of(folder)
    assert {"Boxes", "Images: image_id"} <= set(headings(page))
    assert "with its boxes" in page.html
    assert "10 % of the images have no box." in page.stands_out


def test_series_have_a_season(tmp_path, capsys):
    write_panel(tmp_path / "data", a_panel())
    folder = new_project(tmp_path / "data", tmp_path / "project", "mae")
    capsys.readouterr()
    page = page_of(folder)
    assert "Series in time" in headings(page)
    assert dict(page.facts)["problem"] == "regression"
    said = " ".join(page.stands_out)
    assert "The total comes round every 4 quarters" in said
    assert "`quarter` (KS" not in said  # test is later by design


def test_pairs_are_counted(tmp_path, capsys):
    ratings.write_ratings(tmp_path / "data")
    folder = new_project(tmp_path / "data", tmp_path / "project", "rmse")
    capsys.readouterr()
    page = page_of(folder)
    assert "Users and items" in headings(page)
    assert re.search(r"of all pairs of 59 `user_id` and 49 `item_id` are in train", " ".join(page.stands_out))


def test_lists_count_what_was_taken(tmp_path, capsys):
    write_lists(tmp_path / "data")
    folder = new_project(tmp_path / "data", tmp_path / "project", "map@12")
    capsys.readouterr()
    page = page_of(folder)
    assert {"The target", "Users and items"} <= set(headings(page))
    assert "Columns and the target" not in headings(page)
    assert re.search(r"of all pairs of 120 `user_id` and 40 `item_id`", " ".join(page.stands_out))
