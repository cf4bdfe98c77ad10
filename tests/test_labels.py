import pytest

from aicomp.labels import nearest_label, order_labels, with_positive


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["1.5", "1", "0"], ["0", "1", "1.5"]),
        (["True", "False"], ["False", "True"]),
        (["spam", "ham"], ["ham", "spam"]),
        (["normal", "abnormal"], ["normal", "abnormal"]),
        (["toxic", "non-toxic"], ["non-toxic", "toxic"]),
        (["sold", "unsold"], ["unsold", "sold"]),
        ([">50K", "<=50K"], ["<=50K", ">50K"]),
        (["pos", "neg"], ["neg", "pos"]),
        (["setosa", "virginica", "no", "yes"], ["no", "setosa", "virginica", "yes"]),
        (["nan", "7"], ["7", "nan"]),
        (["1_0", "9"], ["1_0", "9"]),
    ],
)
def test_order_does_not_depend_on_the_rows(values: list[str], labels: list[str]) -> None:
    assert order_labels(values)[0] == labels
    assert order_labels(reversed(values * 2))[0] == labels


def test_unknown_words_stay_in_text_order_and_the_reason_says_so() -> None:
    assert order_labels(["edible", "poisonous"]) == (["edible", "poisonous"], "sorted as text")
    assert order_labels(["yes", "true"]) == (["true", "yes"], "sorted as text")  # both are positive words


def test_positive_goes_last() -> None:
    assert with_positive(["a", "b", "c"], "a") == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("value", "labels", "near"),
    [
        ("TRUE", ["False", "True"], "True"),
        (" Yes", ["No", "Yes"], "Yes"),
        ("0.0", ["0", "1"], "0"),
        ("no", ["False", "True"], "False"),
        ("versicolour", ["setosa", "versicolor"], "versicolor"),
        ("quince", ["apple", "pear"], None),
    ],
)
def test_nearest_label(value: str, labels: list[str], near: str | None) -> None:
    assert nearest_label(value, labels) == near
