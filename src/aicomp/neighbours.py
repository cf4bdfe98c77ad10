"""Files of a project that import each other, and nothing else that imports them.

A project's folder never stands on `sys.path`: a `pandas.py` in it would be imported by whatever asks for pandas next.
"""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType, ModuleType


class _Neighbours:
    """Finds modules in a folder for code of that folder; `import` asks it, see `sys.meta_path`.

    Args:
        folder: Real path of the folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module lies; None for what is no neighbour of the code that asks."""
        if path is not None or not self._asks():
            return None
        found = PathFinder.find_spec(name, [self.folder])
        if found is not None and found.loader is None and PathFinder.find_spec(name) is not None:
            return None  # a mere folder, such as `datasets/`, does not stand before a package of its name
        return found

    def _asks(self) -> bool:
        """Whether the code that imports lies in the folder, and in no environment that is installed there."""
        file = os.path.realpath(_importing_file())
        if not file.startswith(self.folder + os.sep):
            return False
        return "site-packages" not in Path(file).parts


def let_neighbours_meet(folder: Path) -> None:
    """Let Python files of a folder import each other, now and later on.

    Args:
        folder: The folder.
    """
    real = os.path.realpath(folder)
    if any(isinstance(finder, _Neighbours) and finder.folder == real for finder in sys.meta_path):
        return
    # After built-in and frozen modules, before all that is installed: as for a script that is run in the folder.
    place = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else len(sys.meta_path)
    sys.meta_path.insert(place, _Neighbours(real))


def _importing_file() -> str:
    """The file whose code imports something now, "" if there is none."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        file = frame.f_code.co_filename
        if file != __file__ and not file.startswith("<frozen importlib") and not _is_importlib(file):
            return file
        frame = frame.f_back
    return ""


def _is_importlib(file: str) -> bool:
    return Path(file).parent.name == "importlib"
