"""A folder of files that appears whole or not at all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aicomp.files import writing
from aicomp.raw_data import manifest_path


@contextmanager
def whole_or_nothing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; it becomes `folder`, or is put into it, when the block ends well."""
    with writing(folder):
        made = [p for p in (folder.parent, *folder.parent.parents) if not p.exists()]
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
                staging = Path(temporary) / folder.name
                staging.mkdir()
                yield staging
                if folder.exists():
                    _move_into(staging, folder)
                else:
                    staging.rename(folder)
        except BaseException:
            _remove_empty(made)
            raise


def _move_into(staging: Path, folder: Path) -> None:
    """Move every file to the same place in a folder that has none of them; undo it if one cannot be moved."""
    manifest = manifest_path(staging)
    files = sorted((p for p in staging.rglob("*") if p.is_file()), key=lambda p: (p == manifest, p))
    moved: list[Path] = []
    made: list[Path] = []
    try:
        for path in files:
            target = folder / path.relative_to(staging)
            made += [p for p in target.parents if not p.exists()]
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
            moved.append(target)
    except BaseException:
        for target in moved:
            target.unlink(missing_ok=True)
        _remove_empty(made)
        raise


def _remove_empty(folders: list[Path]) -> None:
    """Remove those folders that are there and empty, the innermost first."""
    for folder in sorted(set(folders), key=lambda p: -len(p.parts)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
