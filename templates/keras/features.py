"""Your own features: the first place to look for a better score."""

import pandas as pd


def add_features(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with your own columns; its rows and their order stay.

    It is called on train (without the target) and on test, each by itself. What is computed from one row is safe.
    What is computed from several rows, such as a mean, would differ between the two and let validation rows see
    each other: such scaling and counting is the encoder's part, which learns from the training rows of a fold alone.

    A column that says directly what matters often helps more than a larger network. For example:

        return table.assign(
            family_size=table["SibSp"] + table["Parch"] + 1,
            deck=table["Cabin"].str[0],
            age_is_known=table["Age"].notna(),
        )
    """
    return table
