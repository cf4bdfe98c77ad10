"""Files that come back from a node: a fold appears in the Run when all of it is there, `result.json` last."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

from aicomp.errors import DataError
from aicomp.files import inside, writing

LAST = "result.json"
"""The file of a fold whose existence means that the fold is whole."""


class Arrivals:
    """Collects what one task sends, beside the Run.

    Args:
        run: The run's folder.
        name: Of a folder that nobody else writes to.
    """

    def __init__(self, run: Path, name: str) -> None:
        self._run = run
        self._beside = run / "work" / "arriving" / name
        self._digests: dict[str, Any] = {}

    def take(self, place: str, piece: bytes) -> None:
        """Append a piece to a file.

        Raises:
            DataError: The place lies outside the run.
            AicompError: The disk is full or the folder cannot be written.
        """
        path = self._beside / inside(place)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab" if place in self._digests else "wb") as file:
                file.write(piece)
        self._digests.setdefault(place, hashlib.sha256()).update(piece)

    def digest(self, place: str) -> str:
        """SHA-256 of what came of a file so far."""
        found: str = self._digests[place].hexdigest()
        return found

    def finish(self, files: dict[str, str]) -> None:
        """Move files into the Run if all of them came whole, else none of them.

        Args:
            files: SHA-256 by place.

        Raises:
            DataError: One is missing, or is not what the node sent.
        """
        for place, expected in files.items():
            digest = self._digests.get(place)
            if digest is None or digest.hexdigest() != expected:
                state = "did not arrive" if digest is None else "arrived damaged"
                raise DataError(f"`{place}` of run `{self._run.name}` {state}", "the same command trains it again")
        for place in sorted(files, key=lambda place: (place.endswith(LAST), place)):
            source, target = self._beside / place, self._run / place
            with writing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                with source.open("rb") as file:
                    os.fsync(file.fileno())
                source.replace(target)
            del self._digests[place]

    def drop(self) -> None:
        """Remove what came and was not taken."""
        shutil.rmtree(self._beside, ignore_errors=True)
        self._digests.clear()
