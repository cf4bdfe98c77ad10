"""A hosted folder: train, test, sample submission, the hidden solution, and a small `host.toml`."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from aicomp.about import refuse_without_metric
from aicomp.competition import Competition, load_competition
from aicomp.errors import DataError, UsageError
from aicomp.grading import Roles, contract_roles
from aicomp.host.data_files import DataFile, list_data_files
from aicomp.host.roles import find_roles
from aicomp.host.solution import check_solution
from aicomp.metrics import Metric, get_metric
from aicomp.toml_files import read_toml, to_struct

__all__ = ["DataFile", "HostedCompetition", "load_all", "load_hosted"]

HOST_FILE = "host.toml"
CONTRACT_FILE = "competition.toml"
DEFAULT_RULES = (
    "One account per team. Submit only predictions that your own code made from the competition's data, and do not "
    "share code or data outside your team while the competition runs."
)

_TABLE_ENDINGS = (".csv", ".csv.gz", ".parquet")
_SOLUTION_ENDINGS = (".csv", ".csv.gz")
Selection = Literal["best", "selected"]


class HostConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`host.toml`; only `metric` is needed, and not even that beside a `competition.toml`.

    Attributes:
        title: For people; by default made of the folder's name.
        description: What the task is; by default the text of `description.md`.
        metric: A name of `aicomp list metrics`, or `file:object` in the folder.
        max_daily_submissions: Most submissions of a team in one day (UTC).
        deadline: With its offset from UTC, such as 2026-12-01T00:00:00Z; without one the competition never ends.
        public_share: Share of the solution's rows that count for the public score, in (0, 1].
        selection: Which submissions count in the end: "best", or "selected" (up to two that the team chose, else its
            two best public ones).
        rules: What teams must accept.
        notebook_only: Whether only the output of a kernel can be submitted.
        reward: Such as "Knowledge".
        category: Such as "Getting Started".
        id: Columns that name a row; by default the solution's first.
        target: Columns to predict; by default all others of the solution that the sample submission has.
        problem_type: See `Competition.problem_type`.
        encoding: Of the tables' text.
        columns: Further columns of the solution that the metric reads, such as `weight = ["is_holiday"]`: the metric's
            name of them, and those of the solution.
    """

    title: str = ""
    description: str = ""
    metric: str = ""
    max_daily_submissions: Annotated[int, msgspec.Meta(ge=1)] = 5
    deadline: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    public_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.3
    selection: Selection = "best"
    rules: str = ""
    notebook_only: bool = False
    reward: str = ""
    category: str = ""
    id: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    problem_type: str | None = None
    encoding: str = "utf-8"
    columns: dict[str, tuple[str, ...]] = {}


@dataclass(frozen=True)
class HostedCompetition:
    """A competition that this host serves.

    Attributes:
        slug: The folder's name.
        id: A number made of the slug.
        title: For people.
        description: Markdown.
        metric: What scores submissions.
        roles: Which columns are compared.
        folder: Where its files lie.
        files: What teams may download.
        sample_submission: Name of the sample submission among the files.
        solution: The hidden solution; never served.
        deadline: UTC; None never ends.
        max_daily_submissions: Of a team in one day (UTC).
        public_share: Share of the rows that count for the public score, if the solution does not say it.
        selection: See `HostConfig.selection`.
        rules: What teams must accept.
        notebook_only: Whether only the output of a kernel can be submitted.
        reward: Such as "Knowledge".
        category: Such as "Getting Started".
        encoding: Of the tables' text.
        metric_name: As `host.toml` spells it, so that another process can look it up.
    """

    slug: str
    id: int
    title: str
    description: str
    metric: Metric
    roles: Roles
    folder: Path
    files: tuple[DataFile, ...]
    sample_submission: str
    solution: Path
    deadline: datetime | None
    max_daily_submissions: int
    public_share: float
    selection: Selection
    rules: str
    notebook_only: bool
    reward: str
    category: str
    encoding: str
    metric_name: str

    def is_over(self, now: datetime) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and now > self.deadline


