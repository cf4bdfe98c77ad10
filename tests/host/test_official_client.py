"""The official `kaggle` program, unmodified, against `aicomp host`."""

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hosting import running_host, submission_text, write_competition

KAGGLE = Path(sys.executable).with_name("kaggle")


class Official:
    """The program as a team calls it, in a folder of its own."""

    def __init__(self, running, folder, team):
        self.folder = folder
        self._environment = running.kaggle_environment(folder, team)

    def __call__(self, *words, code=0):
        done = subprocess.run(
            [KAGGLE, *words], env=self._environment, cwd=self.folder, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    def rows(self, *words):
        return list(csv.DictReader(self(*words, "--csv").splitlines()))


@pytest.mark.slow
def test_a_competition_from_list_to_leaderboard(tmp_path):
    hosted = tmp_path / "hosted"
    shop = write_competition(hosted / "shop", category="Getting Started", usage="PPPPPPPPPV")
    (shop / "images").mkdir()
    (shop / "images" / "1.png").write_bytes(bytes(100_000))
    (tmp_path / "home").mkdir()
    with running_host(hosted, "Ada", "Ben") as running:
        kaggle = Official(running, tmp_path / "home", "Ada")
        listed = kaggle.rows("competitions", "list")
        assert [(r["ref"], r["category"], r["userHasEntered"]) for r in listed] == [
            ("http://localhost/competitions/shop", "Getting Started", "True")
        ]
        files = kaggle.rows("competitions", "files", "shop")
        assert [f["name"] for f in files] == ["images/1.png", "sample_submission.csv", "test.csv", "train.csv"]

        kaggle("competitions", "download", "shop")
        with zipfile.ZipFile(tmp_path / "home" / "shop.zip") as archive:
            assert archive.namelist() == [f["name"] for f in files]
            assert archive.read("images/1.png") == bytes(100_000)
        kaggle("competitions", "download", "shop", "-f", "train.csv")
        assert (tmp_path / "home" / "train.csv").read_bytes() == (shop / "train.csv").read_bytes()
        kaggle("competitions", "download", "shop", "-f", "images/1.png", "-p", "below")
        assert (tmp_path / "home" / "below" / "images" / "1.png").stat().st_size == 100_000
        kaggle("competitions", "download", "shop", "-f", "solution.csv", code=1)
        assert not (tmp_path / "home" / "solution.csv").exists()

        (tmp_path / "home" / "mine.csv").write_text(submission_text([i + 2 for i in range(10)]))
        said = kaggle("competitions", "submit", "shop", "-f", "mine.csv", "-m", "two off", "--wait", "60")
        assert "Submission ref: 1" in said
        assert "4 submissions remaining today." in said
        assert "Public score: 2.00000" in said
        assert "Successfully submitted to Shop" in said
        (tmp_path / "home" / "short.csv").write_text("id,y\na0,1\n")
        kaggle("competitions", "submit", "shop", "-f", "short.csv", "-m", "short", "--wait", "60", code=1)
        submissions = kaggle.rows("competitions", "submissions", "shop")
        assert [
            (s["ref"], s["fileName"], s["description"], s["publicScore"], s["privateScore"]) for s in submissions
        ] == [
            ("2", "short.csv", "short", "", ""),
            ("1", "mine.csv", "two off", "2.00000", ""),
        ]
        assert [s["status"] for s in submissions] == ["SubmissionStatus.ERROR", "SubmissionStatus.COMPLETE"]

        ben = running.client("Ben")
        ben.wait(ben.submit("shop", submission_text(range(10))))
        board = kaggle.rows("competitions", "leaderboard", "shop", "--show")
        assert [(r["teamName"], r["score"]) for r in board] == [("Ben", "0.00000"), ("Ada", "2.00000")]
        kaggle("competitions", "leaderboard", "shop", "--download", "-p", "board")
        with zipfile.ZipFile(tmp_path / "home" / "board" / "shop.zip") as archive:
            (name,) = archive.namelist()
            assert archive.read(name).decode().splitlines()[1].startswith("1,2,Ben,")
        assert json.loads(kaggle("competitions", "list", "--format", "json"))


@pytest.mark.slow
def test_a_wrong_token_is_refused(tmp_path):
    write_competition(tmp_path / "hosted" / "shop")
    (tmp_path / "home").mkdir()
    with running_host(tmp_path / "hosted", "Ada") as running:
        running.tokens["Eve"] = "nobody-has-this-token"
        kaggle = Official(running, tmp_path / "home", "Eve")
        assert "shop" not in kaggle("competitions", "list", code=1)
