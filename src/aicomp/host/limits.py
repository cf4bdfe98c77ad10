"""What a process that grades may use and do: whatever its input brings it to, the host's files stay as they are."""

import ctypes
import errno
import functools
import math
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

# The same numbers on every architecture.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
_LANDLOCK_VERSION = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
# Rights over files, by the version of Landlock that knows them.
_RIGHTS = {1: 0b1_1111_1111_1111, 2: 0b11_1111_1111_1111, 3: 0b111_1111_1111_1111}
_READ_FILE, _READ_FOLDER = 0b0100, 0b1000
_TCP = 0b11  # bind and connect, from version 4 on


def landlock_version() -> int:
    """The version of Landlock that this system has, below 1 if it has none."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION))


def forbid_files(readable: Iterable[Path], listable: Iterable[Path] = ()) -> bool:
    """Take from this process, for the rest of its life, all files but some, which it may read and not change or run.

    Files that are open already, and pipes, stay as they are. This is Landlock, which Linux has since 5.13.

    Args:
        readable: Files, and folders with all below them.
        listable: Folders of which the names may be read too.

    Returns:
        Whether the system can do so.

    Raises:
        OSError: It can, and refused.
    """
    version = landlock_version()
    if version < 1:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    rights = (ctypes.c_uint64 * 2)(_RIGHTS[min(version, 3)], _TCP)
    size = ctypes.c_size_t(16 if version >= 4 else 8)
    rules = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(rights), size, 0)
    if rules >= 0:
        for path in readable:
            _allow(libc, rules, path, _READ_FILE | _READ_FOLDER if path.is_dir() else _READ_FILE)
        for path in listable:
            _allow(libc, rules, path, _READ_FOLDER)
    if rules < 0 or libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_LANDLOCK_RESTRICT_SELF, rules, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {errno.errorcode.get(number, number)}")
    os.close(rules)
    return True


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # it is not there: nothing is to be read of it
    beneath = struct.pack("=Qi", rights, place)
    libc.syscall(_LANDLOCK_ADD_RULE, rules, _PATH_BENEATH, beneath, 0)
    os.close(place)


@functools.cache
def python_places() -> list[Path]:
    """What Python and its packages read while they run: their own folders, and the system's libraries.

    Found out once, before children are forked that need it.
    """
    names = [sys.prefix, sys.base_prefix, *sys.path, "/usr", "/lib", "/lib64", "/etc/localtime", "/etc/ld.so.cache"]
    places = {Path(name).resolve() for name in (*names, "/dev/null", "/dev/urandom") if name} - {Path("/")}
    return [place for place in places if place.exists() and not places & {*place.parents}]


def leave_network() -> bool:
    """Move this process to a network of its own, in which there is nothing; whether the system allows that."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def limit_process(*, seconds: float, memory: int) -> None:
    """Limit this process for the rest of its life: it can write no file and use no more than this.

    Args:
        seconds: Of processor time.
        memory: Bytes on top of those that it has mapped already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # nobody would end it after its parent
    cpu = math.ceil(seconds)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if _has_proc() else 0
    for kind, most in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, mapped + memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _has_proc() -> bool:
    return Path("/proc/self/statm").exists()
