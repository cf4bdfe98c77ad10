"""A plugin for aicomp; `pyproject.toml` says under which names aicomp finds its parts."""

from pathlib import Path

TEMPLATE = Path(__file__).parent / "template"
"""A template is a folder with an `aicomp.toml`."""
