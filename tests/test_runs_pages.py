"""The pages of runs in a browser."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from browser import browser, needs_browser
from ensemble_cases import binary_project, save_run
from page_look import look_at
from submission_cases import competition

from aicomp.cli.main import main
from aicomp.runs.facts import Facts
from aicomp.runs.page import MOST_ROWS, runs_page
from aicomp.runs.trust import trust_in_cv
from aicomp.submission.history import Posted, Record
from aicomp.submission.ledger import Attempt

BAD = '<script>alert(1)</script>"&'


def facts(k: int) -> Facts:
    score = 0.8 + 0.01 * (k % 7)
    return Facts(
        f"20260101-{k:06d}", "train", f"2026-01-01T00:00:{k % 60:02d}", True, 5, 5, BAD, "roc_auc", "d", 1.0,
        True, score, 0.01, score, "complete", score - 0.02, BAD, (BAD,),
    )  # fmt: skip


def record(k: int) -> Record:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    cv = {"mean": 0.8 + k / 100, "std": 0.01}
    attempt = Attempt(str(k), time, "shop", "kaggle", (BAD,), "f", f"{k:064x}"[::-1], BAD, cv, (), "complete", k)
    return Record(Posted(k, time, public_score=0.7 + (k * 3 % 7) / 100, status="complete"), attempt)


def test_everything_given_is_escaped_and_a_long_list_is_cut() -> None:
    known = [facts(k) for k in range(MOST_ROWS + 50)]
    page = runs_page(competition(title=BAD), known, {known[0].run}, trust_in_cv([record(k) for k in range(9)]))
    assert "<script" not in page
    assert "50 older ones are left out" in page
    assert page.count("<tr>") == MOST_ROWS + 1
    assert "9 submitted files" in page


def test_no_run_makes_a_page() -> None:
    assert "No run is done yet." in runs_page(competition(), [], set(), trust_in_cv([]))


@needs_browser
def test_a_browser_finds_nothing_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = binary_project(tmp_path)
    monkeypatch.chdir(folder)
    a, b = save_run(folder, BAD, 3.0, 0), save_run(folder, "sharp", 0.7, 1)
    assert main(["runs", "compare", a.id, b.id, "--output", "compare.html", "--json"]) == 0
    known = [facts(k) for k in range(30)]
    page = runs_page(competition(title=BAD), known, {known[6].run}, trust_in_cv([record(k) for k in range(9)]))
    (folder / "runs.html").write_text(page, encoding="utf-8")
    with browser(tmp_path / "profile") as driver:
        for name in ("compare.html", "runs.html"):
            look_at(driver, folder / name, tmp_path / "shots")
    assert len(list((tmp_path / "shots").iterdir())) == 8
    capsys.readouterr()
