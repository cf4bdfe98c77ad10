import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aicomp.errors import AicompError, DataError, UsageError
from aicomp.grading import Roles, TextTable, grade, infer_roles, read_text_table
from aicomp.metrics import ALL_METRICS


def table(text: str, name: str = "s.csv") -> TextTable:
    header, *rows = [line.split(",") for line in text.splitlines()]
    frame = pd.DataFrame(rows, columns=header).astype(str)
    return TextTable(frame.mask(frame == ""), name)


def score(solution: str, submission: str, metric: str, **options: Any) -> float:
    truth, predicted = table(solution, "truth.csv"), table(submission)
    roles, _ = infer_roles(truth, predicted, ALL_METRICS[metric], **options)
    return grade(truth, predicted, ALL_METRICS[metric], roles)


def roles_of(solution: str, submission: str, metric: str, **options: Any) -> Roles:
    return infer_roles(table(solution, "truth.csv"), table(submission), ALL_METRICS[metric], **options)[0]


def test_rows_are_matched_by_id_as_text() -> None:
    # 0 + 2 + 4 off, so the mean is 2; in the order of the files it would be 8/3.
    assert score("id,y\n07,1\n7,5\nx,9\n", "id,y\nx,13\n07,1\n7,3\n", "mae") == 2.0


@pytest.mark.parametrize(
    ("solution", "submission", "expected"),
    [
        ("id,y\na,No\nb,Yes\nc,No\n", "id,y\na,No\nb,Yes\nc,Yes\n", 2 / 3),
        ("id,y\na,True\nb,False\n", "id,y\nb,False\na,True\n", 1.0),
        # "d" is a class that the hidden part happens to lack.
        ("id,y\n1,a\n2,b\n3,c\n4,c\n", "id,y\n1,a\n2,d\n3,c\n4,b\n", 0.5),
    ],
)
def test_labels_are_compared_as_text(solution: str, submission: str, expected: float) -> None:
    assert score(solution, submission, "accuracy") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("labels", "positive"),
    [("No Yes", "Yes"), ("<=50K >50K", ">50K"), ("ham spam", "spam"), ("0 1", "1"), ("benign malignant", "malignant")],
)
def test_the_positive_class_is_found(labels: str, positive: str) -> None:
    no, yes = labels.split()
    solution = f"id,y\na,{yes}\nb,{no}\nc,{yes}\nd,{no}\n"
    # Positive rows score 0.9 and 0.4, negative ones 0.6 and 0.1: 3 of the 4 pairs are right.
    assert score(solution, "id,y\na,0.9\nb,0.6\nc,0.4\nd,0.1\n", "roc_auc") == 0.75
    # Predicted positive a, b, c of which a, c are: precision 2/3, recall 1, f1 4/5.
    assert score(solution, f"id,y\na,{yes}\nb,{yes}\nc,{yes}\nd,{no}\n", "f1") == pytest.approx(0.8)
    truth = table(solution)
    roles, notes = infer_roles(truth, table("id,y\na,1\nb,0\nc,1\nd,0\n"), ALL_METRICS["roc_auc"])
    assert roles.labels == (no, yes)
    assert notes[0].startswith(f"the positive class is `{positive}` (")


def test_positive_can_be_chosen() -> None:
    solution, submission = "id,y\na,Yes\nb,No\n", "id,y\na,0.9\nb,0.1\n"
    assert score(solution, submission, "roc_auc", positive="No") == 0.0
    assert score(solution, submission, "roc_auc", labels=["Yes", "No"]) == 0.0
    with pytest.raises(UsageError, match="`--positive no`: the labels are `No`, `Yes`"):
        score(solution, submission, "roc_auc", positive="no")


def test_numbers_sort_by_value() -> None:
    # Codes 0, 1, 2 for 1, 9, 10: as text 10 would lie between 1 and 9 and the weights would differ.
    roles = roles_of("id,y\na,10\nb,9\nc,1\n", "id,y\na,9\nb,9\nc,1\n", "quadratic_weighted_kappa")
    assert roles.labels == ("1", "9", "10")
    assert roles.problem_type == "multiclass"


LOG_LOSS = -(math.log(0.5) + math.log(0.75)) / 2


@pytest.mark.parametrize("columns", ["c,a,b", "P_c,P_a,P_b"])
def test_probabilities_find_their_class_by_name(columns: str) -> None:
    solution = "id,kind\n1,a\n2,c\n"
    submission = f"id,{columns}\n1,0.25,0.5,0.25\n2,0.75,0.25,0\n"
    assert score(f"{solution}3,b\n", f"{submission}3,0,0,1\n", "log_loss") == pytest.approx(LOG_LOSS * 2 / 3)


