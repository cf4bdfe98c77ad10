"""A Python like that of Kaggle's image: a fresh virtual environment that sees listed packages of this one alone."""

import importlib.metadata
import re
import venv
from collections.abc import Iterable
from pathlib import Path

from aicomp.errors import UsageError

IMAGE = ("torch", "pandas", "numpy", "scipy", "scikit-learn", "safetensors", "filelock", "pillow", "pyarrow")
"""Packages of Kaggle's image that a prediction uses; what they need comes with them."""

_OPTIONAL = ("pyarrow",)


def make_image(folder: Path, more: tuple[str, ...] = ()) -> Path:
    """Make the environment.

    Args:
        folder: Where it goes: `venv/`, and `image/` with a link to each package.
        more: Further packages of the image, see `[notebook] image`.

    Returns:
        The environment's Python.

    Raises:
        UsageError: A listed package is not installed here.
    """
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder / "venv")
    image = folder / "image"
    image.mkdir(parents=True)
    for distribution in closure((*IMAGE, *more)):
        for name in _top_level(distribution):
            link = image / name
            if not link.is_symlink():  # several packages share one, such as `nvidia`
                link.symlink_to(Path(str(distribution.locate_file(name))).resolve())
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "image.pth").write_text(f"{image}\n", encoding="utf-8")
    return folder / "venv" / "bin" / "python"


def closure(names: Iterable[str]) -> list[importlib.metadata.Distribution]:
    """The named packages and all that they need, as far as it is installed."""
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = [(name, True) for name in names]
    while wanted:
        name, is_listed = wanted.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if is_listed and name not in _OPTIONAL:
                raise UsageError(
                    f"`{name}` is listed as a package of Kaggle's image, and is not installed here",
                    f"`pip install {name}`, or remove it from `image` under [notebook] in aicomp.toml",
                ) from None
            continue  # needed on another platform alone
        found[key] = distribution
        for requirement in distribution.requires or ():
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            if match and "extra ==" not in requirement:
                wanted.append((match[0], False))
    return list(found.values())


def _top_level(distribution: importlib.metadata.Distribution) -> set[str]:
    """Files and folders of a package that lie directly in `site-packages`."""
    return {f.parts[0] for f in distribution.files or () if f.parts[0] not in ("..", "__pycache__")}
