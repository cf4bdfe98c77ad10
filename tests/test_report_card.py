"""Reports of runs of every kind: what stands in them, and that nothing given becomes markup."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import browser, needs_browser
from markdown_it import MarkdownIt
from page_look import look_at
from simulation_cases import QUICK as QUICK_AGENT
from simulation_cases import corridor_project
from synthetic import QUICK, init_project, open_quick, quick_arguments, write_folder

from aicomp.cli.main import main
from aicomp.project import Project
from aicomp.report.card import make_card
from aicomp.report.origin import find_origin, requirements
from aicomp.report.page import html, in_words, write_report
from aicomp.run import Run, find_run, list_runs
from aicomp.simulation.project import Simulation

BAD = '<img src=x onerror="alert(1)">|**b**'


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with a trained run, a saved one and a blend of both."""
    folder = init_project(tmp_path_factory.mktemp("report"), "binary", n_train=240)
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    project = open_quick(folder)
    draft = Run.create("my-own", project, params={"depth": 3})
    random = np.random.default_rng(0)
    n = len(pd.read_csv(project.raw / "train.csv"))
    draft.save(oof=random.uniform(0.1, 0.9, n), test=random.uniform(0.1, 0.9, 30))
    assert main(["blend", "--project", str(folder)]) == 0
    return folder


def card_of(folder, kind):
    project = Project.open(folder)
    run = next(run for run in list_runs(project.runs) if run.kind == kind)
    return make_card(project, run), run


def page_words(page):
    return re.sub(r"</?code>", "`", page)


def headings(card):
    return [section.heading for section in card.sections]


def test_a_report_says_all_that_is_needed(trained):
    card, run = card_of(trained, "train")
    text, page = in_words(card), html(card)
    for heading in ("What it is for", "Scores", "Learning curves", "Most wrong rows", "Score by segment", "Calibration",
                    "Confusion", "Folds", "Data", "Validation", "Model and recipe", "Versions", "Limits",
                    "To run it again"):  # fmt: skip
        assert heading in headings(card)
        assert f">{heading}</h2>" in page
        assert f"## {heading}" in text
    entries = json.loads((trained / "data" / "manifest.json").read_text())["files"]
    assert all(e["sha256"] in page and e["sha256"] in text for e in entries)
    for found in (run.info["fingerprint"], run.info["data_hash"], run.info["code_hash"]):
        assert found in page
        assert found in text
    assert f"numpy=={run.info['versions']['numpy'].partition('+')[0]}" in text
    assert "weight_decay" in text.partition("## Versions")[0]
    assert "240 of 240 rows were asked" in text.partition("## Importance")[2].partition("\n## ")[0]
    assert "Nothing has changed" in text
    assert "<script" not in page
    assert len(page) < 3_000_000


def test_its_command_makes_the_same_run(trained, capsys):
    card, run = card_of(trained, "train")
    (command,) = card.origin.commands
    words = shlex.split(command)
    assert words[:2] == ["aicomp", "train"]
    capsys.readouterr()
    assert main([*words[1:], "--project", str(trained), "--set", "workers=0", "--json"]) == 0
    again = Run(Path(json.loads(capsys.readouterr().out)["folder"]))
    assert again.info["fingerprint"] == run.info["fingerprint"]
    assert again.scores["folds"] == run.scores["folds"]
    assert {d.key for d in card.origin.template} >= {"model.name", "training.epochs", "split.n_splits"}
    assert "workers" not in {d.key for d in card.origin.template}


def test_a_blend_names_its_members_and_leads_to_them(trained):
    card, run = card_of(trained, "blend")
    page = html(card)
    for member in run.info["blend"]["members"]:
        assert f'<a href="../{member["run"]}/' in page
        assert f"[{member['run']}](../{member['run']}/" in in_words(card)
    assert card.origin.commands[0].startswith(f"aicomp blend {run.info['blend']['members'][0]['run']} ")
    assert "Learning curves" not in headings(card)
    assert "Calibration" in headings(card)
    assert "Which columns matter was not computed: a run of kind `blend` has no models of its own." in page_words(page)


