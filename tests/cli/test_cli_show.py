"""`aicomp show` and the filters of `aicomp list competitions`; what init and score say of entries."""

import json
import sys
from pathlib import Path

import pytest

from aicomp.cli.main import main
from aicomp.resources import bundled_names

Capture = pytest.CaptureFixture[str]


def test_an_entry_is_shown_with_its_readme(capsys: Capture) -> None:
    assert main(["show", "spaceship-titanic"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert [" ".join(line.split()) for line in lines[:9]] == [
        "slug spaceship-titanic",
        "title Spaceship Titanic",
        "url https://www.kaggle.com/competitions/spaceship-titanic",
        "problem type binary",
        "metric accuracy",
        "id PassengerId",
        "target Transported",
        "labels False, True",
        "files train.csv, test.csv, sample_submission.csv",
    ]
    assert "# Spaceship Titanic" in lines
    assert any(line.startswith("not verified ") and "year" in line for line in lines)
    assert not any(line.startswith("internet") for line in lines)


def test_a_competition_without_medals_says_so(capsys: Capture) -> None:
    assert main(["show", "tabular-playground-series-jan-2021"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "medals none: this competition gives no medals" in lines
    assert not any(line.startswith("not verified") and "medals" in line for line in lines)


def test_medals_are_shown_with_their_source(capsys: Capture) -> None:
    assert main(["show", "predict-volcanic-eruptions-ingv-oe"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    (medals,) = (line for line in lines if line.startswith("medals none"))
    assert medals.startswith("medals none are given; by rank: gold ")
    assert "e+" not in medals
    assert any(line.startswith("medals from the private leaderboard") for line in lines)
    assert main(["show", "aptos2019-blindness-detection"]) == 0
    assert " gold 0.93" in capsys.readouterr().out


def test_a_long_fact_is_wrapped_on_a_terminal(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["show", "google-quest-challenge"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "# Google QUEST Q&A Labeling" in lines


def test_what_aicomp_lacks_is_said(capsys: Capture) -> None:
    assert main(["show", "house-prices-advanced-regression-techniques"]) == 0
    assert "(aicomp has no such metric; nearest: rmsle)" in capsys.readouterr().out
    assert main(["show", "denoising-dirty-documents"]) == 0
    shown = capsys.readouterr().out
    assert "not trained" in shown
    assert "\ntemplate  " not in shown


def test_the_keys_of_json(capsys: Capture) -> None:
    assert main(["show", "leaf-classification", "--json"]) == 0
    captured = capsys.readouterr()
    content = json.loads(captured.out)
    assert list(content) == ["slug", "competition", "embedded", "lacks_metric", "trainable", "readme"]
    assert (content["embedded"], content["lacks_metric"], content["trainable"]) == (False, False, True)
    assert len(content["competition"]["labels"]) == 99
    assert content["competition"]["about"]["year"] == 2016
    assert main(["show", "iris", "--json"]) == 0
    iris = json.loads(capsys.readouterr().out)
    assert (iris["embedded"], iris["competition"]["about"]) == (True, None)


def test_a_simulation_is_shown(capsys: Capture) -> None:
    assert main(["show", "connectx"]) == 0
    shown = capsys.readouterr().out
    assert "kaggle:connectx" in shown
    assert "\nfiles" not in shown


def test_an_unknown_slug_gets_the_nearest(capsys: Capture) -> None:
    assert main(["show", "titanik"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: unknown competition `titanik`\n\nhint: did you mean `titanic`?")


@pytest.mark.parametrize(
    ("slug", "hint"),
    [
        ("irs", "did you mean `iris`"),  # before those in which it stands, as in "pairs"
        ("salt", "did you mean `tgs-salt-identification-challenge`? "),
        ("Spaceship Titanic", "did you mean `spaceship-titanic`? "),
        ("dogbreed", "did you mean `dog-breed-identification`? "),
        ("leaf", "did you mean `leaf-classification`, `cassava-leaf-disease-classification` or `"),
        ("tabular-playground", "`, `tabular-playground-series-"),
        ("...", "hint: `aicomp list competitions` shows all"),
    ],
)
def test_words_of_a_slug_or_title_find_it(capsys: Capture, slug: str, hint: str) -> None:
    assert main(["show", slug]) == 2
    assert hint in capsys.readouterr().err


def names(capsys: Capture, *arguments: str) -> list[str]:
    assert main(["list", "competitions", *arguments, "--json"]) == 0
    return [item["name"] for item in json.loads(capsys.readouterr().out)["items"]]


def test_competitions_are_found_by_word_template_and_metric(capsys: Capture) -> None:
    assert set(bundled_names("competitions")) <= set(names(capsys))
    assert names(capsys, "--search", "melanoma") == ["siim-isic-melanoma-classification"]
    assert "nlp-getting-started" in names(capsys, "--template", "text")
    assert "titanic" not in names(capsys, "--template", "text")
    assert "nomad2018-predict-transparent-conductors" in names(capsys, "--metric", "mcrmsle")
    assert "house-prices-advanced-regression-techniques" in names(capsys, "--metric", "between the logarithms")
    assert names(capsys, "--template", "text", "--metric", "mcrmsle") == []


def test_competitions_are_found_by_other_spellings_and_by_their_task(capsys: Capture) -> None:
    assert "aptos2019-blindness-detection" in names(capsys, "--search", "qwk")
    assert "aptos2019-blindness-detection" in names(capsys, "--metric", "QWK")
    assert "leaf-classification" in names(capsys, "--search", "log loss")
    assert names(capsys, "--search", "melanoma siim") == ["siim-isic-melanoma-classification"]
    assert names(capsys, "--search", "seismic") == ["tgs-salt-identification-challenge"]


def test_a_search_without_a_hit_says_so(capsys: Capture) -> None:
    assert main(["list", "competitions", "--search", "no such words"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "note: none of the competitions fits; `aicomp list competitions` shows all\n"
    assert captured.out.startswith("name ")


def test_the_filters_are_for_competitions(capsys: Capture) -> None:
    assert main(["list", "metrics", "--template", "text"]) == 2
    assert "`--template` is for `aicomp list competitions`, not for metrics" in capsys.readouterr().err


def test_the_table_has_a_dash_where_something_is_lacking(capsys: Capture) -> None:
    assert main(["list", "competitions"]) == 0
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert lines["house-prices-advanced-regression-techniques"][1:5] == ["regression", "-", "tabular", "kaggle"]
    assert lines["denoising-dirty-documents"][1:5] == ["other", "rmse", "-", "kaggle"]


def test_init_refuses_without_asking_kaggle(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AICOMP_HOST", raising=False)
    assert main(["init", "house-prices-advanced-regression-techniques"]) == 2
    captured = capsys.readouterr()
    assert "`aicomp init house-prices-advanced-regression-techniques --metric rmsle`" in captured.err
    assert "download" not in captured.err
    assert main(["init", "random-acts-of-pizza"]) == 2
    assert "train and test are JSON files" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_score_refuses_a_lacking_metric_unless_one_is_given(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("Id,SalePrice\n1,100\n2,200\n")
    arguments = ["score", str(path), str(path), "--competition", "house-prices-advanced-regression-techniques"]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert "logarithms of predicted and observed price" in captured.err
    assert "hint: the nearest that it has is `rmsle`: add `--metric rmsle`" in captured.err
    assert main([*arguments, "--metric", "rmsle"]) == 0
    assert "rmsle: 0" in capsys.readouterr().out
