from pathlib import Path
from typing import Any

import pytest
from submission_cases import competition, make_project, make_run

from aicomp.competition import Competition
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.submission import build_submission, read_sample


def built(
    folder: Path, contract: Competition, sample: str, *folds: list[Any], ids: dict[str, list[str]] | None = None
) -> str:
    project = make_project(folder, contract, sample)
    path = build_submission(project, make_run(project, *folds, ids=ids), read_sample(project))
    assert path == project.folder / "submissions" / "20260101-120000.csv"
    return path.read_text(encoding="utf-8")


def test_rows_follow_the_sample_and_ids_keep_their_zeros(tmp_path: Path) -> None:
    # The run predicts in the order 007, 010, 0x1 of test; two folds are averaged.
    text = built(tmp_path, competition(), "id,bought\n0x1,0\n007,0\n010,0\n", [0.25, 0.5, 1.0], [0.75, 0.5, 0.0])
    assert text == "id,bought\n0x1,0.5\n007,0.5\n010,0.5\n"


def test_columns_follow_the_sample(tmp_path: Path) -> None:
    contract = competition(submission={"columns": ("bought", "id")})
    text = built(tmp_path, contract, "bought,id\n0,010\n0,0x1\n0,007\n", [0.1, 0.2, 0.3])
    assert text == "bought,id\n0.2,010\n0.3,0x1\n0.1,007\n"


@pytest.mark.parametrize("labels", [("No", "Yes"), ("False", "True"), ("0", "1"), ("<=50K", "> 50K, or so")])
def test_labels_are_spelled_as_in_train(tmp_path: Path, labels: tuple[str, str]) -> None:
    contract = competition(labels=labels, submission={"wants": "label"}, metric="accuracy")
    text = built(tmp_path, contract, "id,bought\n007,0\n010,0\n0x1,0\n", [0.49, 0.5, 0.51])
    no, yes = labels[0], f'"{labels[1]}"' if "," in labels[1] else labels[1]
    assert text == f"id,bought\n007,{no}\n010,{yes}\n0x1,{yes}\n"


def test_class_labels(tmp_path: Path) -> None:
    contract = competition(
        problem_type="multiclass", labels=("3", "10", "b"), submission={"wants": "label"}, metric="accuracy"
    )
    probabilities = [[0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]]
    text = built(tmp_path, contract, "id,bought\n0x1,3\n010,3\n007,3\n", probabilities)
    assert text == "id,bought\n0x1,b\n010,10\n007,3\n"


def test_a_column_of_probabilities_per_class(tmp_path: Path) -> None:
    contract = competition(
        problem_type="multiclass",
        labels=("a", "b", "c"),
        metric="log_loss",
        submission={"columns": ("id", "P_a", "P_b", "P_c"), "sum_to_one": True},
    )
    probabilities = [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.125, 0.125, 0.75]]
    text = built(tmp_path, contract, "id,P_a,P_b,P_c\n010,0,0,1\n007,0,0,1\n0x1,0,0,1\n", probabilities)
    assert text == "id,P_a,P_b,P_c\n010,0.0,1.0,0.0\n007,0.5,0.25,0.25\n0x1,0.125,0.125,0.75\n"


def test_two_columns_of_a_binary_target(tmp_path: Path) -> None:
    contract = competition(submission={"columns": ("id", "No", "Yes"), "sum_to_one": True})
    text = built(tmp_path, contract, "id,No,Yes\n007,0,1\n010,0,1\n0x1,0,1\n", [0.25, 1.0, 0.0])
    assert text == "id,No,Yes\n007,0.75,0.25\n010,0.0,1.0\n0x1,1.0,0.0\n"


@pytest.mark.parametrize(("wants", "rows"), [("label", ["1,0", "0,1"]), ("probability", ["0.5,0.25", "0.125,1.0"])])
def test_several_labels(tmp_path: Path, wants: str, rows: list[str]) -> None:
    contract = competition(
        problem_type="multilabel",
        target=("big", "wide"),
        labels=(),
        metric="f1_macro",
        submission={"columns": ("id", "big", "wide"), "wants": wants},
    )
    sample = "id,big,wide\nb,0,0\na,0,0\n"
    text = built(tmp_path, contract, sample, [[0.5, 0.25], [0.125, 1.0]], ids={"id": ["a", "b"]})
    assert text == f"id,big,wide\nb,{rows[1]}\na,{rows[0]}\n"


