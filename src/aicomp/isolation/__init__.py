"""Run code of others without network, away from files that it must not see, with limits that it cannot lift.

Two ways, and the outcome says which one was taken:

- "namespace" (Linux): user, mount, network, pid and IPC namespaces. The code sees a file system that holds what it was
  given and what a Python program needs, all of it read only but its own folder, and no network at all.
- "socket block": a module on `PYTHONPATH` that makes connecting and name look-ups fail. It catches an honest program
  that needs the network; it is no security boundary and hides no files.
"""

from aicomp.isolation.run import (
    Isolation,
    Mount,
    Outcome,
    can_hide,
    isolation_fault,
    network_isolation,
    run_isolated,
)

__all__ = [
    "Isolation",
    "Mount",
    "Outcome",
    "can_hide",
    "isolation_fault",
    "network_isolation",
    "run_isolated",
]
