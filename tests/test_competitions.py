"""Every folder of `competitions/`: the contract resolves, and an embedded one has data that keeps its promises."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aicomp import catalogue
from aicomp.catalogue import CatalogueEntry
from aicomp.competition import Competition
from aicomp.competition_checks import SIMULATION_METRICS
from aicomp.contract.columns import match_classes
from aicomp.embedded import TABLES
from aicomp.grading import TextTable, contract_roles, grade
from aicomp.metrics import get_metric
from aicomp.resources import bundled, bundled_names
from aicomp.simulation.environments import Arena
from aicomp.splitters import SPLITTERS

KAGGLE_HEADINGS = ("**Split that mirrors the hidden test.**", "**Leaks.**", "**Traps.**", "Source: Kaggle, ")
SIMULATIONS = ("cartpole", "connectx", "lane-keeping")
FOLDERS = sorted(p for p in (Path(__file__).parent.parent / "competitions").iterdir() if p.is_dir())
EMBEDDED = sorted(TABLES)
"""Those on rows."""

SOLUTION_HASHES = {
    "breast-cancer": "11d197a69bf259074ba76b5f5e29781afaae6fb7f2b8680bf123086cda6193db",
    "diabetes": "74bff2693e50beae981dc31d697e61cd955adf33fe4c3daef615ab0084ad8835",
    "digits": "6fb7a15bfe78a544aa1a62fb6efbd8be008356e8b14c2fdce0290af3f49eaaf1",
    "iris": "1925364523419f5ce5205fed60ffc2a49de3964ca02da3a26bd41b4cd9061e28",
    "wine": "78404f67b7dacbe4e20169d58e7977ab9be4d65a8af3c13582041381628665ff",
}
"""SHA-256 of each hidden part: a change would make scores of before and after incomparable."""


@pytest.fixture(params=FOLDERS, ids=lambda p: p.name)
def entry(request: pytest.FixtureRequest) -> CatalogueEntry:
    return catalogue.load(request.param.name)


@pytest.fixture(params=EMBEDDED)
def embedded(request: pytest.FixtureRequest) -> CatalogueEntry:
    return catalogue.load(request.param)


@pytest.fixture
def data(embedded: CatalogueEntry, tmp_path: Path) -> dict[str, pd.DataFrame]:
    embedded.write_data(tmp_path)
    return {p.stem: pd.read_csv(p, dtype=str, keep_default_na=False) for p in tmp_path.iterdir()}


def test_every_folder_is_bundled() -> None:
    assert [p.name for p in FOLDERS] == bundled_names("competitions")
    assert set(EMBEDDED) <= set(catalogue.names())


def test_the_contract_is_that_of_its_folder(entry: CatalogueEntry) -> None:
    c = entry.competition
    assert entry.folder == bundled("competitions") / c.slug
    assert c.title
    assert c.url.startswith("https://")


def test_the_names_in_a_contract_resolve(entry: CatalogueEntry) -> None:
    c = entry.competition
    assert c.is_simulation == (c.slug in SIMULATIONS)
    if c.is_simulation:
        assert c.metric in SIMULATION_METRICS
        assert c.template == "simulation"
        arena = Arena(c.environment, bundled("templates") / c.template)
        assert arena.spaces().d_action > 0
        assert (c.metric == "win_rate") == (arena.rules is not None)
        return
    assert c.splitter in ("auto", *SPLITTERS)
    assert c.template in bundled_names("templates")
    assert (c.host == "local") == (c.slug in TABLES)
    assert not c.medals or c.medals_source
    if c.about is not None and c.about.nearest_metric:
        assert get_metric(c.about.nearest_metric).name == c.about.nearest_metric
    if not c.metric:
        return
    metric = get_metric(c.metric, entry.folder)
    assert metric.name == c.metric
    if c.problem_type != "other":
        assert c.problem_type in metric.problem_types
        assert c.submission.wants == metric.needs


def test_an_entry_of_kaggle_says_how_one_submits_and_where_the_facts_are_from(entry: CatalogueEntry) -> None:
    c = entry.competition
    assert catalogue.is_embedded(c.slug) == (c.slug in (*TABLES, *SIMULATIONS))
    if catalogue.is_embedded(c.slug):
        return
    about = c.about
    assert about is not None
    assert c.url == f"https://www.kaggle.com/competitions/{c.slug}"
    assert about.metric_name
    assert all(re.search(r"\(read \d{4}-\d{2}-\d{2}\)$", source) for source in about.sources)
    assert ("year" in about.unverified) == (about.year is None)
    assert ("medals" in about.unverified) == (not c.medals and about.gives_medals is not False)
    assert not c.medals or (about.gives_medals is None) == ("gives_medals" in about.unverified)
    assert ("submits" in about.unverified) == (about.submits is None)
    if about.submits == "notebook":
        assert ("internet" in about.unverified) == (about.internet is None)
    for sentence in (*about.leaks, *about.traps):
        assert sentence.endswith(".")
    assert not about.untrainable.endswith(".")


def test_columns_of_a_trainable_entry_are_complete(entry: CatalogueEntry) -> None:
    c = entry.competition
    if c.is_simulation or (c.about is not None and c.about.untrainable):
        return
    assert c.files.train or c.lacks("files") or c.lacks("files.train")
    assert c.files.test or c.lacks("files") or c.lacks("files.test")
    assert c.files.sample_submission or c.lacks("files") or c.lacks("files.sample_submission")
    assert c.problem_type not in ("binary", "multiclass") or c.labels or c.lacks("labels")
    if c.lacks("submission.columns"):
        return
    assert set(c.id) <= set(c.submission.columns)
    folded = [column.casefold() for column in c.prediction_columns]
    names = c.target if len(folded) == len(c.target) else c.labels
    if folded == [name.casefold() for name in names]:
        return
    if len(names) == 1:  # the submission calls the target otherwise, which a trap says
        assert c.about is not None
        assert any(f"calls the target `{c.prediction_columns[0]}`" in trap for trap in c.about.traps)
        return
    assert match_classes(set(c.labels), c.prediction_columns) == c.labels


def test_a_readme_says_task_split_leaks_and_source(entry: CatalogueEntry) -> None:
    c = entry.competition
    text = (entry.folder / "README.md").read_text(encoding="utf-8")
    words = " ".join(text.split())
    embedded = ("**Split that mirrors the hidden test.**", "**Leaks.**", "Source: ")
    places = [text.find(heading) for heading in (embedded if c.about is None else KAGGLE_HEADINGS)]
    assert -1 not in places
    assert places == sorted(places)
    if c.about is not None:
        assert text.startswith(f"# {c.title}\n")
        for sentence in (*c.about.leaks, *c.about.traps):
            assert " ".join(sentence.split()) in words
        assert ("**Not trained as it comes.**" in text) == bool(c.about.untrainable)
    assert text.startswith("# ")
    assert (f"`{c.metric}`" if c.about is None or c.metric else c.about.metric_name) in words
    assert c.url in text
    assert len(text.splitlines()) < 40


def test_the_numbers_of_rows_in_a_readme_are_right(embedded: CatalogueEntry, data: dict[str, pd.DataFrame]) -> None:
    text = " ".join((embedded.folder / "README.md").read_text(encoding="utf-8").split())
    found = re.search(r"(\d+) rows to learn from, (\d+) hidden", text)
    assert found is not None
    assert [int(n) for n in found.groups()] == [len(data["train"]), len(data["test"])]


def test_the_files_follow_the_contract(embedded: CatalogueEntry, data: dict[str, pd.DataFrame]) -> None:
    c = embedded.competition
    train, test, sample = data["train"], data["test"], data["sample_submission"]
    features = [column for column in train.columns if column not in (*c.id, *c.target)]
    assert list(train.columns) == [*c.id, *features, *c.target]
    assert list(test.columns) == [*c.id, *features]
    assert tuple(sample.columns) == c.submission.columns
    assert sample["id"].tolist() == test["id"].tolist()
    assert len(sample.drop(columns="id").drop_duplicates()) == 1
    assert "" not in pd.concat([train, test]).fillna("0").to_numpy()
    assert all(re.fullmatch(r"[a-z0-9_]+", column) for column in (*features, *c.target))
    if c.labels:
        assert set(train[c.target[0]]) == set(catalogue.hidden_solution(c.slug)[c.target[0]]) == set(c.labels)


def test_train_and_test_share_no_row(embedded: CatalogueEntry, data: dict[str, pd.DataFrame]) -> None:
    c, train, test = embedded.competition, data["train"], data["test"]
    assert not set(train["id"]) & set(test["id"])
    rows = [set(map(tuple, t.drop(columns=[*c.id, *c.target], errors="ignore").to_numpy())) for t in (train, test)]
    assert not rows[0] & rows[1]


def test_together_they_are_the_table_of_scikit_learn(embedded: CatalogueEntry, data: dict[str, pd.DataFrame]) -> None:
    c = embedded.competition
    whole = TABLES[c.slug]()
    test = data["test"].merge(catalogue.hidden_solution(c.slug), on=list(c.id))
    both = pd.concat([data["train"], test])[list(whole.columns)]
    expected = sorted(map(tuple, whole.astype(str).to_numpy()))
    assert sorted(map(tuple, both.to_numpy())) == expected


def test_the_hidden_part_is_about_three_tenths_of_every_class(embedded: CatalogueEntry) -> None:
    c = embedded.competition
    target, hidden = TABLES[c.slug]()[c.target[0]].astype(str), catalogue.hidden_solution(c.slug)[c.target[0]]
    if not c.labels:
        assert len(hidden) == round(0.3 * len(target))
    for label in c.labels:
        n = (target == label).sum()
        assert (hidden == label).sum() == round(0.3 * n)


def test_ids_say_nothing_about_the_target(embedded: CatalogueEntry, data: dict[str, pd.DataFrame]) -> None:
    """The correlation of ids with targets is within four standard errors of none; a sorted table has 0.7 and more."""
    c, train = embedded.competition, data["train"]
    y = train[c.target[0]]
    codes = pd.Categorical(y, categories=list(c.labels)).codes if c.labels else y.astype(float)
    assert abs(np.corrcoef(train["id"].astype(int), codes)[0, 1]) < 4 / len(train) ** 0.5


def test_the_hidden_part_never_changes(embedded: CatalogueEntry) -> None:
    text = embedded.hidden_solution().to_csv(index=False, lineterminator="\n")
    assert hashlib.sha256(text.encode()).hexdigest() == SOLUTION_HASHES[embedded.competition.slug]


def perfect(c: Competition, solution: pd.DataFrame) -> pd.DataFrame:
    """The submission that knows the hidden part."""
    y = solution[c.target[0]]
    columns = dict.fromkeys(c.prediction_columns, y)
    if c.submission.wants == "probability" and c.problem_type == "binary":
        columns = {c.target[0]: (y == c.labels[1]).astype(float)}
    elif c.submission.wants == "probability":
        columns = {label: (y == label).astype(float) for label in c.labels}
    return solution[list(c.id)].assign(**columns).astype(str)


@pytest.mark.parametrize(
    ("slug", "best", "sample"),
    [
        ("breast-cancer", 1.0, 0.5),  # ranks are all tied
        ("wine", 0.0, np.log(3)),  # 1/3 for each of three classes
        ("digits", 1.0, 53 / 539),  # 53 of the hidden digits are 0
        ("iris", 1.0, 1 / 3),
        # 0 for everybody; hidden targets have mean 155.894737 and (with n - 1) standard deviation 71.075639.
        ("diabetes", 0.0, np.sqrt(155.894737**2 + 132 / 133 * 71.075639**2)),
    ],
)
def test_the_sample_and_a_perfect_submission_have_the_scores_that_they_must(
    tmp_path: Path, slug: str, best: float, sample: float
) -> None:
    entry = catalogue.load(slug)
    c = entry.competition
    hidden = catalogue.hidden_solution(slug)
    entry.write_data(tmp_path)
    submissions = [perfect(c, hidden), pd.read_csv(tmp_path / "sample_submission.csv", dtype=str)]
    scores = [
        grade(TextTable(hidden, "hidden"), TextTable(s, "submission"), get_metric(c.metric), contract_roles(c))
        for s in submissions
    ]
    assert scores == pytest.approx([best, sample], rel=1e-6, abs=1e-9)
