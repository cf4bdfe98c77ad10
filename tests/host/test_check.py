"""`aicomp host check`: each planted fault is found and named; the embedded competitions have none."""

import shutil

import numpy as np
import pandas as pd
import pytest

from aicomp import catalogue
from aicomp.host.check import Problem, check_folder, lines

N_TRAIN, N_TEST = 300, 200


def write(folder, **change):
    """A sound regression competition, with some of its tables changed by functions."""
    rng = np.random.default_rng(7)
    n = N_TRAIN + N_TEST
    frame = pd.DataFrame({"id": range(n), "a": rng.normal(size=n).round(4), "b": rng.integers(0, 9, n)})
    frame["y"] = (frame["a"] * 2 + rng.normal(size=n)).round(3)
    is_test = np.zeros(n, dtype=bool)
    is_test[rng.permutation(n)[:N_TEST]] = True
    hidden = frame[is_test].reset_index(drop=True)
    tables = {
        "train": frame[~is_test].reset_index(drop=True),
        "test": hidden.drop(columns="y"),
        "solution": hidden[["id", "y"]],
        "sample_submission": hidden[["id"]].assign(y=0.0),
    }
    return write_tables(folder, tables, "rmse", change)


def write_labels(folder, **change):
    """A sound competition with three labels."""
    write(folder / "numbers")
    tables = {
        name: pd.read_csv(folder / "numbers" / f"{name}.csv")
        for name in ("train", "test", "solution", "sample_submission")
    }
    for name in ("train", "solution"):
        tables[name]["y"] = pd.cut(tables[name]["y"], [-99, -0.8, 0.8, 99], labels=["low", "mid", "high"]).astype(str)
    tables["sample_submission"]["y"] = "mid"
    shutil.rmtree(folder / "numbers")
    return write_tables(folder / "labels", tables, "accuracy", change)


def write_tables(folder, tables, metric, change):
    folder.mkdir(parents=True)
    hidden = tables["test"].merge(tables["solution"], on="id")
    for name, table in tables.items():
        made = change[name](table.copy(), hidden) if name in change else table
        if made is not None:
            made.to_csv(folder / f"{name}.csv", index=False)
    (folder / "host.toml").write_text(change.get("toml", f'metric = "{metric}"\n'))
    return folder


def found(folder):
    """Severity and sentence of each problem."""
    return [(p.severity, p.what) for p in check_folder(folder)]


@pytest.mark.parametrize("make", [write, write_labels])
def test_sound_data_has_no_problem(tmp_path, make):
    assert check_folder(make(tmp_path / "toy")) == []


@pytest.mark.parametrize("slug", ["breast-cancer", "diabetes", "digits", "iris", "wine"])
def test_the_embedded_competitions_have_no_errors(tmp_path, slug):
    entry = catalogue.load(slug)
    folder = tmp_path / slug
    folder.mkdir()
    entry.write_data(folder)
    entry.hidden_solution().to_csv(folder / "solution.csv", index=False)
    shutil.copy(entry.folder / "competition.toml", folder)
    assert [p for p in check_folder(folder) if p.severity == "error"] == []


@pytest.mark.parametrize(
    ("change", "severity", "what"),
    [
        ({"solution": lambda t, h: None}, "error", "has no `solution.csv`"),
        ({"sample_submission": lambda t, h: None}, "error", "has no `sample_submission.csv`"),
        ({"train": lambda t, h: None}, "warning", "there is no table `train`"),
        ({"test": lambda t, h: None}, "warning", "there is no table `test`"),
        ({"toml": 'metric = "rmsee"\n'}, "error", "unknown metric `rmsee`"),
        ({"toml": 'metirc = "rmse"\n'}, "error", "metirc"),
        ({"sample_submission": lambda t, h: t.iloc[1:]}, "error", "ids of the sample submission and of the solution"),
        ({"test": lambda t, h: t.iloc[1:]}, "error", "the ids of test and of the solution differ"),
        ({"test": lambda t, h: t.assign(id=t["id"] + 1000)}, "error", "the ids of test and of the solution differ"),
        ({"solution": lambda t, h: t.rename(columns={"y": "z"})}, "error", "column"),
        ({"solution": lambda t, h: t.assign(y=t["y"].where(t.index > 0))}, "error", "`y` is blank or NaN"),
        ({"solution": lambda t, h: t.assign(Usage="public")}, "error", "`Usage` is `public`, which is no usage"),
        ({"solution": lambda t, h: t.assign(Usage="Private")}, "error", "no row is `Public`"),
        ({"solution": lambda t, h: t.assign(Usage="Public")}, "warning", "the same rows as the public one"),
        ({"toml": 'metric = "rmse"\npublic_share = 0.05\n'}, "warning", "the public score counts few rows"),
        ({"sample_submission": lambda t, h: t.assign(y="?")}, "error", "the sample submission cannot be graded"),
        ({"train": lambda t, h: t.rename(columns={"y": "z"})}, "warning", "train has no target column `y`"),
        ({"sample_submission": lambda t, h: t.assign(y=h["y"])}, "error", "the sample submission tells of the targets"),
        ({"sample_submission": lambda t, h: t.assign(y=h["a"] / 2)}, "warning", "the sample submission tells of"),
        ({"test": lambda t, h: t.assign(y=h["y"])}, "error", "test has the target column `y`"),
        ({"test": lambda t, h: t.assign(c=h["y"])}, "error", "column `c` of test is the target"),
        (
            {"test": lambda t, h: t.assign(c=7 - 2 * h["y"])},
            "error",
            "column `c` of test is the target in another unit",
        ),
    ],
)
def test_a_planted_fault_is_found(tmp_path, change, severity, what):
    problems = check_folder(write(tmp_path / "toy", **change))
    assert [p for p in problems if p.severity == severity and what in p.what], lines(problems)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_rows_of_test_in_train(tmp_path, share):
    n = round(share * N_TEST)
    folder = write(tmp_path / "toy", train=lambda t, h: pd.concat([t, h.iloc[:n].assign(id=range(9000, 9000 + n))]))
    [problem] = [p for p in check_folder(folder) if p.what == "rows of test are in train"]
    assert problem.severity == "error"
    assert problem.evidence.startswith(f"{n} of {N_TEST} rows ({share:.1%}); 100% of them have the target of their row")


