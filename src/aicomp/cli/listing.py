"""`aicomp list`: the names that a config or a command takes, with what each of them means."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from aicomp.cli.options import Json
from aicomp.cli.output import Output

if TYPE_CHECKING:
    from aicomp.registry import Kind


def list_names(
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="One of competitions, templates, metrics, models, splitters."),
    ],
    search: Annotated[
        str | None,
        typer.Option("--search", metavar="WORDS", help="Only those that say this, or at least each word of it."),
    ] = None,
    template: Annotated[
        str | None, typer.Option("--template", metavar="NAME", help="Only competitions that this template fits.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="Only competitions that this metric scores.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List competitions, templates, metrics, models or splitters: built in, and of installed plugins.

    A dash stands where aicomp lacks the metric, or a template that fits; `aicomp show SLUG` says more.

    With --json the keys are: kind, items. Each item has name, description and plugin (the package that it comes from,
    null for aicomp's own); a competition also problem_type, metric (empty where aicomp lacks it), metric_name (in
    Kaggle's words, empty where it is not recorded), template, trainable, host and summary (its task in a sentence); a
    metric also greater_is_better, needs, problem_types, columns (of the solution, that it reads beside the target),
    graded_only (why it can grade and not guide a training, else empty) and aliases; a model also installed (whether the
    package that it needs is there).
    A plugin that cannot be loaded has name, description (why) and plugin alone.
    """
    from aicomp.cli.table import table_lines
    from aicomp.registry import Kind
    from aicomp.suggest import unknown_name

    output = Output(as_json)
    known: dict[str, Kind] = {f"{singular}s": singular for singular in get_args(Kind)}
    if kind not in known:
        raise unknown_name("kind", kind, known)
    items = [*_own_items(known[kind]), *_plugin_items(known[kind])]
    _refuse_filters(kind, template, metric)
    items = [
        item
        for item in items
        if template in (None, item.get("template")) and (metric is None or _scored_by(item, metric))
    ]
    if search is not None:
        items = _found(items, search)
    if not items and not as_json:
        output.say(f"note: none of the {kind} fits; `aicomp list {kind}` shows all")
    output.result({"kind": kind, "items": items}, *table_lines(*_table(known[kind], items)))


def _refuse_filters(kind: str, template: str | None, metric: str | None) -> None:
    for flag, value in (("template", template), ("metric", metric)):
        if value is not None and kind != "competitions":
            raise typer.BadParameter(f"`--{flag}` is for `aicomp list competitions`, not for {kind}")


def _scored_by(item: dict[str, Any], metric: str) -> bool:
    """Whether a competition has a metric, by aicomp's name, another one of it, or as a part of Kaggle's."""
    from aicomp.metrics.aliases import ALIASES

    name = ALIASES.get(metric.casefold(), metric)
    return name == item.get("metric") or metric.casefold() in item.get("metric_name", "").casefold()


def _found(items: list[dict[str, Any]], search: str) -> list[dict[str, Any]]:
    """The items that say the words as they stand; if there are none, those that say each of them somewhere."""
    texts = [_plain(_text(item)) for item in items]
    wanted = _plain(search)
    found = [item for item, text in zip(items, texts, strict=True) if wanted in text]
    words = wanted.split()
    return found or [i for i, text in zip(items, texts, strict=True) if words and all(word in text for word in words)]


def _plain(text: str) -> str:
    """A text without upper case, and with a blank for what joins the words of a name.

    >>> _plain("Log_Loss of rsna-2022")
    'log loss of rsna 2022'
    """
    return re.sub(r"[_\s-]+", " ", text.casefold())


def _text(item: dict[str, Any]) -> str:
    """What is searched: all that is said of it, and what else its metric is called."""
    from aicomp.metrics.aliases import ALIASES

    said = [item.get(key, "") for key in ("metric", "metric_name", "problem_type", "template", "summary")]
    spellings = [text for text, name in ALIASES.items() if "problem_type" in item and name == item["metric"]]
    return "\n".join([item["name"], item["description"], *item.get("aliases", ()), *said, *spellings])


def _own_items(kind: "Kind") -> Iterator[dict[str, Any]]:
    for name, found in _own(kind).items():
        yield {"name": name, **_describe(kind, found), "plugin": None}


