"""Where bundled templates and competitions lie: the same call from a wheel and from a checkout."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

_PACKAGE = Path(str(files("aicomp")))


def bundled(kind: Literal["templates", "competitions", "docs"]) -> Path:
    """Folder that holds one sub-folder per bundled template or competition, or the pages that commands print.

    A wheel carries them as `aicomp/_data/<kind>`; an editable install has no such folder, and they lie at the
    top of the checkout.

    Raises:
        FileNotFoundError: Neither place exists: the installation is incomplete.
    """
    candidates = [_PACKAGE / "_data" / kind, _PACKAGE.parent.parent / kind]
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no bundled {kind} in {' or '.join(str(c) for c in candidates)}")


def bundled_names(kind: Literal["templates", "competitions"]) -> list[str]:
    """Names of the bundled folders of one kind, sorted."""
    return sorted(p.name for p in bundled(kind).iterdir() if p.is_dir() and not p.name.startswith(("_", ".")))
