"""Data of the embedded competitions: real tables that scikit-learn ships, and their split into train and hidden test.

The split must be the same everywhere and for ever, or scores could not be compared: it orders rows by SHA-256, which no
version of a library can change, instead of drawing random numbers.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SEED = 1
"""Goes into every hash, see `split_table`."""

TEST_SHARE = 0.3
"""Share of the rows, of each class if there are classes, whose targets are hidden."""

_DIABETES_NAMES = ("age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu")


def breast_cancer() -> "pd.DataFrame":
    """569 cell samples, 30 measurements each, and `diagnosis`: malignant or benign."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    return _table(data.data, names, "diagnosis", [str(data.target_names[code]) for code in data.target])


def wine() -> "pd.DataFrame":
    """178 wines, 13 chemical measurements each, and `cultivar`: class_0, class_1 or class_2."""
    from sklearn.datasets import load_wine

    data = load_wine()
    names = [name.replace("/", "_") for name in data.feature_names]
    return _table(data.data, names, "cultivar", [str(data.target_names[code]) for code in data.target])


def diabetes() -> "pd.DataFrame":
    """442 patients, 10 measurements each in their own units, and `progression` after a year."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    return _table(data.data, _DIABETES_NAMES, "progression", data.target)


def digits() -> "pd.DataFrame":
    """1797 images of 8 x 8 pixels from 0 to 16, row by row, and `digit`."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return _table(data.data, data.feature_names, "digit", data.target)


def iris() -> "pd.DataFrame":
    """150 flowers, 4 lengths each in cm, and `species`: setosa, versicolor or virginica."""
    from sklearn.datasets import load_iris

    data = load_iris()
    names = [name.replace(" (cm)", "_cm").replace(" ", "_") for name in data.feature_names]
    return _table(data.data, names, "species", [str(data.target_names[code]) for code in data.target])


TABLES: dict[str, "Callable[[], pd.DataFrame]"] = {
    "breast-cancer": breast_cancer,
    "diabetes": diabetes,
    "digits": digits,
    "iris": iris,
    "wine": wine,
}
"""Whole tables, targets included, by the slug of their competition."""


def _table(values: Any, names: Iterable[str], target_name: str, target: Any) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.DataFrame(values, columns=list(names)).assign(**{target_name: target})
    whole = [c for c in frame.select_dtypes("float").columns if (frame[c] == frame[c].round()).all()]
    return frame.astype(dict.fromkeys(whole, "int64"))


def split_table(table: "pd.DataFrame", slug: str, strata: Sequence[str] | None) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Split a table into train and test, both with targets and with a new first column `id`.

    Row i is ordered by the SHA-256 of "{slug}:{SEED}:split:{i}". The first `TEST_SHARE` of each stratum in that order
    is test. Ids are the ranks of the rows by the SHA-256 of "{slug}:{SEED}:id:{i}", and both parts are sorted by them:
    neither an id nor a row's place says anything about its target.

    Args:
        table: All rows, in the order of their source.
        slug: The competition's.
        strata: Stratum of each row, such as its class; None takes all rows as one.
    """
    rows_of: dict[str, list[int]] = {}
    for row, stratum in enumerate(strata if strata is not None else [""] * len(table)):
        rows_of.setdefault(stratum, []).append(row)
    test: set[int] = set()
    for rows in rows_of.values():
        test.update(sorted(rows, key=lambda i: _digest(slug, "split", i))[: round(TEST_SHARE * len(rows))])
    shuffled = sorted(range(len(table)), key=lambda i: _digest(slug, "id", i))
    numbered = table.iloc[shuffled].reset_index(drop=True)
    numbered.insert(0, "id", range(len(table)))
    is_test = [row in test for row in shuffled]
    return (
        numbered[[not hidden for hidden in is_test]].reset_index(drop=True),
        numbered[is_test].reset_index(drop=True),
    )


def _digest(slug: str, purpose: str, row: int) -> bytes:
    return hashlib.sha256(f"{slug}:{SEED}:{purpose}:{row}".encode()).digest()