def test_a_saved_run_says_that_its_code_is_elsewhere(trained):
    card, _ = card_of(trained, "saved")
    assert card.origin.commands == ()
    assert "Run.create('my-own')" in in_words(card)
    assert "depth" in html(card)
    assert card.diagnosis is not None
    assert not {d.key for d in card.origin.config if d.key.startswith("model")}


def test_pictures_lie_beside_the_markdown(trained, tmp_path):
    card, run = card_of(trained, "train")
    written = write_report(card, run)
    assert (written.page, written.text) == (run.folder / "report.html", run.folder / "report.md")
    shown = re.findall(r"!\[.*?\]\((.*?)\)", written.text.read_text())
    assert "report/importance.png" in shown
    assert [run.folder / href for href in shown] == list(written.pictures)
    assert all(path.read_bytes()[1:4] == b"PNG" for path in written.pictures)
    alone = write_report(card, run, tmp_path / "card.md")
    assert alone.page is None
    assert {p.parent for p in alone.pictures} == {tmp_path / "card"}
    assert write_report(card, run, tmp_path / "only.html").text is None
    assert not (tmp_path / "only").exists()


def test_what_has_changed_is_told_first(tmp_path):
    folder = init_project(tmp_path, "regression")
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    with (folder / "features.py").open("a") as file:
        file.write("\n# another\n")
    project = Project.open(folder)
    run = find_run(project.runs)
    card = make_card(project, run)
    assert card.origin.code_changed
    assert card.sections[0].heading == "What to know first"
    assert "The code has changed" in in_words(card)
    assert any("columns are those of the raw files" in note for note in card.diagnosis.notes)
    assert "Which columns matter was not computed" in in_words(card)

    manifest = folder / "data" / "manifest.json"
    content = manifest.read_text()
    manifest.write_text(re.sub(r'"sha256": "..', '"sha256": "00', content, count=1))
    card = make_card(project, run)
    assert card.diagnosis is None
    assert card.origin.data_changed is True
    assert "were not compared with the truth, as the files that hold it are others now" in in_words(card)
    manifest.unlink()
    card = make_card(project, run)
    assert card.origin.data_changed is None
    assert "The data is not here" in in_words(card)


def test_config_that_no_option_can_say_is_named(tmp_path):
    folder = init_project(tmp_path, "binary")
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    path = folder / "aicomp.toml"
    path.write_text(path.read_text().replace("[split]", '[split]\ngroup = "color"', 1))
    project = Project.open(folder)
    origin = find_origin(project, find_run(project.runs))
    assert "`--set` cannot say that `split.group` is absent: write it into `aicomp.toml`." in origin.remarks
    assert "split.group" not in origin.commands[0]


def test_builds_of_versions_are_no_part_of_requirements(trained):
    run = find_run(Project.open(trained).runs)
    info = run.read("run.json")
    info["versions"] = {"torch": "2.9.1+cpu", "numpy": "2.0.0"}
    run.write("run.json", info)
    assert requirements(run) == ["torch==2.9.1  # build cpu", "numpy==2.0.0"]
    card = make_card(Project.open(trained), run)
    assert "Package versions are others" in in_words(card)


def test_findings_of_check_are_shown(trained):
    project = Project.open(trained)
    run = next(run for run in list_runs(project.runs) if run.kind == "train")
    finding = {"name": "leak", "title": f"A column {BAD}", "evidence": BAD, "advice": "Drop it."}
    run.write("check.json", [{**finding, "severity": "low"}, {**finding, "severity": "high", "title": "Worse"}])
    card = make_card(project, run)
    assert "What aicomp check found" in headings(card)
    assert card.sections[0].blocks[0].title == "Worse"
    assert "<img" not in html(card)
    run.write("check.json", {"findings": "none"})
    assert main(["report", run.id, "--project", str(trained)]) == 3
    (run.folder / "check.json").unlink()


