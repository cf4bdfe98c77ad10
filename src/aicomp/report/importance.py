"""What moved the predictions, as far as `aicomp explain` tells."""

from aicomp.pages.document import Items, Link, Paragraph, Section
from aicomp.run import Run

PAGE = "explain.html"


def importance(run: Run) -> Section:
    """Where importance is shown: the page of `aicomp explain`, which asks the models, if the run has any."""
    if run.kind != "train":
        words = "The run has no models of its own that could be asked which columns matter to them."
        return Section("importance", "Importance", (Paragraph(words),))
    if (run.folder / PAGE).is_file():
        shown = Items((Link("What moved its predictions, as `aicomp explain` saw it", PAGE),))
        return Section("importance", "Importance", (shown,))
    words = f"Which columns matter is not computed here: `aicomp explain {run.id}` asks the models."
    return Section("importance", "Importance", (Paragraph(words),))
