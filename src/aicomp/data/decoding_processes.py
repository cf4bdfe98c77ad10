"""Many files are decoded by processes: threads share a lock that decoders hold for a third of their time."""

import json
import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from aicomp.errors import AicompError
from aicomp.processes import KEEP_MEMORY, child_environment, n_cores, python_module

MANY = 1000
"""Files from which processes are worth their start, a tenth of a second each."""


def decode_by_processes(
    array: Path, sides: np.ndarray, names: Sequence[str], root: Path, decoding: dict[str, Any], *, stops: bool
) -> dict[str, str]:
    """Fill an array with decoded files, a process for each core; see `decoding_worker`.

    Args:
        array: A file of numpy, with a place for each name and one more.
        sides: Is filled with width and height of each file, (n + 1, 2).
        names: Of the files, relative to `root`.
        root: Where they lie.
        decoding: As `media_cache.described` tells it.
        stops: Whether the first bad file ends all.

    Returns:
        Why files could not be decoded, by name, in the order of the names.

    Raises:
        AicompError: A process failed.
    """
    cuts = np.linspace(0, len(names), n_cores() + 1).astype(int).tolist()
    job = {"array": str(array), "root": str(root), "names": list(names), "decoding": decoding, "stops": stops}
    command = python_module("aicomp.data.decoding_worker")
    variables = {**KEEP_MEMORY, **child_environment()}
    workers: list[subprocess.Popen[str]] = []
    reasons: dict[int, str] = {}
    try:
        for first, stop in pairwise(cuts):
            workers.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables)
            )
            _give(workers[-1], {**job, "first": first, "stop": stop})
        for worker, (first, stop) in zip(workers, pairwise(cuts), strict=True):
            share = _answer(worker)
            reasons |= {int(i): reason for i, reason in share["bad"].items()}
            if stops and reasons:
                break
            sides[first:stop] = np.array(share["sides"], dtype=np.float32).reshape(-1, 2)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    return {names[i]: reasons[i] for i in sorted(reasons)}


def _give(worker: "subprocess.Popen[str]", job: dict[str, Any]) -> None:
    assert worker.stdin is not None
    try:
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.close()
    except BrokenPipeError:
        pass  # it has died; its answer, which there is none of, says so


def _answer(worker: "subprocess.Popen[str]") -> dict[str, Any]:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    if not line:
        code = worker.wait()
        raise AicompError(
            f"a process that decodes files ended with exit status {code}",
            "what it wrote stands above; give the command again",
        )
    answer: dict[str, Any] = json.loads(line)
    return answer
