"""Drawings on their way to a page: as SVG text, and as PNG files for who asked for them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aicomp.eda.drawings.media import Sheet
from aicomp.files import atomic_write
from aicomp.pages.drawing import Drawing

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Shown:
    """A drawing that is done, as `parts.html` wants it.

    Attributes:
        width: In CSS pixels.
        caption: What stands below it.
        text: Its SVG.
    """

    width: float
    caption: str
    text: "Markup"

    def svg(self) -> "Markup":
        """Its SVG."""
        return self.text

    @property
    def size(self) -> int:
        """Bytes that it takes on the page."""
        return len(self.text.encode())


@dataclass
class Gallery:
    """Finishes drawings one by one, so that no more than one is held as matplotlib has it.

    Attributes:
        folder: Where each is written as PNG; None for nowhere.
        written: The files.
    """

    folder: Path | None = None
    written: list[Path] = field(default_factory=list)

    def show(self, drawing: Drawing | None) -> list[Shown]:
        """A drawing as a list of one; none where there is nothing to draw."""
        if drawing is None:
            return []
        self._write(drawing)
        return [Shown(drawing.width, drawing.caption, drawing.svg())]

    def show_all(self, drawings: Iterable[Drawing | None]) -> list[Shown]:
        """Several."""
        return [shown for drawing in drawings for shown in self.show(drawing)]

    def keep(self, sheets: Iterable[Sheet | None]) -> list[Sheet]:
        """Those sheets that have images."""
        kept = [sheet for sheet in sheets if sheet is not None]
        for sheet in kept:
            self._write(sheet)
        return kept

    def _write(self, drawing: Drawing | Sheet) -> None:
        if self.folder is not None:
            path = self.folder / f"{drawing.name}.png"
            atomic_write(path, drawing.png())
            self.written.append(path)
