"""Class labels in the order of their codes, and which of two is the positive class.

Nothing heavy is imported here: the command line and the inference of a contract use it alike.
"""

import math
import re
from collections.abc import Iterable

_POSITIVE = """
1 yes y true t on + pos positive present pass passed success win won active approved accepted spam fraud malignant toxic
churn churned sick ill disease defect defective failure click clicked survived oui si sí ja да 是 はい
"""
_NEGATIVE = """
0 -1 no n false f off - neg negative absent fail failed loss lost inactive rejected declined ham legit genuine benign
normal healthy ok none control stayed died non nein нет 否 いいえ
"""

POSITIVE_WORDS = frozenset(_POSITIVE.split())
"""Words, in lower case, that name the class a competition asks about."""

NEGATIVE_WORDS = frozenset(_NEGATIVE.split())
"""Words, in lower case, that name the other class."""

_NEGATION = re.compile(r"^(not?|non|without|never)[ _-]+|^(un|in)(?=[a-z])")


def order_labels(values: Iterable[str]) -> tuple[list[str], str]:
    """Distinct labels in the order of their codes; of two labels, the second is the positive class.

    Labels that are all numbers are sorted by their value. Of two labels, a word that says yes comes last; so does
    the label that the other one negates. All else is sorted as text.

    Args:
        values: Labels, spelled as in the file; repetitions count once.

    Returns:
        The labels, and why they stand in this order.

    >>> order_labels(["10", "9", "2"])
    (['2', '9', '10'], 'sorted by value')
    >>> order_labels(["Yes", "No", "Yes"])
    (['No', 'Yes'], '`Yes` is a word for the positive class')
    >>> order_labels(["no rain", "rain"])
    (['no rain', 'rain'], '`no rain` is the negation of `rain`')
    >>> order_labels([">50K", "<=50K"])
    (['<=50K', '>50K'], 'sorted as text')
    """
    distinct = set(values)
    numbers = {label: _number(label) for label in distinct}
    if all(number is not None for number in numbers.values()):
        return sorted(distinct, key=lambda label: (numbers[label], label)), "sorted by value"
    labels = sorted(distinct)
    if len(labels) == 2:
        for negative, positive in (labels, labels[::-1]):
            reason = _reason(negative, positive)
            if reason:
                return [negative, positive], reason
    return labels, "sorted as text"


def with_positive(labels: Iterable[str], positive: str) -> list[str]:
    """The labels with `positive` last.

    >>> with_positive(["spam", "ham"], "spam")
    ['ham', 'spam']
    """
    return [*(label for label in labels if label != positive), positive]


def nearest_label(value: str, labels: Iterable[str]) -> str | None:
    """The label that a wrong spelling most likely means, None if there is none near.

    A spelling that differs in case, blanks or as a number ("1.0") comes first, then a word of the same meaning
    ("True" for "1"), then the most similar text.

    >>> nearest_label("true", ["False", "True"]), nearest_label("1.0", ["0", "1"]), nearest_label("True", ["0", "1"])
    ('True', '1', '1')
    >>> nearest_label("7", ["0", "1"]) is None
    True
    """
    from difflib import get_close_matches

    known = list(labels)
    for label in known:
        if same_label(value, label):
            return label
    if len(known) == 2:
        folded = value.strip().casefold()
        for words in (POSITIVE_WORDS, NEGATIVE_WORDS):
            fitting = [label for label in known if label.casefold() in words]
            if folded in words and len(fitting) == 1:
                return fitting[0]
    return next(iter(get_close_matches(value, known, n=1, cutoff=0.6)), None)


def same_label(a: str, b: str) -> bool:
    """Whether two texts differ at most in case, in blanks around them, or in how a number is written."""
    x, y = a.strip().casefold(), b.strip().casefold()
    return x == y or (_number(x) is not None and _number(x) == _number(y))


def _reason(negative: str, positive: str) -> str:
    low, high = negative.strip().casefold(), positive.strip().casefold()
    if high in POSITIVE_WORDS and low not in POSITIVE_WORDS:
        return f"`{positive}` is a word for the positive class"
    if low in NEGATIVE_WORDS and high not in NEGATIVE_WORDS:
        return f"`{negative}` is a word for the negative class"
    if _NEGATION.sub("", low) == high:
        return f"`{negative}` is the negation of `{positive}`"
    return ""


def _number(text: str) -> float | None:
    """The finite number that a text stands for, None if it is none; "1_000" is text."""
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
