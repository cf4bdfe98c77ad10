"""For the tests of docs/security.md: files that tell if they were run, and a search through all that was written."""

import base64
import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, quote_plus

NAMES = (
    "pandas", "numpy", "torch", "sklearn", "joblib", "msgspec", "safetensors", "typer", "rich", "requests", "kagglesdk",
    "sitecustomize", "usercustomize", "json", "typing", "random", "pip", "lightgbm", "pyarrow", "aicomp_plugin",
)  # fmt: skip
"""Modules that a command may import, now or one day."""


def telltale(canary: Path) -> str:
    """Python that writes its own name into a file when it is run."""
    return f"with open({str(canary)!r}, 'a') as file:\n    file.write(__file__ + '\\n')\n"


def plant(folder: Path, canary: Path, names: Iterable[str] = NAMES) -> None:
    """Put Python files that tell if they were run into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.py").write_text(telltale(canary))


def aicomp(*arguments: str, cwd: Path, timeout: float = 300, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the program in a process of its own, as a user who types `python -m aicomp` in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "aicomp", *arguments],
        cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def forms(secret: str) -> set[bytes]:
    """The forms in which a secret could be written: as it is, in base64 at any offset, in an address, in JSON, hex."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), quote(secret, safe="").encode(), quote_plus(secret).encode()}
    found |= {json.dumps(secret)[1:-1].encode(), repr(secret)[1:-1].encode(), secret.encode("utf-16-le"), raw[::-1]}
    for offset in range(3):  # what stands before it in the text that is encoded shifts its characters
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * offset + raw)
            whole = encoded[4 if offset else 0 : len(raw) * 4 // 3 - 2]  # without the ends, which depend on neighbours
            found.add(whole)
    return found


def find_secrets(secrets: Sequence[str], *, texts: Iterable[str] = (), folders: Iterable[Path] = ()) -> list[str]:
    """Where a secret stands in texts or in any file below folders, archives opened."""
    wanted = {form: secret for secret in secrets for form in forms(secret)}
    found = []
    pieces = [(f"text {i}", text.encode(errors="surrogateescape")) for i, text in enumerate(texts)]
    for place, content in [*pieces, *((place, c) for folder in folders for place, c in every_content(folder))]:
        found += [f"{secret} in {place} as {form!r}" for form, secret in wanted.items() if form in content]
    return found


def every_content(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files below a folder with their names, what archives hold too."""
    for path in sorted(folder.rglob("*")):
        yield str(path), os.fsencode(path.name)
        if path.is_file() and not path.is_symlink():
            yield from _opened(str(path), path.read_bytes())


_PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress, b"\x78": zlib.decompress}


def _opened(place: str, content: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    yield place, content
    if depth < 5:
        for name, inner in _members(content):
            yield from _opened(f"{place}!{name}", inner, depth + 1)


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            yield from ((name, opened.read(name)) for name in opened.namelist())
    for start, unpack in _PACKED.items():
        if content.startswith(start):
            with contextlib.suppress(zlib.error, OSError, EOFError, lzma.LZMAError):  # it only looked packed
                yield "unpacked", unpack(content)
    if content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            yield from ((m.name, tar.extractfile(m).read()) for m in tar.getmembers() if m.isfile())
