"""Settings of Sphinx, for the pages that `staging.stage` has written."""

from sphinx.application import Sphinx

from make_site.searching import SearchBoth

project = "aicomp"
html_title = "aicomp"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
nitpicky = True
smartquotes = False  # `--option` keeps its two dashes
myst_heading_anchors = 4
highlight_language = "text"
html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options: dict[str, object] = {"footer_icons": []}
html_search_language = "en-zh"


def setup(app: Sphinx) -> None:
    """Add the search of two languages."""
    app.add_search_language(SearchBoth)
