"""Reference of the Python API: what a project's own code imports from aicomp.

Which names these are is read from code that users have before them: the templates, the plugin package of `docs/`, the
Python blocks of the pages, and `aicomp.__all__`. So the list cannot fall behind.
"""

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import aicomp
from aicomp.resources import bundled
from make_site.markdown import docstring

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(root: Path) -> str:
    """The page `reference/python`; `root` is the repository."""
    parts = [
        "# Python",
        "",
        "What code of your own imports: in a project, as the templates do, and in a package of plugins "
        "([extending](../extending.md)). Names that are not here may change without notice.",
        "",
    ]
    for module, names in sorted(imported(root).items()):
        parts += [f"## `{module}`", ""]
        for name in sorted(names):
            parts += _described(module, name, getattr(import_module(module), name))
    return "\n".join(parts)


def imported(root: Path) -> dict[str, set[str]]:
    """Module -> the names that users' code imports from it; each object once, by its shortest module."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    found["aicomp"].update(aicomp.__all__)
    for text in _codes(root):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "aicomp":
                found[node.module or ""].update(alias.name for alias in node.names)
    shortest: dict[tuple[str, int], str] = {}
    for module, names in found.items():
        for name in names:
            key = name, id(getattr(import_module(module), name))
            shortest[key] = min(module, shortest.get(key, module), key=len)
    return {m: kept for m, names in found.items() if (kept := {n for n in names if m in _homes(shortest, n)})}


def _homes(shortest: dict[tuple[str, int], str], name: str) -> set[str]:
    return {module for (n, _), module in shortest.items() if n == name}


def _codes(root: Path) -> Iterator[str]:
    for folder in (bundled("templates"), root / "docs" / "plugin" / "src"):
        for path in sorted(folder.rglob("*.py")):
            yield path.read_text(encoding="utf-8")
    docs = root / "docs"
    for path in (root / "README.md", *sorted(docs.glob("*.md")), *sorted(docs.glob("howto/*.md"))):
        yield from _BLOCK.findall(path.read_text(encoding="utf-8"))


def _described(module: str, name: str, found: Any) -> list[str]:
    """One object: heading, how it is called, docstring, and what a class has."""
    if inspect.isclass(found):
        made = [] if _is_plain(found) else _signature(f"class {name}", found)
        return [f"### {name}", "", *made, docstring(found.__doc__), *_members(found)]
    if callable(found) and hasattr(found, "__name__") and found.__doc__ and inspect.isfunction(found):
        return [f"### {name}", "", *_signature(name, found), docstring(found.__doc__)]
    text = re.sub(r"\b[a-z_]+(?:\.[a-z_]+)*\.(?=[A-Z])|typing\.|collections\.abc\.", "", str(found))
    return [f"### {name}", "", "```python", f"{name} = {text}", "```", "", *_beside(module, name)]


def _is_plain(found: type) -> bool:
    """Whether a class says nothing of how it is made, as a protocol does."""
    return getattr(found, "_is_protocol", False) or not any("__init__" in vars(c) for c in found.__mro__[:-1])


def _beside(module: str, name: str) -> Iterable[str]:
    """The string that stands below a constant or an alias in its module, which Python itself does not keep."""
    source = inspect.getsource(import_module(module))
    for node, following in zip(ast.parse(source).body, ast.parse(source).body[1:], strict=False):
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        is_it = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if is_it and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            yield docstring(str(following.value.value))


def _members(found: type) -> Iterator[str]:
    for name, member in vars(found).items():
        function = getattr(member, "__func__", member)
        if name.startswith("_") or not (inspect.isfunction(function) or isinstance(member, property)):
            continue
        is_property = isinstance(member, property)
        yield from (f"#### {found.__name__}.{name}", "")
        if not is_property:
            yield from _signature(name, function)
        yield docstring((member if is_property else function).__doc__)


def _signature(name: str, function: Any) -> list[str]:
    """How it is called, a parameter a line where it would be long."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # a class in C
        return []
    words = list(_parameters(signature))
    returns = "" if name.startswith("class ") else f" -> {_type(signature.return_annotation)}"
    text = f"{name}({', '.join(words)}){returns}"
    if len(text) > 90:
        text = f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){returns}"
    return ["```python", text, "```", ""]


def _parameters(signature: inspect.Signature) -> Iterator[str]:
    """Each parameter as it is written, and the star before those that need their name."""
    p = inspect.Parameter
    stars: dict[Any, str] = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}
    needs_name = any(q.kind is p.VAR_POSITIONAL for q in signature.parameters.values())
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is p.KEYWORD_ONLY and not needs_name:
            needs_name = True
            yield "*"
        annotation = "" if parameter.annotation is p.empty else f": {_type(parameter.annotation)}"
        default = "" if parameter.default is p.empty else f" = {parameter.default!r}"
        yield f"{stars.get(parameter.kind, '')}{parameter.name}{annotation}{default}"


def _type(annotation: Any) -> str:
    """An annotation without the modules of its names."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])|\b(?:typing|aicomp[\w.]*|numpy)\.", "", text)
