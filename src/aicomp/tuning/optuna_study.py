"""Optuna's side of a study: its file, its sampler and its distributions."""

import hashlib
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.errors import DataError, UsageError
from aicomp.files import writing
from aicomp.models.space import Choice, Float, Int, Setting

if TYPE_CHECKING:
    import optuna

N_RANDOM = 8
"""Trials that are drawn at random before the sampler begins to learn from them."""


def require_optuna() -> None:
    """Refuse to go on without Optuna.

    Raises:
        UsageError: It is not installed.
    """
    if find_spec("optuna") is None:
        raise UsageError(
            "`aicomp tune` needs the package `optuna`, which is not installed", "pip install 'aicomp[tune]'"
        )


def open_study(path: Path, *, greater_is_better: bool) -> "optuna.Study":
    """Open a study's file, or make it.

    Raises:
        UsageError: Optuna is not installed.
        DataError: The file is no study.
    """
    require_optuna()
    import optuna
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import DatabaseError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return optuna.create_study(
            storage=URL.create("sqlite", database=str(path)).render_as_string(),
            study_name="aicomp",
            direction="maximize" if greater_is_better else "minimize",
            load_if_exists=True,
        )
    except (DatabaseError, optuna.exceptions.OptunaError) as e:
        reason = str(getattr(e, "orig", None) or e).splitlines()[0]
        raise DataError(f"`{path}` cannot be read as a study: {reason}", f"remove `{path.parent}`") from e


def sampler(seed: int, number: int) -> "optuna.samplers.BaseSampler":
    """TPE (Watanabe 2023, arXiv 2304.11127) over all settings together, as the best of one depends on the others."""
    import optuna

    digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
    with quiet():
        return optuna.samplers.TPESampler(
            seed=int.from_bytes(digest[:4], "little"), n_startup_trials=N_RANDOM, multivariate=True, group=True
        )


class quiet(warnings.catch_warnings):  # noqa: N801 - a context manager by the name of what it does
    """Optuna warns of what is experimental in it; people who type `aicomp tune` cannot do anything about that."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")


def suggest(trial: "optuna.Trial", setting: Setting) -> Any:
    """A value of the setting, as it stands in a config."""
    match setting:
        case Float():
            return setting.rounded(trial.suggest_float(setting.key, setting.low, setting.high, log=setting.log))
        case Int():
            return trial.suggest_int(setting.key, setting.low, setting.high, log=setting.log, step=setting.step)
        case Choice():
            return trial.suggest_categorical(setting.key, setting.values)


def distribution(setting: Setting) -> "optuna.distributions.BaseDistribution":
    """The setting's range in Optuna's form."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match setting:
        case Float():
            return FloatDistribution(setting.low, setting.high, log=setting.log)
        case Int():
            return IntDistribution(setting.low, setting.high, log=setting.log, step=setting.step)
        case Choice():
            return CategoricalDistribution(setting.values)
