"""`aicomp eda`: the page, the answer for programs, the pictures, and what it says if it cannot."""

import json
import webbrowser

import pytest
from synthetic import init_project

from aicomp.cli.main import main


@pytest.fixture
def project(tmp_path, capsys, monkeypatch):
    folder = init_project(tmp_path, "binary")
    capsys.readouterr()
    monkeypatch.chdir(folder)
    return folder


def test_the_page_lies_in_the_project_and_is_no_part_of_its_repository(project, capsys):
    assert main(["eda"]) == 0
    out, err = capsys.readouterr()
    assert f"the page is `{project / 'eda.html'}`, 0." in out
    assert "by itself" in out
    assert "Traceback" not in err
    html = (project / "eda.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert "http://" not in html.replace('xmlns="http://www.w3.org', "").replace('xlink="http://www.w3.org', "")
    assert "eda.html" in (project / ".gitignore").read_text().splitlines()
    assert not list(project.glob(".*.part"))


def test_programs_get_one_object(project, capsys, tmp_path):
    page, png = tmp_path / "elsewhere" / "p.html", tmp_path / "png"
    assert main(["eda", "--json", "--output", str(page), "--png", str(png), "--sample", "100"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert out.count("\n") == 1
    assert err == ""
    assert answer["bytes"] == page.stat().st_size
    assert answer["opened"] is False
    assert answer["facts"]["target"] == "bought"
    assert answer["notes"] == []
    assert sorted(answer["pictures"]) == sorted(str(p) for p in png.iterdir())
    columns = {column["name"]: column for column in answer["columns"]}
    assert list(columns) == ["size", "weight", "color", "when"]
    assert columns["size"]["association"] > 0.2
    assert columns["color"]["levels"] == 3
    assert columns["color"]["drift_measure"] == "TV"
    assert columns["size"]["missing_train"] == 0
    assert columns["weight"]["levels"] is None
    assert not (project / "eda.html").exists()


@pytest.mark.parametrize(("works", "said"), [(True, "opened in the browser"), (False, "no browser could be started")])
def test_it_is_opened_if_asked(project, capsys, monkeypatch, works, said):
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or works)
    assert main(["eda", "--open"]) == 0
    assert said in capsys.readouterr().out
    assert asked == [(project / "eda.html").as_uri()]


def test_a_wrong_line_is_named(project, capsys):
    path = project / "data" / "raw" / "train.csv"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].rsplit(",", 1)[0] + ",Maybe"
    path.write_text("\n".join(lines) + "\n")
    assert main(["eda", "--json"]) == 3
    out, err = capsys.readouterr()
    assert "line 4" in json.loads(out)["error"]["message"]
    assert "Traceback" not in err


def test_outside_of_a_project(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["eda"]) == 2
    assert "lies in no project" in capsys.readouterr().err
