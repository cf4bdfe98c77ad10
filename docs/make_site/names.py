"""Reference of metrics, models, splitters and templates, from the registries and their docstrings."""

import inspect
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aicomp import splitters
from aicomp.metrics import ALL_METRICS
from aicomp.metrics.aliases import ALIASES
from aicomp.models import ALL_MODELS, MODELS
from aicomp.resources import bundled, bundled_names
from make_site.markdown import code, docstring, table


def metrics_page() -> str:
    """The page `reference/metrics`."""
    parts = [
        "# Metrics one by one",
        "",
        "Formula, source and what is checked, as the code says it. [The table of all](../metrics.md) is shorter.",
        "",
    ]
    for metric in ALL_METRICS.values():
        function = getattr(metric.fn, "func", metric.fn)
        spellings = sorted(text for text, name in ALIASES.items() if name == metric.name)
        parts += [f"## `{metric.name}`", "", _facts(_metric_facts(metric, spellings)), docstring(function.__doc__)]
    return "\n".join(parts)


def _metric_facts(metric: Any, spellings: Sequence[str]) -> dict[str, str]:
    return {
        "better": "higher" if metric.greater_is_better else "lower",
        "needs": metric.needs,
        "problem types": ", ".join(sorted(metric.problem_types)),
        "reads": ", ".join(code(column.name) for column in metric.columns),
        "only grades": metric.why_graded_only,
        "package": code(metric.package) if metric.package else "",
        "also called": ", ".join(spellings),
    }


def models_page() -> str:
    """The page `reference/models`."""
    parts = [
        "# Models",
        "",
        "`--set model.name=NAME` takes one, `--set model.params.KEY=VALUE` (or `[model] params` in `aicomp.toml`) sets "
        "a parameter of it. Ranges are what `aicomp tune` tries.",
        "",
    ]
    for name, model in ALL_MODELS.items():
        facts = {
            "kind": "network" if name in MODELS else "learns a fold as a whole",
            "package": code(package) if (package := getattr(model, "package", None)) else "",
        }
        parts += [f"## `{name}`", "", _facts(facts), docstring(model.__doc__)]
        parts += [docstring(_network(model).__doc__)] if name in MODELS else []
        parts += [_parameters(model), _space(model)]
    return "\n".join(parts)


def _network(build_model: Callable[..., Any]) -> Any:
    """The class of what a function builds, whose docstring says what the arguments are."""
    return inspect.signature(build_model).return_annotation


def _parameters(model: Callable[..., Any]) -> str:
    """Parameters with their defaults; the first one is what the model is told of the data."""
    known = list(inspect.signature(model).parameters.values())[1:]
    rows = [[code(f"model.params.{p.name}"), _annotation(p.annotation), code(repr(p.default))]
            for p in known if p.kind is not p.VAR_KEYWORD]  # fmt: skip
    parts = [table(["parameter", "type", "default"], rows)] if rows else []
    if any(p.kind is p.VAR_KEYWORD for p in known):
        parts.append(f"{'Others go' if rows else 'Parameters go'} to the package as they are.\n")
    return "\n".join(parts)


def _annotation(annotation: Any) -> str:
    return code(re.sub(r"\w+\.(?=[A-Z])|typing\.", "", inspect.formatannotation(annotation)))


def _space(model: Callable[..., Any]) -> str:
    space = getattr(sys.modules[model.__module__], "SPACE", ())
    rows = [[code(item.key), _range(item)] for item in space]
    return table(["tuned", "range"], rows) if rows else ""


def _range(item: Any) -> str:
    if hasattr(item, "values"):
        return ", ".join(code(repr(choice)) for choice in item.values)
    return f"{item.low:g} to {item.high:g}" + (", by ratio" if getattr(item, "log", False) else "")


def splitters_page() -> str:
    """The page `reference/splitters`."""
    parts = [
        "# Splitters",
        "",
        "`--set split.splitter=NAME` takes one; `auto` chooses by target, groups and time, and says why.",
        "",
        docstring(splitters.__doc__),
    ]
    for name, function in splitters.SPLITTERS.items():
        parts += [f"## `{name}`", "", docstring(function.__doc__)]
    return "\n".join(parts)


def templates_page() -> str:
    """The page `reference/templates`: the README that each one gives a project."""
    parts = [
        "# Templates",
        "",
        "`aicomp init` chooses one by the data and says why; `--template NAME` takes another. Below stands the README "
        "that each gives a new project.",
        "",
    ]
    for name in bundled_names("templates"):
        folder = bundled("templates") / name
        files = ", ".join(code(path) for path in _files(folder))
        readme = (folder / "README.md").read_text(encoding="utf-8")
        parts += [f"## `{name}`", "", f"Files: {files}", "", shifted(readme)]
    return "\n".join(parts)


def _files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path)


def shifted(text: str) -> str:
    r"""A page as a part of another one: without its title, with its sections one level lower.

    >>> shifted("# Title\n\ntext\n\n## Section\n")
    'text\n\n### Section\n'
    """
    lines, fenced = [], False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and line.startswith("# "):
            continue
        lines.append(f"#{line}" if not fenced and line.startswith("##") else line)
    return "\n".join(lines).strip() + "\n"


def _facts(facts: dict[str, str]) -> str:
    return "".join(f"- {name}: {said}\n" for name, said in facts.items() if said)
