"""`aicomp report` as it is typed."""

import json
import webbrowser
from pathlib import Path

import pytest
from synthetic import init_project, quick_arguments

from aicomp.cli.main import main
from aicomp.run import Run


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = init_project(tmp_path_factory.mktemp("cli-report"), "binary")
    assert main(["train", "--project", str(folder), *quick_arguments()]) == 0
    return folder


def run_of(project):
    (folder,) = [f for f in (project / "runs").iterdir() if (f / "DONE").is_file()]
    return Run(folder)


def test_it_writes_both_files_and_says_where(project, capsys):
    assert main(["report", "--project", str(project)]) == 0
    captured = capsys.readouterr()
    run = run_of(project)
    page, text = run.folder / "report.html", run.folder / "report.md"
    assert captured.out == f"run {run.id} is reported in `{page}` and `{text}`\n"
    assert captured.err == ""
    assert page.read_text().startswith("<!doctype html>")
    assert text.read_text().startswith("# ")
    assert (run.folder / "report" / "segments.png").is_file()


def test_json_is_one_object(project, capsys):
    assert main(["report", "--project", str(project), "--json"]) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert list(answer) == ["run", "kind", "page", "markdown", "pictures", "changed", "commands", "diagnosis"]
    assert answer["kind"] == "train"
    assert answer["changed"] == {"code": False, "data": False, "versions": [], "config": answer["changed"]["config"]}
    assert all(Path(path).is_file() for path in [answer["page"], answer["markdown"], *answer["pictures"]])
    assert answer["diagnosis"]["n"] == 90
    assert answer["commands"][0].startswith("aicomp train --set ")


def test_markdown_is_printed_with_pictures_in_words(project, capsys):
    assert main(["report", "--project", str(project), "--markdown"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("# ")
    assert "## To run it again" in captured.out
    assert "![" not in captured.out
    assert "is reported in" in captured.err


@pytest.mark.parametrize(
    ("name", "page", "markdown"), [("a.md", False, True), ("b.html", True, False), ("c", True, False)]
)
def test_output_is_that_file_alone(project, tmp_path, capsys, name, page, markdown):
    assert main(["report", "--project", str(project), "--output", str(tmp_path / name), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["page"] is not None, answer["markdown"] is not None) == (page, markdown)
    assert (tmp_path / name).is_file()


def test_open_starts_a_browser_or_says_that_there_is_none(project, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    assert main(["report", "--project", str(project), "--open"]) == 0
    assert opened == [(run_of(project).folder / "report.html").resolve().as_uri()]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    assert main(["report", "--project", str(project), "--open"]) == 0
    assert "no browser could be started" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--markdown", "--json"], "`--markdown` and `--json` both want stdout"),
        (["--open", "--output", "x.md"], "`--open` shows a page, and `x.md` is Markdown"),
        (["nothing"], "unknown run `nothing`"),
    ],
)
def test_what_makes_no_sense_is_refused(project, capsys, arguments, message):
    assert main(["report", *arguments, "--project", str(project)]) == 2
    assert message in capsys.readouterr().err
    assert not Path("x.md").exists()


def test_a_run_that_is_not_finished_has_none(project, capsys):
    run = run_of(project)
    (run.folder / "DONE").unlink()
    try:
        assert main(["report", run.id, "--project", str(project)]) == 2
        assert capsys.readouterr().err == (
            f"error: run `{run.id}` is not finished\n\nhint: `aicomp train` continues it\n"
        )
    finally:
        (run.folder / "DONE").touch()
