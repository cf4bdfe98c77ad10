"""System calls that isolated code is not given: they reach past the namespaces, or hold memory that nobody counts."""

import ctypes
import errno
import platform
import struct

from aicomp.isolation import linux

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # opcodes of classic BPF
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in what a filter sees of a call
_X32 = 0x40000000  # from here on: a second set of numbers on x86-64

# Architecture as the kernel calls it, socket, and the numbers of: add_key, request_key, keyctl (keys of the user who
# runs the host), bpf, perf_event_open, userfaultfd, open_by_handle_at (parts of the kernel that were the way out of
# many a sandbox), io_uring (three calls; it makes sockets that no filter sees), shmget, memfd_create, memfd_secret
# (memory of no process).
_CALLS = {
    "x86_64": (0xC000003E, 41, (248, 249, 250, 321, 298, 323, 304, 425, 426, 427, 29, 319, 447)),
    "aarch64": (0xC00000B7, 198, (217, 218, 219, 280, 241, 282, 265, 425, 426, 427, 194, 279, 447)),
}
_FAMILIES = (1, 2, 10, 16)
"""Sockets that the network namespace holds: local, IPv4, IPv6, netlink. Those to the machine's own host are not."""


def forbid_calls() -> None:
    """Take these calls from this process and all that it starts, for good; privileges must have been dropped before.

    On machines other than x86-64 and ARM64 nothing is taken.

    Raises:
        OSError: The system knows no such filters.
    """
    if platform.machine() not in _CALLS:
        return
    code = b"".join(_filter(*_CALLS[platform.machine()]))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    linux.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program)


def _filter(architecture: int, socket: int, forbidden: tuple[int, ...]) -> list[bytes]:
    """Instructions of the filter; jumps count the instructions that they skip."""
    unknown = _step(_RETURN, _ERROR | errno.ENOSYS)
    code = [_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, architecture, 1, 0), unknown, _step(_LOAD, _NUMBER)]
    code += [_step(_AT_LEAST, _X32, 0, 1), unknown]
    for number in forbidden:
        code += [_step(_EQUAL, number, 0, 1), unknown]
    code += [_step(_EQUAL, socket, 1, 0), _step(_RETURN, _ALLOW), _step(_LOAD, _FIRST_ARGUMENT)]
    for family in _FAMILIES:
        code += [_step(_EQUAL, family, 0, 1), _step(_RETURN, _ALLOW)]
    return [*code, _step(_RETURN, _ERROR | errno.EAFNOSUPPORT)]


def _step(opcode: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", opcode, if_true, if_false, value)
