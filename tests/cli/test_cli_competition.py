"""`aicomp competition new`: from one labelled table to a competition that is hosted, trained for and submitted to."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from hosting import local_host

from aicomp.cli.main import main
from aicomp.host.check import check_folder
from aicomp.host.teams import create_team


def write_table(path, n=400, seed=0):
    """Rents of flats: two numbers and a district say most of them; the ids tell the order of the rows."""
    rng = np.random.default_rng(seed)
    area, rooms = rng.uniform(20, 120, n).round(1), rng.integers(1, 6, n)
    rent = (area * 12 + rooms * 30 + rng.normal(0, 20, n)).round(2)
    frame = pd.DataFrame({
        "flat_id": [f"f{i}" for i in range(n)],
        "area": area,
        "rooms": rooms,
        "district": rng.choice(list("abcde"), n),
        "house": [f"h{k}" for k in rng.integers(0, 60, n)],
        "month": [f"2024-{m:02d}-01" for m in rng.integers(1, 13, n)],
        "dear": np.where(rent > np.median(rent), "yes", "no"),
        "rent": rent,
    })  # fmt: skip
    frame.to_csv(path, index=False)
    return frame


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_table(tmp_path / "rents.csv")


def new(capsys, *words):
    code = main(["competition", "new", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def made(capsys, *words):
    code, out, err = new(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def read(tmp_path, name="flats"):
    return {t: pd.read_csv(tmp_path / name / f"{t}.csv") for t in ("train", "test", "sample_submission", "solution")}


@pytest.mark.slow
def test_the_whole_loop(tmp_path, table, capsys, monkeypatch):
    """Made, checked, hosted; then a team makes a project of it, trains and submits."""
    content = made(capsys, "flats", "--train", "rents.csv", "--target", "rent", "--into", "shop")
    assert (content["metric"], content["problem_type"], content["problems"]) == ("rmse", "regression", [])
    assert main(["host", "check", "shop/flats"]) == 0
    assert capsys.readouterr().out == "no problem found\n"
    with local_host(tmp_path / "shop") as local:
        monkeypatch.setenv("AICOMP_HOST", local.url)
        monkeypatch.setenv("AICOMP_TOKEN", create_team(local.host.database, "Ada", accept_rules=True))
        assert main(["init", "flats", "--into", "project", "--json"]) == 0, capsys.readouterr().err
        assert not (tmp_path / "project" / "data" / "raw" / "solution.csv").exists()
        monkeypatch.chdir(tmp_path / "project")
        assert main(["train", "--set", "model.name=ridge", "--json"]) == 0
        capsys.readouterr()
        assert main(["submit", "--yes", "--wait", "--json"]) == 0
        sent = json.loads(capsys.readouterr().out)
    assert (sent["status"], sent["metric"]) == ("complete", "rmse")
    assert sent["score"] < 60  # noise alone is 20, and the mean of all rents misses by more than 300


def test_files_fit_together(tmp_path, table, capsys):
    content = made(capsys, "flats", "--train", "rents.csv", "--target", "rent")
    tables = read(tmp_path)
    assert content["rows"] == {"train": 280, "public": 36, "private": 84}
    assert content["files"] == sorted(p.name for p in (tmp_path / "flats").iterdir())
    assert list(tables["solution"].columns) == ["flat_id", "rent", "Usage"]
    assert list(tables["test"].columns) == ["flat_id", "area", "rooms", "district", "house", "month", "dear"]
    ids = pd.concat([tables["train"], tables["test"]])["flat_id"]
    assert sorted(ids) == list(range(400))
    assert list(tables["sample_submission"]["flat_id"]) == list(tables["test"]["flat_id"])
    assert tables["sample_submission"]["rent"].unique().tolist() == [0.0]
    together = pd.concat([tables["train"], tables["test"].merge(tables["solution"])])
    columns = ["area", "rooms", "district", "house", "month", "dear", "rent"]
    pd.testing.assert_frame_equal(
        together[columns].sort_values(columns, ignore_index=True),
        table[columns].sort_values(columns, ignore_index=True),
    )


def test_it_is_seeded(tmp_path, table, capsys):
    for into, seed in (("a", 1), ("b", 1), ("c", 2)):
        made(capsys, "flats", "--train", "rents.csv", "--target", "rent", "--into", into, "--seed", seed)
    texts = [(tmp_path / into / "flats" / "solution.csv").read_text() for into in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_it_says_what_it_chose_and_why(table, capsys):
    code, out, err = new(capsys, "flats", "--train", "rents.csv", "--target", "dear")
    assert code == 0
    assert "metric    roc_auc (it ranks probabilities and needs no threshold; `--metric` names another)" in err
    assert "left out  flat_id (named like an id and different in every row; a new id replaces it)" in err
    assert "each class by its share" in err
    assert out.startswith("made flats: README.md, competition.toml, description.md, host.toml, sample_submission.csv")
    assert "aicomp host check flats" in out


def test_classes_keep_their_shares(tmp_path, table, capsys):
    made(capsys, "flats", "--train", "rents.csv", "--target", "district", "--metric", "log loss")
    tables = read(tmp_path)
    assert list(tables["sample_submission"].columns) == ["flat_id", *"abcde"]
    assert tables["sample_submission"].iloc[0, 1:].tolist() == [0.2] * 5
    shares = tables["solution"]["district"].value_counts() / table["district"].value_counts()
    assert shares.between(0.27, 0.33).all()


def test_a_group_lies_in_one_part(tmp_path, table, capsys):
    content = made(capsys, "flats", "--train", "rents.csv", "--target", "rent", "--group", "house")
    tables = read(tmp_path)
    hidden = tables["test"].merge(tables["solution"])
    parts = [set(tables["train"]["house"]), *(set(part["house"]) for _, part in hidden.groupby("Usage"))]
    assert len(parts) == 3
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert {"what": "split", "value": "by house"}.items() <= content["choices"][-2].items()
    assert 'group = "house"' in (tmp_path / "flats" / "competition.toml").read_text()


def test_test_is_later_than_train(tmp_path, table, capsys):
    made(capsys, "flats", "--train", "rents.csv", "--target", "dear", "--time", "month")
    tables = read(tmp_path)
    hidden = tables["test"].merge(tables["solution"])
    public, private = (hidden[hidden["Usage"] == usage]["month"] for usage in ("Public", "Private"))
    assert tables["train"]["month"].max() < public.min()
    assert public.max() < private.min()


def test_rows_with_the_same_features_stay_together(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i % 30},{i % 7},{i}\n" for i in range(300))
    (tmp_path / "t.csv").write_text("a,b,y\n" + rows)
    made(capsys, "twins", "--train", "t.csv", "--target", "y")
    tables = read(tmp_path, "twins")
    keys = [set(map(tuple, tables[name][["a", "b"]].to_numpy().tolist())) for name in ("train", "test")]
    assert not keys[0] & keys[1]


@pytest.mark.parametrize(
    ("target", "metric", "wants"),
    [("rent", "mae", 0.0), ("dear", "accuracy", "no"), ("dear", "log_loss", 0.5), ("rooms", "quadratic kappa", 1)],
)
def test_every_kind_of_target_passes_the_check(tmp_path, table, capsys, target, metric, wants):
    content = made(capsys, "flats", "--train", "rents.csv", "--target", target, "--metric", metric)
    assert [p for p in content["problems"] if p["severity"] == "error"] == []
    assert content["problems"] == [p.content for p in check_folder(tmp_path / "flats")]
    assert read(tmp_path)["sample_submission"].iloc[0, 1] == wants


def test_several_targets(tmp_path, table, capsys):
    content = made(capsys, "flats", "--train", "rents.csv", "--target", "rent", "--target", "area")
    assert (content["problem_type"], content["metric"]) == ("multi-target", "mcrmse")
    assert list(read(tmp_path)["solution"].columns) == ["flat_id", "rent", "area", "Usage"]


def test_what_exists_is_not_changed(tmp_path, table, capsys):
    words = ("flats", "--train", "rents.csv", "--target", "rent")
    made(capsys, *words)
    before = {p.name: p.read_bytes() for p in (tmp_path / "flats").iterdir()}
    code, out, err = new(capsys, *words, "--seed", "2")
    assert (code, out) == (2, "")
    assert err == "error: `flats` is there already\n\nhint: take another name, or `--into DIR`\n"
    assert before == {p.name: p.read_bytes() for p in (tmp_path / "flats").iterdir()}


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        ("flats", 2, "`rents.csv` does not say which column is the target: `flat_id`, `area`", "--target rent"),
        ("Flats --target rent", 2, "`Flats` is no name of a competition", "small letters"),
        ("flats --target rnt", 2, "unknown column of `rents.csv`, given with `--target`: `rnt`", "`rent`"),
        ("flats --target rent --group houses", 2, "unknown column of `rents.csv`, given with `--group`", "`house`"),
        ("flats --target rent --group rent", 2, "`rent` is the target, and given with `--group`", "another column"),
        ("flats --target rent --group house --time month", 2, "`--group` and `--time` are both given", "give the one"),
        ("flats --target rent --time house", 3, "`rents.csv`: values of `house`, such as `h", "YYYY-MM-DD"),
        ("flats --target rent --metric rmsee", 2, "unknown metric `rmsee`", "`rmse`"),
        ("flats --target rent --metric accuracy", 2, "metric `accuracy` is for binary, multiclass", "--metric rmse"),
        (
            "flats --target rent --metric haversine --problem-type multi-target",
            2,
            "metric `haversine` cannot",
            "mcrmse",
        ),
        ("flats --target rent --metric m:own", 2, "`--metric m:own` lies in a folder", "host.toml"),
        ("flats --target flat_id", 3, "the target `flat_id` has 400 distinct texts", "--target"),
        ("flats --target rent --test-share 0", 2, "0.01", "aicomp competition new --help"),
        ("flats --target rent --problem-type string", 2, "a competition of strings", "yourself"),
    ],
)
def test_wrong_words(tmp_path, table, capsys, words, code, message, hint):
    found, out, err = new(capsys, *words.split(), "--train", "rents.csv")
    assert (found, out) == (code, "")
    first, _, rest = err.partition("\n")
    assert message in first
    assert hint in rest
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rents.csv"]


def test_wrong_tables(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases = {
        "a,y\n" + "1,2\n" * 5: "`t.csv` has 5 rows",
        "a,y\n" + "1,2\n" * 11 + "3,\n": "`t.csv` line 13: `y` is `nan`, and has to be known",
        "a,y\n" + "1,2\n" * 12: "the target `y` is `2` in every row",
        "y\n" + "1\n2\n" * 12: "`t.csv` has no column to predict from",
    }
    for text, message in cases.items():
        (tmp_path / "t.csv").write_text(text)
        code, _, err = new(capsys, "c", "--train", "t.csv", "--target", "y")
        assert code == 3
        assert message in err
    assert new(capsys, "c", "--train", "no.csv", "--target", "y")[0] == 3


def test_a_person_is_asked_for_the_target(table, capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal("rent\n"))
    monkeypatch.setattr("aicomp.cli.output.Output.can_ask", True)
    code, out, err = new(capsys, "flats", "--train", "rents.csv")
    assert (code, out.split(":")[0]) == (0, "made flats")
    assert "Which column is the target?" in err
    assert "target    rent (as answered)" in err


def test_alone_it_says_what_is_missing(capsys):
    assert main(["competition"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: missing command\n\nhint: `aicomp competition --help` shows what it takes\n"
