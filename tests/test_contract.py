import gzip
import zipfile

import pandas as pd
import pytest
from contract_cases import SAMPLE, TEST, TRAIN, write_tables
from hypothesis import given as for_all
from hypothesis import strategies as st

from aicomp.contract import Given, check_files, infer_contract
from aicomp.contract.columns import match_classes
from aicomp.contract.infer import slug_of
from aicomp.errors import DataError, UsageError


def infer(folder, ask=None, **given):
    return infer_contract(folder, Given(**({"metric": "roc_auc"} | given)), folder.name, ask)


def contract(folder, **given):
    return infer(folder, **given).competition


def value_of(inferred, what):
    return next(f.value for f in inferred.findings if f.what == what)


def with_target(values, name="paid"):
    return TRAIN.drop(columns="paid").assign(**{name: values})


# Files


def test_the_plain_case_is_found_with_its_reasons(tmp_path):
    inferred = infer(write_tables(tmp_path / "Paid bills"))
    c = inferred.competition
    assert (c.slug, c.title, c.problem_type) == ("paid-bills", "Paid bills", "binary")
    assert (c.id, c.target, c.labels, c.metric) == (("id",), ("paid",), ("No", "Yes"), "roc_auc")
    assert (c.files.train, c.files.test, c.files.sample_submission) == (
        "train.csv",
        "test.csv",
        "sample_submission.csv",
    )
    assert c.submission.columns == ("id", "paid")
    # The metric scores probabilities, though the labels are words.
    assert (c.submission.wants, c.submission.sum_to_one, c.first_row_id) == ("probability", False, None)
    found = ["train file", "test file", "sample submission", "id", "target"]
    assert [f.what for f in inferred.findings] == [*found, "metric", "problem type", "labels", "submission"]
    assert all(f.because for f in inferred.findings)


@pytest.mark.parametrize(
    "sample", ["gender_submission.csv", "sampleSubmission.csv", "SampleSubmission.csv", "sample.csv", "submission.csv"]
)
def test_sample_submissions_have_many_names(tmp_path, sample):
    write_tables(tmp_path)
    (tmp_path / "sample_submission.csv").rename(tmp_path / sample)
    assert contract(tmp_path).files.sample_submission == sample


def test_files_may_be_packed(tmp_path):
    write_tables(tmp_path)
    with zipfile.ZipFile(tmp_path / "train.csv.zip", "w") as archive:
        archive.write(tmp_path / "train.csv", "train.csv")
    (tmp_path / "test.csv.gz").write_bytes(gzip.compress((tmp_path / "test.csv").read_bytes()))
    TEST.assign(paid=0.5)[["id", "paid"]].to_csv(tmp_path / "sample_submission.tsv", sep="\t", index=False)
    for name in ("train", "test", "sample_submission"):
        (tmp_path / f"{name}.csv").unlink()
    files = contract(tmp_path).files
    assert (files.train, files.test, files.sample_submission) == (
        "train.csv.zip",
        "test.csv.gz",
        "sample_submission.tsv",
    )


def test_of_one_table_in_two_forms_the_plain_one_is_read(tmp_path):
    write_tables(tmp_path)
    (tmp_path / "train.csv.gz").write_bytes(b"not read")
    inferred = infer(tmp_path)
    assert inferred.competition.files.train == "train.csv"
    assert "not train.csv.gz" in inferred.findings[0].because


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    write_tables(tmp_path)
    TRAIN.to_parquet(tmp_path / "train.parquet")
    (tmp_path / "train.csv").unlink()
    c = contract(tmp_path)
    assert (c.files.train, c.labels) == ("train.parquet", ("No", "Yes"))


def test_other_files_are_left_alone(tmp_path):
    write_tables(tmp_path)
    (tmp_path / "customers.csv").write_text("ragged\n1,2,3\n")
    (tmp_path / "images.zip").write_bytes(b"")
    (tmp_path / "data_description.txt").write_text("train")
    assert contract(tmp_path).files.train == "train.csv"


