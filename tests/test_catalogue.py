from pathlib import Path

import pandas as pd
import pytest
from plugin_cases import install_plugin

from aicomp import catalogue
from aicomp.catalogue import CatalogueEntry
from aicomp.competition import Competition, Files, SubmissionSchema, dump_competition
from aicomp.embedded import split_table
from aicomp.errors import UsageError

PLUGIN = """
from pathlib import Path
import pandas as pd
from aicomp.catalogue import CatalogueEntry

def table():
    return pd.DataFrame({"x": range(20), "heads": [0, 1] * 10, "tails": [1, 0] * 10})

coins = CatalogueEntry.from_folder(Path(__file__).parent / "coins", table)
wrong = "coins"
"""


def contract(**changes: object) -> Competition:
    entries: dict[str, object] = {
        "slug": "coins",
        "title": "Coins",
        "problem_type": "multilabel",
        "id": ("id",),
        "target": ("heads", "tails"),
        "metric": "f1_macro",
        "files": Files(train="learn.csv", test="guess.csv", sample_submission="sample.csv"),
        "submission": SubmissionSchema(columns=("heads", "id", "tails"), wants="label"),
        "host": "local",
        **changes,
    }
    return Competition(**entries)  # type: ignore[arg-type]


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        catalogue.load("breast_cancer")
    assert caught.value.message == "unknown competition `breast_cancer`"
    assert caught.value.hint == "did you mean `breast-cancer`? `aicomp list competitions` shows all"
    with pytest.raises(UsageError, match="unknown competition `iris:x`"):
        catalogue.hidden_solution("iris:x")


class TestPlugin:
    @pytest.fixture(autouse=True)
    def plugin(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "coins").mkdir()
        (tmp_path / "coins" / "competition.toml").write_text(dump_competition(contract()))
        points = {"coins": "catalogue_test_plugin:coins", "wrong": "catalogue_test_plugin:wrong"}
        install_plugin(monkeypatch, tmp_path, "catalogue_test_plugin", PLUGIN, {"aicomp.competitions": points})

    def test_it_is_named_beside_ours(self) -> None:
        assert {"coins", "iris"} <= set(catalogue.names())
        assert catalogue.names() == sorted(catalogue.names())

    def test_its_data_and_its_hidden_part(self, tmp_path: Path) -> None:
        catalogue.load("coins").write_data(tmp_path / "out")
        assert {p.name for p in (tmp_path / "out").iterdir()} == {"learn.csv", "guess.csv", "sample.csv"}
        test = pd.read_csv(tmp_path / "out" / "guess.csv", dtype=str)
        assert list(test.columns) == ["id", "x"]
        assert len(test) == 6  # 30 % of 20
        assert (tmp_path / "out" / "sample.csv").read_text().splitlines()[0] == "heads,id,tails"
        solution = catalogue.hidden_solution("coins")
        assert list(solution.columns) == ["id", "heads", "tails"]
        assert solution["id"].tolist() == test["id"].tolist()
        assert solution["heads"].tolist() == [str(int(x) % 2) for x in test["x"]]

    def test_one_that_is_no_entry(self) -> None:
        with pytest.raises(UsageError) as caught:
            catalogue.load("wrong")
        assert caught.value.message == "competition `wrong` of a plugin is of type `str`, not `CatalogueEntry`"


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://example.org/c", "download it from https://example.org/c"),
        ("", "`aicomp list competitions` shows which are embedded"),
    ],
)
def test_a_competition_whose_data_has_to_be_downloaded(tmp_path: Path, url: str, hint: str) -> None:
    entry = CatalogueEntry(contract(host="kaggle", url=url), tmp_path)
    for ask in (entry.hidden_solution, lambda: entry.write_data(tmp_path / "out")):
        with pytest.raises(UsageError) as caught:
            ask()
        assert caught.value.message == "aicomp has no data of `coins`, and does not know its hidden part"
        assert caught.value.hint == hint
    assert not (tmp_path / "out").exists()


def test_a_split_has_its_share_of_each_stratum_and_says_nothing_by_its_order() -> None:
    """70 rows of class a come first, then 30 of b: in no part may place or id tell them apart."""
    table = pd.DataFrame({"x": range(100), "y": ["a"] * 70 + ["b"] * 30})
    train, test = split_table(table, "sorted", list(table["y"]))
    assert test["y"].value_counts().to_dict() == {"a": 21, "b": 9}  # 30 % of 70 and of 30
    both = pd.concat([train, test])
    assert sorted(both["x"]) == list(range(100))
    assert sorted(both["id"]) == list(range(100))
    for part in (train, test):
        assert part["id"].is_monotonic_increasing
        assert abs(part["id"].corr(part["x"])) < 0.3  # sorted rows would give 1; chance gives 0.1 to 0.2


def test_a_split_depends_on_the_competition_alone() -> None:
    table = pd.DataFrame({"x": range(50)})
    first = split_table(table, "one", None)[1]["x"].tolist()
    assert split_table(table, "one", None)[1]["x"].tolist() == first
    assert split_table(table, "two", None)[1]["x"].tolist() != first
