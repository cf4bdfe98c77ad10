"""Sentences of evaluation pages as public notebooks and READMEs repeat them, and what is made of each."""

import pytest

from aicomp.metrics import get_metric, read_statement

CLEAR = {
    "Submissions are evaluated on the accuracy of the predicted answers, the proportion of correct "
    "predictions.": "accuracy",
    "Submissions are evaluated on the Brier score between the predicted probabilities and the actual game "
    "outcomes (this is equivalent to mean squared error in this context).": "brier",
    "Submissions are evaluated on the area under the Receiver Operating Characteristic Curve (ROC AUC).": "roc_auc",
    "Submissions are evaluated using the Mean Dice Coefficient, which measures the overlap between predicted "
    "and true masks.": "dice",
    "Submissions are evaluated using the column-wise root mean squared logarithmic error.": "mcrmsle",
    "Your submissions will be evaluated using the Mean Absolute Error (MAE) between your predicted levels and "
    "the observed values.": "mae",
    "Submissions are scored on the root mean squared error (RMSE). RMSE is very common. Compared to the Mean "
    "Absolute Error, RMSE punishes large errors.": "rmse",
    "The evaluation metric for this competition is the RMSLE (root mean squared log error) between the actual "
    "and predicted auction prices.": "rmsle",
    "The evaluation metric for this competition is the logarithmic loss, the negative log-likelihood of the "
    "true class labels.": "log_loss",
    "The Evaluation metric for this competition is weighted F1 Score.": "f1_weighted",
    "Submissions are evaluated by root mean squared error (RMSE). True target values are clipped into [0,20] "
    "range.": "rmse",
    "The competition is evaluated on the global Dice coefficient. The Dice coefficient can be used to compare "
    "the pixel-wise agreement between a predicted segmentation and its ground truth.": "dice_global",
    "This competition is evaluated on a modified version of the Laplace Log Likelihood.": "laplace_log_likelihood",
    "Submissions are scored using RMSLE.": "rmsle",
    "Submissions are scored using Macro F1 x 100.": "f1_macro",
    "The performance metric for this competition is average precision, which is equal to the area under the "
    "Precision-Recall (PR) curve.": "average_precision",
    "Submissions are evaluated based on the Area Under the ROC Curve (AUC), which measures how well the "
    "predicted probabilities distinguish the two.": "roc_auc",
    "Submissions are evaluated based on the F1 score. The F1 score is the harmonic mean of precision and "
    "recall, providing a balance between the two metrics.": "f1",
    "Submissions are scored based on R-squared (R²) values.": "r2",
    "The metric for this competition is Root mean squared error.": "rmse",
    "The metric for this competition is F1.": "f1",
    "The metric for this competition is Spearman Correlation.": "spearman",
    "The metric for this competition is multi-class log loss (also known as categorical cross entropy).": "log_loss",
    "User submissions are evaluated by comparing their CSV to the solution with respect to the Area Under the "
    "ROC Curve (AUC) metric.": "roc_auc",
    "The submissions are evaluated by using Intersection over Union (IoU) score.": "iou",
    "For this competition, the evaluation metric is the macro F1 score, which is the unweighted average of "
    "each label's F1 score.": "f1_macro",
    "For this competition, the evaluation metric used is Logarithmic Loss metric.": "log_loss",
    "Submissions are evaluated according to the mean Precision @ 5 metric.": "precision@5",
    "Submissions are evaluated according to the Mean Squared Error (MSE).": "mse",
    "Submissions are evaluated according to the Exact Matching Ratio (EMR): the percentage of samples that "
    "have all their labels right.": "subset_accuracy",
    "Submissions are evaluated according to the Mean Average Precision @ 25 (MAP@25).": "map@25",
    "Submissions are evaluated on the mean column-wise log loss. In other words, the score is the average of "
    "the log loss of each predicted column.": "log_loss",
    "Submissions are evaluated using the Weighted Mean Absolute Error. Each return you predicted is compared "
    "with the actual return.": "wmae",
    "Submissions are evaluated using the Weighted Interval Score (WIS), which rewards both accuracy and well-"
    "calibrated uncertainty.": "weighted_interval_score",
    "Submissions are evaluated with the log loss metric.": "log_loss",
    "Submissions for this competition will be evaluated based on the R² (Coefficient of Determination) metric.": "r2",
    "Submissions are evaluated with the Mean Absolute Error (MAE) computed only on the missing values.": "mae",
    "Submissions are evaluated on the mean absolute error between predicted and actual congestion values for "
    "each time period in the test set.": "mae",
}

NOT_GUESSED: dict[str, tuple[str, ...]] = {
    "Submissions are evaluated using the AUC ROC for each defect category. The final score is the average AUC "
    "across all 7 classes.": ("roc_auc_mean", "roc_auc_ovr_macro"),
    "The quality of submissions will be evaluated using the mean squared error metric.": ("mse", "rmse"),
    "The evaluation metric for this competition is the Root Mean Squared Error (RMSE) between the logarithm of"
    " the predicted value and the logarithm of the observed sales price.": ("rmse", "rmsle"),
    "Submissions are evaluated by the Geometric Mean of the BLEU and the chrF++ scores.": (),
    "Submissions are scored based on the mean AUC across the abnormality detection tasks.": (
        "roc_auc_mean",
        "roc_auc_ovr_macro",
    ),
    "The metric for this competition is the Mean F1-Score.": ("f1_samples", "f1_of_sets"),
    "Submissions are evaluated with the macro-average ROC AUC across the twelve targets.": (
        "roc_auc_mean",
        "roc_auc_ovr_macro",
    ),
    "Submissions are evaluated based on average precision.": ("average_precision", "average_precision_macro", "map@10"),
    "Submissions are evaluated on a modified version of the F1 Score.": (),
    "Submissions are evaluated on the mean Intersection over Union (IoU) obtained on the two classes, crop and"
    " weed.": (),
    "Submissions are evaluated on the mean position error": (),
    "NMSE (Normalized Mean Squared Error) measures prediction error relative to variance.": (),
    "Submissions are evaluated on the harmonic mean of macro and micro F1-Score for each attribute.": (),
    "Submissions are evaluated on the mean Average Accuracy (mAA) of the estimated poses.": (),
    "Submissions are evaluated on the mean of the Pearson correlation coefficient for each time ID.": (
        "pearson_by_group",
        "pearson_mean",
    ),
    "Submissions are evaluated on Macro-Averaged F_beta with beta = 0.5 across all entities.": (),
    "Submissions are evaluated on Macro F0.5.": (),
}
"""With the metrics that each may mean: none where it is none of ours."""


@pytest.mark.parametrize(("text", "name"), CLEAR.items())
def test_what_a_sentence_says(text: str, name: str) -> None:
    assert read_statement(text).name == name
    assert get_metric(name).name == name


@pytest.mark.parametrize(("text", "names"), NOT_GUESSED.items())
def test_what_is_not_guessed(text: str, names: tuple[str, ...]) -> None:
    reading = read_statement(text)
    assert (reading.name, set(reading.names)) == (None, set(names))
    assert reading.because


def test_several_columns_or_classes_are_told_apart_by_the_target() -> None:
    text = "Submissions are scored based on the mean AUC across the tasks."
    assert read_statement(text, ["multilabel"]).name == "roc_auc_mean"
    assert read_statement(text, ["multiclass"]).name == "roc_auc_ovr_macro"