def test_a_few_rows_of_test_in_train_are_a_warning(tmp_path):
    folder = write(tmp_path / "toy", train=lambda t, h: pd.concat([t, h.iloc[:2].assign(id=[9000, 9001])]))
    assert found(folder) == [("warning", "rows of test are in train")]


def renumber(table, hidden):
    """Ids in the order of the target."""
    rank = hidden["y"].rank(method="first").astype(int) + 10_000
    return table.assign(id=dict(zip(hidden["id"], rank, strict=True)).values())


@pytest.mark.parametrize("make", [write, write_labels])
def test_ids_in_order_of_the_target(tmp_path, make):
    tables = dict.fromkeys(("test", "solution", "sample_submission"), renumber)
    folder = make(tmp_path / "toy", **tables)
    assert ("error", "the order of the ids of test follows the target") in found(folder) or (
        "error",
        "the order of the ids of test stands in blocks of equal targets",
    ) in found(folder)


def sort_rows(table, hidden):
    return table.iloc[np.argsort(hidden["y"].to_numpy(), kind="stable")]


@pytest.mark.parametrize("make", [write, write_labels])
def test_rows_of_test_in_order_of_the_target(tmp_path, make):
    problems = found(make(tmp_path / "toy", test=sort_rows))
    assert problems[0][0] == "error"
    assert problems[0][1].startswith("the order of the rows of test ")


def test_rows_of_test_in_blocks_of_labels(tmp_path):
    """Blocks A B C C B A: no label comes before another, and still one row tells of the next."""

    def blocks(table, hidden):
        order = []
        for half in (0, 1):
            part = hidden.iloc[half::2]
            order += list(part.sort_values("y", kind="stable", ascending=not half).index)
        return table.iloc[order]

    assert ("error", "the order of the rows of test stands in blocks of equal targets") in found(
        write_labels(tmp_path / "toy", test=blocks)
    )


def test_a_sorted_train_alone_is_a_warning(tmp_path):
    folder = write(tmp_path / "toy", train=lambda t, h: t.sort_values("y"))
    assert found(folder) == [("warning", "the order of the rows of train follows the target")]


def test_a_weak_order_is_a_warning(tmp_path):
    def mixed(table, hidden):
        noise = np.random.default_rng(0).normal(size=len(hidden)) * 4
        return table.iloc[np.argsort(hidden["y"].to_numpy() + noise)]

    assert found(write(tmp_path / "toy", test=mixed)) == [
        ("warning", "the order of the rows of test follows the target")
    ]


def test_a_column_that_determines_the_label(tmp_path):
    folder = write_labels(tmp_path, test=lambda t, h: t.assign(c=h["y"].map({"low": 5, "mid": 9, "high": 1})))
    [problem] = check_folder(folder)
    assert (problem.severity, problem.what) == ("warning", "column `c` of test determines the target")
    assert problem.evidence == f"each of its 3 values goes with one `y`, in {N_TEST} rows"


def test_labels_that_train_does_not_have(tmp_path):
    folder = write_labels(tmp_path, train=lambda t, h: t[t["y"] != "high"])
    assert ("warning", "the solution holds labels that train has not") in found(folder)


def test_problems_for_people_and_programs():
    problems = [Problem("note", "a", "", "b"), Problem("error", "c", "d", "e")]
    assert lines(problems) == ["error: c", "  evidence: d", "  hint: e", "note: a", "  hint: b"]
    assert problems[1].is_error
    assert problems[1].content == {"severity": "error", "what": "c", "evidence": "d", "hint": "e"}
