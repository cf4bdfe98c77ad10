"""Which pages the site has, in which order. A page that is not named here, or that is named and is not there, fails.

Pages are named as the site has them: `docs/x.md` is "x", README.md "readme"; those of `reference/` are made from code.
"""

NAVIGATION: dict[str, tuple[str, ...]] = {
    "Start": ("readme", "tutorial", "readme.zh", "tutorial.zh"),
    "How to": (
        "howto/index", "howto/tabular", "howto/text", "howto/images", "howto/detection", "howto/audio",
        "howto/recommendation", "howto/forecasting", "howto/translation", "howto/summarization", "howto/simulation",
        "howto/keras", "howto/validation", "howto/ensembling", "howto/own-code", "howto/gpu-and-scale", "howto/ci",
    ),
    "Guides": ("extending", "plugin/README", "hosting", "metrics", "agents", "scale"),
    "Reference": (
        "reference/commands", "reference/settings", "reference/contracts", "reference/metrics", "reference/models",
        "reference/splitters", "reference/templates", "reference/competitions", "reference/python",
    ),
    "How it is made": ("architecture", "benchmarks", "security", "robustness", "faults", "changelog"),
}  # fmt: skip

BELOW: dict[str, tuple[str, ...]] = {
    "reference/competitions": (
        "reference/competitions-binary", "reference/competitions-multiclass", "reference/competitions-multilabel",
        "reference/competitions-regression", "reference/competitions-multi-target", "reference/competitions-string",
        "reference/competitions-simulation", "reference/competitions-other",
    ),
}  # fmt: skip
"""Pages that stand below another one."""


TITLES = {
    "readme": "Overview",
    "tutorial": "Tutorial",
    "readme.zh": "概览（中文）",
    "tutorial.zh": "教程（中文）",
    "plugin/README": "A package of plugins",
    "scale": "Scale",
    "faults": "Faults",
}
"""Shorter names in the navigation than the titles of the pages."""


def named() -> set[str]:
    """Every page but the home."""
    groups = (*NAVIGATION.values(), *BELOW.values())
    return {name for group in groups for name in group}


def toctree(names: tuple[str, ...], caption: str = "") -> str:
    """A part of the navigation, as Sphinx reads it."""
    if not names:
        return ""
    options = [f":caption: {caption}"] if caption else []
    return "\n".join(["", "```{toctree}", ":hidden:", *options, "", *(_entry(name) for name in names), "```", ""])


def _entry(name: str) -> str:
    return f"{TITLES[name]} </{name}>" if name in TITLES else f"/{name}"
