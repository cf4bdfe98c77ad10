"""Processes below a process, and what they hold: memory, from /proc or from `ps` where there is none, and disk."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
LEAST_BYTES = 4096
"""What an empty file counts: a disk can hold so many and no more."""

_HAS_PROC = (_PROC / "self/statm").exists()


def descendants(pid: int) -> list[int]:
    """Process ids of all descendants, in no order; one that ended and was not waited for counts."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents_from_proc() if _HAS_PROC else _from_ps("ppid"):
        children.setdefault(parent, []).append(child)
    found: list[int] = []
    wanted = [pid]
    while wanted:
        below = children.get(wanted.pop(), [])
        found += below
        wanted += below
    return found


def resident_bytes(pids: Iterable[int]) -> int:
    """Memory that processes hold together, in bytes.

    On Linux without pages of files and of shared memory, which would count once for each process that maps them.
    """
    if _HAS_PROC:
        return sum(_anonymous_pages(pid) for pid in pids) * os.sysconf("SC_PAGE_SIZE")
    wanted = set(pids)
    return sum(1024 * kibibytes for pid, kibibytes in _from_ps("rss") if pid in wanted)


def shared_bytes(pids: Iterable[int]) -> int:
    """Memory that processes share with each other, each page once, in bytes; 0 where there is no /proc.

    Finding out walks all their pages: not for many times a second.
    """
    return sum(_shared_kibibytes(pid) for pid in pids) * 1024 if _HAS_PROC else 0


def _shared_kibibytes(pid: int) -> int:
    for name, field in (("smaps_rollup", b"Pss_Shmem:"), ("status", b"RssShmem:")):  # the latter can always be read
        try:
            lines = (_PROC / str(pid) / name).read_bytes().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return 0  # it has ended meanwhile
        except PermissionError:
            continue
        return sum(int(line.split()[1]) for line in lines if line.startswith(field))
    return 0


def _parents_from_proc() -> Iterable[tuple[int, int]]:
    for entry in os.listdir(_PROC):  # noqa: PTH208 - twenty times a second
        if entry.isdigit():
            try:
                stat = (_PROC / entry / "stat").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
            yield int(entry), int(stat.rpartition(b")")[2].split()[1])


def _anonymous_pages(pid: int) -> int:
    try:
        pages = (_PROC / str(pid) / "statm").read_bytes().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended meanwhile
    return int(pages[1]) - int(pages[2])


def _from_ps(column: str) -> Iterable[tuple[int, int]]:
    process = subprocess.Popen(["ps", "-A", "-o", f"pid=,{column}="], stdout=subprocess.PIPE, text=True)
    text = process.communicate()[0]
    for line in text.splitlines():
        pid, value = (int(part) for part in line.split())
        if pid != process.pid:
            yield pid, value


def written_bytes(folders: Iterable[str]) -> int:
    """Space on the disk that all in some folders takes, in bytes; what cannot be looked into counts nothing."""
    total = 0
    wanted = list(folders)
    while wanted:
        try:
            entries = list(os.scandir(wanted.pop()))
        except (FileNotFoundError, PermissionError, NotADirectoryError):
            continue  # removed, or closed by the program meanwhile
        for entry in entries:
            try:
                total += max(entry.stat(follow_symlinks=False).st_blocks * 512, LEAST_BYTES)
            except FileNotFoundError:
                continue
            if entry.is_dir(follow_symlinks=False):
                wanted.append(entry.path)
    return total
