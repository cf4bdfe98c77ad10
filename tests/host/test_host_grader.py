"""Grading: what teams are told, what they are never told, and that nothing a submission holds does harm."""

import gzip
import io
import os
import signal
import sqlite3
import time
import zipfile

import numpy as np
import pytest
from hosting import local_host, submission_text, write_competition

from aicomp.grading import Roles, TextTable
from aicomp.host import grader
from aicomp.host.folder import load_hosted
from aicomp.host.limits import landlock_version
from aicomp.host.solution import deal_public, read_solution

PREFIX = "Evaluation Exception: "
UNGRADED = "Evaluation Exception: the submission could not be graded. Its host can read why."


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grader")
    write_competition(folder / "shop", usage="PPPVVVVVII", max_daily_submissions=100)
    with local_host(folder) as local:
        yield local.team()


def test_public_and_private_rows_have_their_own_scores_and_ignored_ones_none(shop):
    # Rows are off by 1, 2, 3 (public: 2), by 10 each (private), and by 1000 (ignored).
    values = [0 + 1, 1 + 2, 2 + 3, *(i + 10 for i in range(3, 8)), 1008, 1009]
    done = shop.wait(shop.submit("shop", submission_text(values)))
    assert (done["status"], done["publicScore"]) == ("COMPLETE", "2.00000")


