"""Metrics that read further columns of the hidden solution: who says which, and what teams are not told."""

import pytest
from hosting import submission_text, write_competition

from aicomp.errors import UsageError
from aicomp.host.folder import load_hosted
from aicomp.host.score import score_submission
from aicomp.host.solution import read_solution


def graded(folder, values):
    """The answer to a submission, as the process that grades gives it."""
    hosted = load_hosted(folder)
    path = folder / "mine.csv"
    path.write_text(submission_text(values))
    job = {
        "folder": str(folder),
        "metric": hosted.metric_name,
        "submission": str(path),
        "file_name": "mine.csv",
        "encoding": "utf-8",
    }
    return score_submission(job, read_solution(hosted.solution, hosted.slug, hosted.roles, 0.5), hosted.roles)


@pytest.fixture
def weighted(tmp_path):
    folder = write_competition(tmp_path / "shop", 4, usage="PPVV", metric="wmae", columns={"weight": ["holiday"]})
    rows = ["a0,0,5,Public", "a1,1,1,Public", "a2,2,1,Private", "a3,3,3,Private"]
    (folder / "solution.csv").write_text("\n".join(["id,y,holiday,Usage", *rows, ""]))
    return folder


def test_the_weights_of_the_hidden_rows_count(weighted):
    answer = graded(weighted, [0 + 2, 1 + 8, 2 + 4, 3])  # errors 2 and 8 with weights 5 and 1; 4 and 0 with 1 and 3
    assert answer == {"public": pytest.approx(18 / 6), "private": pytest.approx(4 / 4)}
    assert load_hosted(weighted).roles.target == ("y",)  # and not the weight


def test_a_wrong_weight_is_the_hosts_fault_and_no_team_reads_it(weighted):
    text = (weighted / "solution.csv").read_text()
    (weighted / "solution.csv").write_text(text.replace("a1,1,1,", "a1,1,-7,"))
    answer = graded(weighted, [0, 1, 2, 3])
    assert set(answer) == {"fault"}
    assert "`weight[1]` is -7" in answer["fault"]


def test_a_column_that_nobody_names_is_asked_for(tmp_path):
    folder = write_competition(tmp_path / "shop", 4, metric="wmae")
    with pytest.raises(UsageError, match="metric `wmae` reads the column `weight`"):
        load_hosted(folder)
