from pathlib import Path

import pytest
from submission_cases import competition

from aicomp.competition import Competition
from aicomp.errors import DataError
from aicomp.grading import read_text_table
from aicomp.submission import Sample, validate_submission

BINARY = competition()
LABELS = competition(labels=("False", "True"), submission={"wants": "label"}, metric="accuracy")
DIGITS = competition(labels=("0", "1"), submission={"wants": "label"}, metric="accuracy")
CLASSES = competition(
    problem_type="multiclass",
    labels=("a", "b", "c"),
    metric="log_loss",
    submission={"columns": ("id", "a", "b", "c"), "sum_to_one": True},
)
VALUES = competition(problem_type="regression", labels=(), metric="rmse", submission={"wants": "value"})
SAMPLE = "id,bought\n007,0\n008,0\n009,0\n"
SAMPLE_OF_CLASSES = "id,a,b,c\n007,1,0,0\n008,1,0,0\n"


def check(folder: Path, contract: Competition, sample: str, text: str) -> None:
    (folder / "sample_submission.csv").write_text(sample)
    (folder / "s.csv").write_text(text)
    validate_submission(folder / "s.csv", Sample(contract, read_text_table(folder / "sample_submission.csv")))


@pytest.mark.parametrize(
    ("contract", "sample", "text"),
    [
        (BINARY, SAMPLE, "id,bought\n009,0.5\n007,1\n008,1e-9\n"),
        (BINARY, SAMPLE, '"id","bought"\r\n"007","0.5"\r\n"008","1"\r\n"009","0"\r\n'),
        (LABELS, SAMPLE, "id,bought\n007,True\n008,False\n009,True\n"),
        (CLASSES, SAMPLE_OF_CLASSES, "id,a,b,c\n007,0.33,0.33,0.33\n008,0,0,1\n"),
        (VALUES, SAMPLE, "id,bought\n007,-3\n008,1e5\n009,0.25\n"),
    ],
)
def test_valid_submissions_pass(tmp_path: Path, contract: Competition, sample: str, text: str) -> None:
    check(tmp_path, contract, sample, text)


FAULTS = [
    # columns
    (BINARY, "id\n007\n008\n009\n", "`s.csv` has no column `bought`"),
    (BINARY, "ID,bought\n007,1\n008,1\n009,1\n", "`s.csv` has no column `id`; it has `ID`"),
    (BINARY, "id,bought,x\n007,1,1\n008,1,1\n009,1,1\n", "`s.csv` has the column `x` too many"),
    (
        BINARY,
        ",id,bought\n0,007,1\n1,008,1\n2,009,1\n",
        "`s.csv` has the column `Unnamed: 0` too many; a DataFrame's index was written",
    ),
    (BINARY, "bought,id\n1,007\n1,008\n1,009\n", "`s.csv` has its columns in the order bought, id"),
    (BINARY, "id;bought\n007;1\n008;1\n009;1\n", "`s.csv` has ';' between its fields, not ','"),
    # ids
    (
        BINARY,
        "id,bought\n7,1\n8,1\n9,1\n",
        "`s.csv` line 2: id `7` is not in `sample_submission.csv`, which has `007`: its leading zeros are lost",
    ),
    (
        BINARY,
        "id,bought\n007,1\n8.0,1\n009,1\n",
        "`s.csv` line 3: id `8.0` is not in `sample_submission.csv`, which has `008`: "
        "the id was written as a decimal number",
    ),
    (
        BINARY,
        "id,bought\n007,1\n042,1\n043,1\n",
        "`s.csv` line 3: id `042` is not in `sample_submission.csv` (1 more like it)",
    ),
    (
        BINARY,
        "id,bought\n007,1\n009,1\n",
        "`s.csv` has 2 rows, 3 are needed: there is none for the id `008`",
    ),
    (BINARY, "id,bought\n007,1\n", "`s.csv` has 1 rows, 3 are needed: there is none for the id `008` and for 1 more"),
    (
        BINARY,
        "id,bought\n007,1\n008,1\n009,1\n008,1\n",
        "`s.csv` line 5: id `008` appears a second time, first on line 3",
    ),
    (BINARY, "id,bought\n007,1\n,1\n009,1\n", "`s.csv` line 3: `id` is blank or NaN"),
    # numbers
    (BINARY, "id,bought\n007,1\n008,NaN\n009,\n", "`s.csv` line 3: `bought` is blank or NaN (and in 1 more rows)"),
    (BINARY, "id,bought\n007,1\n008,1\n009,yes\n", "`s.csv` line 4: `bought` is `yes`, which is no number"),
    (BINARY, "id,bought\n007,1\n008,inf\n009,1\n", "`s.csv` line 3: `bought` is `inf`, which is not finite"),
    (
        BINARY,
        "id,bought\n007,1\n008,-0.1\n009,7\n",
        "`s.csv` line 3: `bought` is `-0.1`, but a probability lies in [0, 1] (1 more row like it)",
    ),
    (VALUES, "id,bought\n007,1\n008,1e999\n009,1\n", "`s.csv` line 3: `bought` is `1e999`, which is not finite"),
    (VALUES, 'id,bought\n007,"1,5"\n008,1\n009,1\n', "`s.csv` line 2: `bought` is `1,5`, which is no number"),
    # labels
    (LABELS, "id,bought\n007,True\n008,true\n009,True\n", "`s.csv` line 3: `bought` is `true`, which is no label"),
    (
        DIGITS,
        "id,bought\n007,1.0\n008,1\n009,0.0\n",
        "`s.csv` line 2: `bought` is `1.0`, which is no label (1 more row like it)",
    ),
    (DIGITS, "id,bought\n007,1\n008,\n009,0\n", "`s.csv` line 3: `bought` is blank or NaN"),
]


