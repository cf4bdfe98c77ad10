"""pytabkit's RealMLP-TD-S and TabM-D: the ensemble of five folds (`n_cv=5`), at the settings that it recommends.

For AUC that is cross-entropy as the validation's metric, and no label smoothing in RealMLP. Missing numbers, which it
refuses, are the median of the train rows.
"""

from typing import Any

import numpy as np
from common import Data, Job, predictor, run
from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor, TabM_D_Classifier, TabM_D_Regressor

MODELS = {
    "realmlp": (RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor),
    "tabm": (TabM_D_Classifier, TabM_D_Regressor),
}


def work(job: Job, data: Data) -> tuple[None, np.ndarray]:
    classifier, regressor = MODELS[job.system]
    options: dict[str, Any] = {}
    if job.metric == "roc_auc":
        options["val_metric_name"] = "cross_entropy"
        if job.system == "realmlp":
            options["use_ls"] = False
    kind = classifier if job.is_classification else regressor
    model = kind(n_cv=5, random_state=0, device="cpu", n_threads=job.processors, **options)
    medians = data.x.median(numeric_only=True)
    model.fit(data.x.fillna(medians), data.y)
    return None, predictor(job, model)(data.test_x.fillna(medians))


if __name__ == "__main__":
    run(work)
