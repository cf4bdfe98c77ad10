"""LightGBM on five folds: at most 2000 trees at 0.03, stopped after 100 rounds without a gain."""

from common import Predict, cross_validate, predictor, run
from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping


def fit(job, x, y, valid_x, valid_y) -> Predict:  # type: ignore[no-untyped-def]
    kind = LGBMClassifier if job.is_classification else LGBMRegressor
    model = kind(n_estimators=2000, learning_rate=0.03, verbose=-1, random_state=0, n_jobs=job.processors)
    model.fit(x, y, eval_set=[(valid_x, valid_y)], callbacks=[early_stopping(100, verbose=False)])
    return predictor(job, model)


if __name__ == "__main__":
    run(lambda job, data: cross_validate(job, data, fit))