def test_where_names_tell_nothing_the_columns_do(tmp_path):
    write_tables(tmp_path)
    for old, new in (("train", "learn"), ("test", "predict"), ("sample_submission", "answer")):
        (tmp_path / f"{old}.csv").rename(tmp_path / f"{new}.csv")
    (tmp_path / "colors.csv").write_text("color,hue\nred,0\n")
    inferred = infer(tmp_path)
    files = inferred.competition.files
    assert (files.train, files.test, files.sample_submission) == ("learn.csv", "predict.csv", "answer.csv")
    assert [f.because for f in inferred.findings[:3]] == ["by its columns"] * 3


def test_two_train_files_are_named_in_the_error_and_asked_for_on_a_terminal(tmp_path):
    write_tables(tmp_path)
    (tmp_path / "train.csv").rename(tmp_path / "train_2019.csv")
    with_target(["Yes", "No"] * 3).to_csv(tmp_path / "train_2020.csv", index=False)
    with pytest.raises(UsageError, match=r"train file: `train_2019.csv`, `train_2020.csv`") as e:
        infer(tmp_path)
    assert "--train train_2019.csv" in e.value.hint
    assert contract(tmp_path, train="train_2020.csv").files.train == "train_2020.csv"
    asked = []

    def ask(question, candidates):
        asked.append((question, list(candidates)))
        return "train_2019.csv"

    assert infer(tmp_path, ask).competition.files.train == "train_2019.csv"
    assert asked == [("Which file is the train file?", ["train_2019.csv", "train_2020.csv"])]


def test_no_sample_submission(tmp_path):
    (write_tables(tmp_path) / "sample_submission.csv").unlink()
    with pytest.raises(DataError, match=r"holds no sample submission; its tables: test.csv, train.csv") as e:
        infer(tmp_path)
    assert e.value.hint == "add `--sample FILE`"


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="holds no table"):
        infer(tmp_path)


@pytest.mark.parametrize("name", ["trian.csv", "../train.csv", "/etc/passwd"])
def test_a_given_file_lies_in_the_folder(tmp_path, name):
    write_tables(tmp_path / "in")
    (tmp_path / "train.csv").touch()
    with pytest.raises(UsageError, match=f"`--train`: `{name}`") as e:
        infer(tmp_path / "in", train=name)
    assert "train.csv" in e.value.hint


def test_one_file_cannot_be_two(tmp_path):
    with pytest.raises(UsageError, match=r"`test.csv` is taken both for the test file and for the sample submission"):
        infer(write_tables(tmp_path), sample="test.csv")


# Ids


def test_several_id_columns(tmp_path):
    keys = {"shop": ["a", "a", "b", "b", "c", "c"], "day": ["1", "2", "1", "2", "1", "2"]}
    train = TRAIN.drop(columns="id").assign(**keys)
    test = TEST.drop(columns="id").assign(shop=["a", "b"], day=["3", "3"])
    sample = pd.DataFrame({"shop": ["b", "a"], "day": ["3", "3"], "paid": 0})  # in another order
    assert contract(write_tables(tmp_path, train, test, sample)).id == ("shop", "day")


@pytest.mark.parametrize("first", [0, 1, 100])
def test_a_sample_that_counts_the_rows_of_test(tmp_path, first):
    train, test = TRAIN.drop(columns="id"), TEST.drop(columns="id")
    sample = pd.DataFrame({"RowId": [first, first + 1], "paid": 0.5})
    c = contract(write_tables(tmp_path, train, test, sample))
    assert (c.id, c.first_row_id, c.target) == (("RowId",), first, ("paid",))


def test_a_sample_that_counts_wrongly(tmp_path):
    train, test = TRAIN.drop(columns="id"), TEST.drop(columns="id")
    sample = pd.DataFrame({"RowId": [1, 3], "paid": 0.5})
    with pytest.raises(DataError, match=r"`RowId` does not count its rows: line 3 holds `3`"):
        infer(write_tables(tmp_path, train, test, sample))


def test_a_sample_without_ids_follows_the_rows_of_test(tmp_path):
    train, test = TRAIN.drop(columns="id"), TEST.drop(columns="id")
    c = contract(write_tables(tmp_path, train, test, SAMPLE[["paid"]]))
    assert (c.id, c.first_row_id, c.submission.columns) == ((), None, ("paid",))


