"""A report as files: one page that loads nothing, and Markdown with its pictures beside it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aicomp.files import atomic_write
from aicomp.pages.document import Figures, Picture, Section
from aicomp.pages.drawing import Drawing
from aicomp.pages.markdown import markdown
from aicomp.pages.render import render
from aicomp.report.card import Card
from aicomp.run import Run


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        page: The page; None if it was not asked for.
        text: The Markdown; None likewise.
        pictures: The PNG files that it shows.
    """

    page: Path | None
    text: Path | None
    pictures: tuple[Path, ...]


def write_report(card: Card, run: Run, output: Path | None = None) -> Written:
    """Write a report.

    Args:
        card: The report.
        run: Whose folder takes `report.html`, `report.md` and the folder `report/` of pictures.
        output: The one file to be written instead: Markdown if it ends in .md, else a page.

    Raises:
        AicompError: A file cannot be written.
    """
    if output is not None and output.suffix.lower() != ".md":
        return Written(_write_page(card, output), None, ())
    text = output or run.folder / "report.md"
    pictures = _write_markdown(card, text)
    page = _write_page(card, run.folder / "report.html") if output is None else None
    return Written(page, text, pictures)


def html(card: Card) -> str:
    """The page."""
    contents = [(section.id, section.heading) for section in card.sections]
    return render("aicomp.report", "report.html", title=card.title, summary=card.summary, parts=card.sections,
                  sections=contents)  # fmt: skip


def in_words(card: Card) -> str:
    """Markdown without pictures, each of which is told in words: for a terminal."""
    return markdown(card.title, _all_sections(card), lambda picture: None)


def _all_sections(card: Card) -> list[Section]:
    return [Section("", "", card.summary), *card.sections]


def _write_page(card: Card, path: Path) -> Path:
    atomic_write(path, html(card))
    return path


def _write_markdown(card: Card, path: Path) -> tuple[Path, ...]:
    folder = path.with_suffix("")
    written: list[Path] = []
    for picture in _pictures(card):
        target = folder / _file_name(picture)
        content = picture.content if isinstance(picture, Picture) else picture.png()
        atomic_write(target, content)
        written.append(target)
    atomic_write(path, markdown(card.title, _all_sections(card), partial(_place, folder.name)))
    return tuple(written)


def _place(folder: str, picture: Drawing | Picture) -> str:
    return f"{folder}/{_file_name(picture)}"


def _pictures(card: Card) -> list[Drawing | Picture]:
    found: list[Drawing | Picture] = []
    for section in _all_sections(card):
        for block in section.blocks:
            if isinstance(block, Figures):
                found += block.drawings
            elif isinstance(block, Picture):
                found.append(block)
    return found


def _file_name(picture: Drawing | Picture) -> str:
    return picture.name if isinstance(picture, Picture) else f"{picture.name}.png"
