"""What `aicomp doctor` finds out, as checks; here are those of this machine: versions, device, disk space."""

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from aicomp import __version__
from aicomp.errors import AicompError, DataError
from aicomp.processes import n_cores
from aicomp.raw_data import check_manifest

Status = Literal["ok", "warning", "failed"]

SHOWN_PACKAGES = ("kaggle", "kagglesdk", "torch", "numpy", "pandas", "scikit-learn")

_GPU_NODES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Where Linux shows a GPU: NVIDIA's, the one of Windows around it, AMD's."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Such as "rules".
        status: "failed" if something that aicomp does will not work.
        detail: What was found, one line.
        hint: The next thing to type or open; empty if nothing is to be done.
        exit_code: That of the error that a failed check would be; 0 unless it failed.
    """

    name: str
    status: Status
    detail: str
    hint: str = ""
    exit_code: int = 0

    @classmethod
    def failed(cls, name: str, error: AicompError) -> "Check":
        """The check for an error that a command would end with."""
        return cls(name, "failed", error.message, error.hint, error.exit_code)


def exit_code(checks: Sequence[Check]) -> int:
    """0 if nothing failed, else the exit code of the worst check.

    What comes first when a competition is worked on is the worst: without credentials nothing else can be told.

    >>> exit_code([Check("rules", "failed", "not accepted", exit_code=5), Check("network", "failed", "-", exit_code=6)])
    6
    """
    codes = [c.exit_code for c in checks if c.status == "failed"]
    return min(codes, key=(4, 6, 5, 2, 3, 1).index, default=0)


def check_versions() -> Check:
    """Versions of Python, aicomp and the packages whose behaviour results depend on."""
    found = {"aicomp": __version__, "python": platform.python_version()}
    absent = []
    for name in SHOWN_PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            absent.append(name)
    line = ", ".join(f"{name} {number}" for name, number in found.items())
    if absent:
        return Check("versions", "failed", f"{line}; absent: {', '.join(absent)}", "pip install aicomp", 1)
    return Check("versions", "ok", line)


def check_device() -> Check:
    """What training would run on. torch, which takes over a second to import, is asked only where a GPU may be."""
    line = f"{n_cores()} CPU cores of {platform.machine() or 'an unknown kind'}"
    if not _may_have_gpu():
        return Check("device", "ok", f"{line}, no GPU")
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return Check("device", "ok", f"{line}, {', '.join(names)}")
    if torch.backends.mps.is_available():
        return Check("device", "ok", f"{line}, its GPU by MPS")
    if platform.system() == "Linux":
        return Check(
            "device",
            "warning",
            f"{line}, and a GPU that torch {torch.__version__} does not see",
            "`nvidia-smi` shows the driver; install the torch of your CUDA version from https://pytorch.org",
        )
    return Check("device", "ok", f"{line}, no GPU that torch can use")


def _may_have_gpu() -> bool:
    return platform.system() != "Linux" or any(Path(node).exists() for node in _GPU_NODES)


def free_bytes(folder: Path) -> int:
    """Free space where a folder lies or would lie."""
    present = next(p for p in (folder, *folder.parents) if p.exists())
    return shutil.disk_usage(present).free


def check_disk(folder: Path, needed: int = 0) -> Check:
    """Whether `needed` bytes fit where a folder lies or would lie.

    Args:
        folder: Where they are to be written.
        needed: 0 if that is not known.
    """
    free = free_bytes(folder)
    if free < needed:
        return Check(
            "disk",
            "failed",
            f"{size_text(needed)} are needed in `{folder}` and {size_text(free)} are free",
            "free some space, set `AICOMP_CACHE` to a folder on another disk, or take a part with `--file PATTERN`",
            1,
        )
    wanted = f", {size_text(needed)} needed" if needed else ""
    return Check("disk", "ok", f"{size_text(free)} free in `{folder}`{wanted}")


def check_data(project_folder: Path) -> Check:
    """Whether a project has its data, whole and unchanged."""
    try:
        check_manifest(project_folder)
    except DataError as e:
        return Check("data", "warning", e.message, e.hint)
    return Check("data", "ok", "whole, as its manifest says")


def size_text(n_bytes: float) -> str:
    """A number of bytes for people.

    >>> size_text(999), size_text(1_234_567), size_text(5e9)
    ('999 B', '1.23 MB', '5 GB')
    """
    if n_bytes < 1000:
        return f"{n_bytes:.0f} B"
    for unit in ("kB", "MB", "GB"):
        n_bytes /= 1000
        if n_bytes < 999.5:
            return f"{n_bytes:.3g} {unit}"
    return f"{n_bytes / 1000:.3g} TB"