def test_an_id_in_other_letters_is_no_row_number(tmp_path):
    test = TEST.assign(id=["0", "1"])
    sample = pd.DataFrame({"Id": [0, 1], "paid": 0.5})
    with pytest.raises(DataError, match=r"`Id` in `sample_submission.csv` and `id` in `test.csv`"):
        infer(write_tables(tmp_path, test=test, sample=sample))


def test_a_target_column_that_test_leaves_empty(tmp_path):
    c = contract(write_tables(tmp_path, test=TEST.assign(paid="")))
    assert (c.id, c.target) == (("id",), ("paid",))


def test_a_target_that_test_has_must_be_named(tmp_path):
    folder = write_tables(tmp_path, test=TEST.assign(paid=["No", "Yes"]))
    with pytest.raises(UsageError, match="which of them is to be predicted") as e:
        infer(folder)
    assert "--target" in e.value.hint
    assert contract(folder, target=("paid",)).target == ("paid",)


# Targets


def test_a_target_by_another_name(tmp_path):
    folder = write_tables(tmp_path, sample=SAMPLE.rename(columns={"paid": "prediction"}))
    c = contract(folder)
    assert (c.target, c.submission.columns) == (("paid",), ("id", "prediction"))


def test_several_targets_of_zeros_and_ones_are_labels(tmp_path):
    train = TRAIN.drop(columns="paid").assign(late=[0, 1, 0, 1, 0, 1], lost=[1, 1, 1, 0, 0, 0])
    folder = write_tables(tmp_path, train, sample=SAMPLE[["id"]].assign(lost=0, late=0))
    c = contract(folder, metric="f1_macro")
    assert (c.problem_type, c.target, c.labels) == ("multilabel", ("lost", "late"), ())
    assert c.submission.wants == "label"
    assert contract(folder, metric="mcrmse").problem_type == "multi-target"
    assert contract(folder, metric="mcrmse", target=("late", "lost")).target == ("lost", "late")


def test_several_targets_of_numbers(tmp_path):
    train = TRAIN.drop(columns="paid").assign(high=[1, 2, 3, 4, 5, 6], wide=[0.5, 1, 2, 3, 4, 5])
    folder = write_tables(tmp_path, train, sample=SAMPLE[["id"]].assign(high=0, wide=0))
    assert contract(folder, metric="mcrmse").problem_type == "multi-target"
    with pytest.raises(UsageError, match=r"`rmsle` is for regression, and the target has 2 columns of numbers"):
        infer(folder, metric="rmsle")


@pytest.mark.parametrize("prefix", ["", "Status_"])
def test_a_column_per_class(tmp_path, prefix):
    train = with_target(["D", "C", "CL", "D", "C", "CL"], "Status")
    sample = SAMPLE[["id"]].assign(**{f"{prefix}{label}": 1 / 3 for label in ("D", "CL", "C")})
    c = contract(write_tables(tmp_path, train, sample=sample), metric="log_loss")
    assert (c.problem_type, c.target, c.labels) == ("multiclass", ("Status",), ("D", "CL", "C"))
    assert (c.submission.wants, c.submission.sum_to_one) == ("probability", True)


def test_columns_that_are_no_classes(tmp_path):
    sample = SAMPLE[["id"]].assign(Yes=0.5, Maybe=0.5)
    with pytest.raises(DataError, match=r"`Yes`, `Maybe`, .* nor the classes of `paid` \(`No`, `Yes`\)"):
        infer(write_tables(tmp_path, sample=sample), metric="log_loss")


def test_columns_of_which_train_has_only_some(tmp_path):
    with pytest.raises(DataError, match=r"asks for `fee`, which neither `train.csv` nor `test.csv` has"):
        infer(write_tables(tmp_path, sample=SAMPLE.assign(fee=0)))


