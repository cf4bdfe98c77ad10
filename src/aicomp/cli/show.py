"""`aicomp show`: what aicomp knows of one competition."""

from typing import TYPE_CHECKING, Annotated

import typer

from aicomp.cli.options import Json
from aicomp.cli.output import Output

if TYPE_CHECKING:
    from aicomp.about import About
    from aicomp.competition import Competition

_SUBMITS = {
    "file": "a file of predictions",
    "notebook": "a notebook, which Kaggle runs on the hidden data",
    "agent": "an agent, which plays on Kaggle",
    None: "not known",
}


def show(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="A competition's short name.")],
    as_json: Json = False,
) -> None:
    """Show what aicomp knows of a competition: its contract, how one submits, leaks and traps, and its README.

    Nothing is downloaded and nobody is asked: `aicomp list competitions` shows all that it knows.

    With --json the keys are: slug, competition (the contract, with `about` where the entry has one), embedded (whether
    `aicomp init` needs no download), lacks_metric, trainable, readme (its text, empty if there is none).
    """
    import msgspec

    from aicomp import catalogue
    from aicomp.cli.table import prose_lines, table_lines

    output = Output(as_json)
    entry = catalogue.load(slug)
    c = entry.competition
    path = entry.folder / "README.md"
    readme = path.read_text(encoding="utf-8") if path.is_file() else ""
    content = {
        "slug": slug,
        "competition": msgspec.to_builtins(c),
        "embedded": catalogue.is_embedded(slug),
        "lacks_metric": not c.metric,
        "trainable": c.about is None or not c.about.untrainable,
        "readme": readme,
    }
    facts = facts_of(c)
    output.result(content, *table_lines(facts[0], facts[1:]), "", *prose_lines(readme))


def facts_of(c: "Competition") -> list[tuple[str, str]]:
    """What is known of a competition, in words: names and values, without those that nothing is known of."""
    return [pair for pair in (*_contract(c), *_about(c, c.about)) if pair[1]]


def _contract(c: "Competition") -> list[tuple[str, str]]:
    f = c.files
    lacks_template = c.about is not None and c.about.untrainable
    return [
        ("slug", c.slug),
        ("title", c.title),
        ("url", c.url),
        ("problem type", c.problem_type),
        ("metric", c.metric),
        ("id", ", ".join(c.id)),
        ("target", _shortened(c.target)),
        ("labels", _shortened(c.labels)),
        ("files", ", ".join(name for name in (f.train, f.test, f.sample_submission, *f.tables) if name)),
        ("media", ", ".join(f.media)),
        ("submission", _shortened(c.submission.columns)),
        ("group", c.group or ""),
        ("time", c.time or ""),
        ("series", ", ".join(c.series)),
        ("environment", c.environment),
        ("template", "" if lacks_template else c.template),
        ("splitter", "" if lacks_template or c.is_simulation else c.splitter),
        ("medals", _medals(c)),
        ("medals from", c.medals_source),
    ]


def _medals(c: "Competition") -> str:
    from aicomp.competition_checks import listed_medals

    gives_none = c.about is not None and c.about.gives_medals is False
    if not c.medals:
        return "none: this competition gives no medals" if gives_none else ""
    return f"{'none are given; by rank: ' if gives_none else ''}{listed_medals(c.medals)}"


def _about(c: "Competition", about: "About | None") -> list[tuple[str, str]]:
    if about is None:
        return []
    near = f"; nearest: {about.nearest_metric}" if about.nearest_metric else ""
    lacking = "" if c.metric else f" (aicomp has no such metric{near})"
    return [
        ("metric's name", f"{about.metric_name}{lacking}" if about.metric_name else ""),
        ("not trained", about.untrainable),
        ("submitted", _SUBMITS[about.submits]),
        ("internet", "" if about.internet is None else "allowed" if about.internet else "not allowed"),
        ("year", "" if about.year is None else str(about.year)),
        *(("leak", text) for text in about.leaks),
        *(("trap", text) for text in about.traps),
        *(("source", text) for text in about.sources),
        ("not verified", ", ".join(about.unverified)),
    ]


def _shortened(names: tuple[str, ...]) -> str:
    """Names of a list, the first and the last of a long one."""
    if len(names) <= 12:
        return ", ".join(names)
    return f"{', '.join(names[:6])} ... {names[-1]} ({len(names)})"
