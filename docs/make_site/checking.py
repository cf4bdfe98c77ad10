"""What must hold of the pages that were built: links lead somewhere, and nothing is loaded from another host."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src",
           "audio": "src", "object": "data", "embed": "src"}  # fmt: skip
_IN_STYLES = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)|@import\s+['\"]((?:https?:)?//[^'\"]+)")


class Page(HTMLParser):
    """A page's anchors, links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a tag says."""
        said = {name: value or "" for name, value in attrs}
        if "id" in said:
            self.anchors.add(said["id"])
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        if tag in _LOADED and said.get(_LOADED[tag]):
            self.loaded.append(said[_LOADED[tag]])


def problems(site: Path) -> list[str]:
    """All that is wrong with a built site, a line each."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = [problem for path, page in pages.items() for problem in _of_page(path, page, pages, site)]
    return found + list(_of_styles(site))


def _of_page(path: Path, page: Page, pages: dict[Path, Page], site: Path) -> Iterator[str]:
    name = path.relative_to(site).as_posix()
    for address in page.loaded:
        if _is_elsewhere(address):
            yield f"{name} loads {address}"
        elif not address.startswith("data:") and not _file(path, address).is_file():
            yield f"{name} loads {address}, which is not there"
    for address in page.links:
        if _is_elsewhere(address) or address.startswith("mailto:"):
            continue
        file, anchor = _file(path, address), unquote(urlsplit(address).fragment)
        if not file.is_file():
            yield f"{name} links to {address}, which is not there"
        elif anchor and file in pages and anchor not in pages[file].anchors:
            yield f"{name} links to {address}, which has no such place"


def _of_styles(site: Path) -> Iterator[str]:
    for path in (*site.rglob("*.css"), *site.rglob("*.html")):
        for found in _IN_STYLES.finditer(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site).as_posix()} loads {found[1] or found[2]}"


def _is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).netloc)


def _file(page: Path, address: str) -> Path:
    """The file that an address on a page means."""
    path = unquote(urlsplit(address).path)
    return (page.parent / path).resolve() if path else page
