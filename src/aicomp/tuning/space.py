"""What is tuned in a project: its model's space, changed by `[tune.space]`, without what was fixed."""

import inspect
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, get_args

import msgspec

from aicomp.config import RegularizationConfig, TrainingConfig
from aicomp.errors import UsageError
from aicomp.models import ALL_MODELS, is_estimator
from aicomp.models.space import NETWORK, Choice, Float, Int, Setting
from aicomp.project import Project
from aicomp.registry import resolve
from aicomp.suggest import unknown_name

_RANGE = {"low", "high", "log", "step", "choices"}
_PARAMS = "model.params."
_SECTIONS: dict[str, type[msgspec.Struct]] = {"training": TrainingConfig, "regularization": RegularizationConfig}


def choose_space(project: Project, fixed: Collection[str] = ()) -> tuple[Setting, ...]:
    """The settings that are tuned, in a fixed order.

    Args:
        project: The project; its `[tune.space]` wins over the model's own ranges.
        fixed: Keys that keep the config's value.

    Raises:
        UsageError: `[tune.space]` is wrong, or nothing is left to tune.
    """
    model = resolve("model", project.config.model.name, ALL_MODELS, project.folder)
    problem = "classification" if project.task.is_classification else "regression"
    settings = {s.key: s for s in space_of(model) if s.only in (None, problem)}
    known = _known_keys(model, settings)
    for key, entry in _flat(project.config.tune.space):
        if key not in known and not (key.startswith(_PARAMS) and _takes_any(model)):
            error = unknown_name("setting", key, known)
            raise UsageError(f"`[tune.space]`: {error.message}", error.hint)
        changed = _changed(key, entry, settings.get(key))
        if changed is None:
            settings.pop(key, None)
        else:
            settings[key] = changed
    left = tuple(s for key, s in settings.items() if key not in fixed)
    if not left:
        why = "every setting is fixed by `--set`" if settings else "it has no `SPACE`"
        raise UsageError(
            f"nothing of model `{project.config.model.name}` is left to tune: {why}",
            "write ranges in `[tune.space]` of aicomp.toml, such as "
            f'`"{next(iter(settings or known), "model.params.x")}" = {{low=1, high=10}}`',
        )
    return left


def space_of(model: Any) -> Sequence[Setting]:
    """`SPACE` of a model or of the file that it lies in; a network without one has that of all networks.

    Raises:
        UsageError: A `SPACE` that holds something else than `Float`, `Int` and `Choice`.
    """
    module = sys.modules.get(getattr(model, "__module__", ""))
    found = getattr(model, "SPACE", None) or getattr(module, "SPACE", None)
    if found is None:
        return () if is_estimator(model) else NETWORK
    for setting in found:
        if not isinstance(setting, Setting):
            raise UsageError(
                f"`SPACE` holds {setting!r}, which is no setting",
                "write `Float`, `Int` or `Choice` of aicomp.models.space",
            )
    return tuple(found)


def defaults_of(project: Project) -> dict[str, Any]:
    """What the model takes where the config says nothing, by dotted key, as far as that is known before it is made."""
    model = resolve("model", project.config.model.name, ALL_MODELS, project.folder)
    written = {_PARAMS + p.name: p.default for p in _parameters(model) if p.default not in (p.empty, None)}
    return {**written, **{s.key: s.default for s in space_of(model) if s.default is not None}}


def as_plain(space: Sequence[Setting]) -> list[dict[str, Any]]:
    """A space as JSON, in which two spaces differ if a trial of one could be none of the other."""
    return [{"kind": type(s).__name__, **asdict(s)} for s in space]


def _known_keys(model: Any, settings: Collection[str]) -> list[str]:
    keys = [f"{name}.{field}" for name, section in _SECTIONS.items() for field in section.__struct_fields__]
    keys = [] if is_estimator(model) else keys
    own = [_PARAMS + p.name for p in _parameters(model) if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return sorted({*settings, *own, *keys})


def _parameters(model: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(model).parameters.values())[1:]  # the first is the spec


def _takes_any(model: Any) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in _parameters(model))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Entries by dotted key; `a.b = {...}` without quotes is a table in a table."""
    for key, entry in tree.items():
        if isinstance(entry, dict) and entry and not set(entry) & _RANGE:
            yield from _flat(entry, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", entry


def _changed(key: str, entry: Any, usual: Setting | None) -> Setting | None:
    """A setting as `[tune.space]` wants it; None leaves it out.

    Raises:
        UsageError: An entry of another form.
    """
    if entry is False:
        return None
    if isinstance(entry, list):
        entry = {"choices": entry}
    if not isinstance(entry, dict) or not entry:
        raise _wrong(key, f"{entry!r} is no range")
    if unknown := sorted(set(entry) - _RANGE):
        error = unknown_name("key", unknown[0], _RANGE)
        raise UsageError(f"`[tune.space]` `{key}`: {error.message}", error.hint)
    if "choices" in entry:
        if set(entry) != {"choices"} or not isinstance(entry["choices"], list):
            raise _wrong(key, "`choices` is a list that stands alone")
        return Choice(key, tuple(entry["choices"]))
    if usual is None or isinstance(usual, Choice):
        if not {"low", "high"} <= set(entry):
            raise _wrong(key, "`low` and `high` are both needed")
        whole = all(type(entry[name]) is int for name in ("low", "high"))
        usual = Int(key, -(2**53), 2**53) if whole and _may_be_whole(key) else Float(key, -1e300, 1e300)
        usual = replace(usual, default=None)
    try:
        return msgspec.convert({**asdict(usual), **_without_old_scale(entry)}, type(usual))
    except msgspec.ValidationError as e:
        raise _wrong(key, str(e).replace("`$.", "`")) from None


def _may_be_whole(key: str) -> bool:
    """Whether whole numbers are meant by bounds that are: not where the config has a number with a fraction."""
    section, _, name = key.rpartition(".")
    if section not in _SECTIONS:
        return True
    kinds = {f.name: f.type for f in msgspec.structs.fields(_SECTIONS[section])}
    return int in get_args(kinds[name])


def _without_old_scale(entry: dict[str, Any]) -> dict[str, Any]:
    """With bounds of one's own, scale and step are one's own too: the usual ones may not fit."""
    return {"log": False, **entry} if {"low", "high"} <= set(entry) else entry


def _wrong(key: str, what: str) -> UsageError:
    return UsageError(
        f"`[tune.space]` `{key}`: {what[0].lower()}{what[1:]}",
        f'write `"{key}" = {{low=1, high=10, log=true}}`, a list of choices, or false to leave it out',
    )
