"""`[about]`: what may stand in an entry of the catalogue, and what is refused because of it."""

from pathlib import Path

import pytest

from aicomp.about import About, refuse_untrainable, refuse_without_metric
from aicomp.competition import Competition, dump_competition, load_competition
from aicomp.errors import UsageError

ENTRY = """
slug = "ponds"
title = "Ponds"
problem_type = "multiclass"
id = ["id"]
target = ["kind"]
metric = "accuracy"

[files]
train = "train.csv"
test = "test.csv"
sample_submission = "sample.csv"

[submission]
columns = ["id", "kind"]
wants = "label"

[about]
submits = "notebook"
internet = false
metric_name = "Categorization Accuracy"
leaks = ["Names of files tell the kind."]
sources = ["the page (read 2030-01-01)"]
unverified = ["labels", "year"]
"""


def load(folder: Path, *changes: tuple[str, str]) -> Competition:
    text = ENTRY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "competition.toml").write_text(text)
    return load_competition(folder / "competition.toml")


def refused(folder: Path, *changes: tuple[str, str]) -> str:
    with pytest.raises(UsageError) as caught:
        load(folder, *changes)
    return caught.value.message


def test_an_entry_is_read_as_it_is_written(tmp_path: Path) -> None:
    competition = load(tmp_path)
    assert competition.about == About(
        submits="notebook",
        internet=False,
        metric_name="Categorization Accuracy",
        leaks=("Names of files tell the kind.",),
        sources=("the page (read 2030-01-01)",),
        unverified=("labels", "year"),
    )
    assert competition.lacks("labels")
    assert not competition.lacks("target")
    (tmp_path / "competition.toml").write_text(dump_competition(competition))
    assert load_competition(tmp_path / "competition.toml") == competition


def test_scores_at_the_ranks_may_stand_where_no_medals_are_given(tmp_path: Path) -> None:
    medals = ('metric = "accuracy"', 'metric = "accuracy"\nmedals = { gold = 0.9 }\nmedals_source = "the ranks"')
    competition = load(tmp_path, medals, ("internet = false", "internet = false\ngives_medals = false"))
    assert competition.medals == {"gold": 0.9}


def test_what_is_left_out_has_to_be_marked(tmp_path: Path) -> None:
    assert "`multiclass` needs `labels`" in refused(tmp_path, ('"labels", ', ""))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"year"]', '"target"]', "`target` is marked as not verified, and yet it says `('kind',)`"),
        ('"year"]', '"internet"]', "`internet` is marked as not verified, and yet it says `False`"),
        ('"year"]', '"files.train"]', "`files.train` is marked as not verified, and yet it says `train.csv`"),
        ('"year"]', '"yaer"]', "unknown field in `about.unverified` of `competition.toml`: `yaer`"),
        ('"year"]', '"year", "medals"]\ngives_medals = false', "`about.gives_medals` is false, and"),
        ('"year"]', '"year", "year"]', "`about.unverified` says nothing, or the same twice"),
        ('["the page (read 2030-01-01)"]', "[]", "[about] has no `sources`"),
        ('["the page (read 2030-01-01)"]', '[" "]', "`about.sources` says nothing"),
        ("internet = false", 'nearest_metric = "f1"', "`about.nearest_metric` is `f1`, and the metric is `accuracy`"),
        ("multiclass", "other", '`problem_type` is "other", and `about.untrainable` does not say why'),
        ("internet = false", 'internet = "no"', "internet"),
        ("internet = false", "intranet = false", "intranet"),
        ('submits = "notebook"', 'submits = "letter"', "letter"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert words in refused(tmp_path, (old, new))


def test_an_empty_metric_has_a_name(tmp_path: Path) -> None:
    empty = ('metric = "accuracy"', 'metric = ""')
    assert load(tmp_path, empty).metric == ""
    assert "`about.metric_name` as well" in refused(tmp_path, empty, ('"Categorization Accuracy"', '""'))
    about = ENTRY[ENTRY.index("[about]") :]
    assert "`metric` is empty" in refused(tmp_path, empty, (about, ""))


def test_an_entry_that_cannot_be_trained_may_lack_files_and_targets(tmp_path: Path) -> None:
    files = ENTRY[ENTRY.index("[files]") : ENTRY.index("[about]")]
    reason = ("internet = false", 'untrainable = "it is a video"')
    competition = load(tmp_path, (files, ""), reason, ("multiclass", "other"), ('target = ["kind"]\n', ""))
    assert competition.problem_type == "other"
    assert competition.target == ()
    with pytest.raises(UsageError) as caught:
        refuse_untrainable("ponds", "accuracy", competition.about)
    assert caught.value.message == "aicomp cannot train `ponds` as it comes: it is a video"
    assert "`aicomp init FOLDER --metric accuracy`" in caught.value.hint
    refuse_untrainable("ponds", "accuracy", None)


def test_a_game_that_cannot_be_trained_asks_for_its_rules() -> None:
    about = About(sources=("the page (read 2030-01-01)",), submits="agent", untrainable="its rules are not known")
    with pytest.raises(UsageError) as caught:
        refuse_untrainable("frogs", "", about)
    assert caught.value.hint == (
        "`aicomp show frogs` says what is known; with its rules as a class of your own, "
        "`aicomp init NAME --environment FILE:CLASS` makes a project"
    )


def test_a_lacking_metric_is_named_with_the_nearest() -> None:
    about = About(sources=("x",), metric_name="Log RMSE", nearest_metric="rmsle")
    refuse_without_metric("ponds", "rmse", about, "add `--metric {}`")
    with pytest.raises(UsageError) as caught:
        refuse_without_metric("ponds", "", about, "add `--metric {}`")
    assert caught.value.message == "aicomp has no metric that is the one of `ponds`: Log RMSE"
    assert caught.value.hint == "the nearest that it has is `rmsle`: add `--metric rmsle`"
    with pytest.raises(UsageError) as caught:
        refuse_without_metric("ponds", "", None, "add `--metric {}`")
    assert caught.value.hint == "add `--metric NAME`; `aicomp list metrics` shows all"
