"""The validation doctor: a planted fault of each kind is found, and data without one stays clean."""

import numpy as np
import pandas as pd
import pytest
from validation_cases import N_TEST, N_TRAIN, clean, project_of, severities, subject_of

from aicomp.project import Project
from aicomp.validation.adversarial import check_adversarial
from aicomp.validation.doctor import examine
from aicomp.validation.feature_leaks import check_features
from aicomp.validation.fold_noise import check_noise, leaving_out
from aicomp.validation.label_noise import check_labels, confident_joint
from aicomp.validation.name_leaks import check_names
from aicomp.validation.out_of_fold import Predicted, Predictions
from aicomp.validation.row_twins import check_rows
from aicomp.validation.single import auc, auc_error, bins_of, explained
from aicomp.validation.split_mirror import check_split
from aicomp.validation.target_columns import check_columns
from aicomp.validation.text_twins import check_texts, near_texts

RANDOM = np.random.default_rng(0)


def only(outcome):
    [finding] = outcome.findings
    return finding


def test_a_clean_set_stays_clean(tmp_path):
    report = examine(Project.open(project_of(tmp_path, clean())))
    assert [f.name for f in report.findings if f.severity in ("high", "medium")] == []
    assert all(check.outcome is not None for check in report.checks)
    assert report.notes == []


def test_checks_that_no_time_is_left_for_are_named(tmp_path):
    report = examine(Project.open(project_of(tmp_path, clean())), seconds=0)
    assert report.findings == []
    assert len(report.notes) == 10
    assert "no time was left for: Twins among rows" in report.notes


# Which splitter mirrors the test


def test_a_test_that_is_later_wants_folds_in_time(tmp_path):
    days = pd.date_range("2020-01-01", periods=N_TRAIN + N_TEST).strftime("%Y-%m-%d")
    frame = clean().assign(day=days)
    finding = only(check_split(subject_of(tmp_path, frame, ["split.splitter=stratified"])))
    assert (finding.severity, finding.columns) == ("high", ("day",))
    assert finding.numbers["test_later"] == 1.0
    assert 0.4 < finding.numbers["folds_later"] < 0.6
    assert finding.advice == '`aicomp train --set split.splitter=time-series --set split.time="day"`'


def test_folds_in_time_mirror_a_test_that_is_later(tmp_path):
    days = pd.date_range("2020-01-01", periods=N_TRAIN + N_TEST).strftime("%Y-%m-%d")
    overrides = ["split.splitter=time-series", "split.time=day"]
    assert only(check_split(subject_of(tmp_path, clean().assign(day=days), overrides))).severity == "ok"


def test_folds_in_time_do_not_mirror_a_test_at_random(tmp_path):
    days = RANDOM.permutation(pd.date_range("2020-01-01", periods=N_TRAIN + N_TEST).strftime("%Y-%m-%d"))
    overrides = ["split.splitter=time-series", "split.time=day"]
    finding = only(check_split(subject_of(tmp_path, clean().assign(day=days), overrides)))
    assert (finding.name, finding.severity) == ("splitter-time", "medium")


