"""TOML files as typed structs in which an unknown key is an error.

msgspec does the checking: one small compiled package without dependencies, strict types, and structs that double as
the documentation of the file.
"""

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec

from aicomp.errors import UsageError
from aicomp.suggest import unknown_name

_T = TypeVar("_T", bound=msgspec.Struct)


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        UsageError: It does not exist or cannot be read, is not UTF-8, or is not TOML (with line and column).
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"`{path}` does not exist", "run `aicomp init` to make a project") from None
    except OSError as e:
        raise UsageError(f"`{path}` cannot be read: {e.strerror or e}", "name a readable file") from e
    except UnicodeDecodeError as e:
        raise UsageError(
            f"`{path}` is not UTF-8: byte {e.start} is 0x{e.object[e.start]:02x}", "save it as UTF-8"
        ) from e
    except tomllib.TOMLDecodeError as e:
        raise UsageError(f"`{path}` is not valid TOML: {e}", "correct that line") from e


def apply_overrides(tree: dict[str, Any], overrides: list[str]) -> None:
    """Change a parsed TOML tree by `key=value` entries.

    Raises:
        UsageError: An entry has no `=`, or names a section where there is a value.
    """
    for entry in overrides:
        _apply_override(tree, entry)


def _apply_override(tree: dict[str, Any], entry: str) -> None:
    dotted, equals, text = entry.partition("=")
    if not equals or not dotted.strip():
        raise UsageError(
            f"`--set {entry}` is not of the form key=value", "write for example `--set training.epochs=20`"
        )
    *sections, key = dotted.strip().split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise UsageError(f"`--set {entry}`: `{section}` is a value, not a section")
    tree[key] = _parse_value(text.strip())


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def to_struct(tree: dict[str, Any], kind: type[_T], source: str) -> _T:
    """Convert a parsed TOML tree to a struct; errors name the file and the key.

    Raises:
        UsageError: An unknown key or a value of the wrong type.
    """
    _check_keys(tree, kind, source, "")
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as e:
        message = str(e).replace("`$.", "`").replace(" - at ", " at ")
        hint = _near_choice(kind, str(e)) or f"correct it in `{source}`"
        raise UsageError(f"`{source}`: {message[0].lower()}{message[1:]}{_value_at(tree, str(e))}", hint) from e


def _value_at(tree: Any, message: str) -> str:
    """The value that an error of a wrong type is about, as ": 1.5"; "" where the message has it, or no place."""
    found = re.search(r"^Expected .* - at `\$\.([\w.]+)`$", message)
    if found is None:
        return ""
    for name in found[1].split("."):
        if not isinstance(tree, dict) or name not in tree:
            return ""
        tree = tree[name]
    shown = str(tree).lower() if isinstance(tree, bool) else repr(tree)
    return "" if isinstance(tree, dict | list) else f": {shown}"


def _near_choice(kind: type[msgspec.Struct], message: str) -> str:
    """What could be meant by a string that is none of a key's choices; "" where the error is another one."""
    found = re.fullmatch(r"Invalid enum value '(.*)' - at `\$\.([\w.]+)`", message)
    if found is None:
        return ""
    value, dotted = found.groups()
    annotation: Any = kind
    for name in dotted.split("."):
        struct = _struct_of(annotation)
        annotation = {f.encode_name: f.type for f in msgspec.structs.fields(struct)}.get(name) if struct else None
    choices = [choice for choice in get_args(annotation) if isinstance(choice, str)]
    if not choices and any(get_args(part) == ("auto",) for part in get_args(annotation)):
        kinds = ["true", "false"] if bool in get_args(annotation) else ["a number"]
        return f'write {", ".join(kinds)} or "auto"'
    near = get_close_matches(value.lower(), choices, n=1, cutoff=0.7)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known: {', '.join(choices)}" if choices else ""


def _check_keys(tree: dict[str, Any], kind: type[msgspec.Struct], source: str, prefix: str) -> None:
    fields = {f.encode_name: f.type for f in msgspec.structs.fields(kind)}
    for key, value in tree.items():
        if key not in fields:
            error = unknown_name("key", f"{prefix}{key}", [f"{prefix}{name}" for name in fields])
            raise UsageError(f"`{source}`: {error.message}", error.hint)
        inner = _struct_of(fields[key])
        if inner is not None and isinstance(value, dict):
            _check_keys(value, inner, source, f"{prefix}{key}.")


def _struct_of(annotation: Any) -> type[msgspec.Struct] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            return candidate
    return None
