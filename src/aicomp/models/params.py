"""`[model] params` meet the signature of the function that builds the model."""

import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from aicomp.errors import UsageError
from aicomp.models.spec import ModelSpec
from aicomp.suggest import unknown_name

T = TypeVar("T")

_LARGEST = 2**31 - 1

_MAY_BE_ZERO = ("patience", "n_blocks", "masks")
"""Counts of which none is a choice too: no early end, no hidden layer, nothing blanked out."""


def with_params(build_model: Callable[..., T], params: Mapping[str, Any]) -> Callable[[ModelSpec], T]:
    """The function, or class, that builds a model, with its parameters filled in.

    Args:
        build_model: Takes a `ModelSpec` and keyword arguments.
        params: The keyword arguments.

    Raises:
        UsageError: A parameter that the model does not take (with the nearest it does), one that it needs, or a value
            of another type than it says.
    """
    known = list(inspect.signature(build_model).parameters.values())[1:]  # the first is the spec
    takes_any = any(p.kind is p.VAR_KEYWORD for p in known)
    names = [p.name for p in known if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for name in params:
        if name not in names and not takes_any:
            error = unknown_name("parameter", f"model.params.{name}", [f"model.params.{n}" for n in names])
            raise error if names else UsageError(error.message, "this model takes no parameters")
    missing = [p.name for p in known if p.name in names and p.default is p.empty and p.name not in params]
    if missing:
        raise UsageError(
            f"the model needs the parameter `{missing[0]}`", f"write `--set model.params.{missing[0]}=...`"
        )
    hints = _hints(build_model)
    is_own = getattr(build_model, "__module__", "").startswith("aicomp.")
    defaults = {p.name: p.default for p in known}
    for name, value in params.items():
        if name in hints and name in defaults:
            _check_type(name, value, hints[name])
        if is_own:
            _check_range(name, value, hints.get(name), defaults.get(name))
    return partial(build_model, **params)


def _hints(build_model: Callable[..., Any]) -> dict[str, Any]:
    """Types of its arguments; none where a project's own names something that is not there when it runs."""
    try:
        return get_type_hints(vars(build_model)["__init__"] if isinstance(build_model, type) else build_model)
    except (NameError, TypeError, AttributeError, KeyError):
        return {}


def _check_type(name: str, value: Any, hint: Any) -> None:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as e:
        said = str(e)
        raise UsageError(
            f"`model.params.{name}` is {value!r}: {said[:1].lower()}{said[1:]}", "remove it, or correct its value"
        ) from e
    except TypeError:
        return  # a type that TOML has no value of: the model sees for itself


def _check_range(name: str, value: Any, hint: Any, default: Any) -> None:
    """Refuse numbers that none of aicomp's own models takes; each has limits of its own beside."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    remedy = "remove it" if default is None else f"remove it for {default}"
    if name == "learning_rate" and not value > 0:
        raise UsageError(f"`model.params.{name}` is {value}, but it must be above 0", remedy)
    kinds = (hint, *get_args(hint))
    if int not in kinds and float not in kinds:
        return  # a library's own parameter, which it checks itself
    is_count = float not in kinds
    least = 1 if is_count and default != 0 and name not in _MAY_BE_ZERO else 0
    if not least <= value < math.inf:
        raise UsageError(f"`model.params.{name}` is {value}, but it must be a number from {least} up", remedy)
    if is_count and value > _LARGEST:
        raise UsageError(f"`model.params.{name}` is {value}, but it must be at most {_LARGEST}", remedy)
    if "dropout" in name and value >= 1:
        raise UsageError(f"`model.params.{name}` is {value}, but it must be below 1", remedy)