def test_which_of_several_columns_is_the_target(tmp_path):
    train = TRAIN.assign(fee=[1, 2, 3, 4, 5, 6])
    folder = write_tables(tmp_path, train, sample=SAMPLE.rename(columns={"paid": "prediction"}))
    with pytest.raises(UsageError, match="which column is the target: `paid`, `fee`"):
        infer(folder)
    assert contract(folder, target=("fee",), metric="rmse").target == ("fee",)
    with pytest.raises(UsageError, match="`fees`") as e:
        infer(folder, target=("fees",))
    assert "did you mean `fee`?" in e.value.hint


@for_all(
    st.sets(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=4), min_size=2, max_size=8),
    st.text(max_size=6),
    st.randoms(),
)
def test_classes_are_found_behind_any_prefix_in_any_order(labels, prefix, random):
    order = sorted(labels)
    random.shuffle(order)
    assert match_classes(labels, [f"{prefix}{label}" for label in order]) == tuple(order)


# Problem type, metric, submission


@pytest.mark.parametrize(
    ("metric", "problem_type", "labels", "wants"),
    [
        ("accuracy", "multiclass", ("3", "4", "10"), "label"),
        ("quadratic_weighted_kappa", "multiclass", ("3", "4", "10"), "label"),
        ("rmse", "regression", (), "value"),
    ],
)
def test_the_metric_decides_what_small_numbers_are(tmp_path, metric, problem_type, labels, wants):
    c = contract(write_tables(tmp_path, with_target([10, 3, 4, 3, 10, 4])), metric=metric)
    assert (c.problem_type, c.labels, c.submission.wants) == (problem_type, labels, wants)


def test_whole_numbers_in_a_row_under_the_kappa_are_amounts(tmp_path):
    c = contract(write_tables(tmp_path, with_target([1, 3, 2, 3, 1, 2])), metric="qwk")
    assert (c.problem_type, c.labels, c.submission.wants) == ("regression", (), "label")
    given = contract(
        write_tables(tmp_path / "b", with_target([1, 3, 2, 3, 1, 2])), metric="qwk", problem_type="multiclass"
    )
    assert (given.problem_type, given.labels) == ("multiclass", ("1", "2", "3"))


def test_a_metric_in_another_spelling(tmp_path):
    assert contract(write_tables(tmp_path), metric="Area Under the ROC Curve").metric == "roc_auc"


def test_a_metric_that_does_not_fit(tmp_path):
    folder = write_tables(tmp_path, with_target([10, 3, 4, 3, 10, 4]))
    with pytest.raises(UsageError, match=r"`roc_auc` is for binary, and the target has 3 distinct numbers") as e:
        infer(folder)
    assert "`accuracy`" in e.value.hint
    with pytest.raises(UsageError, match=r"`log_loss` needs a probability for each of 3 classes"):
        infer(folder, metric="log_loss")
    with pytest.raises(UsageError, match="unknown metric `rocauk`"):
        infer(folder, metric="rocauk")
    with pytest.raises(UsageError, match=r"`--metric metric:mine` lies in a project"):
        infer(folder, metric="metric:mine")


def test_a_page_that_says_the_metric_in_a_sentence(tmp_path):
    sentence = "Submissions are evaluated on area under the ROC curve between the predicted probability and the target."
    inferred = infer(write_tables(tmp_path), metric=None, stated_metric=sentence)
    assert inferred.competition.metric == "roc_auc"
    assert f"Kaggle says `{sentence}`" in [finding.because for finding in inferred.findings]


def test_the_target_tells_two_metrics_of_one_name_apart(tmp_path):
    folder = write_tables(tmp_path)
    assert contract(folder, metric=None, stated_metric="Normalized Gini Index").metric == "gini"
    assert contract(folder, metric="Normalized Gini Index").metric == "gini"


