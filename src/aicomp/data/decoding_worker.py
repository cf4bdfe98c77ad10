"""A process that decodes a share of many files: `python -m aicomp.data.decoding_worker`.

`decoding_processes` starts it and writes one line to its standard input, a JSON object: `array` (a file of numpy that
is to be filled), `root`, `names`, `first` and `stop` (the share: those from the one up to the other), `decoding`, and
`stops` at the first bad file. It answers with a line: `sides` of each file of its share, width and height or null, and
`bad`, the reasons by number.
"""

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from aicomp.data.images import BadFileError, ImageDecoding
from aicomp.data.sounds import SoundDecoding

_LOOKS_AFTER = 64
"""Files between two looks whether the process that asked is still there."""

_DECODINGS = {"image": ImageDecoding, "audio": SoundDecoding}


def main() -> None:
    """Do one share."""
    job = json.loads(sys.stdin.readline())
    array = np.lib.format.open_memmap(job["array"], mode="r+")
    parameters: dict[str, Any] = dict(job["decoding"])
    decoding = _DECODINGS[parameters.pop("kind")](**parameters)
    parent, root = os.getppid(), Path(job["root"])
    sides: list[list[float | None]] = []
    bad: dict[int, str] = {}
    for n_done, i in enumerate(range(job["first"], job["stop"])):
        if n_done % _LOOKS_AFTER == 0 and os.getppid() != parent:
            return
        path = root / job["names"][i]
        try:
            array[i] = decoding.read(path)
        except BadFileError as e:
            array[i], bad[i] = decoding.blank, str(e)
            if job["stops"]:
                break
            sides.append([None, None])
        else:
            sides.append([None if math.isnan(side) else side for side in decoding.sides(path)])
    sys.stdout.write(json.dumps({"sides": sides, "bad": bad}) + "\n")


if __name__ == "__main__":
    main()