def test_probabilities_of_unnamed_columns_need_labels() -> None:
    solution, submission = "id,kind\n1,a\n2,c\n3,b\n", "id,x,y,z\n1,0.25,0.5,0.25\n2,0.75,0.25,0\n3,0,0,1\n"
    with pytest.raises(DataError, match="are not named like the labels `a`, `b`, `c`"):
        score(solution, submission, "log_loss")
    assert score(solution, submission, "log_loss", labels=["c", "a", "b"]) == pytest.approx(LOG_LOSS * 2 / 3)


def test_a_class_that_no_row_has_needs_labels() -> None:
    solution, submission = "id,kind\n1,a\n2,c\n", "id,c,a,b\n1,0.25,0.5,0.25\n2,0.75,0.25,0\n"
    with pytest.raises(DataError, match="has 3 columns of probabilities for 2 classes"):
        score(solution, submission, "log_loss", problem_type="multiclass")
    assert score(solution, submission, "log_loss", labels=["a", "b", "c"]) == pytest.approx(LOG_LOSS)


def test_columns_of_zeros_and_ones() -> None:
    solution, submission = "id,a,b\n1,1,0\n2,0,1\n", "id,b,a\n1,0.5,0.5\n2,0.75,0.25\n"
    # As labels of their own, each of the four fields counts: 0.5, 0.5, 0.75, 0.75.
    assert score(solution, submission, "log_loss") == pytest.approx(LOG_LOSS)
    assert roles_of(solution, submission, "log_loss").problem_type == "multilabel"
    # As classes, one probability per row counts: 0.5 and 0.75.
    roles = roles_of(solution, submission, "log_loss", problem_type="multiclass")
    assert roles.predictions == ("a", "b")
    assert score(solution, submission, "log_loss", problem_type="multiclass") == pytest.approx(LOG_LOSS)
    with pytest.raises(DataError, match=r"`truth\.csv` line 3: 2 of the columns a, b are 1, not one"):
        score("id,a,b\n1,1,0\n2,1,1\n", submission, "log_loss", problem_type="multiclass")


def test_several_labels_and_several_values() -> None:
    # Of six fields one is wrong.
    assert score("id,a,b\n1,1,0\n2,0,1\n3,1,1\n", "id,a,b\n3,1,1\n2,0,0\n1,1,0\n", "hamming_loss") == (
        pytest.approx(1 / 6)
    )
    # Columns are off by 1 and 3: (1 + 3) / 2.
    assert score("id,a,b\n1,1,0\n2,0,1\n", "id,b,a\n2,4,1\n1,3,2\n", "mcrmse") == pytest.approx(2.0)


def test_two_id_columns() -> None:
    solution, submission = "shop,day,y\n1,1,5\n1,2,6\n2,1,7\n", "shop,day,y\n2,1,7\n1,2,9\n1,1,5\n"
    assert score(solution, submission, "mae", id_columns=["shop", "day"]) == pytest.approx(1.0)
    with pytest.raises(DataError, match="id `1` appears a second time, first on line 2"):
        score(solution, submission, "mae")


def test_what_is_not_compared_is_said() -> None:
    truth, predicted = table("id,y,Usage\na,1,Public\n", "truth.csv"), table("id,y\na,1\n")
    roles, notes = infer_roles(truth, predicted, ALL_METRICS["mae"])
    assert roles.target == ("y",)
    assert notes == ["not compared: Usage of `truth.csv`"]


