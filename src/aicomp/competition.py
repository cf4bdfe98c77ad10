"""The noun Competition: the contract of one competition, read from and written to `competition.toml`."""

from pathlib import Path
from typing import Literal

import msgspec

from aicomp.about import About
from aicomp.boxes import FORM, ONE_LABEL, Form
from aicomp.competition_checks import check_competition
from aicomp.metrics.base import Needs, ProblemType
from aicomp.toml_files import read_toml, to_struct


class Files(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[files]`: names inside `data/raw/`, how their text is encoded, and folders of the files that columns name.

    Attributes:
        train: The table with ids and targets.
        test: The table with the rows to predict.
        sample_submission: A submission in the right form, with any values.
        encoding: Of the tables' text.
        media: Folders of the files that columns name; the entry "." stands for files that lie in no folder.
        made: Whether test is no file of the competition but a table that was made: of the ids of the sample submission,
            or with train of a folder per class.
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
        metric: A name of `aicomp list metrics`, or `file:object`; of a simulation one of
            `competition_checks.SIMULATION_METRICS`; empty where aicomp lacks it and `about.metric_name` says which.
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
        medals: Score that a medal took, by medal ("gold", "silver", "bronze", "median"). Where a competition gave none,
            the score at the rank that would have taken it.
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
    check_competition(competition, path.name)
    return competition


def dump_competition(competition: Competition, comment: str = "") -> str:
    """TOML text of a contract; lines of `comment` stand on top as comments. Entries at their default are left out."""
    import tomli_w

    tree = msgspec.to_builtins(competition)
    always = () if competition.is_simulation else ("id", "labels")
    defaults = {f.name: f.default for f in msgspec.structs.fields(Competition)}
    kept = {k: v for k, v in tree.items() if k in always or v != _plain(defaults[k])}
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
