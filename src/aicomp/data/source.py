"""From a file on disk to text, and where each row of that text lies."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from aicomp.archives import check_zip, gunzip
from aicomp.errors import DataError, UsageError

_TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
_PART = 2**24
"""Bytes of a text that are looked at at once."""
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Layout:
    """How the text of a table is cut into fields.

    Attributes:
        delimiter: Character between fields.
        skip_blanks: Whether blanks after a delimiter are no part of the field, so that a quote may follow them.
        header: Names of the columns, stripped; an empty name is filled as pandas does.
        lines: Line on which each data row begins, int64 (n_rows,); the first line of the file is 1.
    """

    delimiter: str
    skip_blanks: bool
    header: list[str]
    lines: np.ndarray


def read_bytes(path: Path) -> bytes:
    """Contents of a file, unpacked if it is a .gz, or a .zip with one table.

    Raises:
        DataError: It does not exist, is empty, or cannot be unpacked.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"`{path}` does not exist", "put the file there, or correct its name in competition.toml"
        ) from None
    except IsADirectoryError:
        raise DataError(f"`{path}` is a folder", "name the file inside it") from None
    except PermissionError:
        raise DataError(f"`{path}` may not be read", f"run `chmod u+r {path}`") from None
    if path.suffix == ".gz" or raw.startswith(b"\x1f\x8b"):
        raw = gunzip(raw, path.name)
    elif path.suffix == ".zip" or raw.startswith(b"PK\x03\x04"):
        raw = _unzip(raw, path)
    if not raw.strip():
        raise DataError(f"`{path.name}` is empty", "download it again")
    return raw


