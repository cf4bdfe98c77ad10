"""`aicomp check`, and its short form in `aicomp train`, as a person and as a program meet them."""

import json

import numpy as np
import pytest
from browser import browser, needs_browser
from page_look import look_at
from synthetic import QUICK, init_project
from validation_cases import clean, project_of

from aicomp.cli.main import main
from aicomp.run import find_run
from aicomp.validation.short import check_run

BAD = "<b>x</b>"


def quick(*more):
    return [argument for entry in (*QUICK, *more) for argument in ("--set", entry)]


@pytest.fixture
def leaky(tmp_path, capsys):
    frame = clean()
    frame.insert(1, BAD, np.where(frame["bought"] == "yes", 2.5, 1.5))
    folder = project_of(tmp_path, frame)
    capsys.readouterr()
    return folder


def test_people_get_a_table_and_a_page(leaky, capsys):
    assert main(["check", "--project", str(leaky)]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0].split() == ["severity", "check", "finding"]
    assert f"high      target-in-disguise  `{BAD}` is the target in disguise" in captured.out
    assert f"do: Is `{BAD}` known before the target is?" in captured.out
    assert "1 high" in captured.out.splitlines()[-1]
    page = (leaky / "check.html").read_text(encoding="utf-8")
    assert BAD not in page
    assert "<code>&lt;b&gt;x&lt;/b&gt;</code> is the target in disguise" in page
    assert "<script" not in page
    assert len(page) < 400_000


def test_strict_ends_with_three_and_still_one_object(leaky, tmp_path, capsys):
    page = tmp_path / "page.html"
    pngs = tmp_path / "pngs"
    asked = ["--output", str(page), "--png", str(pngs), "--project", str(leaky)]
    assert main(["check", "--strict", "--json", *asked]) == 3
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    content = json.loads(out)
    assert set(content) == {
        "project", "n_rows", "splitter", "n_folds", "counts", "findings", "checks", "notes", "seconds", "page",
        "pngs",
    }  # fmt: skip
    assert content["counts"]["high"] == 1
    assert content["findings"][0]["columns"] == [BAD]
    assert content["page"] == str(page)
    assert page.is_file()
    assert content["pngs"]
    assert sorted(content["pngs"]) == sorted(str(path) for path in pngs.iterdir())
    assert all(path.read_bytes()[1:4] == b"PNG" for path in pngs.iterdir())
    assert not (leaky / "check.html").exists()


def test_a_clean_project_passes_strict(tmp_path, capsys):
    folder = project_of(tmp_path, clean())
    assert main(["check", "--strict", "--project", str(folder)]) == 0
    assert "0 high, 0 medium" in capsys.readouterr().out


@pytest.mark.parametrize("problem", ["multiclass", "regression", "multilabel", "multi-target"])
def test_each_kind_of_target_is_checked_and_clean(tmp_path, capsys, problem):
    folder = init_project(tmp_path, problem)
    capsys.readouterr()
    assert main(["check", "--strict", "--json", "--project", str(folder)]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["counts"]["high"] == 0
    assert all(check["done"] for check in content["checks"])


def test_no_time_is_said(leaky, capsys):
    capsys.readouterr()
    assert main(["check", "--time", "0", "--project", str(leaky)]) == 0
    assert "note: no time was left for: What features.py saw" in capsys.readouterr().out


def test_training_tells_what_is_wrong_and_stays_the_same(leaky, capsys):
    assert main(["train", "--project", str(leaky), "--json", *quick()]) == 0
    captured = capsys.readouterr()
    assert f"check: high: `{BAD}` is the target in disguise; see `aicomp check`" in captured.err
    content = json.loads(captured.out)
    assert [finding["severity"] for finding in content["check"]] == ["high"]
    run = find_run(leaky / "runs")
    checked = run.read("check.json")
    assert checked["findings"][0]["name"] == "target-in-disguise"
    assert main(["train", "--project", str(leaky), "--json", *quick("check.train=false")]) == 0
    captured = capsys.readouterr()
    other = json.loads(captured.out)
    assert "check:" not in captured.err
    assert other["check"] == []
    assert other["folds"] == content["folds"]
    assert not (find_run(leaky / "runs").folder / "check.json").exists()
    assert find_run(leaky / "runs").info["fingerprint"] == run.info["fingerprint"]


def test_clean_training_says_nothing_of_checks(tmp_path, capsys):
    folder = project_of(tmp_path, clean())
    capsys.readouterr()
    assert main(["train", "--project", str(folder), *quick()]) == 0
    assert "check:" not in capsys.readouterr().err


def test_the_short_form_ends_in_time(leaky, capsys, monkeypatch):
    from aicomp.cross_validation import prepare
    from aicomp.project import Project

    project = Project.open(leaky, QUICK)
    run = prepare(project).run
    ticks = iter([0.0, 0.0, 2.0, 2.0, 2.0])
    found = check_run(project, run, clock=lambda: next(ticks))
    assert [finding.name for finding in found] == ["splitter"]
    assert run.read("check.json")["skipped"] == ["columns", "rows"]


@needs_browser
def test_the_page_is_fine_in_a_browser(leaky, tmp_path):
    assert main(["train", "--project", str(leaky), *quick()]) == 0
    assert main(["check", "--project", str(leaky)]) == 0
    with browser(tmp_path / "profile") as driver:
        look_at(driver, leaky / "check.html", tmp_path / "shots")
    assert len(list((tmp_path / "shots").iterdir())) == 4
