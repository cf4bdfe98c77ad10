"""A downloaded competition that the catalogue knows: the entry fills in what nobody says, and the files are heard."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from aicomp import catalogue
from aicomp.about import About
from aicomp.competition import Competition, Files, SubmissionSchema, load_competition
from aicomp.contract import Given
from aicomp.contract.entry import refuse_entry, with_entry
from aicomp.errors import UsageError
from aicomp.scaffold import Created, create_project
from aicomp.sources import Download, is_remote

KNOWN = Competition(
    slug="ponds",
    title="Ponds",
    problem_type="binary",
    id=("pond",),
    target=("frogs",),
    labels=("no", "yes"),
    metric="f1",
    files=Files(train="known.csv", test="hidden.csv", sample_submission="form.csv"),
    submission=SubmissionSchema(columns=("pond", "frogs"), wants="label"),
    group="valley",
    medals={"gold": 0.9},
    medals_source="the leaderboard (read 2030-01-01)",
    about=About(sources=("the page (read 2030-01-01)",), leaks=("The list of ponds is public.",), unverified=("year",)),
)
ROWS = [f"{i},{i % 3},{i // 4},{'yes' if i % 2 else 'no'}" for i in range(24)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "known.csv").write_text("\n".join(["pond,depth,valley,frogs", *ROWS]))
    hidden = [f"{i + 100},{i % 3},{i + 50}" for i in range(8)]
    (folder / "hidden.csv").write_text("\n".join(["pond,depth,valley", *hidden]))
    (folder / "form.csv").write_text("\n".join(["pond,frogs", *(f"{i + 100},no" for i in range(8))]))
    monkeypatch.setattr(catalogue, "known_contract", lambda slug: KNOWN if slug == "ponds" else None)
    return folder


def create(folder: Path, given: Given | None = None, host: str = "kaggle") -> Created:
    download = Download(folder, "ponds", "Ponds of Kaggle", "https://example.org", host)
    return create_project(download, folder.parent / "project", given or Given())


def test_what_nobody_says_is_taken_from_the_entry(folder: Path) -> None:
    created = create(folder)
    c = load_competition(created.folder / "competition.toml")
    assert (c.metric, c.group, c.labels) == ("f1", "valley", ("no", "yes"))
    assert c.files.train == "known.csv"
    assert c.title == "Ponds of Kaggle"
    assert c.medals == {"gold": 0.9}
    assert c.about == KNOWN.about
    first, *others = created.findings
    assert (first.what, first.value) == ("entry", "ponds")
    metric = next(f for f in others if f.what == "metric")
    assert (metric.value, metric.because) == ("f1", "aicomp's entry says so")
    assert not [f for f in others if f.what == "contradiction"]


def test_a_submission_that_calls_the_target_otherwise(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = SubmissionSchema(columns=("pond", "prediction"), wants="label")
    monkeypatch.setattr(catalogue, "known_contract", lambda slug: msgspec.structs.replace(KNOWN, submission=form))
    (folder / "form.csv").write_text("\n".join(["pond,prediction", *(f"{i + 100},no" for i in range(8))]))
    created = create(folder)
    assert created.competition.target == ("frogs",)
    assert created.competition.submission.columns == ("pond", "prediction")
    assert not [f for f in created.findings if f.what == "contradiction"]


def test_a_submission_with_a_column_per_class_behind_a_prefix(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = SubmissionSchema(columns=("pond", "frogs_no", "frogs_yes"), wants="probability", sum_to_one=True)
    entry = msgspec.structs.replace(KNOWN, problem_type="multiclass", metric="balanced_log_loss", submission=form)
    monkeypatch.setattr(catalogue, "known_contract", lambda slug: entry)
    (folder / "form.csv").write_text("\n".join(["pond,frogs_no,frogs_yes", *(f"{i + 100},0.5,0.5" for i in range(8))]))
    created = create(folder)
    assert (created.competition.target, created.competition.labels) == (("frogs",), ("no", "yes"))
    assert created.competition.submission.columns == form.columns
    assert not [f for f in created.findings if f.what == "contradiction"]


def test_what_the_user_says_comes_first(folder: Path) -> None:
    created = create(folder, Given(metric="accuracy"))
    assert created.competition.metric == "accuracy"
    metric = next(f for f in created.findings if f.what == "metric")
    assert metric.because == "given with --metric"


def test_an_entry_says_nothing_of_another_host(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:  # the files alone do not say which is which
        create(folder, Given(train="known.csv", test="hidden.csv", sample="form.csv"), host="http://127.0.0.1:8000")
    assert "metric" in caught.value.message


def test_files_of_ones_own_are_of_the_entry_that_the_slug_names(folder: Path) -> None:
    created = create_project(str(folder), folder.parent / "project", Given(slug="ponds"))
    c = created.competition
    assert (c.slug, c.title, c.metric, c.group, c.host) == ("ponds", "Ponds", "f1", "valley", "kaggle")
    assert created.findings[0].value == "ponds"
    own = Given(slug="my-ponds", metric="accuracy", train="known.csv", test="hidden.csv", sample="form.csv")
    c = create_project(str(folder), folder.parent / "other", own).competition
    assert (c.slug, c.title, c.group, c.about) == ("my-ponds", "My ponds", None, None)


def test_a_folder_called_as_a_known_competition_is_not_taken_for_it_and_the_hint_says_how(folder: Path) -> None:
    named = folder.rename(folder.with_name("ponds"))
    given = Given(train="known.csv", test="hidden.csv", sample="form.csv")
    with pytest.raises(UsageError) as caught:
        create_project(str(named), folder.parent / "project", given)
    assert "metric" in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("of `ponds` on Kaggle, `--slug ponds` says all that is known")


def test_own_tables_of_what_cannot_be_trained_as_it_comes_are_no_entry_s(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its slug still says where the submission goes."""
    about = About(sources=("x",), untrainable="frogs are drawn")
    other = msgspec.structs.replace(KNOWN, problem_type="other", about=about)
    monkeypatch.setattr(catalogue, "known_contract", lambda slug: other)
    own = Given(slug="ponds", metric="accuracy", train="known.csv", test="hidden.csv", sample="form.csv")
    c = create_project(str(folder), folder.parent / "project", own).competition
    assert (c.slug, c.problem_type, c.metric) == ("ponds", "binary", "accuracy")


