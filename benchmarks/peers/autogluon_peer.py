"""AutoGluon, `best_quality`, for as long as it is told; it bags and stacks by itself."""

import os
import tempfile

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import numpy as np
from autogluon.tabular import TabularPredictor
from common import Data, Job, by_class, run

METRICS = {  # of rmsle the target is the log1p
    "accuracy": "accuracy",
    "roc_auc": "roc_auc",
    "rmse": "root_mean_squared_error",
    "rmsle": "root_mean_squared_error",
}


def work(job: Job, data: Data) -> tuple[float, np.ndarray]:
    table = data.x.assign(**{job.target: data.y})
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(
            job.target, problem_type=job.problem_type, eval_metric=METRICS[job.metric], path=folder, verbosity=2
        )
        predictor.fit(table, presets="best_quality", time_limit=job.time_limit, num_cpus=job.processors, num_gpus=0)
        board = predictor.leaderboard(silent=True)
        best = board.loc[board["model"] == predictor.model_best, "score_val"].iloc[0]
        if not job.is_classification:
            predictions = predictor.predict(data.test_x).to_numpy()
        else:
            probabilities = predictor.predict_proba(data.test_x)
            predictions = by_class(job, probabilities, probabilities.columns)
            predictions = predictions[:, 1] if job.problem_type == "binary" else predictions
    return abs(float(best)), predictions  # errors are told as negative scores


if __name__ == "__main__":
    run(work)