def test_values_are_not_rounded_though_every_target_is_whole(tmp_path: Path) -> None:
    contract = competition(problem_type="regression", labels=(), metric="rmse", submission={"wants": "value"})
    text = built(tmp_path, contract, "id,bought\n007,3\n010,4\n0x1,5\n", [1 / 3, 1e-7, 12345678.9])
    assert text == "id,bought\n007,0.3333333333333333\n010,1e-07\n0x1,12345678.9\n"


def test_two_id_columns(tmp_path: Path) -> None:
    contract = competition(
        id=("shop", "day"),
        problem_type="regression",
        labels=(),
        metric="rmse",
        submission={"columns": ("shop", "day", "bought"), "wants": "value"},
    )
    sample = "shop,day,bought\n1,02,0\n2,01,0\n1,01,0\n"
    ids = {"shop": ["1", "1", "2"], "day": ["01", "02", "01"]}
    assert built(tmp_path, contract, sample, [5.0, 6.0, 7.0], ids=ids) == (
        "shop,day,bought\n1,02,6.0\n2,01,7.0\n1,01,5.0\n"
    )


def test_without_ids_rows_stand_in_the_order_of_test(tmp_path: Path) -> None:
    contract = competition(id=(), submission={"columns": ("bought",)})
    assert built(tmp_path, contract, "bought\n0\n0\n", [0.25, 0.5], ids={}) == "bought\n0.25\n0.5\n"


def test_the_delimiter_follows_the_sample(tmp_path: Path) -> None:
    text = built(tmp_path, competition(), "id;bought\n007;0\n010;0\n0x1;0\n", [0.25, 0.5, 1.0])
    assert text == "id;bought\n007;0.25\n010;0.5\n0x1;1.0\n"


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (
            "id,bought\n007,0\n010,0\n8,0\n",
            "`sample_submission.csv` line 4: id `8` is not in `test.csv`",
        ),
        (
            "id,bought\n007,0\n10,0\n0x1,0\n",
            "`sample_submission.csv` line 3: id `10` is not in `test.csv`, which has `010`: its leading zeros are lost",
        ),
        (
            "id,bought\n007,0\n0x1,0\n",
            "`sample_submission.csv` has 2 rows, 3 are needed: there is none for the id `010`",
        ),
        (
            "id,bought\n007,0\n010,0\n007,0\n",
            "`sample_submission.csv` line 4: id `007` appears a second time, first on line 2",
        ),
        (
            "id,buy\n007,0\n010,0\n0x1,0\n",
            "`sample_submission.csv` has the columns id, buy, the contract says id, bought",
        ),
    ],
)
def test_a_sample_that_does_not_fit_is_refused(tmp_path: Path, sample: str, message: str) -> None:
    with pytest.raises(DataError) as e:
        built(tmp_path, competition(), sample, [0.25, 0.5, 1.0])
    assert e.value.message == message
    assert not list(tmp_path.glob("project/submissions/*"))


def test_a_contract_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no `value` for the columns bought"):
        built(tmp_path, competition(submission={"wants": "value"}), "id,bought\n007,0\n010,0\n0x1,0\n", [0.1, 0.2, 0.3])


def test_no_invalid_file_gets_its_name(tmp_path: Path) -> None:
    with pytest.raises(AicompError, match=r"line 3: `bought` is `1\.5`, but a probability lies in \[0, 1\]"):
        built(tmp_path, competition(), "id,bought\n007,0\n010,0\n0x1,0\n", [0.25, 1.5, 1.0])
    assert not list(tmp_path.glob("project/submissions/*"))


def test_a_project_without_data_says_how_to_get_it(tmp_path: Path) -> None:
    project = make_project(tmp_path, competition(), "id,bought\n007,0\n")
    (project.folder / "data" / "manifest.json").unlink()
    with pytest.raises(DataError, match="has no data yet") as e:
        read_sample(project)
    assert "aicomp init" in e.value.hint