@pytest.mark.parametrize(
    ("solution", "submission", "metric", "message"),
    [
        ("id,y\na,1\nb,2\n", "id,y\na,1\n", "mae", "`s.csv` has 1 rows, 2 are needed: there is none for the id `b`"),
        ("id,y\na,1\n", "id,y\na,1\nb,2\n", "mae", "`s.csv` line 3: id `b` is not in `truth.csv`"),
        ("id,y\na,1\n", "id,y\na,1\na,2\n", "mae", "`s.csv` line 3: id `a` appears a second time, first on line 2"),
        ("id,y\na,1\na,1\n", "id,y\na,1\n", "mae", "`truth.csv` line 3: id `a` appears a second time, first on line 2"),
        ("id,y\n01,1\n", "id,y\n1,1\n", "mae", "which has `01`: its leading zeros are lost"),
        ("id,y\na,1\n", "id,y\na,x\n", "mae", "`s.csv` line 2: `y` is `x`, which is no number"),
        ("id,y\na,\n", "id,y\na,1\n", "mae", "`truth.csv` line 2: `y` is blank or NaN"),
        ("id,y\na,1\n", "id,z\na,1\n", "mae", "`s.csv` has none of the columns to compare of `truth.csv`: y"),
        ("id,y\na,1\n", "id,y,z\na,1,2\n", "mae", "`s.csv` has the column `z`, which `truth.csv` lacks"),
        ("id,y\na,1\n", "key,y\na,1\n", "mae", "`s.csv` has no column `id`, the first of `truth.csv`"),
        ("id\na\n", "id\na\n", "mae", "`truth.csv` has no column besides the ids id"),
        (
            "id,y\nb,0\na,-3\n",
            "id,y\na,1\nb,1\n",
            "rmsle",
            "`y_true[0]` is -3, but the logarithmic error takes values >= 0",
        ),
        ("id,y\nb,0\na,-3\n", "id,y\na,1\nb,1\n", "rmsle", " (`truth.csv` line 3, column `y`)"),
        (
            "id,a,b\n1,1,1\n",
            "id,a,b\n1,1,-4\n",
            "mcrmsle",
            "the logarithmic error takes values >= 0 (line 2, column `b`)",
        ),
        ("id,a,b\n1,1,0\n", "id,a,b\n1,0.9,0.3\n", "kl_divergence", "(line 2, columns `a`, `b`)"),
        (
            "id,r\na,1 4\n",
            "id,r\na,1 4 2\n",
            "dice",
            "`y_pred[0]`: 3 numbers are no pairs of start and length (line 2, ",
        ),
        ("id,r\na,1 x\n", "id,r\na,1 4\n", "dice", "`x` is no whole number of a run-length code (`truth.csv` line 2, "),
        ("id,b\na,c 1 0 0 5 5\n", "id,b\na,c 1 5 5 0 0\n", "map50", "which ends before it begins (line 2, column `b`)"),
        (
            "id,y\na,True\nb,False\n",
            "id,y\na,true\nb,False\n",
            "accuracy",
            "`s.csv` line 2: `y` is `true`, but the solution spells it `True`",
        ),
        (
            "id,y\na,1\nb,0\n",
            "id,y\na,1.0\nb,0\n",
            "f1",
            "`s.csv` line 2: `y` is `1.0`, but the solution spells it `1`",
        ),
        (
            "id,y\na,1\nb,2\nc,3\n",
            "id,y\na,x\nb,y\nc,z\n",
            "accuracy",
            "`s.csv` line 2: `y` is `x`, but the solution's labels are `1`, `2`, `3`",
        ),
        (
            "id,y\na,1\nb,0\n",
            "id,y\na,1\nb,2\n",
            "accuracy",
            "`s.csv` line 3: `y` is `2`, but the solution's labels are `0`, `1`",
        ),
        (
            "id,y\na,1\nb,0\n",
            "id,y\nb,0.5\na,7\n",
            "log_loss",
            "cannot score `s.csv`: `y_pred[1]` is 7, but probabilities lie in [0, 1] (line 3, column `y`)",
        ),
        ("id,y\na,1\nb,1\n", "id,y\na,1\nb,0\n", "roc_auc", "`roc_auc` needs two classes, and `y` has 1: `1`"),
        ("id,y\na,1\nb,2\nc,3\n", "id,y\na,1\nb,2\nc,3\n", "f1", "`f1` needs two classes, and `y` has 3"),
        ("id,a,b\n1,1,0\n", "id,a,b\n1,1,2\n", "f1_macro", "`s.csv` line 2: `b` is `2`, but a label is 0 or 1"),
    ],
)
def test_faults_are_named_with_their_place(solution: str, submission: str, metric: str, message: str) -> None:
    with pytest.raises(AicompError) as e:
        score(solution, submission, metric)
    assert message in e.value.message
    assert e.value.hint


@pytest.mark.parametrize(
    ("metric", "options", "message"),
    [
        ("rmse", {"labels": ["a", "b"]}, "`--labels` names classes, but metric `rmse` takes values"),
        ("rmse", {"problem_type": "binary"}, "metric `rmse` is for multi-target, regression, and this is binary"),
        ("rmse", {"problem_type": "multi-target"}, "`--problem-type multi-target` does not fit the columns"),
        ("accuracy", {"labels": ["1", "1"]}, "`--labels` names a label twice: `1`, `1`"),
        ("roc_auc", {"problem_type": "multiclass"}, "metric `roc_auc` is for binary, and this is multiclass"),
    ],
)
def test_options_that_contradict_the_files_are_refused(metric: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as e:
        score("id,y\na,1\nb,0\n", "id,y\na,1\nb,0\n", metric, **options)
    assert e.value.message.startswith(message)


@pytest.mark.parametrize("values", [["NA", "None"], ["1_0", "1e3"], [" x", "x "]])
def test_text_is_read_as_it_stands(tmp_path: Path, values: Sequence[str]) -> None:
    path = tmp_path / "s.csv"
    path.write_text("id,y\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values)))
    assert list(read_text_table(path).frame["y"]) == list(values)