def test_other_files_and_labels_are_findings(folder: Path) -> None:
    (folder / "form.csv").rename(folder / "sample_submission.csv")
    known = (folder / "known.csv").read_text().replace(",yes", ",maybe")
    (folder / "known.csv").write_text(known)
    found = [(f.value, f.because) for f in create(folder).findings if f.what == "contradiction"]
    assert found == [
        ("`no`, `maybe`", "labels of the files, but `no`, `yes` of `aicomp show ponds`"),
        ("`form.csv`", "named by `aicomp show ponds`, and not among the files"),
    ]


def test_a_column_that_is_not_there_is_an_error_that_names_the_entry(folder: Path) -> None:
    other = msgspec.structs.replace(KNOWN, target=("newts",))
    with pytest.raises(UsageError) as caught:
        with_entry(other, folder, Given(), "ponds", None)
    assert "`newts`" in caught.value.message
    assert "come from aicomp's entry of `ponds` (`aicomp show ponds`): give them to overrule it" in caught.value.hint
    assert with_entry(other, folder, replace(Given(), target=("frogs",)), "ponds", None).competition.target == (
        "frogs",
    )


def test_the_fields_that_the_files_say_are_open_no_longer(folder: Path) -> None:
    about = About(sources=("x",), metric_name="Frog Score", nearest_metric="f1", unverified=("labels", "year"))
    other = msgspec.structs.replace(KNOWN, labels=(), metric="", about=about)
    found = with_entry(other, folder, Given(metric="f1"), "ponds", None).competition
    assert found.about is not None
    assert (found.about.unverified, found.about.nearest_metric, found.about.metric_name) == (
        ("year",),
        "",
        "Frog Score",
    )


def test_entries_of_kaggle_are_downloaded_and_embedded_ones_are_not() -> None:
    assert is_remote("titanic", host_is_named=False)
    assert not is_remote("iris", host_is_named=False)
    assert not is_remote("connectx", host_is_named=False)
    assert catalogue.known_contract("titanic") is not None
    assert catalogue.known_contract("iris") is None
    assert catalogue.known_contract("no-such-slug") is None
    assert {"iris", "cartpole"} <= set(catalogue.embedded_names())
    assert "titanic" not in catalogue.embedded_names()


def test_what_cannot_be_trained_is_refused_before_the_download() -> None:
    refuse_entry("titanic", None)
    refuse_entry("no-such-slug", None)
    refuse_entry("house-prices-advanced-regression-techniques", "rmse")
    with pytest.raises(UsageError, match="root mean squared error between the logarithms"):
        refuse_entry("house-prices-advanced-regression-techniques", None)
    with pytest.raises(UsageError, match="aicomp cannot train `denoising-dirty-documents` as it comes: images"):
        refuse_entry("denoising-dirty-documents", "rmse")
    with pytest.raises(UsageError, match="`log_mae`, grades files and cannot guide a training: it reads the column"):
        refuse_entry("champs-scalar-coupling", None)
    refuse_entry("champs-scalar-coupling", "mae")
    refuse_entry("champs-scalar-coupling", "mine:metric")
