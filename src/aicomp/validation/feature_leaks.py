"""What the project's own `features.py` saw: its features made again with permuted targets, and without some rows."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.data.arrays import load_arrays
from aicomp.data.source import decode, find_layout, read_bytes
from aicomp.errors import AicompError
from aicomp.processes import child_environment, python_module
from aicomp.validation.finding import Finding, Outcome, listed
from aicomp.validation.quick_model import drawn
from aicomp.validation.subject import Subject

_MOST_ROWS = 5_000
_SECONDS = 300
_TABLES = (".csv", ".tsv", ".csv.gz", ".csv.zip", ".tsv.gz", ".parquet")
_AGAIN, _PERMUTED, _FEWER = "again", "permuted", "fewer"


def check_features(subject: Subject) -> Outcome:
    """Make the features of copies of train and compare those of the same rows."""
    if subject.project.add_features is None or subject.competition.is_of_lists:
        return Outcome(
            [Finding("features", "ok", "No features of your own", "No function makes them of a table of rows.")]
        )
    path = subject.project.raw / subject.competition.files.train
    if not path.name.endswith(_TABLES) or subject.competition.boxes is not None:
        why = "train has a row per box" if subject.competition.boxes is not None else f"`{path.name}` is no table alone"
        return Outcome([Finding("features", "ok", "Features were not made again", f"Here {why}.")])
    with tempfile.TemporaryDirectory(prefix="aicomp-check-") as name:
        root = Path(name)
        kept, notes = _lay_out(subject, path, root)
        failure = _made(root)
        if failure:
            title = "`features.py` could not be checked"
            evidence = f"On copies of the data, in which rows are left out or targets permuted, it failed: {failure}"
            return Outcome([Finding("features", "low", title, evidence)], notes=notes)
        made = {part: load_arrays(root / f"{part}.safetensors") for part in ("0", _AGAIN, _PERMUTED, _FEWER)}
    return Outcome(_findings(made, kept, subject), notes=notes)


def _lay_out(subject: Subject, path: Path, root: Path) -> tuple[np.ndarray, list[str]]:
    """Write the copies; returns which rows of the first one the last one kept, and notes."""
    table, delimiter = _read(path, subject.competition.files.encoding)
    rows = drawn(len(table), _MOST_ROWS)
    notes = [f"features: {len(rows):,} of {len(table):,} rows of train"] if len(rows) < len(table) else []
    table = table.iloc[rows].reset_index(drop=True)
    random = np.random.default_rng(0)
    target = list(subject.competition.target)
    permuted = table.copy()
    permuted[target] = table[target].iloc[random.permutation(len(table))].to_numpy()
    valid = np.isin(rows, subject.folds[0].valid)
    kept = np.flatnonzero(~valid if 0 < valid.sum() < len(rows) else np.arange(len(rows)) % 5 > 0)
    test = _small_test(subject)
    for part, content in (("0", table), (_AGAIN, table), (_PERMUTED, permuted), (_FEWER, table.iloc[kept])):
        files = {path.name: (content, delimiter), **test}
        _copy(subject, root / part, files)
    return kept, notes


def _small_test(subject: Subject) -> dict[str, tuple[pd.DataFrame, str]]:
    """Some rows of test by the name of its file, where it is large: it is read with each copy of train."""
    path = subject.project.raw / subject.competition.files.test
    if subject.n_test <= _MOST_ROWS or not path.name.endswith(_TABLES):
        return {}
    table, delimiter = _read(path, subject.competition.files.encoding)
    return {path.name: (table.iloc[drawn(len(table), _MOST_ROWS)], delimiter)}


def _copy(subject: Subject, folder: Path, files: dict[str, tuple[pd.DataFrame, str]]) -> None:
    """A project with other files, by their names; all else of its data is linked to."""
    source = subject.project.folder
    (folder / "data" / "raw").mkdir(parents=True)
    for file in source.iterdir():
        if file.is_file() and file.suffix in (".py", ".toml", ".json", ".txt", ".csv", ".yml"):
            shutil.copy(file, folder / file.name)
        elif file.is_dir() and file.name not in ("data", "runs", "submissions") and not file.name.startswith("."):
            (folder / file.name).symlink_to(file, target_is_directory=True)
    for other in (source / "data").iterdir():
        if other.name not in ("raw", "cache"):
            (folder / "data" / other.name).symlink_to(other)
    for file in subject.project.raw.iterdir():
        if file.name not in files:
            (folder / "data" / "raw" / file.name).symlink_to(file)
    for name, (table, delimiter) in files.items():
        _write(folder / "data" / "raw" / name, table, subject.competition.files.encoding, delimiter)


def _read(path: Path, encoding: str) -> tuple[pd.DataFrame, str]:
    """A table whose values are the strings of the file, and what stands between them; of parquet, as they are."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path), ""
    text = decode(read_bytes(path), path, encoding)
    layout = find_layout(text, path)
    table = pd.read_csv(
        io.StringIO(text), sep=layout.delimiter, header=0, names=layout.header, index_col=False, dtype=str,
        keep_default_na=False, skipinitialspace=layout.skip_blanks,
    )  # fmt: skip
    return table, layout.delimiter


