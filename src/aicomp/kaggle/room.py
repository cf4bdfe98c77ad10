"""Whether the disk takes what is about to come."""

import shutil
from pathlib import Path

from aicomp.checkup import size_text
from aicomp.errors import AicompError

SPARE = 64 * 2**20
"""Bytes that a download leaves free."""


def check_room(path: Path, n_bytes: int) -> None:
    """Refuse to write what the disk cannot take.

    Args:
        path: Where it would lie; it need not exist.
        n_bytes: How much is still to come.

    Raises:
        AicompError: There is less room.
    """
    folder = path
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if n_bytes > 0 and free < n_bytes + SPARE:
        raise AicompError(
            f"`{folder}` has {size_text(free)} free, and {size_text(n_bytes + SPARE)} are needed",
            "free some space, or set `AICOMP_CACHE` to a folder on another disk",
        )