def test_the_order_of_rows_does_not_matter(shop):
    header, *rows = submission_text(range(10)).splitlines()
    done = shop.wait(shop.submit("shop", "\n".join([header, *reversed(rows), ""])))
    assert done["publicScore"] == "0.00000"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (submission_text([0] * 9), "Submission must have 10 rows, it has 9"),
        ("id,z\na0,1\n", "Submission must have the columns id, y: `y` is missing"),
        (
            submission_text(range(10)).replace("a8,8", "a8,eight"),
            "`mine.csv` line 10: `y` is `eight`, which is no number",
        ),
        (submission_text(range(10)).replace("a3,3", "a3,"), "`mine.csv` line 5: `y` is blank or NaN"),
        (submission_text(range(10)).replace("a3,3", "a3,inf"), "`mine.csv` line 5: `y` is `inf`, which is not finite"),
        (submission_text(range(10)).replace("a3,", "b3,"), "`mine.csv` line 5: id `b3` is not in `solution.csv`"),
        (
            submission_text(range(10)).replace("a3,", "a4,"),
            "`mine.csv` line 6: id `a4` appears a second time, first on line 5",
        ),
        (b"", "`mine.csv` is empty"),
        (b"PAR1....", "Submission must be a CSV file, and this is Parquet"),
        (b"\xff\xfe\x00", "`mine.csv` is not utf-8: it begins with the byte order mark 0xfffe of UTF-16"),
        (b"\x1f\x8bjunk", "`mine.csv` cannot be unpacked as gzip"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(shop, content, error):
    done = shop.wait(shop.submit("shop", content, file_name="mine.csv"))
    assert done["status"] == "ERROR"
    assert done["errorDescription"].startswith(PREFIX + error)
    assert "publicScore" not in done


def test_packed_submissions_are_read(shop):
    text = submission_text(range(10)).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("submission.csv", text)
    for content in (gzip.compress(text), packed.getvalue()):
        assert shop.wait(shop.submit("shop", content))["publicScore"] == "0.00000"


def test_packed_submissions_that_would_fill_the_memory_are_refused(shop):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.csv", bytes(64 * 2**20))
    for content in (packed.getvalue(), gzip.compress(bytes(64 * 2**20))):
        done = shop.wait(shop.submit("shop", content, file_name="bomb.csv"))
        assert done["status"] == "ERROR"
        assert "bomb.csv" in done["errorDescription"]
        assert "unpacks" in done["errorDescription"]


def test_complaints_do_not_tell_which_rows_are_public(shop):
    # Row a8 is ignored, a0 public: whichever is wrong first in the file is named, and all are counted.
    values = ["x", 1, 2, 3, "x", 5, 6, 7, "x", 9]
    done = shop.wait(shop.submit("shop", submission_text(values)))
    assert done["errorDescription"].endswith("line 2: `y` is `x`, which is no number (2 more rows like it)")


METRIC = """
import os, time
from pathlib import Path
from aicomp.metrics import Metric

HERE = Path(__file__).parent

def trick(y_true, y_pred):
    trick = int(y_pred[0])
    if trick == 1:
        time.sleep(600)
    if trick == 2:
        while True:
            pass
    if trick == 3:
        bytearray(64 * 2**30)
    if trick == 4:
        (HERE / "solution.csv").write_text("owned")
    if trick == 5:
        os.kill(os.getpid(), 9)
    if trick == 6:
        raise ValueError(f"y_true is {y_true}")
    print("stray output")
    return float(trick)

trick = Metric("trick", trick, greater_is_better=True, needs="value", problem_types=frozenset({"regression"}))
"""


@pytest.fixture(scope="module")
def tricks(tmp_path_factory):
    """A competition whose metric does what a bug in a parser could be brought to do."""
    folder = tmp_path_factory.mktemp("tricks")
    shop = write_competition(folder / "shop", max_daily_submissions=100)
    (shop / "tricks.py").write_text(METRIC)
    (shop / "host.toml").write_text('metric = "tricks:trick"\nmax_daily_submissions = 100\n')
    with local_host(folder, grade_seconds=1.5, grade_bytes=2**30) as local:
        yield local, local.team(), shop


@pytest.mark.parametrize(
    ("trick", "error"),
    [
        (1, "Evaluation Exception: grading took more than 1.5 seconds"),
        (2, "Evaluation Exception: grading took more than 1.5 seconds"),
        (3, "Evaluation Exception: Submission needs too much memory"),
        pytest.param(4, UNGRADED, marks=pytest.mark.skipif(landlock_version() < 1, reason="no Landlock here")),
        (5, UNGRADED),
        (6, UNGRADED),
    ],
)
def test_what_grading_may_not_do_ends_in_an_error(tricks, trick, error):
    _, team, shop = tricks
    solution = (shop / "solution.csv").read_text()
    assert team.wait(team.submit("shop", submission_text([trick] * 10)))["errorDescription"] == error
    assert (shop / "solution.csv").read_text() == solution
    assert team.wait(team.submit("shop", submission_text([7] * 10)))["publicScore"] == "7.00000"


def test_a_grading_process_that_dies_is_replaced_and_nothing_is_lost(tricks):
    local, team, _ = tricks
    refs = [team.submit("shop", submission_text([value] * 10)) for value in (1, 7, 8, 9)]
    time.sleep(0.2)
    os.kill(local.host.grader._process.pid, signal.SIGKILL)
    assert [team.wait(ref).get("publicScore") for ref in refs] == [None, "7.00000", "8.00000", "9.00000"]


def test_what_is_pending_is_graded_after_the_next_start(tmp_path):
    write_competition(tmp_path / "shop")
    with local_host(tmp_path) as local:
        local.host.grader.stop()
        ada = local.team()
        ref = ada.submit("shop", submission_text(range(10)))
        assert "status" not in ada.call("GetSubmission", ref=ref)  # PENDING is the default, which is left out
    with local_host(tmp_path) as local:
        ada.http = local.http
        assert ada.wait(ref)["publicScore"] == "0.00000"


def test_the_split_is_the_same_every_time_and_differs_between_solutions(tmp_path):
    competition = load_hosted(write_competition(tmp_path / "shop", 200))
    path, roles = competition.solution, competition.roles
    first, again = (read_solution(path, "shop", roles, 0.3) for _ in range(2))
    assert first.public.sum() == 60
    assert (first.public == again.public).all()
    assert (first.private == ~first.public).all()
    path.write_text(path.read_text().replace("a7,7\n", "a7,8\n"))
    assert (read_solution(path, "shop", roles, 0.3).public != first.public).any()
    everything = read_solution(path, "shop", roles, 1.0)
    assert everything.public.all()
    assert everything.private.all()


def test_each_class_is_split_alike():
    import pandas as pd

    labels = ["yes"] * 10 + ["no"] * 90
    table = TextTable(pd.DataFrame({"id": [str(i) for i in range(100)], "y": labels}), "solution.csv")
    public = deal_public(table, "shop", Roles("binary", ("id",), ("y",), ("y",), ("no", "yes")), 0.3)
    assert public[:10].sum() == 3
    assert public[10:].sum() == 27
    assert public.dtype == np.bool_


def test_a_file_that_is_called_like_the_solution_gets_its_reason(shop):
    content = submission_text(range(10)).replace("a3,3", "a3,x")
    done = shop.wait(shop.submit("shop", content, file_name="solution.csv"))
    assert done["errorDescription"] == f"{PREFIX}`solution.csv` line 5: `y` is `x`, which is no number"


def test_a_score_is_written_down_once_the_disk_has_room(tmp_path, monkeypatch):
    monkeypatch.setattr(grader, "PAUSE_SECONDS", 0.01)
    write_competition(tmp_path / "shop")
    with local_host(tmp_path) as local:
        record, tries = local.host.submissions.record_scores, []

        def fail_twice(*scores):
            tries.append(scores)
            if len(tries) < 3:
                raise sqlite3.OperationalError("database or disk is full")
            record(*scores)

        monkeypatch.setattr(local.host.submissions, "record_scores", fail_twice)
        ada = local.team()
        assert ada.wait(ada.submit("shop", submission_text(range(10))))["publicScore"] == "0.00000"
        assert len(tries) == 3


def test_a_complaint_of_the_metric_does_not_tell_which_rows_are_public(tmp_path):
    write_competition(tmp_path / "shop", usage="VVPPPPPPPP", metric="rmsle")
    with local_host(tmp_path) as local:
        ada = local.team()
        done = ada.wait(ada.submit("shop", submission_text([-2, 1, -3, 3, 4, 5, 6, 7, 8, 9])))
    # Both a0, which is private, and a2, which is public, are wrong: it is about the first of the file.
    assert "`y_pred[0]` is -2" in done["errorDescription"]
    assert "(line 2, column `y`)" in done["errorDescription"]
