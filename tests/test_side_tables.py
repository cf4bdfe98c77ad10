"""Side tables: joined by their key, refused with file and line."""

import msgspec
import numpy as np
import pandas as pd
import pytest
from ratings import write_ratings

from aicomp.competition import dump_competition, load_competition
from aicomp.contract import Given, check_files, infer_contract
from aicomp.data.side_tables import add_columns, read_side_table
from aicomp.dataset import load_dataset, load_test
from aicomp.errors import DataError, UsageError
from aicomp.project import Project
from aicomp.scaffold import create_project


def test_rows_keep_their_order_and_an_unknown_key_has_missing_values(tmp_path):
    (tmp_path / "users.csv").write_text("user_id,age\n01,30\n02,40\n")
    side = read_side_table(tmp_path / "users.csv", "user_id")
    table = pd.DataFrame({"user_id": ["02", "03", "01", "02"], "x": [1, 2, 3, 4]}, index=[7, 8, 9, 10])
    joined = add_columns(table, "user_id", side, "users")
    assert joined["x"].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(joined["age"], [40, np.nan, 30, 40])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_id,age\n1,30\n2,40\n\n1,31\n", "`users.csv` line 5: the key `user_id` `1` is there a second time"),
        ("user_id,age\n1,30\n,40\n", "`users.csv` line 3: the key `user_id` is missing"),
        ("user,age\n1,30\n", "`users.csv` has no column `user_id`, by which it is joined"),
        ("user_id,age\n1,30\n2\n", "`users.csv` line 3 has 1 field, the header has 2"),
        ("user_id,age\n1,inf\n", "`users.csv` line 2"),
        ("user_id,age\n", "`users.csv` has a header and no rows"),
    ],
    ids=["twice", "missing", "absent", "ragged", "infinite", "empty"],
)
def test_a_fault_is_named_with_its_line(tmp_path, text, message):
    (tmp_path / "users.csv").write_text(text)
    with pytest.raises(DataError) as e:
        read_side_table(tmp_path / "users.csv", "user_id")
    assert e.value.message.startswith(message)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["a b", "b", "c a", "a", "b c"], ["a", "b", "c"]),
        (["Sci Fi|War", "War", "Sci Fi", "War|Drama"], ["Drama", "Sci Fi", "War"]),
        (["red", "blue", "red"], []),
        (["the one", "the two", "a third"], []),
        ([1, 2, 3], []),
    ],
    ids=["blanks", "bars", "single", "titles", "numbers"],
)
def test_a_column_that_lists_words_gets_a_column_for_each(tmp_path, values, words):
    pd.DataFrame({"k": range(len(values)), "tags": values}).to_csv(tmp_path / "items.csv", index=False)
    side = read_side_table(tmp_path / "items.csv", "k")
    assert list(side.columns) == ["tags", *(f"tags {word}" for word in words)]
    for word in words:
        divider = "|" if "|" in values[0] else " "
        assert side[f"tags {word}"].tolist() == [float(word in value.split(divider)) for value in values]


def test_init_finds_them_and_the_data_has_their_columns(tmp_path):
    train, test = write_ratings(tmp_path / "data")
    created = create_project(str(tmp_path / "data"), tmp_path / "project", Given(metric="rmse"))
    assert created.competition.template == "recommender"
    assert created.competition.files.tables == {"items.csv": "item_id", "users.csv": "user_id"}
    assert "data/raw/users.csv" in created.files
    project = Project.open(tmp_path / "project")
    dataset = load_dataset(project)
    assert list(dataset.train.columns) == [
        "user_id", "item_id", "genres", "genres Comedy", "genres Drama", "genres War", "age"
    ]  # fmt: skip
    users = pd.read_csv(tmp_path / "data" / "users.csv").set_index("user_id")["age"]
    np.testing.assert_array_equal(dataset.train["age"], train["user_id"].map(users))
    # Rows of another place take the side tables that lie there.
    other = tmp_path / "other"
    other.mkdir()
    test.drop(columns="rating").head(3).to_csv(other / "new.csv", index=False)
    pd.DataFrame({"user_id": [test["user_id"].iloc[0]], "age": [99]}).to_csv(other / "users.csv", index=False)
    reading = {"texts": dataset.texts, "hidden": dataset.hidden, "media": {}}
    features, *_ = load_test(project, other / "new.csv", reading)
    assert features["age"].iloc[0] == 99
    assert features["genres"].notna().all()


def test_a_few_keys_that_come_twice_are_an_error_and_a_log_is_no_side_table(tmp_path):
    write_ratings(tmp_path)
    log = pd.DataFrame({"user_id": np.arange(60) % 20, "page": np.arange(60)})
    log.to_csv(tmp_path / "visits.csv", index=False)
    users = pd.read_csv(tmp_path / "users.csv")
    pd.concat([users, users.head(1)]).to_csv(tmp_path / "users.csv", index=False)
    with pytest.raises(DataError, match=r"`users.csv` line 62: the key `user_id` `0` is there a second time"):
        infer_contract(tmp_path, Given(metric="rmse"), "ratings")
    users.to_csv(tmp_path / "users.csv", index=False)
    tables = infer_contract(tmp_path, Given(metric="rmse"), "ratings").competition.files.tables
    assert tables == {"items.csv": "item_id", "users.csv": "user_id"}


def test_the_contract_keeps_them_and_refuses_half_a_pair(tmp_path):
    write_ratings(tmp_path)
    competition = infer_contract(tmp_path, Given(metric="rmse"), "ratings").competition
    (tmp_path / "competition.toml").write_text(dump_competition(competition))
    assert load_competition(tmp_path / "competition.toml") == competition
    for changes, message in (
        ({"item": None}, "names the column of the user (`user_id`), and none of the item"),
        ({"item": "user_id"}, "`user` and `item` are both `user_id`"),
        ({"user": "rating"}, "`rating` is the target"),
    ):
        (tmp_path / "competition.toml").write_text(dump_competition(msgspec.structs.replace(competition, **changes)))
        with pytest.raises(UsageError) as e:
            load_competition(tmp_path / "competition.toml")
        assert message in e.value.message
    (tmp_path / "items.csv").unlink()
    with pytest.raises(DataError, match=r"items\.csv"):
        check_files(competition, tmp_path)
