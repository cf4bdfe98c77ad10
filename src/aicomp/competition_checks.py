"""What a `competition.toml` may not say: fields that contradict each other, in words that tell what to do."""

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from aicomp.about import About, check_about
from aicomp.boxes import FORM, has_labels
from aicomp.errors import UsageError
from aicomp.suggest import unknown_name

if TYPE_CHECKING:
    from aicomp.competition import BoxColumns, Competition

SIMULATION_METRICS = ("mean_return", "win_rate")
"""What a simulation is scored by, both higher is better: the mean of an episode's rewards together, and the share of
games won, in which a draw is half a game."""

MEDALS = ("gold", "silver", "bronze", "median")
"""Thresholds that a contract may have, the hardest first."""


_ALWAYS_KNOWN = {"slug", "title", "url", "problem_type", "about", "template", "splitter", "host"}


def check_competition(c: "Competition", source: str) -> None:
    """Check what a contract says against itself; `source` names the file in messages.

    Raises:
        UsageError: The first thing that does not go together, with what to do.
    """
    _check_medals(c, source)
    if not c.metric and c.about is None:
        raise UsageError(f"`{source}`: `metric` is empty", "`aicomp list metrics` shows all")
    if c.about is not None:
        check_about(c.about, source, c.metric)
        _check_unverified(c, c.about, source)
    if c.host not in ("kaggle", "local") and not c.host.startswith(("http://", "https://")):
        raise UsageError(f"`{source}`: `host` is `{c.host}`", 'write "kaggle", "local", or the address of a host')
    if c.is_simulation:
        _check_simulation(c, source)
    elif c.about is None or not c.about.untrainable:
        _check_rows(c, source)


def _check_unverified(c: "Competition", about: About, source: str) -> None:
    """What is marked as not verified is a field, and left out: whatever stands in an entry was read somewhere."""
    structs = {"": c, "files": c.files, "submission": c.submission, "about": about}
    known = {
        name if prefix in ("", "about") else f"{prefix}.{name}": (default, getattr(struct, name))
        for prefix, struct in structs.items()
        for name, default in _defaults(type(struct)).items()
        if name not in _ALWAYS_KNOWN
    }
    for name in about.unverified:
        if name not in known:
            raise unknown_name(f"field in `about.unverified` of `{source}`:", name, known)
        default, value = known[name]
        if value not in (default, "", (), {}):
            raise UsageError(
                f"`{source}`: `{name}` is marked as not verified, and yet it says `{value}`",
                "leave the value out, or verify it and remove the mark",
            )


def listed_medals(medals: dict[str, float]) -> str:
    """Thresholds for people, the hardest first, with all their digits.

    >>> listed_medals({"silver": 6182000.5, "gold": 4808057.0})
    'gold 4808057, silver 6182000.5'
    """
    return ", ".join(f"{name} {medals[name]:.12g}" for name in MEDALS if name in medals)


def _check_medals(c: "Competition", source: str) -> None:
    for name in c.medals:
        if name not in MEDALS:
            raise unknown_name(f"medal in `{source}`:", name, MEDALS)
    if c.about is not None and c.about.gives_medals is False and c.lacks("medals"):
        raise UsageError(
            f"`{source}`: `about.gives_medals` is false, and `medals` are marked as not verified", "remove one of them"
        )
    if c.medals and not c.medals_source.strip():
        raise UsageError(
            f"`{source}` has `medals` without a source",
            'add `medals_source = "..."`: where the thresholds come from, and when they were read',
        )
    scores = [c.medals[name] for name in MEDALS if name in c.medals]
    if scores not in (sorted(scores), sorted(scores, reverse=True)):
        raise UsageError(
            f"`{source}`: the medals are in no order: {listed_medals(c.medals)}", "correct the wrong threshold"
        )


