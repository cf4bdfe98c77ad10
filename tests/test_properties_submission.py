"""A valid submission passes however it is written; one mutation is refused, with its row and column."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bounded import bounded, refusal
from hypothesis import given
from hypothesis import strategies as st
from submission_cases import competition

from aicomp.competition import Competition
from aicomp.errors import DataError
from aicomp.grading.text_table import read_text_table
from aicomp.submission.sample import Sample
from aicomp.submission.validate import validate_submission

BINARY = competition()
LABELS = competition(metric="accuracy", submission={"wants": "label"})
VALUES = competition(problem_type="regression", labels=(), metric="rmse", submission={"wants": "value"})
SUMS = competition(
    problem_type="multiclass", labels=("a", "b"), metric="log_loss", target=("bought",),
    submission={"columns": ("id", "a", "b"), "sum_to_one": True},
)  # fmt: skip
CONTRACTS = {"probability": BINARY, "label": LABELS, "value": VALUES, "sum": SUMS}

IDS = st.text(st.sampled_from("0123456789abcXYZ_-.äß"), min_size=1, max_size=6).filter(
    lambda t: t.strip() == t and t.casefold() not in ("nan", "na", "null", "none", "n/a", "inf")
)


def value(draw: st.DrawFn, kind: str) -> list[str]:
    if kind == "label":
        return [draw(st.sampled_from(["No", "Yes"]))]
    if kind == "value":
        return [repr(draw(st.floats(allow_nan=False, allow_infinity=False)))]
    p = draw(st.floats(0, 1))
    return [repr(p), repr(1 - p)] if kind == "sum" else [repr(p)]


@st.composite
def submissions(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """A kind of contract, and valid rows of it."""
    kind = draw(st.sampled_from(sorted(CONTRACTS)))
    ids = draw(st.lists(IDS, min_size=2, max_size=8, unique=True))
    return kind, [[name, *value(draw, kind)] for name in ids]


def sample_of(contract: Competition, rows: list[list[str]], folder: Path) -> Sample:
    path = folder / "sample_submission.csv"
    write(path, list(contract.submission.columns), [[row[0], *["0.5"] * (len(row) - 1)] for row in rows])
    return Sample(contract, read_text_table(path))


def write(path: Path, header: list[str], rows: list[list[str]], **how: Any) -> None:
    end = how.get("end", "\n")
    quote = (lambda field: f'"{field}"') if how.get("quoted") else str
    text = end.join(",".join(map(quote, row)) for row in [header, *rows])
    path.write_bytes((text + (end if how.get("closed", True) else "")).encode(how.get("encoding", "utf-8")))


@bounded(100)
@given(
    made=submissions(),
    order=st.randoms(use_true_random=False),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
    quoted=st.booleans(),
    closed=st.booleans(),
)
def test_a_valid_one_passes_however_it_is_written(
    made: tuple[str, list[list[str]]], order: Any, tmp_path_factory: Any, **how: Any
) -> None:
    kind, rows = made
    folder = tmp_path_factory.mktemp("submission")
    sample = sample_of(CONTRACTS[kind], rows, folder)
    shuffled = order.sample(rows, len(rows))
    write(folder / "mine.csv", list(CONTRACTS[kind].submission.columns), shuffled, **how)
    table = validate_submission(folder / "mine.csv", sample)
    assert table.frame.to_numpy().tolist() == shuffled


Mutation = Callable[[list[str], list[list[str]], int], tuple[list[str], list[list[str]]]]


def with_value(text: str) -> Mutation:
    return lambda header, rows, i: (
        header,
        [[*row[:1], text, *row[2:]] if k == i else row for k, row in enumerate(rows)],
    )


# What is done to header, rows and the row i; whether the error names that row and the column.
MUTATIONS: dict[str, tuple[Mutation, bool]] = {
    "a row is missing": (lambda h, r, i: (h, r[:i] + r[i + 1 :]), False),
    "a row too many": (lambda h, r, i: (h, [*r, ["zzzzzzz", *r[i][1:]]]), False),
    "a row twice": (lambda h, r, i: (h, [*r, r[i]]), False),
    "another id": (lambda h, r, i: (h, [["zzzzzzz", *row[1:]] if k == i else row for k, row in enumerate(r)]), False),
    "an id left out": (lambda h, r, i: (h, [["", *row[1:]] if k == i else row for k, row in enumerate(r)]), True),
    "NaN": (with_value("nan"), True),
    "nothing": (with_value(""), True),
    "words": (with_value("many"), True),
    "infinity": (with_value("inf"), True),
    "a comma for a point": (with_value('"0,5"'), True),
    "two numbers": (with_value("0.5 0.5"), True),
    "a column of another name": (lambda h, r, i: ([h[0], f"{h[1]}!", *h[2:]], r), False),
    "columns in another order": (lambda h, r, i: (h[::-1], [row[::-1] for row in r]), False),
    "a column too many": (lambda h, r, i: ([*h, "extra"], [[*row, "1"] for row in r]), False),
    "an index": (lambda h, r, i: (["", *h], [[str(k), *row] for k, row in enumerate(r)]), False),
    "a column missing": (lambda h, r, i: (h[:-1], [row[:-1] for row in r]), False),
    "a field too many": (lambda h, r, i: (h, [[*row, "1"] if k == i else row for k, row in enumerate(r)]), False),
    "a field missing": (lambda h, r, i: (h, [row[:-1] if k == i else row for k, row in enumerate(r)]), False),
    "no header": (lambda h, r, i: (r[0], r[1:]), False),
}


@pytest.mark.parametrize("what", MUTATIONS)
@bounded(25)
@given(made=submissions(), data=st.data())
def test_one_mutation_is_refused(
    what: str, made: tuple[str, list[list[str]]], data: st.DataObject, tmp_path_factory: Any
) -> None:
    kind, rows = made
    mutate, names_place = MUTATIONS[what]
    folder = tmp_path_factory.mktemp("submission")
    sample = sample_of(CONTRACTS[kind], rows, folder)
    i = data.draw(st.integers(0, len(rows) - 1))
    header, mutated = mutate(list(CONTRACTS[kind].submission.columns), rows, i)
    write(folder / "mine.csv", header, mutated)
    error = refusal(lambda: validate_submission(folder / "mine.csv", sample))
    assert isinstance(error, DataError)
    assert "`mine.csv`" in error.message
    assert error.hint
    if names_place:
        assert f"`mine.csv` line {i + 2}" in error.message
        column = CONTRACTS[kind].submission.columns[0 if what == "an id left out" else 1]
        assert f"`{column}`" in error.message


@bounded(40)
@given(made=submissions(), p=st.floats().filter(lambda p: not 0 <= p <= 1), data=st.data())
def test_what_is_no_probability_is_refused(
    made: tuple[str, list[list[str]]], p: float, data: st.DataObject, tmp_path_factory: Any
) -> None:
    rows = [[row[0], "0.5"] for row in made[1]]
    folder = tmp_path_factory.mktemp("submission")
    sample = sample_of(BINARY, rows, folder)
    i = data.draw(st.integers(0, len(rows) - 1))
    write(
        folder / "mine.csv",
        ["id", "bought"],
        [[name, repr(p)] if k == i else [name, q] for k, (name, q) in enumerate(rows)],
    )
    error = refusal(lambda: validate_submission(folder / "mine.csv", sample))
    assert isinstance(error, DataError)
    assert re.match(rf"`mine.csv` line {i + 2}: `bought` is ", error.message)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037"])
def test_another_encoding_is_refused_or_read_right(encoding: str, tmp_path: Path) -> None:
    rows = [["ä1", "0.25"], ["ß2", "0.75"]]
    sample = sample_of(BINARY, rows, tmp_path)
    write(tmp_path / "mine.csv", ["id", "bought"], rows, encoding=encoding)
    error = refusal(lambda: validate_submission(tmp_path / "mine.csv", sample))
    assert isinstance(error, DataError)
    assert "`mine.csv`" in error.message
