"""Small projects with one fault each, for the tests of the validation doctor."""

from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.cli.main import main
from aicomp.project import Project
from aicomp.validation.subject import Subject

N_TRAIN, N_TEST = 400, 200


def clean(seed: int = 0, n: int = N_TRAIN + N_TEST) -> pd.DataFrame:
    """Rows without a fault: ids at random, numbers and a category, and a target that follows from them with noise."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": [f"{i:05d}" for i in random.permutation(n)],
            "size": random.normal(size=n).round(4),
            "weight": random.gamma(2.0, size=n).round(4),
            "speed": random.normal(size=n).round(4),
            "color": random.choice(["red", "green", "blue"], size=n),
        }
    )
    signal = frame["size"] + (frame["color"] == "red") - 0.3 * frame["weight"] + random.normal(size=n)
    return frame.assign(bought=np.where(signal > 0, "yes", "no"))


def project_of(
    folder: Path,
    frame: pd.DataFrame,
    *,
    test: pd.DataFrame | None = None,
    target: str = "bought",
    metric: str = "roc_auc",
    features: str = "",
    arguments: tuple[str, ...] = (),
) -> Path:
    """A project by `aicomp init`.

    Args:
        folder: An empty one.
        frame: Rows of train; and, if `test` is None, those of test behind the first `N_TRAIN`.
        test: Rows of test.
        target: Column that is predicted.
        metric: The score.
        features: The project's `features.py`; "" leaves the template's.
        arguments: Of `aicomp init`.
    """
    train = frame if test is not None else frame.iloc[:N_TRAIN]
    rest = (frame.iloc[N_TRAIN:] if test is None else test).drop(columns=target, errors="ignore")
    source = folder / "raw"
    source.mkdir(parents=True)
    train.to_csv(source / "train.csv", index=False)
    rest.to_csv(source / "test.csv", index=False)
    fill = 0.5 if metric == "roc_auc" else train[target].iloc[0]
    rest[["id"]].assign(**{target: fill}).to_csv(source / "sample_submission.csv", index=False)
    into = folder / "project"
    assert main(["init", str(source), "--metric", metric, "--into", str(into), "--json", *arguments]) == 0
    if features:
        (into / "features.py").write_text(features, encoding="utf-8")
    return into


def subject_of(folder: Path, frame: pd.DataFrame, overrides: list[str] | None = None, **options: object) -> Subject:
    """The data of `project_of`, ready to be checked."""
    return Subject.of(Project.open(project_of(folder, frame, **options), overrides))  # type: ignore[arg-type]


def severities(findings: list) -> dict[str, str]:
    """Severity by name of finding; of two of one name the first."""
    return {finding.name: finding.severity for finding in reversed(findings)}
