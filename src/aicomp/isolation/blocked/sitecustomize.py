"""Imported by Python at its start, from `PYTHONPATH`: connecting to another machine and looking up names fail.

A program that wants to can undo this; it is there to find out whether one needs the network.
"""

import socket
from typing import Any, NoReturn


def _refuse(*arguments: Any, **named: Any) -> NoReturn:
    raise OSError("there is no network here: this program runs with the internet off (socket block)")


class _OfflineSocket(socket.socket):
    def connect(self, address: Any) -> None:
        if self.family != getattr(socket, "AF_UNIX", None):
            _refuse()
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        if self.family != getattr(socket, "AF_UNIX", None):
            _refuse()
        return super().connect_ex(address)

    def sendto(self, *arguments: Any) -> int:
        if self.family != getattr(socket, "AF_UNIX", None):
            _refuse()
        return super().sendto(*arguments)


socket.socket = _OfflineSocket  # type: ignore[misc]
for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "create_connection"):
    setattr(socket, _name, _refuse)
