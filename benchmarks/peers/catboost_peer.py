"""CatBoost on five folds: at most 1000 trees, stopped after 100 rounds without a gain on the validation fold."""

from catboost import CatBoostClassifier, CatBoostRegressor
from common import Predict, cross_validate, predictor, run


def fit(job, x, y, valid_x, valid_y) -> Predict:  # type: ignore[no-untyped-def]
    kind = CatBoostClassifier if job.is_classification else CatBoostRegressor
    model = kind(
        iterations=1000,
        early_stopping_rounds=100,
        cat_features=list(x.select_dtypes("category").columns),
        thread_count=job.processors,
        random_seed=0,
        verbose=False,
        allow_writing_files=False,
    )
    model.fit(x, y, eval_set=(valid_x, valid_y))
    return predictor(job, model)


if __name__ == "__main__":
    run(lambda job, data: cross_validate(job, data, fit))
