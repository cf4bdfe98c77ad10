"""`[model] params` meet the signature of the function that builds the model."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from aicomp.errors import UsageError
from aicomp.models.spec import ModelSpec
from aicomp.suggest import unknown_name

T = TypeVar("T")


def with_params(build_model: Callable[..., T], params: Mapping[str, Any]) -> Callable[[ModelSpec], T]:
    """The function, or class, that builds a model, with its parameters filled in.

    Args:
        build_model: Takes a `ModelSpec` and keyword arguments.
        params: The keyword arguments.

    Raises:
        UsageError: A parameter that the model does not take (with the nearest it does), or one that it needs.
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
    return partial(build_model, **params)
