"""`aicomp`: from a competition's name to a validated submission.

`aicomp.Run`, `aicomp.Project` and `aicomp.project_folds` are imported when they are first used, so that `import aicomp`
stays light.
"""

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
