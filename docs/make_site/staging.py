"""The pages of the site in one folder: those of the repository, their links turned, and those made from code.

In the repository a page links to a file beside it (`docs/tutorial.md`), so that links work there, too. In the site
README.md lies beside the pages of `docs/`; files that are no pages are taken along, for the reader to download.
"""

import os
import re
import shutil
from pathlib import Path, PurePosixPath

from make_site import api, catalogue, commands, names, settings
from make_site.navigation import BELOW, NAVIGATION, named, toctree

_RENAMED = {"README.md": "readme.md", "README.zh.md": "readme.zh.md", "CHANGELOG.md": "changelog.md"}
_LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def stage(root: Path, folder: Path) -> None:
    """Write all pages of the site below `folder`.

    Raises:
        LookupError: A page that is not in the navigation, or one of the navigation that is not there.
        FileNotFoundError: A link to a file that is not there.
    """
    pages = {**repository_pages(root), **generated_pages(root)}
    check_names({name for name in pages if name != "index"})
    for name, text in pages.items():
        if name == "index":
            text += listed("How to", pages) + listed("Reference", pages)
            groups = ((caption, tuple(n for n in group if n in pages)) for caption, group in NAVIGATION.items())
            text += "".join(toctree(group, caption) for caption, group in groups)
        if name in BELOW:
            text += toctree(BELOW[name])
        path = folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in linked_files(root):
        copy = folder / staged(path.relative_to(root).as_posix())
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def listed(caption: str, pages: dict[str, str]) -> str:
    """A part of the navigation as a section of the first page, by the titles of the pages."""
    found = [(name, re.search(r"^# (.+)$", pages[name], re.MULTILINE)) for name in NAVIGATION[caption] if name in pages]
    lines = [f"- [{title[1]}]({name}.md)" for name, title in found if title]
    return "\n".join(["", f"## {caption}", "", *lines, ""]) if lines else ""


def check_names(there: set[str]) -> None:
    """Compare the pages that are there with the navigation; a folder of pages may be missing as a whole.

    >>> check_names(named() | {"stray"})
    Traceback (most recent call last):
    LookupError: not in the navigation: stray
    """
    folders = {PurePosixPath(name).parent for name in there}
    gone = {name for name in named() - there if PurePosixPath(name).parent in folders}
    for what, missing in (("not in the navigation", there - named()), ("not there", gone)):
        if missing:
            raise LookupError(f"{what}: {', '.join(sorted(missing))}")


def sources(root: Path) -> list[Path]:
    """The pages of the repository."""
    docs = root / "docs"
    return [*(root / name for name in _RENAMED), *sorted(docs.glob("*.md")), *sorted(docs.glob("howto/*.md")),
            docs / "plugin" / "README.md"]  # fmt: skip


def repository_pages(root: Path) -> dict[str, str]:
    """Name -> text with its links turned."""
    found = {}
    for path in sources(root):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        found[staged(name).removesuffix(".md")] = turned(text, name)
    return found


def generated_pages(root: Path) -> dict[str, str]:
    """Name -> text of the pages that are made from code."""
    made = {
        "commands": commands.page(),
        "settings": settings.project_page(),
        "contracts": settings.contract_page(),
        "metrics": names.metrics_page(),
        "models": names.models_page(),
        "splitters": names.splitters_page(),
        "templates": names.templates_page(),
        "python": api.page(root),
        **catalogue.pages(),
    }
    return {f"reference/{name}": text for name, text in made.items()}


def staged(path: str) -> str:
    """Where a file of the repository lies in the site.

    >>> staged("README.md"), staged("docs/howto/text.md"), staged("LICENSE")
    ('readme.md', 'howto/text.md', 'LICENSE')
    """
    return _RENAMED.get(path, path.removeprefix("docs/"))


def turned(text: str, name: str) -> str:
    """A page's text with its links as the site has them; code stays as it is.

    >>> turned("[a](docs/tutorial.md#x) [b](https://example.org)", "README.md")
    '[a](tutorial.md#x) [b](https://example.org)'
    """
    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _turned(part, name) for part in parts)


def _turned(text: str, name: str) -> str:
    def link(found: re.Match[str]) -> str:
        if ":" in found[2]:
            return found[0]
        target = os.path.normpath(PurePosixPath(name).parent / found[2])
        address = os.path.relpath(staged(target), PurePosixPath(staged(name)).parent)
        return f"{found[1]}{address}{found[3] or ''}{found[4]}"

    return _LINK.sub(link, text)


def linked_files(root: Path) -> set[Path]:
    """Files of the repository that pages link to or show, and that are no pages themselves."""
    pages = sources(root)
    found = set()
    for page in pages:
        for _, target, _, _ in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
            if ":" not in target:
                found.add((page.parent / target).resolve())
    return found - {page.resolve() for page in pages}
