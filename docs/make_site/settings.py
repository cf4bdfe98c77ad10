"""Reference of the files that users write: every key, its type, its default and what it means."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from aicomp.competition import Competition
from aicomp.config import Config
from aicomp.host.folder import HostConfig
from aicomp.simulation.config import SimulationConfig
from make_site.markdown import attributes, cell, code, plain, table, without_sections

Struct = type[msgspec.Struct]


def project_page() -> str:
    """The page `reference/settings`: `aicomp.toml`."""
    return "\n".join(
        [
            "# Settings: `aicomp.toml`",
            "",
            "Every key, with its type and default. A key that is not here is an error. `--set training.epochs=20` "
            "overrides one for a run.",
            "",
            *_sections(Config, "##"),
            "## Of a simulation",
            "",
            "A project on a simulation has these instead.",
            "",
            *_sections(SimulationConfig, "###"),
        ]
    )


def contract_page() -> str:
    """The page `reference/contracts`: `competition.toml` and `host.toml`."""
    return "\n".join(
        [
            "# Contracts: `competition.toml` and `host.toml`",
            "",
            "A project has a `competition.toml`, which `aicomp init` writes; a folder that `aicomp host` serves has a "
            "`host.toml`, which `aicomp competition new` writes.",
            "",
            "## `competition.toml`",
            "",
            *_sections(Competition, "###"),
            "## `host.toml`",
            "",
            *_sections(HostConfig, "###"),
        ]
    )


def _sections(struct: Struct, level: str) -> Iterator[str]:
    """The keys at the top of the file, then each of its tables."""
    fields = msgspec.structs.fields(struct)
    tables = [(field.encode_name, inner) for field in fields if (inner := _struct_in(field.type)) is not None]
    names = {name for name, _ in tables}
    said = attributes(struct.__doc__)
    if any(field.encode_name not in names for field in fields):
        yield from (f"{level} At the top of the file", "", _keys(struct, "", leave_out=names))
    for name, inner in tables:
        yield from (f"{level} `[{name}]`", "")
        about = said.get(name) or without_sections(inner.__doc__).split(": ", 1)[-1]
        yield from (plain(about[:1].upper() + about[1:]), "", _keys(inner, f"{name}."))


def _struct_in(annotation: Any) -> Struct | None:
    """The table that a field holds, if it holds one."""
    found = [a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, msgspec.Struct)]
    return found[0] if found else None


def _keys(struct: Struct, prefix: str, leave_out: set[str] | None = None) -> str:
    said = attributes(struct.__doc__)
    rows = []
    for field in msgspec.structs.fields(struct):
        if field.encode_name in (leave_out or ()):
            continue
        if field.name not in said:
            raise LookupError(f"{struct.__name__}.{field.name} is not in the docstring")
        key = f"{prefix}{field.encode_name}"
        rows.append([code(key), f"{cell(said[field.name])}<br>{type_text(field.type)}; {_default(field)}"])
    return table(["key", "meaning, type and default"], rows)


def _default(field: Any) -> str:
    default = field.default
    if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    if default is msgspec.NODEFAULT:
        return "must be given"
    return "may be left out" if default is None else f"default {code(json.dumps(default))}"


def type_text(annotation: Any) -> str:
    """A type in the words of TOML.

    >>> type_text(float | Literal["auto"])
    'float or `"auto"`'
    >>> type_text(tuple[str, ...] | None)
    'list of string'
    """
    names = {str: "string", bool: "true or false", int: "integer", float: "float", datetime: "time", Any: "anything"}
    if annotation in names:
        return names[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(inner[0])
    if origin is Literal:
        return ", ".join(code(json.dumps(value)) for value in inner)
    if origin in (tuple, list):
        is_any_length = inner[-1] is ... or len(inner) == 1
        return f"list of {type_text(inner[0])}" if is_any_length else f"list of {len(inner)} numbers"
    if origin is dict:
        return f"table of {type_text(inner[1])}"
    return " or ".join(type_text(a) for a in inner if a is not type(None))
