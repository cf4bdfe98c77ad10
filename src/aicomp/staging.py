"""A folder of files that appears whole or not at all.

Files are made in a folder beside it, `.<name>.<process>.<number>.init`, which holds

files/       what will be the folder
moved.json   where the folder is there already: what is about to be moved into it, and the folders that are made for it

If the process is killed, whoever makes the same folder next takes back what was moved and removes the rest. Files are
moved by a second name, which never takes the place of a file: of two processes that make the same folder one is first,
and the other changes nothing.
"""

import json
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aicomp.errors import UsageError
from aicomp.files import atomic_write, flush_folder, writing
from aicomp.processes import is_gone, process_mark
from aicomp.raw_data import manifest_path

_ENDING = ".init"
_JOURNAL = "moved.json"


@contextmanager
def whole_or_nothing(folder: Path, last: Sequence[str] = ()) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; it becomes `folder`, or is put into it, when the block ends well.

    Args:
        folder: Which is to be made.
        last: Files of it that come after all others: as long as they lack, nothing takes it for whole.

    Raises:
        UsageError: Another process has made it in the meantime.
        AicompError: The disk is full or the folder cannot be written.
    """
    with writing(folder):
        made = [p for p in (folder.parent, *folder.parent.parents) if not p.exists()]
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = folder.with_name(f".{folder.name}.{process_mark()}.{threading.get_ident()}{_ENDING}")
        try:
            staging = place / "files"
            staging.mkdir(parents=True)
            try:
                yield staging
                if folder.exists():
                    _move_into(place, folder, last)
                else:
                    _rename(staging, folder)
            finally:
                shutil.rmtree(place)
        except BaseException:
            _remove_empty(made)
            raise


def take_back(folder: Path) -> None:
    """Undo what processes that were killed while they made `folder` left: in it, and beside it.

    Files that were changed since are the user's, and stay.

    Raises:
        AicompError: A folder cannot be changed.
    """
    if not folder.parent.is_dir():
        return
    with writing(folder):
        for place in sorted(folder.parent.iterdir()):
            if place.name.startswith(f".{folder.name}.") and place.name.endswith(_ENDING):
                mark = place.name.removeprefix(f".{folder.name}.").removesuffix(_ENDING).rpartition(".")[0]
                if is_gone(mark):
                    _undo(place, folder)
                    shutil.rmtree(place)


def _rename(staging: Path, folder: Path) -> None:
    try:
        staging.rename(folder)
    except OSError:
        if folder.is_dir():
            raise _made_by_another(folder) from None
        raise
    flush_folder(folder.parent)


def _move_into(place: Path, folder: Path, last: Sequence[str]) -> None:
    """Move every file to the same place in a folder that has none of them; undo it if one cannot be moved."""
    staging = place / "files"
    order = [manifest_path(staging), *(staging / name for name in last)]
    files = sorted(
        (p for p in staging.rglob("*") if p.is_file()), key=lambda p: (order.index(p) if p in order else -1, p)
    )
    names = [path.relative_to(staging) for path in files]
    parents = {parent for name in names for parent in (folder / name).parents if not parent.exists()}
    entries = [_entry(path, name) for path, name in zip(files, names, strict=True)]
    made = sorted(str(parent.relative_to(folder)) for parent in parents)
    atomic_write(place / _JOURNAL, json.dumps({"files": entries, "folders": made}) + "\n")
    try:
        for path, name in zip(files, names, strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            _move(path, folder / name)
        for parent in sorted({(folder / name).parent for name in names}):
            flush_folder(parent)
    except FileExistsError:
        _undo(place, folder)
        raise _made_by_another(folder) from None
    except BaseException:
        _undo(place, folder)
        raise
    (place / _JOURNAL).unlink()  # from here on the folder is whole


def _entry(path: Path, name: Path) -> dict[str, Any]:
    stat = path.stat()
    return {"name": name.as_posix(), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _move(path: Path, target: Path) -> None:
    """Move a file to a name that nothing has.

    Raises:
        FileExistsError: Something has it.
    """
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without second names
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        path.rename(target)
    else:
        path.unlink()


def _undo(place: Path, folder: Path) -> None:
    """Remove what came from `place` into `folder`, and what was made for it."""
    try:
        journal = json.loads((place / _JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return  # nothing was moved
    for entry in journal["files"]:
        source, target = place / "files" / entry["name"], folder / entry["name"]
        if not target.is_file():
            continue
        stat = target.stat()
        came_from_here = source.exists() and source.samefile(target)  # killed between its new name and its old one
        is_moved = not source.exists() and (stat.st_size, stat.st_mtime_ns) == (entry["size"], entry["mtime_ns"])
        if came_from_here or is_moved:
            target.unlink()
    _remove_empty([folder / name for name in journal["folders"]])


def _made_by_another(folder: Path) -> UsageError:
    return UsageError(
        f"another process has made a project in `{folder}` in the meantime", "name another folder with `--into DIR`"
    )


def _remove_empty(folders: list[Path]) -> None:
    """Remove those folders that are there and empty, the innermost first."""
    for folder in sorted(set(folders), key=lambda p: -len(p.parts)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
