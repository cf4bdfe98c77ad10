"""Tables for competitions of files that lack them: a folder per class, `train/<class>/<file>`, or no table of test."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pandas as pd

from aicomp.contract.large_tables import raw_table
from aicomp.contract.tables import file_rank
from aicomp.data.media_files import MediaIndex, media_members
from aicomp.data.reading import line_numbers, read_table
from aicomp.errors import DataError
from aicomp.files import writing
from aicomp.raw_data import table_suffix

FILE_COLUMN = "file"
"""Column of the tables with the paths of the files."""


@contextmanager
def with_tables(folder: Path, encoding: str = "utf-8") -> Iterator[Path]:
    """Yield a folder that holds train and test as tables: this one, or a temporary view of it with tables made anew.

    Where there is no table of train, both are made of a folder per class. Where there is one, and none of test, the ids
    of the sample submission are the table of test: files have these names.

    Args:
        folder: Holds a sample submission, and image or sound files.
        encoding: Of the text of tables that are there.

    Raises:
        DataError: The sample submission names rows for which test has no file.
        AicompError: The folder for the view cannot be written.
    """
    index = MediaIndex.of(folder)
    sample = _table(folder, "sample")
    if sample is None or not index.paths:
        yield folder
        return
    roles = {role: _role_folder(index, role) for role in ("train", "test")}
    classes = _classes(index, roles["train"]) if roles["train"] is not None else {}
    train = _table(folder, "train") or _only_other_table(folder, sample)
    if train is not None and _table(folder, "test") is None and _shares_ids(train, sample, encoding):
        with _view(folder) as view:
            _write_ids(view, sample, encoding)
            yield view
    elif train is None and roles["test"] is not None and len(set(classes.values())) > 1:
        with _view(folder) as view:
            test = [path for path in index.paths if path.startswith(f"{roles['test']}/")]
            _write_tables(view, sample, classes, test)
            yield view
    else:
        yield folder


@contextmanager
def _view(folder: Path) -> Iterator[Path]:
    """A temporary folder with links to all that is in another one."""
    with tempfile.TemporaryDirectory(prefix="aicomp-") as temporary:
        view = Path(temporary)
        with writing(view):
            for entry in folder.iterdir():
                (view / entry.name).symlink_to(entry.resolve())
        yield view


def _tables(folder: Path) -> list[Path]:
    """The files that may be tables by their endings; archives of images are none."""
    files = (path for path in sorted(folder.iterdir()) if path.is_file() and table_suffix(path.name))
    return [path for path in files if not (path.suffix == ".zip" and media_members(path))]


def _table(folder: Path, role: str) -> Path | None:
    """The file that is such a table by its name."""
    return next((path for path in _tables(folder) if file_rank(role, path) is not None), None)


def _only_other_table(folder: Path, sample: Path) -> Path | None:
    """The table beside the sample submission, whatever it is called, such as `labels.csv`; None if there are more."""
    others = [path for path in _tables(folder) if path != sample]
    return others[0] if len(others) == 1 else None


def _shares_ids(train: Path, sample: Path, encoding: str) -> bool:
    """Whether rows of train have the id of the sample submission."""
    return raw_table(sample, encoding).columns[0] in raw_table(train, encoding).columns


def _write_ids(view: Path, sample: Path, encoding: str) -> None:
    table = raw_table(sample, encoding)
    ids = read_table(sample, strings=table.columns[:1], encoding=encoding)[table.columns[:1]]
    ids.to_csv(view / "test.csv", index=False, encoding=encoding)


def _role_folder(index: MediaIndex, role: str) -> str | None:
    """The folder at the top with the files of train or test, those that hold nothing but another one aside."""
    names = {role, f"{role}ing"}
    tops = {path.partition("/")[0] for path in index.paths if "/" in path}
    folder = next((t for t in sorted(tops) if names & set(t.lower().replace("-", "_").split("_"))), None)
    while folder is not None:
        below = {path[len(folder) + 1 :] for path in index.paths if path.startswith(f"{folder}/")}
        firsts = {path.partition("/")[0] for path in below}
        if len(firsts) > 1 or not all("/" in path for path in below):
            return folder
        folder = f"{folder}/{firsts.pop()}"
    return None


def _classes(index: MediaIndex, folder: str | None) -> dict[str, str]:
    """Class of each file of train; none if a file lies beside the folders of the classes."""
    below = {path: path[len(f"{folder}/") :] for path in index.paths if path.startswith(f"{folder}/")}
    if not all("/" in rest for rest in below.values()):
        return {}
    return {path: rest.partition("/")[0] for path, rest in below.items()}


def _write_tables(view: Path, sample_path: Path, classes: dict[str, str], test: Sequence[str]) -> None:
    sample = read_table(sample_path)
    columns = [str(c) for c in sample.columns]
    ids = read_table(sample_path, strings=columns[:1])[columns[0]]
    target = columns[1] if len(columns) == 2 else "label"
    train = pd.DataFrame({FILE_COLUMN: list(classes), target: list(classes.values())})
    # Sorted by class as they come; a table whose rows are in no order is folded and looked at more easily.
    train.sample(frac=1, random_state=0).to_csv(view / "train.csv", index=False)
    files = _files_of(ids, test, sample_path)
    pd.DataFrame({columns[0]: ids, FILE_COLUMN: files}).to_csv(view / "test.csv", index=False)


def _files_of(ids: pd.Series, test: Sequence[str], sample: Path) -> list[str]:
    """File of each row of the sample submission, named with its ending, without it, or with its whole path."""
    places: dict[str, str] = {}
    for path in test:
        name = PurePosixPath(path)
        places |= dict.fromkeys((path, name.name, name.stem), path)
    unknown = [i for i, value in enumerate(ids) if str(value) not in places]
    if unknown:
        raise DataError(
            f"`{sample.name}` line {line_numbers(sample)[unknown[0]]}: `{ids.name}` is `{ids.iloc[unknown[0]]}`, and "
            "no file of test has that name",
            "bring all files of test, or write `test.csv` yourself, with a column of paths",
        )
    return [places[str(value)] for value in ids]
