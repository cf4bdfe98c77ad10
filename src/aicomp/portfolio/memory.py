"""Whether another set of folds would fit into memory."""

from pathlib import Path


def available_memory() -> int | None:
    """Bytes that processes can still take, None where the system does not say."""
    path = Path("/proc/meminfo")
    if not path.is_file():
        return None
    found = [line.split()[1] for line in path.read_text().splitlines() if line.startswith("MemAvailable:")]
    limit = _of_group()
    free = int(found[0]) * 1024 if found else None
    return min((x for x in (free, limit) if x is not None), default=None)


def _of_group() -> int | None:
    """What the control group leaves, None without a limit."""
    folder = Path("/sys/fs/cgroup")
    try:
        most = (folder / "memory.max").read_text().strip()
        return None if most == "max" else int(most) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return None


def resident(pid: int) -> int:
    """Bytes that a process has now, 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (OSError, ValueError, IndexError):
        return 0


def fits(peak: int, pids: list[int]) -> str | None:
    """Why another member does not fit into memory, None if it does.

    Args:
        peak: Most bytes that a process of a fold has had so far.
        pids: The processes that train; what they hold is given back.
    """
    available = available_memory()
    if available is None or not peak:
        return None
    room = available + sum(resident(pid) for pid in pids)
    needed = peak * len(pids)
    if needed <= room:
        return None
    return f"its folds would need {needed / 2**30:.1f} GB of memory, {room / 2**30:.1f} GB are there"
