import json
import subprocess
import sys
from pathlib import Path

import pytest
from plugin_cases import install_plugin

from aicomp.cli.main import main
from aicomp.cli.table import prose_lines, table_lines
from aicomp.metrics import ALIASES, ALL_METRICS
from aicomp.models import ALL_MODELS
from aicomp.resources import bundled_names
from aicomp.splitters import SPLITTERS

Capture = pytest.CaptureFixture[str]
Item = dict[str, object]


def listed(capsys: Capture, kind: str) -> list[Item]:
    assert main(["list", kind, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    content = json.loads(captured.out)
    assert content["kind"] == kind
    items: list[Item] = content["items"]
    return items


def lines(capsys: Capture, kind: str) -> list[str]:
    assert main(["list", kind]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


def test_competitions(capsys: Capture) -> None:
    table = [" ".join(line.split()) for line in lines(capsys, "competitions")]
    assert table[0] == "name problem type metric template host description"
    assert "breast-cancer binary roc_auc tabular local Breast cancer: malignant or benign" in table
    assert "cartpole simulation mean_return simulation local CartPole: keep a pole upright on a cart" in table


def test_metrics(capsys: Capture) -> None:
    table = lines(capsys, "metrics")
    assert table[0].split() == ["name", "better", "needs", "problem", "types", "only", "for", "description"]
    (rmse,) = (line for line in table if line.startswith("rmse "))
    assert " ".join(rmse.split()) == (
        "rmse lower value regression, multi-target "
        "Root of the mean squared error, in the target's unit; lower is better, 0 is perfect."
    )


def test_metrics_as_json(capsys: Capture) -> None:
    (log_loss,) = (item for item in listed(capsys, "metrics") if item["name"] == "log_loss")
    assert log_loss == {
        "name": "log_loss",
        "greater_is_better": False,
        "needs": "probability",
        "problem_types": ["binary", "multiclass", "multilabel"],
        "columns": [],
        "graded_only": "",
        "aliases": [text for text, name in ALIASES.items() if name == "log_loss"],
        "description": "Mean of -log(probability of what happened); lower is better, 0 is perfect, log(2) is a coin.",
        "plugin": None,
    }


def test_a_word_finds_metrics_by_name_spelling_and_description(capsys: Capture) -> None:
    assert main(["list", "metrics", "--search", "Kullback", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["items"]
    assert found["name"] == "kl_divergence"
    assert main(["list", "metrics", "--search", "Holiday", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["items"] == []
    assert main(["list", "metrics", "--search", "wmae"]) == 0
    assert "scoring" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("competitions", bundled_names("competitions")),
        ("templates", bundled_names("templates")),
        ("metrics", list(ALL_METRICS)),
        ("models", list(ALL_MODELS)),
        ("splitters", list(SPLITTERS)),
    ],
)
def test_everything_is_listed_with_what_it_is(capsys: Capture, kind: str, names: list[str]) -> None:
    """Plugins may be installed here: they come after ours."""
    items = [item for item in listed(capsys, kind) if item["plugin"] is None]
    assert [item["name"] for item in items] == names
    assert all(item["description"] for item in items)
    table = lines(capsys, kind)
    assert [line.split()[0] for line in table[1 : len(names) + 1]] == names
    assert not any("\x1b" in line for line in table)


def test_a_template_is_told_by_its_first_sentence(capsys: Capture) -> None:
    (item,) = (item for item in listed(capsys, "templates") if item["name"] == "first-network")
    assert item["description"] == (
        "Gradient descent on a network small enough to be seen through: one input, ten hidden units, one output."
    )


@pytest.mark.parametrize("kind", ["metric", "metrix"])
def test_an_unknown_kind(capsys: Capture, kind: str) -> None:
    assert main(["list", kind]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"error: unknown kind `{kind}`\n\nhint: did you mean `metrics`?\n"


def test_a_kind_is_needed(capsys: Capture) -> None:
    assert main(["list"]) == 2
    assert "error: missing argument `KIND`" in capsys.readouterr().err


PLUGIN = '''
from aicomp.metrics import Metric

def yards(y_true, y_pred):
    """Sum of distances in yards.

    Not in feet.
    """
    return float(abs(y_true - y_pred).sum())

metric = Metric("yards", yards, greater_is_better=False, needs="value", problem_types=frozenset({"regression"}))

class Group:
    def __call__(self, *, y): ...
'''


class TestPlugins:
    @pytest.fixture(autouse=True)
    def plugin(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        module = "list_test_plugin"
        (tmp_path / "bare").mkdir()
        points = {
            "aicomp.metrics": {"yards": f"{module}:metric", "broken": f"{module}:absent", "wrong": f"{module}:yards"},
            "aicomp.splitters": {"bare": f"{module}:Group"},
            "aicomp.templates": {"bare": f"{module}:folder"},
        }
        code = f"{PLUGIN}\nfolder = {str(tmp_path / 'bare')!r}\n"
        install_plugin(monkeypatch, tmp_path, module, code, points)

    def test_they_come_last_with_their_package(self, capsys: Capture) -> None:
        items = listed(capsys, "metrics")[len(ALL_METRICS) :]
        assert {"name": "yards", "plugin": "list-test-plugin"}.items() <= items[-1].items()
        assert items[-1]["description"] == "Sum of distances in yards."
        assert items[-1]["problem_types"] == ["regression"]
        table = lines(capsys, "metrics")
        assert table[0].split() == [
            "name",
            "better",
            "needs",
            "problem",
            "types",
            "only",
            "for",
            "plugin",
            "description",
        ]
        assert table[-1].split()[:5] == ["yards", "lower", "value", "regression", "list-test-plugin"]

    def test_one_that_is_wrong_says_why_and_hides_no_other(self, capsys: Capture) -> None:
        by_name = {item["name"]: item for item in listed(capsys, "metrics")}
        assert by_name["broken"] == {
            "name": "broken",
            "description": "cannot be loaded: AttributeError: module 'list_test_plugin' has no attribute 'absent'",
            "plugin": "list-test-plugin",
        }
        assert str(by_name["wrong"]["description"]).startswith("cannot be loaded: ")

    @pytest.mark.parametrize("kind", ["splitters", "templates"])
    def test_one_without_a_description(self, capsys: Capture, kind: str) -> None:
        assert listed(capsys, kind)[-1] == {"name": "bare", "description": "", "plugin": "list-test-plugin"}


def test_listing_metrics_does_not_import_torch() -> None:
    """It takes seconds, and only models need it."""
    code = "import sys; from aicomp.cli.main import main; main(['list', 'metrics']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "\nrmse " in done.stdout
    assert done.stdout.splitlines()[-1] == "False"


def test_on_a_terminal_the_last_column_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "34")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    rows = [["rmse", "one two three four five six"], ["名前", "wide"]]
    assert table_lines(["name", "description"], rows) == [
        "name  description",
        "rmse  one two three four five six",
        "名前  wide",
    ]
    monkeypatch.setenv("COLUMNS", "31")  # 31 - 6 leaves 25 of the 27 characters
    assert table_lines(["name", "description"], rows)[1:3] == [
        "rmse  one two three four five",
        "      six",
    ]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert table_lines(["name", "description"], rows)[1] == "rmse  one two three four five six"


def test_prose_is_broken_anew_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    text = "# A heading that is longer than the terminal\n\none two three four\nfive six seven eight\n\n- a\n- b\n"
    assert prose_lines(text) == text.rstrip().splitlines()  # a pipe
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert prose_lines(text) == [
        "# A heading that is longer than the terminal", "", "one two three four five six", "seven eight", "",
        "- a", "- b",
    ]  # fmt: skip
    address = "see https://www.kaggle.com/competitions/titanic"
    assert prose_lines(address) == ["see", address[4:]]
    assert prose_lines("short\n") == ["short"]


def test_models_say_whether_their_package_is_there(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aicomp.models.find_spec", lambda name: None)
    installed = {item["name"]: item["installed"] for item in listed(capsys, "models") if item["plugin"] is None}
    assert {n for n, there in installed.items() if not there} == {
        "image-timm", "transformer", "pretrained-seq2seq", "lightgbm", "catboost", "xgboost", "forecast-trees", "ets",
        "auto-theta", "auto-arima",
    }  # fmt: skip
    (line,) = (line for line in lines(capsys, "models") if line.startswith("catboost"))
    assert line.split()[1] == "no"
