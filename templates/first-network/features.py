"""Features of a row, for `aicomp train`: edit this to give the network more to work with."""

import pandas as pd


def add_features(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with further columns; called on train (without the target) and on test, separately.

    One network with ten units is quickly at its limit. A column that says directly what matters, such as the
    ratio of two others, often helps more than more units:

        return table.assign(area=table["width"] * table["height"])
    """
    return table
