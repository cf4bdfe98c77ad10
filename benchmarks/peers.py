"""Untuned gradient boosting on a project made by `aicomp init`: `python benchmarks/peers.py catboost|lightgbm PROJECT`.

Five shuffled folds, the mean of the folds' test predictions, early stopping after 100 rounds. Raw columns: dates are
split into parts, strings are categories, near-unique strings are left out. Prints one JSON object.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold

from aicomp.dataset import load_dataset
from aicomp.project import Project

ROUNDS_WITHOUT_GAIN = 100


def main() -> None:
    system, folder = sys.argv[1], Path(sys.argv[2])
    warnings.simplefilter("ignore")
    project = Project.open(folder)
    task, data = project.task, load_dataset(project)
    train, test = plain_columns(data.train, data.test)
    is_class = task.is_classification
    log = task.metric.name == "rmsle"
    y = np.log1p(data.y) if log else data.y
    splitter = (StratifiedKFold if is_class else KFold)(5, shuffle=True, random_state=0)
    scores, predictions = [], []
    for fit_rows, valid_rows in splitter.split(train, data.y):
        predict = FIT[system](train.iloc[fit_rows], y[fit_rows], train.iloc[valid_rows], y[valid_rows], task)
        valid_pred, test_pred = (unlog(predict(rows), log) for rows in (train.iloc[valid_rows], test))
        scores.append(task.score(data.y[valid_rows], valid_pred))
        predictions.append(test_pred)
    file = folder / f"{system}.csv"
    write_predictions(project, data.test_ids, np.mean(predictions, axis=0), file)
    print(json.dumps({"mean": float(np.mean(scores)), "file": str(file)}))


def write_predictions(project: Project, ids: pd.DataFrame, predictions: np.ndarray, file: Path) -> None:
    """Write what the competition's metric takes: labels, the probability of the positive one, or values."""
    task, competition = project.task, project.competition
    column = predictions
    if competition.submission.wants == "label":
        column = np.array(competition.labels)[task.decide(predictions)]
    ids.assign(**{competition.prediction_columns[0]: column}).to_csv(file, index=False)


def unlog(predictions: np.ndarray, log: bool) -> np.ndarray:
    return np.maximum(np.expm1(predictions), 0) if log else predictions


def plain_columns(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns of train that test has, dates split, near-unique strings dropped, other strings as categories."""
    both = pd.concat([train[test.columns], test], ignore_index=True)
    for name in list(both.columns):
        if pd.api.types.is_numeric_dtype(both[name]):
            continue
        times = pd.to_datetime(both[name], errors="coerce", format="%Y-%m-%d %H:%M:%S")
        if times.notna().mean() > 0.9:
            for part in ("year", "month", "day", "dayofweek", "hour"):
                both[f"{name} {part}"] = getattr(times.dt, part)
            del both[name]
        elif both[name].nunique() > 0.5 * len(both):
            del both[name]
        else:
            both[name] = both[name].fillna("missing").astype(str).astype("category")
    return both.iloc[: len(train)], both.iloc[len(train) :]


def fit_catboost(x, y, valid_x, valid_y, task):
    from catboost import CatBoostClassifier, CatBoostRegressor

    categories = list(x.select_dtypes("category").columns)
    kind = CatBoostClassifier if task.is_classification else CatBoostRegressor
    model = kind(
        iterations=1000, early_stopping_rounds=ROUNDS_WITHOUT_GAIN, cat_features=categories, verbose=False,
        allow_writing_files=False, random_seed=0,
    )  # fmt: skip
    model.fit(x, y, eval_set=(valid_x, valid_y))
    return predictor(model, task)


def fit_lightgbm(x, y, valid_x, valid_y, task):
    from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping

    kind = LGBMClassifier if task.is_classification else LGBMRegressor
    model = kind(n_estimators=2000, learning_rate=0.03, verbose=-1, random_state=0)
    names = {name: f"c{j}" for j, name in enumerate(x.columns)}  # LightGBM refuses some characters in names
    model.fit(
        x.rename(columns=names), y, eval_set=[(valid_x.rename(columns=names), valid_y)],
        callbacks=[early_stopping(ROUNDS_WITHOUT_GAIN, verbose=False)],
    )  # fmt: skip
    predict = predictor(model, task)
    return lambda rows: predict(rows.rename(columns=names))


def predictor(model, task):
    """Predictions as `Task` wants them."""
    if task.problem_type == "binary":
        return lambda rows: model.predict_proba(rows)[:, 1]
    if task.problem_type == "multiclass":
        return lambda rows: model.predict_proba(rows)
    return model.predict


FIT = {"catboost": fit_catboost, "lightgbm": fit_lightgbm}

if __name__ == "__main__":
    main()
