"""Zip files that are the same bytes for the same content, whenever they are made."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from aicomp.files import partial_file

_WHEN = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can hold


def write_zip(path: Path, entries: Mapping[str, bytes]) -> None:
    """Write a zip of files, sorted by name.

    Args:
        path: The zip.
        entries: Contents by name.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    with partial_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, _WHEN)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, entries[name])
