"""Which file of a folder is train, which is test, and which is the sample submission."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from pathlib import Path

import pandas as pd

from aicomp.archives import check_packed
from aicomp.competition import Competition
from aicomp.contract.inquiry import Inquiry
from aicomp.data.media_files import media_members
from aicomp.data.reading import read_table
from aicomp.errors import DataError, UsageError
from aicomp.ids_and_targets import check_ids, encode_target
from aicomp.raw_data import TABLE_SUFFIXES, table_suffix
from aicomp.suggest import unknown_name

ROLES = ("train", "test", "sample")

_WORDS = {"train": {"train", "training"}, "test": {"test", "testing"}}
_PURPOSE = {"train": "train file", "test": "test file", "sample": "sample submission"}


class LackingError(DataError):
    """Among the files there is no train, test or sample submission."""


@dataclass(frozen=True)
class RawTable:
    """A file and its columns.

    Attributes:
        path: The file.
        encoding: Of its text.
    """

    path: Path
    encoding: str

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return [str(c) for c in self.frame.columns]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows; text and numbers as `read_table` takes them."""
        check_packed(self.path)
        return read_table(self.path, encoding=self.encoding)

    @property
    def n_rows(self) -> int:
        """Number of rows of the file."""
        return len(self.frame)

    @property
    def is_sampled(self) -> bool:
        """Whether `frame` lacks rows of the file."""
        return False

    def values(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns as strings; of a table that is read in parts every value, and not each row."""
        return self.strings(columns)

    def exact(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of all rows."""
        return self.frame[list(columns)]

    def check_ids(self, competition: Competition) -> None:
        """Refuse ids that are missing or come twice.

        Raises:
            DataError: With file, line, column and value.
        """
        check_ids(self.strings(competition.id), competition, self.path)

    def check_target(self, competition: Competition) -> None:
        """Refuse targets that cannot be learned.

        Raises:
            DataError: With file, line, column and value.
        """
        columns = [c for c in competition.target if c in self.columns]
        encode_target(self.strings(columns), competition, self.path)

    def strings(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns as the exact strings of the file."""
        return read_table(self.path, strings=columns, encoding=self.encoding)[list(columns)]


@dataclass(frozen=True)
class Tables:
    """The three tables of a competition."""

    train: RawTable
    test: RawTable
    sample: RawTable


def find_tables(folder: Path, inquiry: Inquiry) -> Tables:
    """Find the three files: as given, by their names, and where the names do not tell by their columns.

    Raises:
        UsageError: A given name is not there, or several files fit.
        DataError: No file fits.
    """
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".") and _may_be_table(p))
    if not files:
        raise LackingError(
            f"`{folder}` holds no table ({', '.join(TABLE_SUFFIXES[:6])})",
            "name the folder that train, test and the sample submission lie in",
        )
    chosen: dict[str, Path] = {}
    for role in ROLES:
        path = _given_file(role, folder, inquiry) or _named_file(role, files, inquiry)
        if path is not None:
            chosen[role] = path
    from aicomp.contract.large_tables import raw_table

    missing = [role for role in ROLES if role not in chosen]
    if missing:
        chosen |= _fitting_files(missing, chosen, files, folder, inquiry)
    _check_distinct(chosen)
    return Tables(**{role: raw_table(path, inquiry.given.encoding) for role, path in chosen.items()})


def _may_be_table(path: Path) -> bool:
    return table_suffix(path.name) is not None and not (path.suffix == ".zip" and media_members(path))


def file_rank(role: str, path: Path) -> int | None:
    """How well the name of a table fits "train", "test" or "sample": 0 is best, None is not at all."""
    return _rank(role, _stem(path))


def _given_file(role: str, folder: Path, inquiry: Inquiry) -> Path | None:
    name: str | None = getattr(inquiry.given, role)
    if name is None:
        return None
    path = folder / name
    if path.parent != folder or not path.is_file():
        known = [p.name for p in folder.iterdir() if p.is_file()]
        raise unknown_name(f"file in `{folder}`, given with `--{role}`:", name, known)
    inquiry.found(_PURPOSE[role], name, f"given with --{role}")
    return path


def _named_file(role: str, files: Sequence[Path], inquiry: Inquiry) -> Path | None:
    """The file whose name says it best; of one table in several forms, the first of `TABLE_SUFFIXES`."""
    ranks = {path: _rank(role, _stem(path)) for path in files}
    best = min((r for r in ranks.values() if r is not None), default=None)
    if best is None:
        return None
    by_stem: dict[str, list[Path]] = {}
    for path in (p for p in files if ranks[p] == best):
        by_stem.setdefault(_stem(path), []).append(path)
    forms = next(iter(by_stem.values()))
    if len(by_stem) > 1:
        names = [p.name for paths in by_stem.values() for p in paths]
        answer = inquiry.choose(f"--{role}", f"which file is the {_PURPOSE[role]}", names)
        forms = [p for p in files if p.name == answer]
    path = min(forms, key=lambda p: TABLE_SUFFIXES.index(table_suffix(p.name) or ""))
    others = [p.name for p in forms if p != path]
    inquiry.found(_PURPOSE[role], path.name, "by its name" + (f"; not {', '.join(others)}" if others else ""))
    return path


def _stem(path: Path) -> str:
    return path.name[: -len(table_suffix(path.name) or "")]


def _rank(role: str, stem: str) -> int | None:
    """How well a name fits a role: 0 is best, None is not at all.

    >>> _rank("train", "train"), _rank("train", "titanic_train"), _rank("train", "test")
    (0, 1, None)
    >>> _rank("sample", "sampleSubmission"), _rank("sample", "gender_submission"), _rank("sample", "sample_sub")
    (0, 1, 2)
    """
    words = re.findall("[a-z]+", re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", stem).lower())
    joined = "".join(words)
    is_submission = "submission" in joined or "submit" in joined
    if role == "sample":
        if joined in ("samplesubmission", "submissionsample"):
            return 0
        if is_submission:
            return 1
        other = set(words) & (_WORDS["train"] | _WORDS["test"])
        return 2 if "sample" in words and not other else None
    if is_submission:
        return None
    if joined in _WORDS[role]:
        return 0
    return 1 if set(words) & _WORDS[role] else None


def _fitting_files(
    missing: Sequence[str], chosen: dict[str, Path], files: Sequence[Path], folder: Path, inquiry: Inquiry
) -> dict[str, Path]:
    """Files for the roles that no name tells, such that the columns of all three belong together."""
    from aicomp.contract.large_tables import raw_table

    free = [
        t for t in (raw_table(p, inquiry.given.encoding) for p in files if p not in chosen.values()) if _readable(t)
    ]
    fixed = {role: raw_table(path, inquiry.given.encoding) for role, path in chosen.items()}
    fits = [
        trial
        for picks in permutations(free, len(missing))
        if _belong_together(Tables(**fixed, **(trial := dict(zip(missing, picks, strict=True)))))
    ]
    if not fits:
        what = " and no ".join(_PURPOSE[role] for role in missing)
        raise LackingError(
            f"`{folder}` holds no {what}; its tables: {', '.join(p.name for p in files)}",
            " ".join(f"add `--{role} FILE`" if role == missing[0] else f"`--{role} FILE`" for role in missing),
        )
    result: dict[str, Path] = {}
    for role in missing:
        names = sorted({fit[role].name for fit in fits})
        name = names[0] if len(names) == 1 else inquiry.choose(f"--{role}", f"which is the {_PURPOSE[role]}", names)
        fits = [fit for fit in fits if fit[role].name == name]
        result[role] = fits[0][role].path
        inquiry.found(_PURPOSE[role], name, "by its columns")
    return result


def _readable(table: RawTable) -> bool:
    try:
        return bool(table.columns)
    except DataError:  # a file whose name tells nothing, such as images.zip: it is listed if no other one fits
        return False


def _belong_together(tables: Tables) -> bool:
    """Whether test has columns of train, and the sample one row per test row and a column that test lacks."""
    train, test, sample = (set(t.columns) for t in (tables.train, tables.test, tables.sample))
    features = (train & test) - sample
    asked = (sample - test) & train  # none, if the sample has a column per class
    return (
        tables.sample.n_rows == tables.test.n_rows
        and bool(sample - test)
        and bool(train - test)
        # Where every name is free, test and sample could change places: few columns are predicted from many.
        and len(features) >= max(1, len(asked))
        and 2 * len(train & test) >= len(test)
        and (bool(sample & test) or len(sample) > 1)
    )


def _check_distinct(chosen: dict[str, Path]) -> None:
    for role, other in (("train", "test"), ("train", "sample"), ("test", "sample")):
        if chosen[role] == chosen[other]:
            raise UsageError(
                f"`{chosen[role].name}` is taken both for the {_PURPOSE[role]} and for the {_PURPOSE[other]}",
                f"name the other one with `--{role} FILE` or `--{other} FILE`",
            )