def test_a_page_that_may_mean_several_metrics_is_not_guessed(tmp_path):
    folder = write_tables(tmp_path)
    with pytest.raises(UsageError) as e:
        infer(folder, metric=None, stated_metric="Weighted Multiclass Loss")
    assert e.value.message == (
        "Kaggle scores by `Weighted Multiclass Loss`, which may be balanced_log_loss or weighted_log_loss here: "
        "several metrics go by that name"
    )
    # The other one only grades.
    assert e.value.hint.startswith("add `--metric NAME` with the one that is meant: balanced_log_loss; all that fit: ")
    asked = {}

    def ask(question, candidates):
        asked["words"], asked["first"] = question, candidates[0]
        return "balanced_log_loss"

    assert infer(folder, ask, metric=None, stated_metric="Weighted Multiclass Loss").competition.metric == (
        "balanced_log_loss"
    )
    assert asked["first"] == "balanced_log_loss"
    assert "may be balanced_log_loss or weighted_log_loss here" in asked["words"]


def test_a_page_whose_metric_is_known_to_be_none_of_ours(tmp_path):
    with pytest.raises(UsageError, match=r"`Custom Metric`, which is no metric of aicomp \(it only says that the comp"):
        infer(write_tables(tmp_path), metric=None, stated_metric="Custom Metric")


def test_without_a_metric_the_candidates_are_listed_or_asked(tmp_path):
    folder = write_tables(tmp_path)
    with pytest.raises(UsageError, match="which metric scores the submissions") as e:
        infer(folder, metric=None)
    assert e.value.hint == (
        "add `--metric NAME`, which is on the competition's page, such as for binary roc_auc, log_loss, accuracy, f1, "
        "mcc; `aicomp list metrics` shows all"
    )
    asked = infer(folder, lambda question, candidates: "Log Loss", metric=None)
    assert (asked.competition.metric, value_of(asked, "metric")) == ("log_loss", "log_loss")


def test_a_problem_type_can_be_set(tmp_path):
    folder = write_tables(tmp_path, with_target([0, 1, 0, 1, 0, 1]))
    assert contract(folder, metric="accuracy").problem_type == "binary"
    assert contract(folder, metric="accuracy", problem_type="multiclass").problem_type == "multiclass"
    with pytest.raises(UsageError, match="unknown problem type `binray`"):
        infer(folder, problem_type="binray")


def test_labels_that_the_sample_spells_otherwise_are_noted(tmp_path):
    inferred = infer(write_tables(tmp_path, sample=SAMPLE.assign(paid=0)), metric="accuracy")
    assert value_of(inferred, "note") == "sample_submission.csv holds `0`"


def test_free_text_is_no_target(tmp_path):
    train = with_target(["ein Hund", "zwei Hunde", "ein Haus", "ein Baum", "ein Boot", "ein Ball"])
    with pytest.raises(DataError, match=r"line 2: the target `paid` is `ein Hund`; 6 distinct texts in 6 rows"):
        infer(write_tables(tmp_path, train), metric="accuracy")


# What is wrong with the data


def damaged(column, row, value, table=TRAIN):
    changed = table.astype(object)
    changed.loc[row, column] = value
    return changed


