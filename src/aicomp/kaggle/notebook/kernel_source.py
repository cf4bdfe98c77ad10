"""The notebook that predicts: a plain Python script with the few facts of one run filled in."""

import re

from aicomp.kaggle.notebook.kernel_inputs import INPUTS

OUTPUT = "submission.csv"
"""Name of the file that the notebook writes."""

_SCRIPT = '''"""Predict the test rows of `@competition@` with a trained run of aicomp. No internet is used.

What it takes lies in a private dataset beside the competition's files: the project, the run's weights, and wheels of
packages that this image may lack.
"""

import os
import platform
import sys
import tempfile
import zipfile
from pathlib import Path

RUN = @run@
MARKER = @marker@  # the dataset is where this file is
TEST = @test@
SAMPLE = @sample@
OUTPUT = @output@
@inputs@


def unpack(dataset):
    """Unpack project and wheels, make the wheels importable, and return the project's folder."""
    folder = Path(tempfile.mkdtemp(prefix="aicomp-"))
    for wheel in sorted(dataset.glob("*.whl")):
        if fits(wheel):
            zipfile.ZipFile(wheel).extractall(folder / "packages")
            print(f"using {wheel.name}")
        else:
            print(f"leaving out {wheel.name}: this is Python {platform.python_version()} on {platform.platform()}")
    sys.path.insert(0, str(folder / "packages"))
    if (dataset / "project.zip").is_file():
        zipfile.ZipFile(dataset / "project.zip").extractall(folder / "project")
        return folder / "project"
    return next(dataset.rglob("aicomp.toml")).parent  # some hosts unpack zip files themselves


def main():
    """Find the inputs, predict, and write the submission."""
    project = unpack(find(MARKER))
    files = find(TEST, SAMPLE)
    from aicomp.errors import AicompError
    from aicomp.prediction import predict_submission

    try:
        rows = predict_submission(project, RUN, files, Path.cwd() / OUTPUT)
    except AicompError as error:
        sys.exit(f"error: {error.message}\\n\\nhint: {error.hint}")
    print(f"wrote {rows} rows to {OUTPUT}")


main()
'''


def kernel_source(*, competition: str, run_id: str, marker: str, test: str, sample: str) -> str:
    """The text of the notebook.

    Args:
        competition: Slug, for readers.
        run_id: The run.
        marker: Name of a file that no other dataset holds.
        test: Name of the competition's test file.
        sample: Name of its sample submission.
    """
    facts = {"run": run_id, "marker": marker, "test": test, "sample": sample, "output": OUTPUT}
    text = _SCRIPT.replace("@inputs@", INPUTS).replace("@competition@", re.sub(r"[^A-Za-z0-9_-]", "", competition))
    for name, value in facts.items():
        text = text.replace(f"@{name}@", repr(value))
    return text
