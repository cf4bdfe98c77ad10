"""The file system that isolated code sees: a list of mounts, worked out first and then made.

Runs inside the new namespaces, before any foreign code does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aicomp.isolation import linux

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Programs and libraries. Nothing else of the system is shown: neither homes nor sockets nor other people's files."""

SETTINGS = ("alternatives", "fonts", "group", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
            "magic", "mime.types", "nsswitch.conf", "passwd", "protocols", "services", "timezone")  # fmt: skip
"""Files of /etc that programs read; those with secrets stay out, for a server that runs as root."""

DEVICES = ("null", "zero", "full", "random", "urandom")
_STAGE = Path("/sys")  # a folder that every Linux has and nobody here reads: the new root is put together on it


@dataclass(frozen=True)
class Step:
    """One mount of the new file system.

    Attributes:
        target: Absolute path that the code sees.
        source: What lies there; None covers the path with an empty folder or file.
        writable: Whether the code may change it.
    """

    target: Path
    source: Path | None
    writable: bool = False


def plan(shown: Sequence[Step], hidden: Sequence[Path]) -> list[Step]:
    """The mounts in the order in which they are made: outer before inner, and what is hidden wins over what is shown.

    Args:
        shown: What the code is to see; a target may come more than once, the last one counts.
        hidden: Files and folders that must not be seen, wherever something shown would contain them.
    """
    steps = [Step(s.target, s.source.resolve(), s.writable) for s in shown if s.source is not None]
    covers = []
    for path in {p.resolve() for p in hidden}:
        for step in steps:
            if step.source is not None and path.is_relative_to(step.source):
                covers.append(Step(step.target / path.relative_to(step.source), None))
    unique = {(s.target, s.source is None): s for s in (*steps, *covers)}.values()
    return sorted(unique, key=lambda s: (len(s.target.parts), s.source is None))


def build(steps: Sequence[Step], shared_memory_bytes: int) -> None:
    """Make the mounts and enter the new root.

    Raises:
        OSError: The system does not allow a mount.
    """
    linux.mount("none", Path("/"), flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", _STAGE, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755,size=16m")
    for step in steps:
        _make(step)
    _make_devices(shared_memory_bytes)
    _make_proc()
    for own in (_STAGE, *(_inside(s.target) for s in steps if s.source is None and _inside(s.target).is_dir())):
        linux.protect(own, read_only=True, below=False)
    linux.pivot_root(_STAGE)


def _make(step: Step) -> None:
    target = _inside(step.target)
    if step.source is None:
        if target.is_dir():
            linux.mount("tmpfs", target, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755,size=1m")
        elif target.exists():
            linux.mount("/dev/null", target, flags=linux.MS_BIND)
        return
    if step.source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.mount(str(step.source), target, flags=linux.MS_BIND | linux.MS_REC)
    linux.protect(target, read_only=not step.writable)


def _make_devices(shared_memory_bytes: int) -> None:
    devices = _inside(Path("/dev"))
    devices.mkdir()
    for name in DEVICES:
        (devices / name).touch()
        linux.mount(f"/dev/{name}", devices / name, flags=linux.MS_BIND)
    for name, place in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (devices / name).symlink_to(f"/proc/self/{place}")
    (devices / "shm").mkdir()
    options = f"mode=1777,size={shared_memory_bytes}"
    linux.mount("tmpfs", devices / "shm", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)


def _make_proc() -> None:
    """A /proc that shows the new processes alone; read only, since root's number may write settings of the kernel."""
    proc = _inside(Path("/proc"))
    proc.mkdir()
    linux.mount("proc", proc, "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    # In a user namespace of its own the code would have capabilities again.
    (proc / "sys/user/max_user_namespaces").write_text("0")
    linux.protect(proc, read_only=True)


def _inside(path: Path) -> Path:
    return _STAGE / path.relative_to("/")