def with_groups(n_groups=60):
    """Ten rows of each customer; those of test are others than those of train."""
    names = np.array([f"c{k:03d}" for k in RANDOM.permutation(n_groups)])
    return clean().assign(customer=np.repeat(names, (N_TRAIN + N_TEST) // n_groups))


def test_new_groups_in_test_want_whole_groups(tmp_path):
    finding = only(check_split(subject_of(tmp_path, with_groups(), ["split.splitter=stratified"])))
    assert (finding.name, finding.severity, finding.columns) == ("splitter-group", "high", ("customer",))
    assert finding.numbers["test_seen"] == 0
    assert finding.numbers["test_seen_by_chance"] > 0.9
    assert '--set split.group="customer"' in finding.advice


def test_whole_groups_mirror_new_groups(tmp_path):
    frame = with_groups()
    assert only(check_split(subject_of(tmp_path / "a", frame, ["split.group=customer"]))).severity == "ok"
    shuffled = frame.assign(customer=RANDOM.permutation(frame["customer"]))
    finding = only(check_split(subject_of(tmp_path / "b", shuffled, ["split.group=customer"])))
    assert (finding.name, finding.severity) == ("splitter-group", "medium")
    assert "and test does not" in finding.title


def test_groups_in_the_parts_of_an_id(tmp_path):
    frame = with_groups()
    frame["id"] = frame["customer"] + "-" + frame["id"]
    finding = only(check_split(subject_of(tmp_path, frame.drop(columns="customer"))))
    assert (finding.severity, finding.title) == (
        "high",
        "Test has new levels of part 2 of id `id`, and the folds have not",
    )


# Train against test


def test_a_column_that_gives_test_away_is_named(tmp_path):
    frame = clean()
    frame.loc[N_TRAIN:, "speed"] = (frame.loc[N_TRAIN:, "speed"] * 0.2 + 1.5).round(4)
    finding = only(check_adversarial(subject_of(tmp_path, frame)))
    assert finding.severity in ("medium", "high")
    assert finding.columns[0] == "speed"
    assert finding.numbers["auc"] > 0.8 > finding.numbers["auc_between_folds"]


def test_a_column_that_orders_the_rows_is_left_out(tmp_path):
    frame = clean().assign(number=np.arange(N_TRAIN + N_TEST) + 0.5)
    finding = only(check_adversarial(subject_of(tmp_path, frame)))
    assert finding.severity == "ok"
    assert "Left out, as they order or group the rows: `number`" in finding.evidence


# Twins


def test_doubled_rows_of_train_are_found(tmp_path):
    frame = clean()
    train = pd.concat([frame.iloc[:200], frame.iloc[:200].assign(id=[f"9{i:05d}" for i in range(200)])])
    train.iloc[200:260, -1] = np.where(train["bought"].iloc[200:260] == "yes", "no", "yes")
    subject = subject_of(tmp_path, train, test=frame.iloc[N_TRAIN:])
    same = severities(check_rows(subject).findings)
    finding = check_rows(subject).findings[0]
    assert same["same-rows"] == "high"
    assert finding.numbers["validation_share"] > 0.7
    assert finding.numbers["test_share"] == 0
    assert finding.numbers["conflicting_rows"] == 120
    assert len(finding.rows) == 50


def test_twins_in_train_and_test_alike_are_told_and_no_alarm(tmp_path):
    frame = clean(n=300)
    whole = pd.concat([frame, frame]).sample(frac=1, random_state=1).reset_index(drop=True)
    whole["id"] = [f"{i:05d}" for i in range(len(whole))]
    finding = check_rows(subject_of(tmp_path, whole)).findings[0]
    assert finding.severity == "medium"
    assert abs(finding.numbers["validation_share"] - finding.numbers["test_share"]) < 0.2


def test_rows_that_are_nearly_the_same_are_found(tmp_path):
    frame = clean()
    again = frame.iloc[:200].assign(id=[f"9{i:05d}" for i in range(200)])
    for name in ("size", "weight", "speed"):
        again[name] += RANDOM.normal(scale=0.0005, size=200)
    subject = subject_of(tmp_path, pd.concat([frame.iloc[:200], again]), test=frame.iloc[N_TRAIN:])
    same, near = check_rows(subject).findings
    assert (same.severity, near.severity) == ("ok", "high")
    assert near.numbers["validation_share"] > 0.6


def test_few_distinct_values_make_twins_by_themselves(tmp_path):
    frame = clean().drop(columns=["size", "weight", "speed"])
    frame["shape"] = RANDOM.choice(["round", "flat"], len(frame))
    finding = check_rows(subject_of(tmp_path, frame)).findings[0]
    assert finding.severity == "low"
    assert finding.numbers["by_chance"] > 0.9


WORDS = ("river", "stone", "cloud", "window", "letter", "garden", "paper", "silver", "winter", "market", "engine")


def sentences(n, seed):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, 14)) for _ in range(n)]