def _write(path: Path, table: pd.DataFrame, encoding: str, delimiter: str) -> None:
    if delimiter:
        table.to_csv(path, sep=delimiter, index=False, encoding=encoding)
    else:
        table.to_parquet(path, index=False)


def _made(root: Path) -> str:
    """Run the process that makes the features; the last line of what it complains of, "" if all went well."""
    variables = child_environment(PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
    try:
        done = subprocess.run(
            python_module("aicomp.validation.feature_process", str(root)),
            cwd=root, env=variables, capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it took more than {_SECONDS} seconds."
    except OSError as e:
        raise AicompError(f"cannot start `{sys.executable}`: {e.strerror}") from e
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no word"])[-1].replace(str(root), "")


def changed(a: np.ndarray, b: np.ndarray) -> float:
    """Share of the cells that differ, beyond the last digits of a float.

    >>> changed(np.array([1.0, np.nan, 2.0, 2.0]), np.array([1.0, np.nan, 2.0 + 1e-9, 3.0]))
    0.25
    """
    if a.dtype != b.dtype:
        return 1.0
    if a.dtype.kind == "f":
        return float(1 - np.isclose(a, b, rtol=1e-6, atol=1e-12, equal_nan=True).mean())
    return float((a != b).mean())


def _findings(made: dict[str, dict[str, np.ndarray]], kept: np.ndarray, subject: Subject) -> list[Finding]:
    first = made["0"]

    def shares(part: str, rows: np.ndarray | slice = slice(None)) -> dict[str, float]:
        other = made[part]
        compared = {n: changed(v[rows], other[n]) if n in other else 1.0 for n, v in first.items()}
        return {name: share for name, share in compared.items() if share > 0}

    by_chance, by_target, by_rows = shares(_AGAIN), shares(_PERMUTED), shares(_FEWER, kept)
    by_target = {name: share for name, share in by_target.items() if name not in by_chance}
    by_rows = {name: share for name, share in by_rows.items() if name not in by_chance and name not in by_target}
    name = subject.project.config.features.function or ""
    findings = []
    if by_target:
        most = max(by_target.values())
        evidence = (
            f"With the target of train permuted, {listed(by_target)} changed, in up to {most:.0%} of the rows: "
            f"`{name}` read the target, that of validated rows too. Their score is not what test will give."
        )
        advice = (
            "Remove them from features.py: training gives codes and categories of many levels the target's means "
            'itself, of the training rows of each fold alone (`"COLUMN" = "category"` under [columns]).'
        )
        title = f"`features.py` saw the target: {listed(by_target)}"
        numbers = {f"changed:{column}": share for column, share in by_target.items()}
        findings.append(Finding("features-target", "high", title, evidence, advice, numbers, tuple(by_target)))
    if by_rows:
        most = max(by_rows.values())
        evidence = (
            f"Without the rows that the first fold validates, {listed(by_rows)} changed for the other rows, in up to "
            f"{most:.0%} of them: `{name}` computed them from several rows, validated ones among them, and from "
            "train and test separately."
        )
        advice = (
            "What is computed from one row alone is safe. Leave scaling, counting and filling to the training, which "
            "learns them from the training rows of each fold; or check that such a column means the same in test."
        )
        title = f"`features.py` computes from several rows: {listed(by_rows)}"
        numbers = {f"changed:{column}": share for column, share in by_rows.items()}
        findings.append(Finding("features-rows", "medium", title, evidence, advice, numbers, tuple(by_rows)))
    if by_chance:
        evidence = f"Made twice of the same rows, {listed(by_chance)} differ: what a run learned cannot be repeated."
        advice = "Seed what is random in features.py, such as by `np.random.default_rng(0)`."
        title = f"`features.py` is not the same twice: {listed(by_chance)}"
        findings.append(Finding("features-random", "medium", title, evidence, advice, {}, tuple(by_chance)))
    if not findings:
        evidence = (
            f"The {len(first)} columns that `{name}` gives stay the same if targets are permuted and if the rows of a "
            "fold are left out."
        )
        findings.append(Finding("features", "ok", "`features.py` computes each row from itself", evidence))
    return findings
