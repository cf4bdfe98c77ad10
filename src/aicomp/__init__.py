"""`aicomp`: from a competition's name to a validated submission.

`aicomp.Run`, `aicomp.Project` and `aicomp.project_folds` are imported when they are first used, so that `import aicomp`
stays light.
"""

import os
import sys

if sys.argv[:1] == ["-m"] and "-m" in sys.orig_argv and not sys.flags.safe_path:
    # `python -m aicomp` searches the current folder first, where a `pandas.py` would stand before the real one. The
    # program `aicomp` does not, nor does `python -P -m aicomp`.
    _module = sys.orig_argv[sys.orig_argv.index("-m") + 1]
    if _module.partition(".")[0] == "aicomp" and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109 - as Python writes it
        del sys.path[0]

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aicomp.fold_choice import project_folds
    from aicomp.project import Project
    from aicomp.run import Run

__version__ = "0.1.0"
__all__ = ["Project", "Run", "project_folds"]

_MODULES = {"Project": "aicomp.project", "Run": "aicomp.run", "project_folds": "aicomp.fold_choice"}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module `aicomp` has no attribute `{name}`")
    return getattr(import_module(_MODULES[name]), name)
