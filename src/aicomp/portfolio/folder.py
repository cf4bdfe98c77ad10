"""The runs of a portfolio's members: begun on a layout that all share, found again, and removed."""

import shutil
from pathlib import Path

from aicomp.files import writing
from aicomp.layout import Layout, share_layout
from aicomp.project import Project
from aicomp.provenance import describe
from aicomp.run import Run, create_run, list_runs


class Runs:
    """The folder `runs/` of a project while its portfolio is trained.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._shared = project.runs / ".shared"
        self._removed: list[Path] = []

    def lay_out(self) -> Layout:
        """Read the data and write, once, what all members have in common."""
        layout = Layout.of(self._project)
        shutil.rmtree(self._shared, ignore_errors=True)  # of a training that was killed
        with writing(self._shared):
            self._shared.mkdir(parents=True)
        layout.write(self._shared)
        return layout

    def find(self, member: Project) -> Run | None:
        """The newest run that is done and has this config, on the same data and code."""
        fingerprint = describe(member)["fingerprint"]
        for run in reversed(list_runs(self._project.runs)):
            if run.is_done and run.kind == "train" and run.info["fingerprint"] == fingerprint:
                return run
        return None

    def begin(self, member: Project) -> Run:
        """A new run that workers can train."""
        run = create_run(self._project.runs, describe(member))
        share_layout(self._shared, run)
        return run

    def remove(self, run: Run) -> None:
        """Remove what a run holds; its folder goes in `close`.

        Until then no other run gets its name, which a process that has not noticed yet may still be writing to.
        """
        (run.folder / "run.json").unlink(missing_ok=True)
        for path in run.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        self._removed.append(run.folder)

    def close(self) -> None:
        """Remove what members shared; call it when no process writes any more."""
        for folder in (self._shared, *self._removed):
            shutil.rmtree(folder, ignore_errors=True)
