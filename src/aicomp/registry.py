"""Turn a name into an object: built in, `file:object` in the user's project, or an installed plugin."""

import importlib.util
import sys
import traceback
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from aicomp.errors import AicompError, UsageError
from aicomp.files import check_name
from aicomp.neighbours import let_neighbours_meet
from aicomp.suggest import unknown_name

Kind = Literal["metric", "model", "splitter", "template", "competition"]


def load_object(reference: str, folder: Path) -> Any:
    """Import `file:object`, such as `metric:my_score`, from a Python file in `folder`.

    The file is loaded afresh under a private module name, so that a project's `model.py` never meets another's.

    Raises:
        UsageError: The reference is malformed, the file or the object does not exist, or the file fails on import.
    """
    module_name, _, attribute = reference.partition(":")
    if not module_name or not attribute:
        raise UsageError(f"`{reference}` is not of the form `file:object`", "write for example `model:build_model`")
    check_name(f"{module_name}.py")
    if module_name != Path(module_name).name or "\\" in module_name:
        # A config may have come with a run: what it names is the user's own code, or it is not loaded.
        raise UsageError(
            f"`{reference}` names a file in another folder, and code is loaded from `{folder}` alone",
            "move the file there, or write a file there that imports it, and name that",
        )
    path = folder / f"{module_name.removesuffix('.py')}.py"
    if not path.is_file():
        raise UsageError(f"`{reference}` names `{path.name}`, which is not in `{folder}`", f"create `{path.name}`")
    module = _load_module(path)
    if not hasattr(module, attribute):
        public = [n for n in vars(module) if not n.startswith("_")]
        raise unknown_name(f"object in `{path.name}`:", attribute, public)
    return getattr(module, attribute)


def _load_module(path: Path) -> ModuleType:
    name = f"_aicomp_project_{abs(hash(str(path.resolve())))}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    let_neighbours_meet(path.parent)
    try:
        spec.loader.exec_module(module)
    except AicompError:
        raise
    except Exception as e:  # the user's own code may raise anything
        del sys.modules[name]
        raise UsageError(
            f"`{path.name}`{_place(e, path)} fails on import: {type(e).__name__}: {e}", f"correct `{path}`"
        ) from e
    return module


def _place(error: Exception, path: Path) -> str:
    """The line of `path` that an error comes from, as " line 3"; empty if it comes from elsewhere."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    if isinstance(error, SyntaxError) and error.filename == str(path):
        lines.append(error.lineno)
    return f" line {lines[-1]}" if lines else ""


def plugins(kind: Kind) -> dict[str, EntryPoint]:
    """Installed plugins of a kind by name: entry points of the group `aicomp.<kind>s`, not loaded yet."""
    return {point.name: point for point in entry_points(group=f"aicomp.{kind}s")}


def resolve(kind: Kind, name: str, builtin: Mapping[str, Any], folder: Path | None = None) -> Any:
    """Find the object that a name in a config or on the command line stands for.

    Args:
        kind: What is looked for; it appears in the error.
        name: A built-in name, the name of an installed plugin, or `file:object`.
        builtin: The built-in objects of that kind by name.
        folder: The user's project, where `file:object` is looked up.

    Raises:
        UsageError: No such name, with the nearest known one; `file:object` outside a project; or a plugin that cannot
            be loaded.
    """
    if ":" in name:
        if folder is None:
            raise UsageError(
                f"{kind} `{name}` lies in a project, and this is none", "run it inside the project's folder"
            )
        return load_object(name, folder)
    if name in builtin:
        return builtin[name]
    installed = plugins(kind)
    if name in installed:
        return _load_plugin(kind, name, installed[name])
    raise unknown_name(kind, name, [*builtin, *installed], f"aicomp list {kind}s")


def _load_plugin(kind: Kind, name: str, point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as e:  # somebody else's code may raise anything
        package = point.dist.name if point.dist is not None else point.module
        raise UsageError(
            f"{kind} `{name}` of the package `{package}` cannot be loaded: {type(e).__name__}: {e}",
            f"update or remove `{package}`",
        ) from e
