"""Markdown that nobody vouches for, as HTML that can do no harm."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from html import escape
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_TOP_LEVEL = 2  # the page's title is its h1


def render_markdown(text: str) -> Markup:
    r"""Render CommonMark with tables: no HTML of its own, no images, no addresses but http, https, mailto and local.

    Headings are moved below the page's title, without gaps between their levels.

    >>> render_markdown("# A <b>\n\n### C\n\n[x](javascript:alert(1))")
    Markup('<h2>A &lt;b&gt;</h2>\n<h3>C</h3>\n<p>[x](javascript:alert(1))</p>\n')
    """
    return _render(text)


@lru_cache(maxsize=256)
def _render(text: str) -> Markup:
    parser = _parser()
    tokens = parser.parse(text)
    _move_headings(tokens)
    html = parser.renderer.render(tokens, parser.options, {})
    html = html.replace("<table>", '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>')
    return Markup(html.replace("</table>", "</table></div>"))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _link_open)
    parser.validateLink = _is_safe_link  # type: ignore[method-assign]
    return parser


def _is_safe_link(url: str) -> bool:
    scheme = re.match(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):", url)
    return scheme is None or scheme[1].lower() in ("http", "https", "mailto")


def _image(renderer: object, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
    """A link to the image: nothing is loaded from elsewhere unless it is asked for."""
    token = tokens[index]
    words = token.content or str(token.attrGet("src"))
    return f'<a rel="noopener nofollow" href="{escape(str(token.attrGet("src")))}">{escape(words)}</a>'


def _link_open(renderer: object, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
    token = tokens[index]
    title = token.attrGet("title")
    more = f' title="{escape(str(title))}"' if title else ""
    return f'<a rel="noopener nofollow" href="{escape(str(token.attrGet("href")))}"{more}>'


def _move_headings(tokens: Sequence[Token]) -> None:
    levels: list[int] = []
    for token in tokens:
        if token.type == "heading_open":
            own = int(token.tag[1])
            levels = [level for level in levels if level < own] + [own]
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(_TOP_LEVEL - 1 + len(levels), 6)}"


@lru_cache(maxsize=256)
def summary(text: str, most: int = 200) -> str:
    r"""The first paragraph of Markdown as plain text, cut after a word.

    >>> summary("# Title\n\nPredict the *price* of a [house](x).\n\nMore.")
    'Predict the price of a house.'
    """
    tokens = _parser().parse(text)
    inside = next((b for a, b in pairwise(tokens) if a.type == "paragraph_open"), None)
    words = "".join(_plain(t) for t in inside.children or ()) if inside is not None else ""
    return words if len(words) <= most else words[:most].rsplit(" ", 1)[0] + "…"


def _plain(token: Token) -> str:
    return " " if token.type in ("softbreak", "hardbreak") else token.content
