"""In which settings two runs differ."""

from typing import Any


def changes(a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    """Entries that differ, with dotted keys; one that is absent is None.

    >>> changes({"model": {"name": "mlp"}, "seed": 0}, {"model": {"name": "tabm"}, "seed": 0})
    [{'key': 'model.name', 'a': 'mlp', 'b': 'tabm'}]
    """
    flat_a, flat_b = flatten(a), flatten(b)
    keys = dict.fromkeys([*flat_a, *flat_b])
    return [
        {"key": key, "a": flat_a.get(key), "b": flat_b.get(key)} for key in keys if flat_a.get(key) != flat_b.get(key)
    ]


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A tree of settings as one level, with dotted keys.

    >>> flatten({"model": {"name": "mlp", "params": {}}, "seed": 0})
    {'model.name': 'mlp', 'seed': 0}
    """
    flat = {}
    for key, value in tree.items():
        flat.update(flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return flat
