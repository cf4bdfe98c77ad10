"""How far a notebook has come: `runs/<id>/notebook/state.json`, so that a cut command goes on where it was."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aicomp.errors import DataError
from aicomp.files import atomic_write
from aicomp.kaggle.notebook.pack import Pack, notebook_folder


@dataclass
class State:
    """What is known about one pack; every change is on the disk before the next step.

    Attributes:
        path: The file.
        sha256: Of the pack; what is known about another one is dropped.
        rehearsal: Facts of the rehearsal that went well, None before it.
        hosts: By host: uploaded blobs (token by SHA-256 of the file), attempt, version and whether a failure of this
            attempt was reported.
    """

    path: Path
    sha256: str
    rehearsal: dict[str, Any] | None = None
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, pack: Pack) -> "State":
        """Read the state of a pack, or begin with an empty one.

        Raises:
            DataError: The file is damaged.
        """
        return cls.at(notebook_folder(pack.run) / "state.json", pack.sha256)

    @classmethod
    def at(cls, path: Path, sha256: str) -> "State":
        """Read the state of the pack with this hash from a file, or begin with an empty one.

        Raises:
            DataError: The file is damaged.
        """
        if not path.is_file():
            return cls(path, sha256)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["sha256"] != sha256:
                return cls(path, sha256)
            return cls(path, sha256, content["rehearsal"], content["hosts"])
        except (ValueError, KeyError, TypeError) as e:
            raise DataError(f"`{path}` is damaged: {e}", "remove it and run the same command again") from e

    def host(self, name: str) -> dict[str, Any]:
        """What is known about one host, to be changed and then saved."""
        return self.hosts.setdefault(name, {"blobs": {}, "attempt": 1, "version": None, "reported": False})

    def save(self) -> None:
        """Write the file."""
        content = {"sha256": self.sha256, "rehearsal": self.rehearsal, "hosts": self.hosts}
        atomic_write(self.path, json.dumps(content, indent=1) + "\n")