def _check_rows(c: "Competition", source: str) -> None:
    if c.problem_type == "other":
        raise UsageError(
            f'`{source}`: `problem_type` is "other", and `about.untrainable` does not say why',
            'set `problem_type` to one that aicomp trains, such as "binary"',
        )
    _check_kind(c, source)
    if not c.target and not c.lacks("target"):
        raise UsageError(f"`{source}`: `target` is empty", "name at least one column to predict")
    single = c.problem_type in ("binary", "multiclass", "regression", "string")
    if single and len(c.target) != 1 and not c.lacks("target"):
        raise UsageError(
            f"`{source}`: `{c.problem_type}` has one target column, but `target` names {len(c.target)}",
            'set `problem_type` to "multilabel" or "multi-target"',
        )
    if not c.lacks("labels"):
        _check_labels(c, source)
    if (c.problem_type == "string") != (c.submission.wants == "string"):
        raise UsageError(
            f"`{source}`: `problem_type` is {c.problem_type}, and the submission wants a {c.submission.wants}",
            'set both `problem_type` and `wants` under [submission] to "string", or neither',
        )
    if c.submission.blank and c.problem_type != "string":
        raise UsageError(f"`{source}`: `submission.blank` is for strings, not for {c.problem_type}", "remove `blank`")
    _check_series(c, source)
    _check_boxes(c, c.boxes, source)
    _check_columns(c, source)
    _check_pair(c, source)


def _check_labels(c: "Competition", source: str) -> None:
    if c.problem_type == "binary" and len(c.labels) != 2:
        raise UsageError(f"`{source}`: `binary` needs two `labels`, got {list(c.labels)}", "list both, positive last")
    if c.problem_type == "multiclass" and len(c.labels) < 2:
        raise UsageError(f"`{source}`: `multiclass` needs `labels`, got {list(c.labels)}", "list every class")
    if c.labels and c.problem_type not in ("binary", "multiclass"):
        raise UsageError(f"`{source}`: `{c.problem_type}` has no `labels`, got {list(c.labels)}", "remove `labels`")


def _check_pair(c: "Competition", source: str) -> None:
    if (c.user is None) != (c.item is None):
        known, lacking = ("user", "item") if c.item is None else ("item", "user")
        raise UsageError(
            f"`{source}` names the column of the {known} (`{c.user or c.item}`), and none of the {lacking}",
            f'add `{lacking} = "COLUMN"`, or remove `{known}`',
        )
    if c.user is not None and c.user == c.item:
        raise UsageError(f"`{source}`: `user` and `item` are both `{c.user}`", "name two columns")
    if c.is_of_lists:
        if (c.user,) != c.id or (c.item,) != c.target:
            raise UsageError(
                f"`{source}`: lists of `{c.item}` for each `{c.user}`, but `id` is {list(c.id)} and `target` "
                f"{list(c.target)}",
                "name the user as `id` and the item as `target`, or remove `user` and `item`",
            )
        return
    wrong = next((column for column in (c.user, c.item) if column in c.target), None)
    if wrong is not None:
        raise UsageError(f"`{source}`: `{wrong}` is the target, and names no user or item", "name another column")


def _check_series(c: "Competition", source: str) -> None:
    if c.horizon < 0 or c.gap < 0:
        raise UsageError(f"`{source}`: `horizon` and `gap` count steps, got {c.horizon} and {c.gap}", "write both >= 0")
    if (c.series or c.gap) and not c.horizon:
        raise UsageError(
            f"`{source}`: `{'series' if c.series else 'gap'}` is set, and `horizon` is not",
            "write how many steps are forecast, such as `horizon = 8`",
        )
    if c.horizon and c.time is None:
        raise UsageError(f"`{source}`: `horizon` is {c.horizon}, and `time` is not set", "name the column of the times")
    if c.horizon and c.problem_type != "regression":
        raise UsageError(
            f"`{source}`: `horizon` is {c.horizon}, but the problem is {c.problem_type}",
            "forecasts are of one number; remove `series`, `horizon` and `gap`",
        )


