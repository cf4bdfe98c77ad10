"""Wheels of packages that are installed here, made again from their files, so that packing needs no network."""

import base64
import hashlib
import importlib.metadata
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aicomp.errors import NetworkError, UsageError
from aicomp.kaggle.notebook.archive import write_zip
from aicomp.processes import child_environment, python_module
from aicomp.resources import bundled

NEEDED = ("msgspec",)
"""What a prediction imports and Kaggle's image may lack, beside aicomp itself."""

_OF_THE_INSTALLER = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json")
"""Files of an installed package that its wheel does not have; the last one holds a path of this machine."""


@dataclass(frozen=True)
class Wheel:
    """A wheel.

    Attributes:
        path: The file; its name says for which Python and which platform it is.
    """

    path: Path

    @property
    def tags(self) -> tuple[str, str, str]:
        """Python, ABI and platform, such as ("cp311", "cp311", "manylinux_2_17_x86_64")."""
        python, abi, platform_ = self.path.stem.split("-")[-3:]
        return python, abi, platform_

    @property
    def is_compiled(self) -> bool:
        """Whether it fits one platform alone."""
        return self.tags[2] != "any"

    @property
    def fits(self) -> str:
        """For whom it is, in words."""
        python, _, platform_ = self.tags
        return f"{python}, {platform_.split('.')[0]}" if self.is_compiled else "any Python 3 and platform"


def make_wheels(folder: Path, packages: tuple[str, ...], python: str) -> list[Wheel]:
    """Write the wheels of aicomp and of packages into a folder.

    Args:
        folder: Where they go.
        packages: Names of installed packages.
        python: Python of the machine that they are for, such as "3.12"; "" is the one that runs here.

    Raises:
        UsageError: A package is not installed, or cannot be packed.
        NetworkError: A compiled package is needed for another Python or platform, and cannot be fetched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wheels = [_own_wheel(folder)]
    for package in dict.fromkeys((*NEEDED, *packages)):
        wheel = _installed_wheel(folder, package)
        if wheel.is_compiled and (python or not _is_kaggles_platform()):
            wheel.path.unlink()
            wheel = _fetch(folder, package, python or _here())
        wheels.append(wheel)
    return wheels


def _here() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _is_kaggles_platform() -> bool:
    return sys.platform == "linux" and platform.machine() == "x86_64"


def _own_wheel(folder: Path) -> Wheel:
    """The wheel of aicomp, from a wheel's installation or from a checkout."""
    import aicomp

    package = Path(aicomp.__file__).parent
    entries = {f"aicomp/{name}": content for name, content in _tree(package)}
    for kind in ("templates", "competitions"):
        place = bundled(kind)
        entries |= {f"aicomp/_data/{kind}/{name}": content for name, content in _tree(place)}
    distribution = importlib.metadata.distribution("aicomp")
    info = f"aicomp-{distribution.version}.dist-info"
    for name in ("METADATA", "entry_points.txt"):
        entries[f"{info}/{name}"] = (distribution.read_text(name) or "").encode()
    entries[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: aicomp\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    return _write(folder / f"aicomp-{distribution.version}-py3-none-any.whl", info, entries)


def _tree(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and "__pycache__" not in name.parts and not any(p.startswith(".") for p in name.parts):
            yield name.as_posix(), path.read_bytes()


def _installed_wheel(folder: Path, package: str) -> Wheel:
    try:
        distribution = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        raise UsageError(
            f"the package `{package}` is not installed here, and the notebook needs it",
            f"`pip install {package}`, or remove it from `packages` under [notebook] in aicomp.toml",
        ) from None
    entries, info = {}, ""
    for file in distribution.files or ():
        if ".." in file.parts or file.is_absolute() or "__pycache__" in file.parts:
            continue  # scripts, which lie beside the packages, and compiled copies
        if file.parent.name.endswith(".dist-info"):
            info = info or file.parts[0]
            if file.name in _OF_THE_INSTALLER:
                continue
        entries[file.as_posix()] = Path(str(file.locate())).read_bytes()
    text = distribution.read_text("WHEEL")
    if not text or not info or not any(not name.startswith(info) for name in entries):
        raise UsageError(
            f"the package `{package}` was not installed from a wheel, and cannot be packed",
            f"`pip install --force-reinstall {package}`",
        )
    name = re.sub(r"[-.]+", "_", distribution.name)
    return _write(folder / f"{name}-{distribution.version}-{_compressed_tags(text)}.whl", info, entries)


def _compressed_tags(wheel_text: str) -> str:
    """The end of a wheel's name from its `Tag:` lines: `cp311-cp311-a` and `cp311-cp311-b` are `cp311-cp311-a.b`."""
    tags = [line.removeprefix("Tag:").strip().split("-") for line in wheel_text.splitlines() if line.startswith("Tag:")]
    return "-".join(".".join(dict.fromkeys(tag[i] for tag in tags)) for i in range(3))


def _write(path: Path, info: str, entries: dict[str, bytes]) -> Wheel:
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(entries.items())]
    record = f"{info}/RECORD"
    write_zip(path, {**entries, record: "\n".join([*lines, f"{record},,", ""]).encode()})
    return Wheel(path)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _fetch(folder: Path, package: str, python: str) -> Wheel:
    """Download the wheel of an installed version for Kaggle's platform and a Python."""
    version = importlib.metadata.version(package)
    before = set(folder.glob("*.whl"))
    command = python_module("pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(folder)]
    command += ["--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"]
    command += ["--implementation", "cp", "--python-version", python, f"{package}=={version}"]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(), check=False)
    new = sorted(set(folder.glob("*.whl")) - before)
    if done.returncode != 0 or len(new) != 1:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NetworkError(
            f"cannot fetch `{package}` {version} for Python {python} on Linux: {reason}",
            "check the network and `python` under [notebook] in aicomp.toml; `pip download` must work here",
        )
    return Wheel(new[0])
