"""What the catalogue knows of a competition beside its contract: `[about]` of a `competition.toml`."""

from typing import Literal

import msgspec

from aicomp.errors import UsageError


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[about]`. What stands in an entry of the catalogue was read in one of its sources, and nothing is guessed.

    Attributes:
        submits: What is sent: a file of predictions, a notebook that Kaggle runs on hidden data, or an agent.
        internet: Whether such a notebook may use the internet; None if it is not known, or nothing is run.
        year: In which it began, as Kaggle's citation says.
        gives_medals: Whether it gives medals; None if it is not known. False for the Playground.
        metric_name: The metric in Kaggle's words.
        nearest_metric: Where aicomp has no such metric and `metric` is empty: the nearest one to train by.
        untrainable: Why no template of aicomp trains it; empty if one does. Such an entry may lack files and targets.
        leaks: What is known to tell of the hidden targets, a sentence each.
        traps: What makes a validation or a submission go wrong, a sentence each.
        sources: Where the facts are from, with the day on which they were read.
        unverified: Fields that are left out since no source that could be read says them, such as "labels", "year" or
            "submission.columns".
    """

    sources: tuple[str, ...]
    submits: Literal["file", "notebook", "agent"] | None = None
    internet: bool | None = None
    year: int | None = None
    gives_medals: bool | None = None
    metric_name: str = ""
    nearest_metric: str = ""
    untrainable: str = ""
    leaks: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()


def check_about(about: About, source: str, metric: str) -> None:
    """Check what `[about]` says against itself; `source` names the file in messages.

    Raises:
        UsageError: No source, a metric neither known nor named, or a sentence that is empty.
    """
    if not about.sources:
        raise UsageError(
            f"`{source}`: [about] has no `sources`", "say where the facts are from, and when you read them"
        )
    for name in ("leaks", "traps", "sources", "unverified"):
        values = getattr(about, name)
        if any(not value.strip() for value in values) or len(set(values)) != len(values):
            raise UsageError(f"`{source}`: `about.{name}` says nothing, or the same twice", "remove that entry")
    if not metric and not about.metric_name:
        raise UsageError(
            f"`{source}`: `metric` is empty, and `about.metric_name` as well", "name the metric in one of them"
        )
    if about.nearest_metric and metric:
        raise UsageError(
            f"`{source}`: `about.nearest_metric` is `{about.nearest_metric}`, and the metric is `{metric}`",
            "name a nearest one only where aicomp lacks the metric",
        )


def refuse_untrainable(slug: str, metric: str, about: About | None) -> None:
    """Refuse a competition whose shape no template trains.

    Raises:
        UsageError: It is one.
    """
    if about is None or not about.untrainable:
        return
    if about.submits == "agent":
        way = "with its rules as a class of your own, `aicomp init NAME --environment FILE:CLASS` makes a project"
    else:
        way = (
            "with your own tables of train, test and sample submission in a folder, "
            f"`aicomp init FOLDER --metric {metric or about.nearest_metric or 'NAME'}` makes the project"
        )
    raise UsageError(
        f"aicomp cannot train `{slug}` as it comes: {about.untrainable}",
        f"`aicomp show {slug}` says what is known; {way}",
    )


def refuse_without_metric(slug: str, metric: str, about: About | None, remedy: str) -> None:
    """Refuse a competition whose metric aicomp lacks.

    Args:
        slug: The competition.
        metric: Its metric, empty if aicomp has none.
        about: What the catalogue knows of it.
        remedy: What to type for another metric, with `{}` in place of its name.

    Raises:
        UsageError: There is none; the message names it in Kaggle's words, the hint what is nearest.
    """
    if metric:
        return
    name, near = ("", "") if about is None else (about.metric_name, about.nearest_metric)
    typed = remedy.format(near or "NAME")
    hint = f"the nearest that it has is `{near}`: {typed}" if near else f"{typed}; `aicomp list metrics` shows all"
    raise UsageError(f"aicomp has no metric that is the one of `{slug}`: {name or 'its contract names none'}", hint)