def load_hosted(folder: Path) -> HostedCompetition:
    """Read a hosted folder.

    Raises:
        UsageError: `host.toml` is absent or wrong, with file and key; the folder's name is no slug.
        DataError: A table is absent or wrong.
    """
    config = _read_config(folder)
    slug = folder.resolve().name
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise UsageError(f"`{folder}`: the folder's name is no slug", "rename it to small letters, digits and `-`")
    contract = _read_contract(folder)
    sample, solution = _table(folder, "sample_submission", _SOLUTION_ENDINGS), find_solution(folder)
    metric_name = config.metric or (contract.metric if contract is not None else "")
    if contract is not None and contract.about is not None:
        remedy = f'write `metric = "{{}}"` into `{folder / HOST_FILE}`'
        refuse_without_metric(slug, metric_name, contract.about, remedy)
    if not metric_name:
        raise UsageError(f"`{folder / HOST_FILE}` names no `metric`", 'write for example `metric = "rmse"`')
    metric = get_metric(metric_name, folder if ":" in metric_name else None)
    text = folder / "description.md"
    roles = _roles(folder, config, contract, metric, sample, solution)
    check_solution(solution, slug, roles, config.public_share, config.encoding, metric)
    return HostedCompetition(
        slug=slug,
        id=int.from_bytes(hashlib.sha256(slug.encode()).digest()[:4], "big") >> 1,
        title=config.title or (contract.title if contract is not None else slug.replace("-", " ").capitalize()),
        description=config.description or (text.read_text(encoding="utf-8") if text.is_file() else ""),
        metric=metric,
        roles=roles,
        folder=folder.absolute(),
        files=list_data_files(folder),
        sample_submission=sample.name,
        solution=solution.absolute(),
        deadline=config.deadline.astimezone(UTC) if config.deadline is not None else None,
        max_daily_submissions=config.max_daily_submissions,
        public_share=config.public_share,
        selection=config.selection,
        rules=config.rules or DEFAULT_RULES,
        notebook_only=config.notebook_only,
        reward=config.reward,
        category=config.category,
        encoding=config.encoding,
        metric_name=metric_name,
    )


def load_all(folder: Path) -> dict[str, HostedCompetition]:
    """Read every hosted folder in a folder, by slug.

    Raises:
        UsageError: There is none, or one is wrong.
        DataError: A table of one is absent or wrong.
    """
    if not folder.is_dir():
        raise UsageError(f"`{folder}` is no folder", "name the folder that holds one folder per competition")
    hosted = [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".") and _is_meant(p)]
    if not hosted:
        if (folder / HOST_FILE).is_file():
            raise UsageError(
                f"`{folder}` is a competition itself", f"name the folder above it: `aicomp host {folder.parent}`"
            )
        raise UsageError(
            f"`{folder}` holds no competition",
            f"put a folder with train, test, sample_submission, solution and {HOST_FILE} into it",
        )
    return {p.name: load_hosted(p) for p in hosted}


def find_solution(folder: Path) -> Path:
    """The hidden solution of a folder.

    Raises:
        DataError: There is none, or there are two.
    """
    return _table(folder, "solution", _SOLUTION_ENDINGS)


def find_table(folder: Path, stem: Literal["train", "test", "sample_submission"]) -> Path | None:
    """A table of a folder by the beginning of its name, None if there is none."""
    return next((folder / f"{stem}{e}" for e in _TABLE_ENDINGS if (folder / f"{stem}{e}").is_file()), None)


def _is_meant(folder: Path) -> bool:
    """Whether a folder is a competition: without a `host.toml` a solution says so, and the error what it lacks."""
    return (folder / HOST_FILE).is_file() or any((folder / f"solution{e}").is_file() for e in _SOLUTION_ENDINGS)


def _read_config(folder: Path) -> HostConfig:
    path = folder / HOST_FILE
    if not path.is_file():
        if (folder / CONTRACT_FILE).is_file():
            return HostConfig()
        inner = next((p for p in sorted(folder.glob("*/")) if not p.name.startswith(".") and _is_meant(p)), None)
        what = f'write `metric = "rmse"` into `{path}`' if inner is None else f"name one competition, such as `{inner}`"
        raise UsageError(f"`{folder}` has no {HOST_FILE}", what)
    return to_struct(read_toml(path), HostConfig, str(path))


def _read_contract(folder: Path) -> Competition | None:
    path = folder / CONTRACT_FILE
    return load_competition(path) if path.is_file() else None


def _table(folder: Path, stem: str, endings: Sequence[str]) -> Path:
    found = [folder / f"{stem}{ending}" for ending in endings if (folder / f"{stem}{ending}").is_file()]
    if len(found) != 1:
        what = " and ".join(f"`{p.name}`" for p in found) if found else f"no `{stem}.csv`"
        raise DataError(f"`{folder}` has {what}", f"put one `{stem}.csv` (or .csv.gz) into it")
    return found[0]


def _roles(
    folder: Path, config: HostConfig, contract: Competition | None, metric: Metric, sample: Path, solution: Path
) -> Roles:
    if contract is not None:
        return contract_roles(contract)
    return find_roles(
        find_table(folder, "train"),
        sample,
        solution,
        metric,
        id_columns=config.id,
        target=config.target,
        problem_type=config.problem_type,
        encoding=config.encoding,
        columns=config.columns,
    )