@pytest.mark.parametrize(("contract", "text", "message"), FAULTS)
def test_each_fault_is_named_with_its_place(tmp_path: Path, contract: Competition, text: str, message: str) -> None:
    with pytest.raises(DataError) as e:
        check(tmp_path, contract, SAMPLE, text)
    assert e.value.message == message
    assert e.value.exit_code == 3


def test_a_line_is_that_of_the_file_not_of_the_row(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    sample = 'id,bought\n"a\nb",0\nc,0\n'
    with pytest.raises(DataError, match=r"`s\.csv` line 5: `bought` is `2`"):
        check(tmp_path / "text", BINARY, sample, 'id,bought\n\n"a\nb",1\nc,2\n')


@pytest.mark.parametrize(
    ("contract", "value", "near"), [(LABELS, "true", "True"), (DIGITS, "0.0", "0"), (DIGITS, "True", "1")]
)
def test_the_hint_names_the_nearest_label(tmp_path: Path, contract: Competition, value: str, near: str) -> None:
    with pytest.raises(DataError) as e:
        check(tmp_path, contract, SAMPLE, f"id,bought\n007,{value}\n008,{value}\n009,{value}\n")
    assert e.value.hint.startswith(f"did you mean `{near}`?")


def test_rows_of_probabilities_sum_to_one(tmp_path: Path) -> None:
    with pytest.raises(DataError) as e:
        check(tmp_path, CLASSES, SAMPLE_OF_CLASSES, "id,a,b,c\n007,0.3,0.3,0.4\n008,0.5,0.5,0.5\n")
    assert e.value.message == "`s.csv` line 3: the probabilities sum to 1.5, not to 1"


def test_without_ids_the_number_of_rows_counts(tmp_path: Path) -> None:
    contract = competition(id=(), submission={"columns": ("bought",)})
    check(tmp_path, contract, "bought\n0\n0\n", "bought\n1\n0.5\n")
    with pytest.raises(DataError, match=r"`s\.csv` has 3 rows, `sample_submission\.csv` has 2"):
        check(tmp_path, contract, "bought\n0\n0\n", "bought\n1\n0.5\n0.5\n")