def _plugin_items(kind: "Kind") -> Iterator[dict[str, Any]]:
    from aicomp.registry import plugins

    for name, point in sorted(plugins(kind).items()):
        try:
            content = _describe(kind, point.load())
        except Exception as e:  # a plugin may raise anything, and the others are to be listed all the same
            content = {"description": f"cannot be loaded: {type(e).__name__}: {e}"}
        yield {"name": name, **content, "plugin": point.dist.name if point.dist is not None else point.value}


def _own(kind: "Kind") -> dict[str, Any]:
    """What aicomp brings along, by name; nothing is imported that is not asked for."""
    from aicomp.resources import bundled, bundled_names

    match kind:
        case "competition":
            from aicomp.catalogue import load

            return {name: load(name) for name in bundled_names("competitions")}
        case "template":
            return {name: bundled("templates") / name for name in bundled_names("templates")}
        case "metric":
            from aicomp.metrics import ALL_METRICS

            return dict(ALL_METRICS)
        case "model":
            from aicomp.models import ALL_MODELS

            return dict(ALL_MODELS)
        case "splitter":
            from aicomp.splitters import SPLITTERS

            return dict(SPLITTERS)


def _describe(kind: "Kind", found: Any) -> dict[str, Any]:
    match kind:
        case "competition":
            c = found.competition
            return {
                "problem_type": c.problem_type,
                "metric": c.metric,
                "metric_name": "" if c.about is None else c.about.metric_name,
                "template": c.template,
                "trainable": c.about is None or not c.about.untrainable,
                "host": c.host,
                "description": c.title,
                "summary": _about_readme(found.folder / "README.md"),
            }
        case "template":
            return {"description": _about_readme(Path(found) / "README.md")}
        case "metric":
            from aicomp.metrics.aliases import ALIASES
            from aicomp.metrics.base import ProblemType

            return {
                "greater_is_better": found.greater_is_better,
                "needs": found.needs,
                "problem_types": [t for t in get_args(ProblemType) if t in found.problem_types],
                "columns": [column.name for column in found.columns],
                "graded_only": found.why_graded_only,
                "aliases": [text for text, name in ALIASES.items() if name == found.name],
                "description": _about_function(getattr(found.fn, "func", found.fn)),
            }
        case "model":
            from aicomp.models import is_installed

            return {"installed": is_installed(found), "description": _about_function(found)}
        case "splitter":
            return {"description": _about_function(found)}


_INSTALLED = {True: "yes", False: "no"}


def _table(kind: "Kind", items: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Header and cells; the plugin's column is shown only if there is one."""
    columns = ["name"]
    if kind == "competition":
        columns += ["problem_type", "metric", "template", "host"]
        items = [_shown_competition(item) for item in items]
    elif kind == "metric":
        columns += ["greater_is_better", "needs", "problem_types", "used"]
        items = [{**item, "used": "scoring" if item.get("graded_only") else ""} for item in items]
    elif kind == "model":
        columns += ["installed"]
        items = [{**item, "installed": _INSTALLED[item.get("installed", False)]} for item in items]
    if any(item["plugin"] is not None for item in items):
        columns.append("plugin")
    columns.append("description")
    titles = {
        "used": "only for",
        "greater_is_better": "better",
        "problem_type": "problem type",
        "problem_types": "problem types",
    }
    return [titles.get(c, c) for c in columns], [[_cell(item.get(c)) for c in columns] for item in items]


def _shown_competition(item: dict[str, Any]) -> dict[str, Any]:
    """An item for people: what aicomp lacks is a dash."""
    lacking = {"metric": "-"} if not item.get("metric") else {}
    return {**item, **lacking, **({} if item.get("trainable", True) else {"template": "-"})}


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "higher" if value else "lower"
        case list():
            return ", ".join(value)
        case _:
            return str(value)


def _about_function(function: Any) -> str:
    """First line of a docstring."""
    lines = (function.__doc__ or "").strip().splitlines()
    return lines[0].strip() if lines else ""


def _about_readme(path: Path) -> str:
    """First sentence of a README's first paragraph, else its heading."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text) if block.strip()]
    paragraphs = [block for block in blocks if block[0] not in "#`|!"]
    if paragraphs:
        return re.split(r"(?<=[.!?])\s", paragraphs[0])[0]
    return blocks[0].lstrip("# ") if blocks else ""
