"""What the launcher is told, as one JSON object on its standard input, and what it answers on its standard output."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """A program to run and what it may use; paths are strings so that the object is plain JSON.

    Attributes:
        argv: Program and arguments.
        cwd: Folder it starts in, as it sees it.
        environment: All of its environment.
        seconds: Wall time it may take.
        memory_bytes: Most memory that all its processes hold together, None for no limit.
        file_size_bytes: Most bytes of one file that it writes, None for no limit.
        written_bytes: Most bytes that may lie in the folders `written`, None for no limit.
        written: Folders that it may write to.
        log: File that takes its standard output and error.
        log_bytes: What is written beyond this is dropped.
        namespace: Whether it runs in namespaces of its own.
        steps: Target, source ("" covers the target) and whether it may be changed.
        parent: Process id of the one who asks: without it nothing runs.
    """

    argv: list[str]
    cwd: str
    environment: dict[str, str]
    seconds: float
    memory_bytes: int | None
    file_size_bytes: int | None
    written_bytes: int | None
    written: list[str]
    log: str
    log_bytes: int
    namespace: bool
    parent: int
    steps: list[tuple[str, str, bool]] = field(default_factory=list)

    def to_json(self) -> str:
        """The request as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """The request that `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Answer:
    """How the program ended.

    Attributes:
        code: Exit code; 128 + the number of the signal that ended it.
        timed_out: It took longer than it may, and was killed.
        out_of_memory: It held more memory than it may, and was killed.
        wrote_too_much: It wrote more than it may, and was killed.
        fault: Why it could not be isolated, "" if it was.
    """

    code: int
    timed_out: bool = False
    out_of_memory: bool = False
    wrote_too_much: bool = False
    fault: str = ""

    def to_json(self) -> str:
        """The answer as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Answer":
        """The answer that `to_json` wrote."""
        content: dict[str, Any] = json.loads(text)
        return cls(**content)