def _unzip(raw: bytes, path: Path) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names, tables = _members(archive), tables_in(archive)
            if len(tables) != 1:
                raise DataError(
                    f"`{path.name}` must hold one .csv or .tsv, it holds {len(tables)}: "
                    f"{', '.join(names[:5]) or 'nothing'}",
                    f"run `unzip {path.name}` and name the files in competition.toml",
                )
            check_zip(archive, path)
            return archive.read(tables[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as e:
        raise DataError(f"`{path.name}` cannot be unpacked as zip: {e}", "download it again") from e


def _members(archive: zipfile.ZipFile) -> list[str]:
    return [n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX/")]


def tables_in(archive: zipfile.ZipFile) -> list[str]:
    """Names of the tables of text in an archive."""
    return [n for n in _members(archive) if PurePosixPath(n).suffix.lower() in _TABLE_SUFFIXES]


def decode(raw: bytes, path: Path, encoding: str, before: int = 0) -> str:
    """Text of a file.

    Args:
        raw: Its bytes.
        path: The file, for messages.
        encoding: As Python names it; a byte order mark of UTF-8 is dropped.
        before: Lines of the file that are left out behind the first.

    Raises:
        DataError: The bytes are not of that encoding; the message names line, column and byte.
        UsageError: No such encoding.
    """
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    if not wide and not before and (raw.startswith(_UTF16_MARKS) or b"\0" in raw[:4096]):
        raise DataError(f"`{path.name}` is not {encoding}: it {_wide_sign(raw)}", _encoding_hint("utf-16"))
    try:
        text = raw.decode(encoding)
    except LookupError:
        raise UsageError(f"unknown encoding `{encoding}`", 'write for example `encoding = "cp1252"`') from None
    except UnicodeDecodeError as e:
        begun = raw[: e.start].rpartition(b"\n")[2] if not wide else b""
        line = raw.count(b"\n", 0, e.start) + 1 + before
        column = len(begun.decode(encoding, errors="replace")) + 1
        raise DataError(
            f"`{path.name}` line {line}, character {column}: byte 0x{raw[e.start]:02x} is not {encoding}",
            _encoding_hint("cp1252" if encoding.lower() in ("utf-8", "utf8", "ascii") else "utf-8"),
        ) from e
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1 + before
        raise DataError(f"`{path.name}` line {line} holds a NUL character", "download it again")
    return text


def _wide_sign(raw: bytes) -> str:
    if raw.startswith(_UTF16_MARKS):
        return f"begins with the byte order mark 0x{raw[0]:02x}{raw[1]:02x} of UTF-16"
    line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
    return f"holds a NUL byte on line {line}, as UTF-16 does"


def _encoding_hint(encoding: str) -> str:
    return (
        f"run `aicomp init PATH --encoding {encoding}`, "
        f'or set `encoding = "{encoding}"` under [files] in competition.toml'
    )


def decode_leniently(raw: bytes) -> str:
    """Text of a file whose line ends are right and whose other characters may not be."""
    if raw.startswith(_UTF16_MARKS):
        return raw.decode("utf-16", errors="replace")
    return raw.decode("utf-8", errors="replace").removeprefix("\ufeff")


def find_layout(text: str, path: Path, before: int = 0) -> Layout:
    """Find the delimiter and check that every row has as many fields as the header.

    pandas fills short rows up and shifts long ones without a word; here both are errors.

    Args:
        text: The text.
        path: Its file, for messages.
        before: Lines of the file that are left out between the header and the rest of the text.

    Raises:
        DataError: Ragged rows or duplicate column names, with line and value.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text or text.isspace():
        raise DataError(f"`{path.name}` is empty", "download it again")
    delimiter = _delimiter(text, path)
    if '"' not in text:
        return _scan_lines(text, path, delimiter, before)
    if f'{delimiter} "' not in text:
        return _scan(text, path, delimiter, skip_blanks=False, before=before)
    try:
        # `1, "a, b"`: a blank before the quote. Where that reading fits every row, it is what was meant.
        return _scan(text, path, delimiter, skip_blanks=True, before=before)
    except DataError as e:
        try:
            return _scan(text, path, delimiter, skip_blanks=False, before=before)
        except DataError:
            raise e from None


def _delimiter(text: str, path: Path) -> str:
    header = text.lstrip("\n").partition("\n")[0]
    if ".tsv" in path.suffixes:
        return "\t"
    return next((d for d in (",", "\t", ";") if d in header), ",")


def _scan_lines(text: str, path: Path, delimiter: str, before: int) -> Layout:
    """Layout of a text without quotes, where a row is a line: counted in arrays, for files of millions of rows."""
    raw = np.frombuffer(text.encode(errors="surrogatepass"), dtype=np.uint8)
    starts = np.concatenate([[0], *_line_ends(raw)])
    starts = starts[starts < len(raw)]
    n_fields = _count_in_lines(raw, starts, delimiter) + 1
    lines = np.flatnonzero(~_blank_lines(raw, starts, " " if delimiter == "\t" else " \t")) + 1
    header = _line(raw, starts, int(lines[0])).split(delimiter)
    names = _column_names(header, path, int(lines[0]))
    lines = lines[1:]
    ragged = np.flatnonzero(n_fields[lines - 1] != len(names))
    if len(ragged):
        line = int(lines[ragged[0]])
        fields = _line(raw, starts, line).split(delimiter)
        raise _ragged(path, line + before, fields, len(names), delimiter)
    return Layout(delimiter, False, names, lines + before)


def _line_ends(raw: np.ndarray) -> Iterator[np.ndarray]:
    """Where the line after each line break begins; a part of the text after the other, so that memory stays low."""
    for start in range(0, len(raw), _PART):
        yield np.flatnonzero(raw[start : start + _PART] == ord("\n")) + (start + 1)


def _count_in_lines(raw: np.ndarray, starts: np.ndarray, sign: str) -> np.ndarray:
    """How often each line holds a sign, int64 (n_lines,); some lines after the other."""
    counts = np.empty(len(starts), dtype=np.int64)
    step = max(1, _PART * len(starts) // max(len(raw), 1))
    for first in range(0, len(starts), step):
        begin = starts[first]
        stop = starts[first + step] if first + step < len(starts) else len(raw)
        places = np.flatnonzero(raw[begin:stop] == ord(sign))
        before = np.searchsorted(places, starts[first : first + step] - begin)
        counts[first : first + step] = np.diff(before, append=len(places))
    return counts


def _blank_lines(raw: np.ndarray, starts: np.ndarray, blanks: str) -> np.ndarray:
    """Whether each line holds nothing but blanks; bool (n_lines,)."""
    blank = np.isin(raw[starts], [ord(c) for c in f"{blanks}\n"])
    for i in map(int, np.flatnonzero(blank)):
        blank[i] = not _line(raw, starts, i + 1).strip(blanks)
    return blank


def _line(raw: np.ndarray, starts: np.ndarray, line: int) -> str:
    stop = starts[line] if line < len(starts) else len(raw)
    return raw[starts[line - 1] : stop].tobytes().decode(errors="surrogatepass").removesuffix("\n")


def _scan(text: str, path: Path, delimiter: str, *, skip_blanks: bool, before: int) -> Layout:
    """Layout of a text with quotes, in which a row may go over several lines."""
    with _fields_of_any_length():
        records = _records(text, delimiter, skip_blanks)
        line, header = next(records)
        names = _column_names(header, path, line)
        lines = []
        for line, fields in records:
            if len(fields) != len(names):
                _check_quote(text, path, line, delimiter, skip_blanks, before)
                raise _ragged(path, line + before, fields, len(names), delimiter)
            lines.append(line)
        _check_quote(text, path, line, delimiter, skip_blanks, before)
    return Layout(delimiter, skip_blanks, names, np.array(lines, dtype=np.int64) + before)


@contextmanager
def _fields_of_any_length() -> Iterator[None]:
    """Lift the csv module's limit, which is one for the whole process, for a while."""
    limit = csv.field_size_limit(2**31 - 1)  # a C long, which has 32 bits on Windows
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _records(text: str, delimiter: str, skip_blanks: bool) -> Iterator[tuple[int, list[str]]]:
    """First line and fields of each record that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=skip_blanks)
    line = 1
    for fields in reader:
        if fields and not (len(fields) == 1 and fields[0].isspace()):
            yield line, fields
        line = reader.line_num + 1


def _check_quote(text: str, path: Path, line: int, delimiter: str, skip_blanks: bool, before: int) -> None:
    """Refuse a record in which a quote is opened that is never closed; it then reaches to the end of the text."""
    n_lines = text.count("\n") + 2 - line
    rest = "\n".join(text.rsplit("\n", n_lines)[-n_lines:])
    reader = csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter, skipinitialspace=skip_blanks, strict=True)
    try:
        next(reader)
    except csv.Error as e:
        if "unexpected end of data" in str(e):  # strict readers also refuse `"a"b`, which pandas takes
            raise DataError(
                f"`{path.name}` line {line + before} opens a quote that is never closed", "close the quote or remove it"
            ) from None


def _ragged(path: Path, line: int, fields: list[str], n_names: int, delimiter: str) -> DataError:
    shown = delimiter.join(fields).replace("\n", "\\n").replace("\t", "\\t")
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return DataError(
        f"`{path.name}` line {line} has {len(fields)} field{'s' if len(fields) != 1 else ''}, "
        f"the header has {n_names}: `{shown}`",
        "correct that line; a field that holds a delimiter or a line break needs quotes around it",
    )


def _column_names(fields: list[str], path: Path, line: int) -> list[str]:
    names = [name.strip() or f"Unnamed: {i}" for i, name in enumerate(fields)]
    first: dict[str, int] = {}
    for i, name in enumerate(names):
        if name in first:
            raise DataError(
                f"`{path.name}` line {line}: column `{name}` is there twice, as column {first[name] + 1} and {i + 1}",
                "rename or remove one of them",
            )
        first[name] = i
    return names