def test_texts_that_differ_by_a_word_are_near(tmp_path):
    texts = sentences(N_TRAIN + N_TEST, 1)
    texts[200:400] = [t.upper() + " indeed!" for t in texts[:200]]
    frame = clean()[["id", "bought"]].assign(text=texts)
    finding = only(check_texts(subject_of(tmp_path, frame)))
    assert (finding.name, finding.severity) == ("near-texts", "high")
    assert finding.numbers["validation_share"] > 0.7
    assert finding.numbers["test_share"] < 0.05


def test_near_texts_of_other_words_are_apart():
    texts = sentences(300, 2)
    assert len(np.unique(near_texts(texts))) > 290
    assert len(np.unique(near_texts([t + "." for t in texts[:5]] + texts[:5]))) == 5
    assert len(np.unique(near_texts(["", "", "ok", "ok"]))) == 4


# The target in other words


def test_a_column_that_is_the_target_is_found(tmp_path):
    frame = clean()
    frame["code"] = np.where(
        frame["bought"] == "yes", RANDOM.integers(50, 99, len(frame)), RANDOM.integers(1, 50, len(frame))
    )
    finding = only(check_columns(subject_of(tmp_path, frame)))
    assert (finding.name, finding.severity, finding.columns) == ("target-in-disguise", "high", ("code",))
    assert finding.numbers["share"] > 0.97


def test_an_amount_in_another_unit_is_found(tmp_path):
    frame = clean().drop(columns="bought")
    frame["price"] = (100 + 20 * frame["size"]).round(2)
    frame["cents"] = (100 * frame["price"] + RANDOM.normal(size=len(frame))).round()
    names = {
        f.columns[0]: f.severity
        for f in check_columns(subject_of(tmp_path, frame, target="price", metric="rmse")).findings
    }
    assert names["cents"] == "high"


def test_an_id_that_tells_the_target_is_found(tmp_path):
    frame = clean().sort_values("bought", kind="stable").reset_index(drop=True)
    frame["id"] = [f"{i:05d}" for i in range(len(frame))]
    frame = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    finding = only(check_names(subject_of(tmp_path, frame)))
    assert (finding.name, finding.severity) == ("names", "high")
    assert finding.numbers["share"] > 0.9
    assert finding.numbers["test_alike"] > 0.9


def test_a_part_of_an_id_that_tells_the_target_is_found(tmp_path):
    frame = clean()
    frame["id"] = np.where(frame["bought"] == "yes", "kx", "qz") + "_" + frame["id"]
    finding = only(check_names(subject_of(tmp_path, frame)))
    assert (finding.severity, finding.title) == ("high", "The part 1 of id `id` tells the target")


def test_sorted_rows_are_told(tmp_path):
    train = clean().iloc[:N_TRAIN].sort_values("bought", kind="stable")
    finding = only(check_names(subject_of(tmp_path, train, test=clean(1).iloc[N_TRAIN:])))
    assert (finding.name, finding.severity) == ("row-order", "medium")


# What features.py saw

ENCODES = """
import pandas as pd
from pathlib import Path


def add_features(table):
    train = pd.read_csv({path})
    means = (train["bought"] == "yes").groupby(train["color"]).mean()
    return table.assign(
        color_mean=table["color"].map(means), share=table["size"].rank(pct=True), double=2 * table["weight"]
    )
"""


@pytest.mark.parametrize("path", ['"data/raw/train.csv"', 'Path(__file__).parent / "data" / "raw" / "train.csv"'])
def test_features_that_read_the_target_are_found(tmp_path, monkeypatch, path):
    folder = project_of(tmp_path, clean(), features=ENCODES.format(path=path))
    monkeypatch.chdir(folder)
    from aicomp.validation.subject import Subject

    of_target, of_rows = check_features(Subject.of(Project.open(folder))).findings
    assert (of_target.name, of_target.severity, of_target.columns) == ("features-target", "high", ("color_mean",))
    assert (of_rows.name, of_rows.severity, of_rows.columns) == ("features-rows", "medium", ("share",))