def test_submissions_and_their_scores_are_listed(trained):
    from aicomp.submission import record_intent, record_outcome

    project = Project.open(trained)
    run = next(run for run in list_runs(project.runs) if run.kind == "train")
    file = trained / "s.csv"
    file.write_text("id,bought\n")
    entry = record_intent(project, run, file, f"try {BAD}", None)
    record_outcome(project, run, entry, "complete", score=0.98765, ref=1)
    card = make_card(project, run)
    text = in_words(card)
    assert "0.98765" in text.partition("## What")[0]
    assert "The public score, 0.98765, is better than the mean of the folds" in text
    assert "<img" not in html(card)


def hostile_project(tmp_path):
    """A project whose title, columns, labels and values are all markup."""
    source = write_folder(tmp_path / "hostile", "multiclass", n_train=180)
    for name in ("train", "test", "sample_submission"):
        path = source / f"{name}.csv"
        table = pd.read_csv(path, dtype={"id": str})
        if "color" in table:
            table["color"] = table["color"].replace({"red": BAD, "blue": "a\nb", "green": "$x$ [l](http://e.org)"})
        if "grade" in table:
            table["grade"] = table["grade"].replace({"low": BAD, "high": "=1+1", "middle": "x|y"})
        table = table.rename(columns={"color": "<script>alert(2)</script>", "size": "a|b`c`"})
        table.to_csv(path, index=False)
    into = tmp_path / "project"
    assert main(["init", str(source), "--metric", "accuracy", "--into", str(into), "--json"]) == 0
    contract = into / "competition.toml"
    contract.write_text(re.sub(r"^title = .*$", "title = '<b>T|</b>'", contract.read_text(), flags=re.MULTILINE))
    assert main(["train", "--project", str(into), *quick_arguments()]) == 0
    return into


@needs_browser
def test_hostile_names_stay_words(tmp_path):
    folder = hostile_project(tmp_path)
    project = Project.open(folder)
    run = find_run(project.runs)
    card = make_card(project, run)
    written = write_report(card, run)
    page = written.page.read_text()
    for markup in ("<script", "<img src=x", "<b>T"):
        assert markup not in page
    assert "&lt;script&gt;alert(2)" in page
    tokens = MarkdownIt("commonmark").enable("table").parse(written.text.read_text())
    assert not [t for t in tokens if t.type.startswith("html")]
    children = [c for t in tokens for c in t.children or ()]
    assert not [c for c in children if c.type.startswith("html")]
    assert not [c for c in children if c.type == "link_open"]
    with browser(tmp_path / "profile") as driver:
        look_at(driver, written.page, tmp_path / "shots")


@needs_browser
def test_a_browser_finds_nothing_wrong_with_blends_and_values(trained, tmp_path):
    folder = init_project(tmp_path, "multi-target", n_train=150)
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    pages = []
    for place, kind in ((trained, "blend"), (folder, "train")):
        card, run = card_of(place, kind)
        pages.append(write_report(card, run, tmp_path / f"{kind}.html").page)
    with browser(tmp_path / "profile") as driver:
        for page in pages:
            look_at(driver, page, tmp_path / "shots")


def test_an_agent_has_a_report_of_its_own(tmp_path):
    folder = corridor_project(tmp_path / "agent")
    entries = [*QUICK_AGENT, "training.seeds=1", "training.steps=512", "evaluation.episodes=4"]
    overrides = [word for entry in entries for word in ("--set", entry)]
    assert main(["train", "--project", str(folder), *overrides]) == 0
    assert main(["report", "--project", str(folder)]) == 0
    run = find_run(Simulation.open(folder).runs)
    text = (run.folder / "report.md").read_text()
    for words in ("## Trainings", "95 % interval", "Scores in the episodes of selection", "The worst episodes",
                  "--set training.steps=512"):  # fmt: skip
        assert words in text
    assert "SOURCE --data-only" not in text  # there is no data
    assert (run.folder / "report" / "curves.png").is_file()


def test_quick_settings_are_those_of_the_run(trained):
    card, _ = card_of(trained, "train")
    for entry in QUICK:
        key, _, value = entry.partition("=")
        if key != "workers":
            assert value.strip('"') in " ".join(card.origin.commands), key
