"""Installed plugins that need no installation: a distribution's metadata in a folder on `sys.path`."""

import sys
from pathlib import Path

import pytest


def install_plugin(
    monkeypatch: pytest.MonkeyPatch, folder: Path, module: str, code: str, entry_points: dict[str, dict[str, str]]
) -> None:
    """Make a package that `importlib.metadata` finds as it finds those of pip.

    Args:
        monkeypatch: Takes it away again.
        folder: Where to put it.
        module: Name of its module, unlike that of any other; the package's is the same with dashes.
        code: Python of that module.
        entry_points: Object references by name, by group.
    """
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1.0\n")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {reference}\n" for name, reference in points.items())
        for group, points in entry_points.items()
    )
    (info / "entry_points.txt").write_text("\n".join(groups))
    (folder / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, module, raising=False)  # that of another test lay in another folder
