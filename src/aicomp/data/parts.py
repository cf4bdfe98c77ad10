"""A table of text read in parts of whole records, so that it is never in memory as a whole."""

import gzip
import io
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from aicomp.data.reading import parse_text
from aicomp.data.source import Layout, decode, find_layout, tables_in
from aicomp.errors import DataError

LARGE = 2**26
"""Bytes of a text from which it is read in parts, where that is possible."""

PART = 2**24
"""Bytes of a part, about."""

_MOST_PARTS = 8
"""Parts that a single record may be long; what is longer is read as a whole."""


@dataclass(frozen=True)
class TextParts:
    """A file that can be read in parts.

    Attributes:
        path: The file.
        encoding: Of the text.
        layout: Delimiter and header; its `lines` are empty.
        size: Bytes of a part, about.
    """

    path: Path
    encoding: str
    layout: Layout
    size: int

    def texts(self) -> Iterator[tuple[bytes, Layout]]:
        """Each part as UTF-8 with the header before it, and its layout, whose lines are those of the file.

        Raises:
            DataError: As `find_layout`.
        """
        before, header = 0, b""
        for raw in _records(self.path, self.size):
            text = decode(header + raw, self.path, self.encoding, before)
            layout = find_layout(text, self.path, before)
            yield text.encode(errors="surrogatepass"), layout
            before += raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") - (0 if header else 1)
            header = header or _header_line(raw)

    def frames(
        self, strings: Collection[str] = (), texts: Collection[str] = (), *, only: Collection[str] = ()
    ) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Each part as `read_table` would read it alone, and the line on which each of its rows begins.

        Args:
            strings: See `read_table`.
            texts: See `read_table`.
            only: Columns that are read; none for all.
        """
        for raw, layout in self.texts():
            if len(layout.lines):
                yield parse_text(raw, layout, self.path, strings, texts, only), layout.lines


def text_parts(path: Path, encoding: str = "utf-8", *, least: int | None = None) -> TextParts | None:
    """A large file in parts; None for one that is small, or that has to be read as a whole to be understood.

    The latter are parquet files, UTF-16 and UTF-32, quotes that follow a blank, and records of more than some parts.

    Args:
        path: The file, also as .gz or .zip.
        encoding: Of its text.
        least: Bytes from which it is large; None takes `LARGE`.
    """
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    if path.suffix == ".parquet" or wide or not path.is_file():
        return None
    size = min(PART, max(1, LARGE if least is None else least))
    try:
        if _unpacked_size(path) < (LARGE if least is None else least):
            return None
        header = _first_layout(path, encoding, size)
    except (_WholeError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError, DataError):
        return None  # whatever is wrong with it, reading it as a whole says it with its place
    return None if header is None else TextParts(path, encoding, header, size)


class _WholeError(Exception):
    """The file has to be read as a whole."""


def _first_layout(path: Path, encoding: str, size: int) -> Layout | None:
    """Delimiter and header; None where quotes follow blanks, which only the whole text can tell the meaning of."""
    found = None
    for raw in _records(path, size):
        if found is None:
            text = decode(raw, path, encoding)
            if not text.strip():
                return None
            first = find_layout(text, path)
            found = replace(first, lines=first.lines[:0])
            if find_layout(decode(_header_line(raw), path, encoding), path).header != found.header:
                return None  # a line break stands in a name
        if f'{found.delimiter} "'.encode() in raw:
            return None
    return found


def _header_line(raw: bytes) -> bytes:
    """The line of the header; blank lines may stand before it."""
    return raw.lstrip(b"\r\n").partition(b"\n")[0] + b"\n"


def _records(path: Path, size: int) -> Iterator[bytes]:
    """Bytes of whole records: a part ends with a line break that stands outside of quotes."""
    rest = b""
    with _opened(path) as file:
        while chunk := file.read(size):
            rest += chunk
            end = _last_end(rest)
            if end:
                yield rest[:end]
                rest = rest[end:]
            elif len(rest) > _MOST_PARTS * size:
                raise _WholeError
    if rest.strip():
        yield rest


def _last_end(raw: bytes) -> int:
    """Where the last record that is whole ends; 0 if none is. The beginning is outside of quotes."""
    end = raw.rfind(b"\n") + 1
    if not end or b'"' not in raw:
        return end
    codes = np.frombuffer(raw, dtype=np.uint8)
    outside = np.cumsum(codes == ord('"'), dtype=np.int64) % 2 == 0
    ends = np.flatnonzero((codes == ord("\n")) & outside)
    return int(ends[-1]) + 1 if len(ends) else 0


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if path.suffix == ".gz" or start.startswith(b"\x1f\x8b"):
            with gzip.open(file) as unpacked:
                yield io.BufferedReader(unpacked)
        elif path.suffix == ".zip" or start.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(file) as archive, archive.open(_only_member(archive)) as member:
                yield member
        else:
            yield file


def _only_member(archive: zipfile.ZipFile) -> str:
    tables = tables_in(archive)
    if len(tables) != 1:
        raise _WholeError
    return tables[0]


def _unpacked_size(path: Path) -> int:
    """Bytes of the text; of a .gz what its last bytes say, which is less for one of more than 4 GiB."""
    with path.open("rb") as file:
        start = file.read(4)
        if path.suffix == ".zip" or start.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(file) as archive:
                return archive.getinfo(_only_member(archive)).file_size
        if start.startswith(b"\x1f\x8b"):
            file.seek(-4, io.SEEK_END)
            return max(int.from_bytes(file.read(4), "little"), path.stat().st_size)
    return path.stat().st_size
