"""Markdown into HTML, by Sphinx; every warning is an error."""

import shutil
from pathlib import Path

HERE = Path(__file__).parent


def build(source: Path, into: Path) -> int:
    """Write the HTML of all pages below `source`, of which `index.md` is the first; returns Sphinx's exit code.

    What is wrong (a link to nothing, a page that no navigation leads to) is said on stderr.
    """
    from sphinx.cmd.build import build_main

    caches = into / ".doctrees"
    options = ["--conf-dir", str(HERE), "--doctree-dir", str(caches), "-W", "--keep-going", "-q", "-b", "html"]
    code: int = build_main([*options, str(source), str(into)])
    shutil.rmtree(caches, ignore_errors=True)
    return code
