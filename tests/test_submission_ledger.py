import hashlib
import json
import re
from pathlib import Path

from submission_cases import competition, make_project, make_run

from aicomp.submission import record_intent, record_outcome

CV = {"mean": 0.75, "std": 0.01, "pooled": 0.74}


def test_intent_stands_before_and_outcome_after(tmp_path: Path) -> None:
    project = make_project(tmp_path, competition(), "id,bought\n007,0\n")
    run = make_run(project, [0.5])
    file = tmp_path / "s.csv"
    file.write_text("id,bought\n007,0.5\n")
    ledger = project.folder / "submissions" / "ledger.jsonl"

    entry = record_intent(project, run, file, "first try", CV)
    (intent,) = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert intent["event"] == "intent"
    assert intent["run"] == run.id
    assert intent["sha256"] == hashlib.sha256(b"id,bought\n007,0.5\n").hexdigest()
    assert intent["cv"] == CV
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", intent["time"])
    assert run.read("submission.json")["status"] == "unknown"

    record_outcome(project, run, entry, "sent", ref=42)
    outcome = json.loads(ledger.read_text().splitlines()[1])
    assert (outcome["event"], outcome["id"], outcome["status"], outcome["ref"]) == ("outcome", entry["id"], "sent", 42)
    assert run.read("submission.json") == {**entry, "status": "sent", "ended": outcome["ended"], "ref": 42}


def test_a_line_that_a_crash_cut_short_spoils_no_other(tmp_path: Path) -> None:
    project = make_project(tmp_path, competition(), "id,bought\n007,0\n")
    file = tmp_path / "s.csv"
    file.write_text("id,bought\n007,0.5\n")
    ledger = project.folder / "submissions" / "ledger.jsonl"
    ledger.parent.mkdir()
    ledger.write_text('{"event": "intent", "id')
    record_intent(project, None, file, "", None)
    assert json.loads(ledger.read_text().splitlines()[1])["run"] is None
