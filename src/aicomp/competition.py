"""The noun Competition: the contract of one competition, read from and written to `competition.toml`."""

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from aicomp.about import About, check_about
from aicomp.boxes import FORM, ONE_LABEL, Form, has_labels
from aicomp.errors import UsageError
from aicomp.metrics.base import Needs, ProblemType
from aicomp.suggest import unknown_name
from aicomp.toml_files import read_toml, to_struct


class Files(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[files]`: names inside `data/raw/`, how their text is encoded, and folders of the files that columns name.

    Attributes:
        media: Folders of the files that columns name; the entry "." stands for files that lie in no folder.
        made: Whether train and test are no files of the competition but tables that were made of a folder per class.
        tables: Side tables: name of the file -> the column of train and test that names a row of it. Their other
            columns are added to train and test; a key without a row in them has missing values there.
    """

    train: str
    test: str
    sample_submission: str
    encoding: str = "utf-8"
    media: tuple[str, ...] = ()
    made: bool = False
    tables: dict[str, str] = {}


class SubmissionSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[submission]`: what a submission file must hold.

    Attributes:
        columns: The header, ids included, in order.
        wants: What the target columns hold: a label, a probability, a value or a string.
        sum_to_one: Whether the probabilities of a row must sum to 1 (one column per class).
        blank: Whether a string may be empty, in train and in the submission, as a list of nothing is.
    """

    columns: tuple[str, ...]
    wants: Needs
    sum_to_one: bool = False
    blank: bool = False


SIMULATION_METRICS = ("mean_return", "win_rate")
"""What a simulation is scored by, both higher is better: the mean of an episode's rewards together, and the share of
games won, in which a draw is half a game."""


class BoxColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[boxes]`: train has a row per box, and what is predicted is a string of all boxes of an image.

    Attributes:
        columns: The four columns of train with the edges of a box in pixels, or the one that holds a list of them.
        edges: Whether these are left, top, right, bottom ("corners"), or left, top, width, height ("size").
        label: Column of train that says what is in a box; None where it is the same in all.
        labels: The labels, spelled as in train.
        form: How the submission writes a box.
    """

    columns: tuple[str, ...]
    edges: Literal["corners", "size"] = "corners"
    label: str | None = None
    labels: tuple[str, ...] = (ONE_LABEL,)
    form: Form = FORM


class Competition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The contract of one competition.

    Attributes:
        slug: Kaggle's short name, or the folder's.
        title: For people.
        problem_type: "binary", "multiclass", "regression", "multilabel" (several 0/1 columns), "multi-target"
            (several numbers) or "string" (a text, or a list that is written as one); or "simulation": an agent in an
            environment, without files, ids and targets; or "other" in an entry of the catalogue that aicomp cannot
            train.
        id: Columns that name a row, in test and in the submission.
        target: Columns of train to predict. One column, except for multilabel and multi-target.
        labels: Class labels, spelled as in train, in the order of the class codes; for "binary" the second is the
            positive class. Empty unless the problem is binary or multiclass.
        metric: A name of `aicomp list metrics`, or `file:object`; of a simulation one of `SIMULATION_METRICS`; empty
            where aicomp lacks it and `about.metric_name` says which it is.
        files: The data files.
        submission: What a submission must hold. With several target columns of one multiclass target (a probability
            per class), the columns after the ids follow the order of `labels`; otherwise they are the targets,
            or the parts of a prediction where the metric takes several numbers (`Metric.parts`).
        template: Template that fits.
        group: Column whose rows belong together, None if there is none.
        time: Column that orders rows in time, None if there is none.
        series: Columns that name a series, where many are forecast; none where `horizon` is set means one series.
        horizon: Steps of time that are forecast; 0 if nothing is.
        gap: Steps between the last one of train and the first one that is forecast.
        user: Column that names who rates, buys or reads, where rows are pairs of a user and an item; else None.
        item: Column that names what is rated, bought or read. If it is the target and the problem "string", the
            submission has a ranked list of items for each user, and the rows of train say who took what.
        splitter: Splitter that mirrors the hidden test.
        url: Page of the competition.
        metric_columns: Further columns of the solution that the metric reads, such as `weight = ["is_holiday"]`: the
            metric's name of them, and those of the solution.
        medals: Score that a medal took, by medal ("gold", "silver", "bronze", "median").
        medals_source: Where the medal thresholds come from, with a date.
        first_row_id: Where test has no id column and the submission counts its rows: the number of the first one.
        host: Who grades submissions: "kaggle", "local" for an embedded competition whose hidden part aicomp knows, or
            the address of a host that speaks Kaggle's protocol, such as "http://127.0.0.1:8000".
        boxes: Of a competition of boxes, where in train they stand; its problem type is "string".
        deadline: Until when submissions count, such as "2030-12-31T23:59:00Z"; empty if unknown.
        environment: Of a simulation: a name of Gymnasium such as "CartPole-v1", "kaggle:connectx", or `file:object`.
        about: What the catalogue knows beside the contract: how one submits, leaks, traps, sources; None if nothing.
    """

    slug: str
    title: str
    problem_type: ProblemType | Literal["simulation", "other"]
    metric: str
    id: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    files: Files = Files(train="", test="", sample_submission="")
    submission: SubmissionSchema = SubmissionSchema(columns=(), wants="value")
    labels: tuple[str, ...] = ()
    template: str = "tabular"
    group: str | None = None
    time: str | None = None
    series: tuple[str, ...] = ()
    horizon: int = 0
    gap: int = 0
    user: str | None = None
    item: str | None = None
    splitter: str = "auto"
    url: str = ""
    metric_columns: dict[str, tuple[str, ...]] = {}
    medals: dict[str, float] = {}
    medals_source: str = ""
    first_row_id: int | None = None
    host: str = "kaggle"
    deadline: str = ""
    environment: str = ""
    boxes: BoxColumns | None = None
    about: About | None = None

    @property
    def is_simulation(self) -> bool:
        """Whether there is an environment instead of files."""
        return self.problem_type == "simulation"

    @property
    def row_problem(self) -> ProblemType:
        """The problem type of a competition on rows."""
        assert self.problem_type != "simulation" and self.problem_type != "other"  # noqa: PT018
        return self.problem_type

    @property
    def is_of_lists(self) -> bool:
        """Whether train says who took what, and a list of items is to be predicted for each user."""
        return self.problem_type == "string" and self.item is not None

    def lacks(self, field: str) -> bool:
        """Whether an entry of the catalogue says that a field is left out, as no source says it."""
        return self.about is not None and field in self.about.unverified

    @property
    def prediction_columns(self) -> tuple[str, ...]:
        """Columns of the submission that hold predictions, in order."""
        return tuple(c for c in self.submission.columns if c not in self.id)


def load_competition(path: Path) -> Competition:
    """Read a `competition.toml`.

    Raises:
        UsageError: It does not exist, is no valid TOML, breaks the schema, or contradicts itself.
    """
    competition = to_struct(read_toml(path), Competition, path.name)
    _check(competition, path.name)
    return competition


MEDALS = ("gold", "silver", "bronze", "median")
"""Thresholds that a contract may have, the hardest first."""


_ALWAYS_KNOWN = {"slug", "title", "url", "problem_type", "about", "template", "splitter", "host"}


def _check_unverified(c: Competition, about: About, source: str) -> None:
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


def _check_medals(c: Competition, source: str) -> None:
    for name in c.medals:
        if name not in MEDALS:
            raise unknown_name(f"medal in `{source}`:", name, MEDALS)
    if c.medals and not c.medals_source.strip():
        raise UsageError(
            f"`{source}` has `medals` without a source",
            'add `medals_source = "..."`: where the thresholds come from, and when they were read',
        )
    scores = [c.medals[name] for name in MEDALS if name in c.medals]
    if scores not in (sorted(scores), sorted(scores, reverse=True)):
        listed = ", ".join(f"{name} {c.medals[name]:g}" for name in MEDALS if name in c.medals)
        raise UsageError(f"`{source}`: the medals are in no order: {listed}", "correct the wrong threshold")


def _check(c: Competition, source: str) -> None:
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


def _check_rows(c: Competition, source: str) -> None:
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


def _check_labels(c: Competition, source: str) -> None:
    if c.problem_type == "binary" and len(c.labels) != 2:
        raise UsageError(f"`{source}`: `binary` needs two `labels`, got {list(c.labels)}", "list both, positive last")
    if c.problem_type == "multiclass" and len(c.labels) < 2:
        raise UsageError(f"`{source}`: `multiclass` needs `labels`, got {list(c.labels)}", "list every class")
    if c.labels and c.problem_type not in ("binary", "multiclass"):
        raise UsageError(f"`{source}`: `{c.problem_type}` has no `labels`, got {list(c.labels)}", "remove `labels`")


def _check_pair(c: Competition, source: str) -> None:
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


def _check_series(c: Competition, source: str) -> None:
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


def _check_kind(c: Competition, source: str) -> None:
    """Refuse a competition on rows that has no files, or an environment."""
    if c.environment:
        raise UsageError(
            f"`{source}`: `environment` is for simulations, but the problem is {c.problem_type}",
            'remove it, or set `problem_type = "simulation"`',
        )
    for name in ("files", "submission"):
        if getattr(c, name) == _default(name) and not (c.lacks(name) or c.lacks(f"{name}.columns")):
            raise UsageError(f"`{source}`: there is no `[{name}]`", "add it, as `aicomp init` writes it")


def _check_simulation(c: Competition, source: str) -> None:
    for name in ("files", "submission", "id", "target", "labels", "group", "time"):
        if getattr(c, name) != _default(name):
            raise UsageError(f"`{source}`: a simulation has no `{name}`", "remove it, or correct `problem_type`")
    if not c.environment:
        raise UsageError(f"`{source}`: `environment` is empty", 'name one, such as `environment = "CartPole-v1"`')
    if c.metric not in SIMULATION_METRICS:
        raise unknown_name(f"metric of a simulation in `{source}`:", c.metric, SIMULATION_METRICS)


def _default(name: str) -> object:
    return _defaults(Competition)[name]


@cache
def _defaults(struct: type[msgspec.Struct]) -> dict[str, object]:
    """Defaults by name of a field."""
    return {f.name: f.default for f in msgspec.structs.fields(struct)}


def _check_boxes(c: Competition, boxes: BoxColumns | None, source: str) -> None:
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


def _check_columns(c: Competition, source: str) -> None:
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


def dump_competition(competition: Competition, comment: str = "") -> str:
    """TOML text of a contract; lines of `comment` stand on top as comments. Entries at their default are left out."""
    import tomli_w

    tree = msgspec.to_builtins(competition)
    always = () if competition.is_simulation else ("id", "labels")
    kept = {k: v for k, v in tree.items() if k in always or v != _plain(_default(k))}
    kept = {k: v for k, v in kept.items() if v not in (None, (), [], {}) or (k == "id" and k in always)}
    printable = ("".join(c if c.isprintable() else "\ufffd" for c in line) for line in comment.splitlines())
    header = "".join(f"# {line}\n" if line else "#\n" for line in printable)
    return header + tomli_w.dumps(_without_none(kept))


def _plain(value: object) -> object:
    return value if value is msgspec.NODEFAULT else msgspec.to_builtins(value)


def _without_none(tree: object) -> dict:  # type: ignore[type-arg]
    assert isinstance(tree, dict)
    return {
        k: _without_none(v) if isinstance(v, dict) else list(v) if isinstance(v, tuple) else v
        for k, v in tree.items()
        if v is not None and v != {}
    }
