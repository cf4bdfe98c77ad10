"""Hosted folders: what is read from them, what is refused, and what is never a data file."""

import os
from datetime import UTC, datetime

import pytest
from hosting import write_competition

from aicomp.errors import DataError, UsageError
from aicomp.host.folder import load_all, load_hosted


def test_a_small_folder_is_a_whole_competition(tmp_path):
    found = load_hosted(write_competition(tmp_path / "house-prices"))
    assert (found.slug, found.title, found.metric.name) == ("house-prices", "House prices", "mae")
    assert (found.roles.id, found.roles.target, found.roles.problem_type) == (("id",), ("y",), "regression")
    assert [f.name for f in found.files] == ["sample_submission.csv", "test.csv", "train.csv"]
    assert (found.max_daily_submissions, found.public_share, found.selection, found.deadline) == (5, 0.3, "best", None)
    assert "One account per team" in found.rules


def test_every_key_of_the_settings_is_read(tmp_path):
    folder = write_competition(
        tmp_path / "shop",
        title="Shop",
        description="Guess.",
        max_daily_submissions=2,
        deadline=datetime(2026, 3, 1, 12, tzinfo=UTC),
        public_share=0.5,
        selection="selected",
        rules="Be fair.",
        notebook_only=True,
        reward="Knowledge",
        category="Getting Started",
    )
    found = load_hosted(folder)
    assert (found.title, found.description, found.rules, found.reward) == ("Shop", "Guess.", "Be fair.", "Knowledge")
    assert (found.max_daily_submissions, found.public_share, found.selection) == (2, 0.5, "selected")
    assert found.deadline == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert found.notebook_only
    assert found.category == "Getting Started"
    assert not found.is_over(datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert found.is_over(datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC))


def test_labels_are_those_of_train_even_if_the_hidden_part_lacks_one(tmp_path):
    folder = write_competition(tmp_path / "shop", metric="accuracy")
    (folder / "train.csv").write_text("id,x,y\nt0,1,red\nt1,2,green\nt2,3,blue\n")
    (folder / "solution.csv").write_text("id,y\na0,red\na1,green\n")
    (folder / "sample_submission.csv").write_text("id,y\na0,?\na1,?\n")
    assert load_hosted(folder).roles.labels == ("blue", "green", "red")


def test_a_contract_beside_it_says_the_roles(tmp_path):
    from aicomp.catalogue import load
    from aicomp.host.demo import write_demo

    write_demo(tmp_path)
    found = load_all(tmp_path)
    assert set(found) == {"breast-cancer", "diabetes", "digits", "iris", "wine"}
    assert found["iris"].roles.labels == load("iris").competition.labels
    assert [f.name for f in found["iris"].files] == ["sample_submission.csv", "test.csv", "train.csv"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('metric = "mae"\nmax_daly_submissions = 3\n', "unknown key `max_daly_submissions`"),
        ("", "names no `metric`"),
        ('metric = "mae"\npublic_share = 1.5\n', "`public_share`"),
        ('metric = "mae"\nmax_daily_submissions = 0\n', "`max_daily_submissions`"),
        ('metric = "mae"\ndeadline = 2026-03-01T12:00:00\n', "`deadline`"),
        ('metric = "mae"\nselection = "worst"\n', "`selection`"),
        ('metric = "world-peace"\n', "unknown metric `world-peace`"),
        ('metric = "accuracy', "is not valid TOML"),
    ],
)
def test_wrong_settings_name_the_file_and_the_key(tmp_path, config, message):
    folder = write_competition(tmp_path / "shop")
    (folder / "host.toml").write_text(config)
    with pytest.raises(UsageError) as caught:
        load_hosted(folder)
    assert message in caught.value.message


def test_what_is_missing_is_named(tmp_path):
    folder = write_competition(tmp_path / "shop")
    (folder / "solution.csv").unlink()
    with pytest.raises(DataError, match=r"has no `solution\.csv`"):
        load_hosted(folder)
    with pytest.raises(UsageError, match="holds no competition"):
        load_all(_empty(tmp_path))
    with pytest.raises(UsageError, match="is a competition itself"):
        load_all(folder)
    with pytest.raises(UsageError, match="no slug"):
        load_hosted(write_competition(tmp_path / "My Shop"))


def _empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def test_the_folder_above_a_competition_is_told_apart(tmp_path):
    write_competition(tmp_path / "shop")
    with pytest.raises(UsageError) as caught:
        load_hosted(tmp_path)
    assert caught.value.message == f"`{tmp_path}` has no host.toml"
    assert caught.value.hint == f"name one competition, such as `{tmp_path / 'shop'}`"


def test_a_solution_without_settings_is_an_error_and_not_skipped(tmp_path):
    (write_competition(tmp_path / "shop") / "host.toml").unlink()
    with pytest.raises(UsageError, match=r"has no host\.toml"):
        load_all(tmp_path)


def test_solution_settings_and_hidden_files_are_no_data_files(tmp_path):
    folder = write_competition(tmp_path / "shop")
    for name in ("SOLUTION.csv.bak", ".secret", "description.md", "images/1.png", ".git/config", "solutions/part.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    names = [f.name for f in load_hosted(folder).files]
    assert names == ["images/1.png", "sample_submission.csv", "test.csv", "train.csv"]


def test_links_to_what_is_withheld_are_refused(tmp_path):
    folder = write_competition(tmp_path / "shop")
    (folder / "answers.csv").symlink_to(folder / "solution.csv")
    with pytest.raises(UsageError, match="link to a file that is withheld"):
        load_hosted(folder)
    (folder / "answers.csv").unlink()
    os.link(folder / "solution.csv", folder / "answers.csv")
    with pytest.raises(UsageError, match="link to a file that is withheld"):
        load_hosted(folder)
    (folder / "answers.csv").unlink()
    (folder / "all").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="link to a folder"):
        load_hosted(folder)
