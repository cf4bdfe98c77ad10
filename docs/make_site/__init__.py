"""The documentation site: pages of `docs/`, a reference made from the code, and checks of what was built.

`make docs` builds it. What makes pages knows nothing of Sphinx: it writes Markdown, which Sphinx then turns into HTML.
"""
