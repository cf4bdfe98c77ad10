"""Explanations as one page that loads nothing from anywhere."""

from collections.abc import Sequence

from aicomp.explain.explanation import Explanation, Text


def write_page(explanations: Sequence[Explanation], title: str, metric: str) -> str:
    """HTML of a page: a row each, with its texts and pictures; everything that is given is escaped.

    Args:
        explanations: In the order in which they stand.
        title: Names the run.
        metric: The run's score, as a sentence.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aicomp.explain"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    groups = [
        ("Most wrong", [e for e in explanations if e.is_worst]),
        ("Right", [e for e in explanations if not e.is_worst]),
    ]
    template = environment.get_template("explanations.html")
    shown = {"has_texts": any(e.texts for e in explanations), "has_pictures": any(e.pictures for e in explanations)}
    return template.render(groups=groups, title=title, metric=metric, strength=strength, **shown)


def strength(text: Text, attribution: float) -> float:
    """How strongly a part is coloured, from -1 to 1: its attribution over the largest one of its text.

    >>> from aicomp.explain.occlusion import Part
    >>> strength(Text("sms", (Part("win ", 0.5), Part("now", -0.1))), -0.1)
    -0.2
    """
    largest = max((abs(part.attribution) for part in text.parts), default=0.0)
    return round(attribution / largest, 3) if largest else 0.0