def test_features_of_single_rows_are_fine_and_random_ones_are_told(tmp_path):
    alone = "def add_features(table):\n    return table.assign(double=2 * table['size'])\n"
    assert only(check_features(subject_of(tmp_path / "a", clean(), features=alone))).severity == "ok"
    chance = (
        "import numpy as np\n\n\ndef add_features(table):\n"
        "    return table.assign(noise=np.random.default_rng().normal(size=len(table)))\n"
    )
    finding = only(check_features(subject_of(tmp_path / "b", clean(), features=chance)))
    assert (finding.name, finding.columns) == ("features-random", ("noise",))


def test_features_that_fail_on_fewer_rows_are_told(tmp_path):
    code = "def add_features(table):\n    assert len(table) in (400, 200), len(table)\n    return table\n"
    finding = only(check_features(subject_of(tmp_path, clean(), features=code)))
    assert finding.severity == "low"
    assert "AssertionError: 320" in finding.evidence


# Labels and noise


def test_flipped_labels_are_found(tmp_path):
    frame = clean()
    frame["bought"] = np.where(frame["size"] > 0, "yes", "no")
    flipped = RANDOM.choice(N_TRAIN, 24, replace=False)
    frame.loc[flipped, "bought"] = np.where(frame["bought"][flipped] == "yes", "no", "yes")
    subject = subject_of(tmp_path, frame)
    finding = only(check_labels(subject, Predictions(subject)))
    assert finding.severity == "medium"
    assert 0.03 < finding.numbers["estimated_share"] < 0.12
    named = {row.split(" ")[0] for row in finding.rows[:24]}
    assert len(named & set(frame["id"][flipped])) >= 16  # 1.4 by chance


def test_confident_joint_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7]])
    # Thresholds: label 0 (rows 0, 1, 2): (0.9 + 0.7 + 0.2) / 3 = 0.6; label 1 (rows 3, 4): 0.8.
    found = confident_joint(np.array([0, 0, 0, 1, 1]), probabilities)
    assert found.places.tolist() == [2]
    # Joint: of label 0, two for 0 and one for 1, scaled to 3 rows; of label 1, one for 1, scaled to 2 rows.
    assert found.share == pytest.approx(1 / 5)
    assert found.margins.tolist() == pytest.approx([0.6])


def test_noise_of_folds_is_that_of_their_rows(tmp_path):
    subject = subject_of(tmp_path, clean())
    finding = only(check_noise(subject, Predictions(subject)))
    assert finding.severity == "ok"
    assert 0.01 < finding.numbers["standard_error"] < 0.05
    assert finding.numbers["gain_needed"] > 2 * finding.numbers["standard_error"]


def test_leaving_out_by_hand(tmp_path):
    subject = subject_of(tmp_path, clean().assign(bought=np.arange(N_TRAIN + N_TEST) % 7.0), metric="mae")
    rows = np.arange(25)
    errors = np.arange(25.0)
    predicted = Predicted("x", [rows], [subject.y[rows] + errors])
    scores, without = leaving_out(subject.task, subject.y, predicted)
    assert scores[0] == pytest.approx(12)  # mean of 0 to 24
    assert sorted(without[:, 0]) == pytest.approx(sorted((300 - errors) / 24))


# Parts


def test_bins_and_what_they_tell():
    assert bins_of(np.array([1.0, 2.0, np.nan])).tolist() == [0, 1, 2]
    noise = explained(RANDOM.integers(0, 30, 3000), RANDOM.normal(size=(3000, 1)))
    assert abs(noise.share) < 0.02
    assert noise.z < 3
    x = RANDOM.normal(size=3000)
    half = explained(bins_of(x), (x + RANDOM.normal(size=3000))[:, None])
    assert 0.42 < half.share < 0.55  # half of the variance is noise
    assert half.z > 20


def test_auc_and_its_noise():
    assert auc(np.array([1.0, 1.0]), np.array([True, False])) == 0.5
    found = [auc(RANDOM.normal(size=200), np.arange(200) < 80) for _ in range(300)]
    assert np.std(found) == pytest.approx(auc_error(80, 120), rel=0.2)
