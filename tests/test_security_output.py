"""docs/security.md: names and values of data, and words of servers, are shown as text and do nothing."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from kaggle_server import kaggle_server
from run_cases import make_project, make_run
from synthetic import quick_arguments, write_folder

from aicomp.cli.main import main
from aicomp.printable import printable
from aicomp.runs.csv_file import safe_cell

pytest_plugins = ["kaggle_fixtures"]

SCRIPT = "<script>alert(1)</script>"
BREAKOUT = "\"'><img src=x onerror=alert(2)>"
CONTROLS = "\x1b[2J\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\u202egnp.exe\x9b31m"
LOADS = {"src", "href", "srcset", "action", "formaction", "data", "poster", "xlink:href", "background", "ping"}


class Page(HTMLParser):
    """What a browser would make of a page: its tags, and attributes that run or load something."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.active, self.policy = set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            value = (value or "").strip()
            is_inner = value.startswith(("#", "data:image/", "data:audio/")) or not value
            if name.startswith("on") or (name in LOADS and not is_inner):
                self.active.append((tag, name, value[:80]))
        if dict(attributes).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attributes)["content"]

    handle_startendtag = handle_starttag


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A project whose columns, values, labels and title are markup and control sequences, with a run and its pages."""
    base = tmp_path_factory.mktemp("hostile")
    source = write_folder(base / "downloads")
    for name in ("train.csv", "test.csv"):
        table = pd.read_csv(source / name, dtype={"id": str})
        table = table.rename(columns={"size": f"size {SCRIPT}", "color": f"color {BREAKOUT}", "when": f"w{CONTROLS}"})
        table[f"color {BREAKOUT}"] = table[f"color {BREAKOUT}"].replace(
            {"red": SCRIPT, "green": BREAKOUT, "blue": CONTROLS}
        )
        table.to_csv(source / name, index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        assert main(["init", str(source), "--metric", "roc_auc", "--into", "made"]) == 0
        patch.chdir(base / "made")
        contract = base / "made" / "competition.toml"
        contract.write_text(re.sub('title = ".*"', f"title = '''{SCRIPT}{BREAKOUT}'''", contract.read_text()))
        assert main(["train", *quick_arguments()]) == 0
        assert main(["train", *quick_arguments("seed=1")]) == 0
    return base / "made"


@pytest.mark.parametrize("command", ["eda", "check", "report", "explain", "runs"])
def test_pages_run_nothing_and_load_nothing(hostile, monkeypatch, capsys, command):
    monkeypatch.chdir(hostile)
    file = hostile / f"{command}-page.html"
    assert main([command, "--output", str(file)]) == 0
    said = capsys.readouterr()
    text = file.read_text()
    page = Page(text)
    assert page.active == []
    assert not page.tags & {"script", "iframe", "object", "embed", "link", "base", "form", "img"} - {"img"}
    assert "default-src 'none'" in page.policy
    assert "script-src" not in page.policy
    assert SCRIPT not in text
    assert "<img src=x" not in text
    for stream in (said.out, said.err):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", stream)


def test_compared_runs_are_a_page_that_runs_nothing(hostile, monkeypatch, capsys):
    monkeypatch.chdir(hostile)
    runs = sorted(p.name for p in (hostile / "runs").iterdir() if (p / "DONE").is_file())[:2]
    file = hostile / "compare.html"
    assert main(["runs", "compare", *runs, "--output", str(file)]) == 0
    page = Page(file.read_text())
    assert page.active == []
    assert "script" not in page.tags
    assert "default-src 'none'" in page.policy
    capsys.readouterr()


def test_errors_and_lists_send_no_control_sequences_to_a_terminal(tmp_path, monkeypatch, capsys):
    project = make_project(tmp_path, monkeypatch)
    make_run(project, "20260101-000001", [0.5], model=f"m{CONTROLS}", metric=(f"roc{CONTROLS}", True))
    for arguments in (
        ["runs"],
        ["runs", "nothing\x1b[31m"],
        ["train", "--set", "a\x1b]0;x\x07=1"],
        ["init", f"x{CONTROLS}"],
    ):
        main(arguments)
        said = capsys.readouterr()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said.out + said.err), arguments
    main(["init", f"x{CONTROLS}", "--json"])
    assert capsys.readouterr().out.isascii()


def test_words_of_a_server_send_no_control_sequences_to_a_terminal(hostile, server, monkeypatch, capsys, caplog):
    monkeypatch.chdir(hostile)
    server.outcome = ("ERROR", "", f"bad {CONTROLS}")
    server.competition = {"title": f"Shop {CONTROLS}"}
    main(["submit", "--yes", "--wait"])
    main(["submissions"])
    for status in (403, 500):
        server.answers = {"GetSubmissionLimits": (status, {"code": status, "message": f"no {CONTROLS}"})}
        main(["submit", "--yes", "--again"])
    said = capsys.readouterr()
    assert "bad \\x1b[2J" in said.out + said.err
    assert "no \\x1b[2J" in said.out + said.err
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said.out + said.err + caplog.text)
    assert kaggle_server


def test_cells_of_exported_tables_are_no_formulas(tmp_path, monkeypatch, capsys):
    project = make_project(tmp_path, monkeypatch)
    make_run(project, "20260101-000001", [0.5, 0.6], model="=cmd|' /C calc'!A0")
    assert main(["runs", "--csv", "runs.csv"]) == 0
    capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO((project / "runs.csv").read_text())))
    assert rows[0]["model"] == "'=cmd|' /C calc'!A0"
    for start in "=+-@\t\r":
        assert safe_cell(f"{start}SUM(A1)") == f"'{start}SUM(A1)"
    assert safe_cell(-0.25) == "-0.25"


def test_json_on_a_stream_is_ascii(tmp_path, monkeypatch, capsys):
    project = make_project(tmp_path, monkeypatch)
    make_run(project, "20260101-000001", [0.5], model=f"m{CONTROLS}")
    assert main(["runs", "--json"]) == 0
    said = capsys.readouterr().out
    assert said.isascii()
    assert "\x1b" not in said
    assert CONTROLS in json.loads(said)["runs"][0]["model"]


def test_control_characters_are_written_out():
    assert printable("tab\tline\nend") == "tab\tline\nend"
    assert printable("Zürich 東京 🎉") == "Zürich 東京 🎉"
    assert printable("\x9b31m\r\x7f\u2066") == "\\x9b31m\\x0d\\x7f\\u2066"
