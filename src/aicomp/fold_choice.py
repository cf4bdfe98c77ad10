"""Which folds a project has: those of `aicomp train`, for whoever else validates on them."""

from pathlib import Path

from aicomp.dataset import Dataset, load_dataset
from aicomp.errors import UsageError
from aicomp.folds import Folds, Rows
from aicomp.project import Project
from aicomp.raw_data import check_manifest
from aicomp.splitter_choice import choose_splitter
from aicomp.splitters import make_folds

_FEWEST_ROWS = 10


def choose_folds(project: Project, dataset: Dataset) -> tuple[str, str, Folds]:
    """Name of the splitter, why this one, and the folds.

    Raises:
        UsageError: The config names a splitter or an option that does not fit.
        DataError: Too few rows, groups, times or folds.
    """
    split, task = project.config.split, project.task
    for key, seed in (("seed", project.config.seed), ("split.seed", split.seed)):
        if seed < 0:
            raise UsageError(f"`{key}` is {seed}, it must be at least 0", f"write for example `--set {key}=0`")
    if isinstance(split.train_rows, int) and split.train_rows < _FEWEST_ROWS:
        raise UsageError(
            f"`split.train_rows` is {split.train_rows}, it must be at least {_FEWEST_ROWS}",
            "write for example `--set split.train_rows=10000`, or leave it out for all rows",
        )
    name, reason = split.splitter, "set in the config"
    if name == "auto" and project.competition.splitter != "auto":
        name, reason = project.competition.splitter, "named by the competition's contract"
    if name == "auto":
        name, reason = choose_splitter(
            problem_type=task.problem_type,
            has_groups=dataset.groups is not None,
            has_time=dataset.time is not None,
            has_fold_column=dataset.fold_column is not None,
            y=dataset.y,
            forecasts=dataset.series is not None,
        )
    n_splits, fewer = split.n_splits, ""
    n_groups = n_splits if dataset.groups is None else len(set(dataset.groups))
    if split.splitter == "auto" and name in ("group", "stratified-group") and 2 <= n_groups < n_splits:
        fewer = f"{n_groups} folds instead of {n_splits}: there are {n_groups} groups, and each is validated once"
        n_splits = n_groups
    made = make_folds(
        name,
        y=dataset.y,
        problem_type=task.problem_type,
        groups=dataset.groups,
        time=dataset.time,
        fold_column=dataset.fold_column,
        n_splits=n_splits,
        n_repeats=split.n_repeats,
        holdout=split.holdout,
        seed=split.seed,
        folder=project.folder,
        labels=task.labels or project.competition.target,
        steps=None if dataset.series is None else dataset.series.train[:, 1],
        horizon=project.competition.horizon,
        gap=project.competition.gap,
    )
    if fewer:
        made = Folds(made.folds, [*made.notes, fewer])
    drawn = [f for f in made.folds if isinstance(split.train_rows, int) and len(f.train) > split.train_rows]
    if drawn:
        note = f"at most {split.train_rows} of the {len(drawn[0].train)} training rows of a fold are trained on"
        made = Folds(made.folds, [*made.notes, note])
    return name, reason, made


def project_folds(project: Project | Path | str = ".", overrides: list[str] | None = None) -> list[tuple[Rows, Rows]]:
    """The folds on which `aicomp train` would validate now, as scikit-learn's `cv=` takes them.

    Args:
        project: The project or its folder.
        overrides: Entries that win over `aicomp.toml`, such as "split.n_splits=10".

    Returns:
        Pairs of row numbers of train, int64: rows to train on, rows to validate on.

    Raises:
        UsageError: No project there, or its config is wrong.
        DataError: The data breaks the contract.
    """
    opened = project if isinstance(project, Project) else Project.open(Path(project), overrides)
    check_manifest(opened.folder)
    folds = choose_folds(opened, load_dataset(opened))[2].folds
    return [(fold.train, fold.valid) for fold in folds]