def _check_kind(c: "Competition", source: str) -> None:
    """Refuse a competition on rows that has no files, or an environment."""
    if c.environment:
        raise UsageError(
            f"`{source}`: `environment` is for simulations, but the problem is {c.problem_type}",
            'remove it, or set `problem_type = "simulation"`',
        )
    for name in ("files", "submission"):
        if getattr(c, name) == _defaults(type(c))[name] and not (c.lacks(name) or c.lacks(f"{name}.columns")):
            raise UsageError(f"`{source}`: there is no `[{name}]`", "add it, as `aicomp init` writes it")


def _check_simulation(c: "Competition", source: str) -> None:
    for name in ("files", "submission", "id", "target", "labels", "group", "time"):
        if getattr(c, name) != _defaults(type(c))[name]:
            raise UsageError(f"`{source}`: a simulation has no `{name}`", "remove it, or correct `problem_type`")
    if not c.environment:
        raise UsageError(f"`{source}`: `environment` is empty", 'name one, such as `environment = "CartPole-v1"`')
    if c.metric not in SIMULATION_METRICS:
        raise unknown_name(f"metric of a simulation in `{source}`:", c.metric, SIMULATION_METRICS)


def _check_boxes(c: "Competition", boxes: "BoxColumns | None", source: str) -> None:
    if boxes is None:
        return
    if c.problem_type != "string":
        raise UsageError(f"`{source}`: boxes are predicted as strings, not as {c.problem_type}", "remove [boxes]")
    if len(boxes.columns) not in (1, 4):
        raise UsageError(
            f"`{source}`: `boxes.columns` names {len(boxes.columns)} columns",
            "name the four of the edges, or the one that holds lists of them",
        )
    if not boxes.labels or (boxes.label is None and len(boxes.labels) != 1):
        raise UsageError(
            f"`{source}`: `boxes.labels` is {list(boxes.labels)}, and `boxes.label` is `{boxes.label}`",
            "list every label of that column, or one where there is no column",
        )
    if len(boxes.labels) > 1 and not has_labels(boxes.form):
        raise UsageError(
            f"`{source}`: `boxes.form` is `{boxes.form}`, which has no place for {len(boxes.labels)} labels",
            f'write `form = "{FORM}"`, or as the competition\'s page says',
        )


def _check_columns(c: "Competition", source: str) -> None:
    lists = (
        ("id", c.id),
        ("target", c.target),
        ("series", c.series),
        ("labels", c.labels),
        ("submission.columns", c.submission.columns),
    )
    for name, values in lists:
        twice = next((v for v in values if values.count(v) > 1), None)
        if twice is not None:
            raise UsageError(f"`{source}`: `{name}` names `{twice}` twice", "remove one of them")
    both = [column for column in c.id if column in c.target]
    if both:
        raise UsageError(f"`{source}`: `{both[0]}` is in `id` and in `target`", "remove it from one of them")
    if c.lacks("submission.columns") or c.lacks("submission"):
        return
    absent = [column for column in c.id if column not in c.submission.columns]
    if absent:
        raise UsageError(
            f"`{source}`: `submission.columns` lacks the id `{absent[0]}`, got {list(c.submission.columns)}",
            "list the header of the sample submission",
        )
    n_predictions, parts = len(c.prediction_columns), _parts(c.metric)
    if n_predictions not in (len(parts) or len(c.target), len(c.labels)) or not n_predictions:
        wanted = f"{len(c.target)} for `target`" + (f" or {len(c.labels)} for `labels`" if c.labels else "")
        wanted = f"{len(parts)} for the parts of `{c.metric}`: {', '.join(parts[:4])}" if parts else wanted
        raise UsageError(
            f"`{source}`: `submission.columns` has {n_predictions} columns beside the ids, not {wanted}",
            "list the header of the sample submission",
        )


def _parts(metric: str) -> tuple[str, ...]:
    """What one prediction is made of, where the metric takes several numbers."""
    from aicomp.metrics.known import ALL_METRICS

    found = ALL_METRICS.get(metric.partition("@")[0])
    return () if found is None else found.parts


@cache
def _defaults(struct: type[msgspec.Struct]) -> dict[str, object]:
    """Defaults by name of a field."""
    return {f.name: f.default for f in msgspec.structs.fields(struct)}