def refuses(folder, message, **given):
    with pytest.raises(DataError) as e:
        infer(folder, **given)
    assert message in e.value.message
    assert e.value.hint


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (TRAIN.drop(columns="paid"), "`train.csv` has no target: `sample_submission.csv` asks for `paid`"),
        (with_target("Yes"), "`train.csv`: the target `paid` is `Yes` in every row"),
        (with_target(""), "`train.csv`: the target `paid` holds no value"),
        (damaged("paid", 3, ""), "`train.csv` line 5: target `paid` is missing"),
        (damaged("size", 2, "inf"), "`train.csv` line 4: `size` is `inf`, which is not finite"),
        (damaged("id", 4, "002"), "`train.csv` line 6: id `002` appears a second time"),
        (TRAIN.assign(a=1, b=2, c=3), "`test.csv` lacks 3 of the 5 columns of `train.csv`: `a`, `b`, `c`"),
    ],
)
def test_what_is_wrong_with_train_is_named_with_its_place(tmp_path, train, message):
    refuses(write_tables(tmp_path, train), message)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"test": damaged("id", 1, "007", TEST)}, "`test.csv` line 3: id `007` appears a second time"),
        ({"test": damaged("id", 1, "", TEST)}, "`test.csv` line 3: id `id` is missing"),
        ({"test": TEST[["id"]]}, "`test.csv` has none of the columns to predict from"),
        ({"sample": damaged("id", 1, "007", SAMPLE)}, "`sample_submission.csv` line 3: id `007` appears a second"),
        ({"sample": damaged("id", 1, "8", SAMPLE)}, "`sample_submission.csv` line 3: `id` `8` is not in `test.csv`"),
        ({"sample": SAMPLE[:1]}, "`test.csv` line 3: `id` `008` is not in `sample_submission.csv`"),
    ],
)
def test_what_is_wrong_with_test_and_sample_is_named_with_its_place(tmp_path, tables, message):
    refuses(write_tables(tmp_path, **tables), message)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (7, "`train.csv`: the target `paid` is `7` in every row"),
        ([1.5, 2, 3, "many", 5, 6], "`train.csv` line 5: `paid` is `many`, which is no number"),
    ],
)
def test_what_is_no_amount_is_named_with_its_place(tmp_path, values, message):
    refuses(write_tables(tmp_path, with_target(values)), message, metric="rmse")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("train.csv", b"", "`train.csv` is empty"),
        ("test.csv", b"id,size,color\n", "`test.csv` has a header and no rows"),
        ("train.csv", b"id,size,color,paid\n1,2,red\n", "`train.csv` line 2 has 3 fields, the header has 4: `1,2,red`"),
        (
            "train.csv",
            b"id,size,color,paid\n1,2,gr\xfcn,No\n",
            "`train.csv` line 2, character 7: byte 0xfc is not utf-8",
        ),
    ],
)
def test_unreadable_files(tmp_path, file, content, message):
    (write_tables(tmp_path) / file).write_bytes(content)
    with pytest.raises(DataError) as e:
        infer(tmp_path)
    assert e.value.message.startswith(message)


def test_an_encoding_can_be_given(tmp_path):
    path = write_tables(tmp_path) / "train.csv"
    path.write_bytes(path.read_text().replace("red", "grün").encode("cp1252"))
    assert contract(tmp_path, encoding="cp1252").files.encoding == "cp1252"


def test_columns_that_only_train_has_are_noted(tmp_path):
    train = TRAIN.assign(casual=1, registered=2)
    inferred = infer(write_tables(tmp_path, train))
    assert value_of(inferred, "only in train") == "casual, registered"
    # Named by hand, even a test file that lacks most columns is meant.
    folder = write_tables(tmp_path, TRAIN.assign(a=1, b=2, c=3))
    assert value_of(infer(folder, train="train.csv", test="test.csv"), "only in train") == "a, b, c"


def test_group_and_time_are_given_and_a_later_test_is_only_noted(tmp_path):
    days = [f"2020-01-0{d}" for d in range(1, 7)]
    folder = write_tables(tmp_path, TRAIN.assign(day=days), TEST.assign(day=["2020-01-07", "2020-02-01"]))
    inferred = infer(folder)
    assert (inferred.competition.time, value_of(inferred, "note")) == (None, "test is later by day")
    c = contract(folder, time="day", group="color")
    assert (c.time, c.group) == ("day", "color")
    with pytest.raises(UsageError, match="`colour`") as e:
        infer(folder, group="colour")
    assert "did you mean `color`?" in e.value.hint


def test_files_are_checked_against_a_contract_that_is_there(tmp_path):
    folder = write_tables(tmp_path)
    c = contract(folder)
    check_files(c, folder)
    write_tables(folder, sample=SAMPLE.assign(fee=0))
    with pytest.raises(
        DataError, match=r"`sample_submission.csv` has the columns `id`, `paid`, `fee`, not `id`, `paid`"
    ):
        check_files(c, folder)


@for_all(st.text())
def test_a_slug_is_safe_and_stays_itself(text):
    slug = slug_of(text)
    assert slug == slug_of(slug)
    assert slug.replace("-", "").isalnum()
    assert slug.isascii()


def test_a_slug_that_is_none(tmp_path):
    with pytest.raises(UsageError) as e:
        infer(write_tables(tmp_path), slug="My Bills/")
    assert e.value.hint == "try `--slug my-bills`"
