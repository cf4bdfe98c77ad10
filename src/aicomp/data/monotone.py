"""Columns with which predictions may only rise, or only fall: `monotone` under `[model]`."""

from collections.abc import Mapping, Sequence

from aicomp.data.columns import Column
from aicomp.data.encoding import Encoder
from aicomp.data.places import pair_names
from aicomp.errors import UsageError
from aicomp.suggest import unknown_name


def check_monotone(asked: Mapping[str, int], columns: Sequence[Column]) -> None:
    """Refuse a direction for a column that has none.

    Args:
        asked: Column -> 1 or -1.
        columns: How the project's columns are taken.

    Raises:
        UsageError: A column that is unknown, or of another kind than numbers, or that is half of a place.
    """
    kinds = {column.name: column for column in columns}
    places = {name for pair in pair_names([c.name for c in columns if c.kind == "number"]) for name in pair}
    for name in asked:
        if name not in kinds:
            error = unknown_name("column", name, kinds)
            raise UsageError(f"`model.monotone`: {error.message}", error.hint)
        kind = kinds[name].kind
        if kind not in ("number", "boolean"):
            hint = f'write `"{name}" = "number"` under [columns], if it measures something' if kind == "code" else ""
            raise UsageError(
                f"`model.monotone.{name}`: a column that is taken as `{kind}` has no direction ({kinds[name].reason})",
                hint or "remove the line; only numbers and booleans have one",
            )
        if name in places and "directions and distances" in kinds[name].reason:
            raise UsageError(
                f"`model.monotone.{name}`: the column is half of a place, whose distances rise and fall with it",
                "remove the line, or rename the column in features.py",
            )


def directions(encoder: Encoder, asked: Mapping[str, int]) -> tuple[int, ...]:
    """For each number of `Rows.x_num` 1, -1, or 0 where nothing is asked for; empty where nothing is asked at all."""
    if not asked:
        return ()
    return tuple(asked.get(source[0], 0) if len(source) == 1 else 0 for source in encoder.sources)
