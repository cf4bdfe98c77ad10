"""What the peers share: the job they are told, a plain preparation, five folds, and the file of predictions.

Runs inside a peer's own virtual environment, so it knows nothing of aicomp: `tabular.py` writes the job as JSON and
grades the file of predictions. A script ends with one JSON object on standard output; all else goes to standard error.

The preparation is the same for every peer: the columns of train that test has; no id; strings stripped, and numbers
where all of them are; times in their parts; near-unique strings left out; other strings as categories. The target is
class codes, or log1p of the value for rmsle.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold

N_SPLITS = 5
NEAR_UNIQUE = 0.5
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
TIME_PARTS = ("year", "month", "day", "day_of_week", "hour")

Predict = Callable[[pd.DataFrame], np.ndarray]


@dataclass(frozen=True)
class Job:
    """What a peer is told.

    Attributes:
        system: Name of the peer.
        train: The competition's file.
        test: The competition's file.
        out: Where predictions go.
        id: Column that names a row.
        target: Column to predict.
        problem_type: "binary", "multiclass" or "regression".
        labels: Classes as spelled in train; of two, the positive one last.
        metric: "accuracy", "roc_auc", "rmse" or "rmsle".
        wants: "label", "probability" or "value": what the submission holds.
        time_limit: Seconds for a peer that takes a limit.
        processors: Processors of this machine that it may use.
    """

    system: str
    train: Path
    test: Path
    out: Path
    id: str
    target: str
    problem_type: str
    labels: list[str]
    metric: str
    wants: str
    time_limit: float | None
    processors: int

    @property
    def is_classification(self) -> bool:
        return self.problem_type != "regression"

    @property
    def log(self) -> bool:
        """Whether the target is learned as its log1p."""
        return self.metric == "rmsle"


@dataclass(frozen=True)
class Data:
    """Prepared columns `x`, `test_x`; target `y` (n,): codes, values or their log1p; `ids` of the test rows."""

    x: pd.DataFrame
    y: np.ndarray
    test_x: pd.DataFrame
    ids: pd.Series


def run(work: Callable[[Job, Data], tuple[float | None, np.ndarray]]) -> None:
    """Do a peer's work on the job that the command line names, and print what `tabular.py` reads.

    Args:
        work: From job and data to a score of its own cross-validation, if it has one, and predictions of the test
            rows: the probability of the positive class (n,), probabilities (n, n_classes), or values like `Data.y`.
    """
    warnings.simplefilter("ignore")
    answer = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no answer
    content = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    job = Job(**{**content, **{name: Path(content[name]) for name in ("train", "test", "out")}})
    data = prepare(job)
    started = time.perf_counter()
    score, predictions = work(job, data)
    write_predictions(job, data.ids, predictions)
    line = {"mean": score, "file": str(job.out), "training_seconds": time.perf_counter() - started}
    os.write(answer, (json.dumps(line) + "\n").encode())


def prepare(job: Job) -> Data:
    train = pd.read_csv(job.train, dtype={job.target: str} if job.is_classification else None)
    test = pd.read_csv(job.test)
    shared = [c for c in test.columns if c in train.columns and c not in (job.id, job.target)]
    both = plain_columns(pd.concat([train[shared], test[shared]], ignore_index=True))
    if job.is_classification:
        y = train[job.target].str.strip().map({label: code for code, label in enumerate(job.labels)})
        assert y.notna().all(), f"labels beside {job.labels}"
        target = y.to_numpy(dtype=np.int64)
    else:
        target = train[job.target].to_numpy(dtype=np.float64)
        target = np.log1p(target) if job.log else target
    x, test_x = both.iloc[: len(train)], both.iloc[len(train) :].reset_index(drop=True)
    return Data(x, target, test_x, test[job.id])


def plain_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers, parts of times, and categories; names are letters, digits and underscores, as LightGBM wants them."""
    columns: dict[str, pd.Series] = {}
    for name in table.columns:
        values = table[name]
        if not pd.api.types.is_numeric_dtype(values):
            texts = values.astype(object).where(values.notna(), "").astype(str).str.strip()
            numbers = pd.to_numeric(texts.where(texts != ""), errors="coerce")
            times = pd.to_datetime(texts, errors="coerce", format=TIME_FORMAT)
            if numbers.notna().sum() == (texts != "").sum():
                values = numbers
            elif times.notna().mean() > 0.9:
                columns |= {f"{name} {part}": getattr(times.dt, part) for part in TIME_PARTS}
                continue
            elif texts.nunique() > NEAR_UNIQUE * len(texts):
                continue
            else:
                values = texts.where(texts != "", "missing").astype("category")
        columns[name] = values
    plain = pd.DataFrame(columns)
    plain.columns = ["".join(c if c.isalnum() else "_" for c in name) for name in plain.columns]
    assert plain.columns.is_unique, "two columns have almost the same name"
    return plain


def cross_validate(job: Job, data: Data, fit: Callable[..., Predict]) -> tuple[float, np.ndarray]:
    """Five shuffled folds: the mean of their scores, and the mean of their predictions of the test rows.

    Args:
        job: The job.
        data: Its data.
        fit: `fit(job, x, y, valid_x, valid_y)` returns a function that predicts rows.
    """
    splitter = (StratifiedKFold if job.is_classification else KFold)(N_SPLITS, shuffle=True, random_state=0)
    scores, predictions = [], []
    for rows, valid in splitter.split(data.x, data.y):
        predict = fit(job, data.x.iloc[rows], data.y[rows], data.x.iloc[valid], data.y[valid])
        scores.append(score(job, data.y[valid], predict(data.x.iloc[valid])))
        predictions.append(predict(data.test_x))
    return float(np.mean(scores)), np.mean(predictions, axis=0)


def score(job: Job, y: np.ndarray, predictions: np.ndarray) -> float:
    """The metric; that of rmsle is rmse, because the target is its log1p."""
    if job.metric == "accuracy":
        return float(accuracy_score(y, codes(predictions)))
    return float((roc_auc_score if job.metric == "roc_auc" else root_mean_squared_error)(y, predictions))


def codes(predictions: np.ndarray) -> np.ndarray:
    return predictions.argmax(axis=1) if predictions.ndim == 2 else (predictions > 0.5).astype(int)


def write_predictions(job: Job, ids: pd.Series, predictions: np.ndarray) -> None:
    if job.log:
        predictions = np.maximum(np.expm1(predictions), 0)
    column = np.array(job.labels)[codes(predictions)] if job.wants == "label" else predictions
    pd.DataFrame({job.id: ids, job.target: column}).to_csv(job.out, index=False)


def predictor(job: Job, model) -> Predict:  # type: ignore[no-untyped-def]
    """Predictions of a model with scikit-learn's methods, as `run` wants them."""
    if job.problem_type == "binary":
        return lambda rows: np.asarray(model.predict_proba(rows))[:, 1]
    if job.problem_type == "multiclass":
        return lambda rows: by_class(job, model.predict_proba(rows), model.classes_)
    return lambda rows: np.asarray(model.predict(rows)).reshape(len(rows))


def by_class(job: Job, probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """A column for each of the job's labels, of zeros for classes that the model does not know: it saw too few rows."""
    probabilities = np.asarray(probabilities)
    full = np.zeros((len(probabilities), len(job.labels)))
    full[:, np.asarray(classes).astype(int)] = probabilities
    return full
