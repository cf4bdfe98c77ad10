"""What competitions' pages say of their metrics: names as Kaggle gives them, and sentences of evaluation pages."""

import pytest

from aicomp.errors import UsageError
from aicomp.metrics import ALL_METRICS, get_metric, read_statement
from aicomp.metrics.kaggle_names import AMBIGUOUS, BY_PROBLEM, WITHOUT
from aicomp.metrics.statement import UNKNOWN

NAMES = {
    "Area Under Receiver Operating Characteristic Curve": "roc_auc",
    "AUC": "roc_auc",
    "Roc Auc Score": "roc_auc",
    "ROC AUC": "roc_auc",
    "Area under the ROC curve": "roc_auc",
    "Mean Columnwise Area Under Receiver Operating Characteristic Curve": "roc_auc_mean",
    "MCAUC": "roc_auc_mean",
    "Mean column-wise ROC AUC": "roc_auc_mean",
    "Micro AUC": "roc_auc_micro",
    "Categorization Accuracy": "accuracy",
    "CategorizationAccuracy": "accuracy",
    "Accuracy Score": "accuracy",
    "Classification Accuracy": "accuracy",
    "Balanced Accuracy Score": "balanced_accuracy",
    "Log Loss": "log_loss",
    "LogLoss": "log_loss",
    "Multiclass Loss": "log_loss",
    "MulticlassLoss": "log_loss",
    "Multi-class Logarithmic Loss": "log_loss",
    "Mean Columnwise Log Loss": "log_loss",
    "MeanColumnwiseLogLoss": "log_loss",
    "Balanced Log Loss": "balanced_log_loss",
    "Brier Score": "brier",
    "Root Mean Squared Error": "rmse",
    "RootMeanSquaredError": "rmse",
    "Root Mean Squared Error (RMSE)": "rmse",
    "Mean Absolute Error": "mae",
    "MAE": "mae",
    "Median Absolute Error": "medae",
    "Root Mean Squared Logarithmic Error": "rmsle",
    "RMSLE": "rmsle",
    "Mean Columnwise Root Mean Squared Logarithmic Error": "mcrmsle",
    "Mean Columnwise Root Mean Squared Error": "mcrmse",
    "MCRMSE": "mcrmse",
    "MCRMSLE": "mcrmsle",
    "Root Mean Square Percentage Error": "rmspe",
    "RootMeanSquarePercentageError": "rmspe",
    "SMAPE": "smape",
    "Symmetric Mean Absolute Percentage Error": "smape",
    "Mean Absolute Percentage Error": "mape",
    "Weighted Mean Absolute Error": "wmae",
    "WeightedMeanAbsoluteError": "wmae",
    "R2 Score": "r2",
    "R2Score": "r2",
    "R2 score (coefficient of determination)": "r2",
    "NWRMSLE": "nwrmsle",
    "M5_WRMSSE": "wrmsse",
    "GroupMeanLogMAE": "log_mae",
    "PearsonCorrelationCoefficient": "pearson",
    "Pearson Correlation": "pearson",
    "SpearmanR": "spearman",
    "Mean Columnwise Spearman\u2019s r (rank correlation coefficient)": "spearman_mean",
    "MCSpearmanR": "spearman_mean",
    "Quadratic Weighted Kappa": "quadratic_weighted_kappa",
    "QuadraticWeightedKappa": "quadratic_weighted_kappa",
    "Matthews correlation coefficient": "mcc",
    "MatthewsCorrelationCoefficient": "mcc",
    "F-Score (Macro)": "f1_macro",
    "Macro F-Score": "f1_macro",
    "MacroFScore": "f1_macro",
    "F-Score (Micro)": "f1_micro",
    "F1 Score": "f1",
    "Laplace Log Likelihood": "laplace_log_likelihood",
    "LaplaceLogLikelihood": "laplace_log_likelihood",
    "Levenshtein Mean": "levenshtein",
    "LevenshteinMean": "levenshtein",
    "Weighted Label Ranking Average Precision": "lwlrap",
    "Kullback Leibler Divergence": "kl_divergence",
    "MeanAngularError": "angular_error",
    "JigsawBiasAUC": "bias_auc",
    "Dice3DHausdorff": "dice_hausdorff",
    "IntersectionOverUnionObjectSegmentation": "mask_precision",
    "IntersectionOverUnionObjectSegmentationBeta": "mask_f2",
    "Word Error Rate": "wer",
    "Concordance Index": "concordance_index",
    "Stratified Concordance Index": "stratified_concordance_index",
    "Global Average Precision": "global_average_precision",
}

SENTENCES = {
    "Submissions are evaluated on area under the ROC curve between the predicted probability and the observed "
    "target.": "roc_auc",
    "Submissions are evaluated on area under the receiver operating characteristic curve between the predicted "
    "probability and the observed target.": "roc_auc",
    "Submissions are judged on area under the ROC curve.": "roc_auc",
    "Your score is the AUC of your predictions.": "roc_auc",
    "Submissions are now evaluated on the mean column-wise ROC AUC. In other words, the score is the average of the "
    "individual AUCs of each predicted column.": "roc_auc_mean",
    "Submissions are evaluated on mean column-wise ROC AUC.": "roc_auc_mean",
    "Submissions are evaluated on the area under the ROC curve. The score is then the average of the individual AUCs "
    "of each predicted column.": "roc_auc_mean",
    "Your score is the percentage of passengers you correctly predict. This is known as accuracy.": "accuracy",
    "Submissions are evaluated based on their classification accuracy, the percentage of predicted labels that are "
    "correct.": "accuracy",
    "Submissions are evaluated on multi-class classification accuracy.": "accuracy",
    "The evaluation metric for this competition is the categorization accuracy of your predictions (the percentage "
    "of images you get correct).": "accuracy",
    "Submissions are scored on the log loss.": "log_loss",
    "Submissions are evaluated on the log loss between the predicted values and the ground truth.": "log_loss",
    "Submissions are evaluated using the multi-class logarithmic loss. Each observation has been labeled with one "
    "true class.": "log_loss",
    "Submissions are evaluated on Multi Class Log Loss between the predicted probability and the observed "
    "target.": "log_loss",
    "Submissions are evaluated using a balanced logarithmic loss.": "balanced_log_loss",
    "Submissions are scored on the root mean squared error. RMSE is defined as follows.": "rmse",
    "Submissions are evaluated on the root mean squared error (RMSE) between the predicted and the observed "
    "values.": "rmse",
    "Submissions are evaluated on the Mean Absolute Error (MAE) between the predicted return and the observed "
    "target.": "mae",
    "Submissions will be evaluated using Mean Absolute Error (MAE), where each x_i is the predicted target.": "mae",
    "Submissions will be evaluated using Median Absolute Error (MedAE).": "medae",
    "Submissions are evaluated one the Root Mean Squared Logarithmic Error (RMSLE).": "rmsle",
    "The evaluation metric for this competition is Root Mean Squared Logarithmic Error.": "rmsle",
    "Submissions are evaluated on the mean columnwise root mean squared logarithmic error.": "mcrmsle",
    "Submissions are scored using MCRMSE, mean columnwise root mean squared error.": "mcrmse",
    "Submissions are evaluated on the Root Mean Square Percentage Error (RMSPE).": "rmspe",
    "Submissions are evaluated on the root mean square percentage error (RMSPE):": "rmspe",
    "Submissions are evaluated on SMAPE between forecasts and actual values.": "smape",
    "This competition is evaluated on the weighted mean absolute error (WMAE).": "wmae",
    "Submissions are evaluated on the R^2 value, also called the coefficient of determination.": "r2",
    "Submissions are evaluated on the Normalized Weighted Root Mean Squared Logarithmic Error (NWRMSLE).": "nwrmsle",
    "This competition uses a Weighted Root Mean Squared Scaled Error (RMSSE).": "wrmsse",
    "Submissions are scored based on the quadratic weighted kappa, which measures the agreement between two "
    "outcomes.": "quadratic_weighted_kappa",
    "Submissions are evaluated on the Matthews correlation coefficient (MCC) between the predicted and the observed "
    "response.": "mcc",
    "Submissions are evaluated using the macro F1 score, also called the macro-averaged F1 score.": "f1_macro",
    "Submissions will be evaluated based on their macro F1 score.": "f1_macro",
    "Submissions are evaluated using micro-averaged F1-Score.": "f1_micro",
    "Submissions are evaluated using F1 between the predicted and expected answers: the F1 score.": "f1",
    "Submissions are evaluated on F1 Score between the predicted and the observed target.": "f1",
    "Submissions are evaluated on the Pearson correlation coefficient between the predicted and actual similarity "
    "scores.": "pearson",
    "Submissions are evaluated on the mean column-wise Spearman's correlation coefficient.": "spearman_mean",
    "Submissions are evaluated on the Spearman's correlation coefficient between the ground truth and the "
    "predictions.": "spearman",
    "Submissions are evaluated according to the Mean Average Precision @ 12 (MAP@12).": "map@12",
    "Submissions are evaluated according to the Mean Average Precision @ 5 (MAP@5).": "map@5",
    "Submissions are evaluated on MAP@7: at most seven products count for each customer.": "map@7",
    "The evaluation metric for this competition is NDCG @ 5.": "ndcg@5",
    "The metric is the Mean Average Precision at 3.": "map@3",
    "Submissions are evaluated on the mean Levenshtein distance between the strings you submit and the "
    "truth.": "levenshtein",
    "The metric in this competition is the word-level Jaccard score.": "word_jaccard",
    "This competition is evaluated on the mean Dice coefficient.": "dice",
    "This competition is evaluated on the global dice coefficient.": "dice_global",
    "This competition is evaluated using a modified Laplace log likelihood.": "laplace_log_likelihood",
    "Submissions are evaluated using the mean angular error between the predicted and true event origins.": (
        "angular_error"
    ),
    "Submissions are evaluated using the Kullback Leibler divergence between the predicted probability and the "
    "observed target.": "kl_divergence",
    "Submissions are evaluated on label-weighted label-ranking average precision (lwlrap).": "lwlrap",
    "Submissions are evaluated using the Stratified Concordance Index.": "stratified_concordance_index",
    "Submissions are evaluated using the probabilistic F1 score (pF1).": "probabilistic_f1",
    "Submissions are scored by the Word Error Rate of the transcripts.": "wer",
    "Models are evaluated on the balanced accuracy.": "balanced_accuracy",
}

UNCLEAR = {
    "Mean Squared Log Error": {"msle", "rmsle"},
    "Mean Squared Error": {"mse", "rmse"},
    "Cohen Kappa Score": {"cohen_kappa", "quadratic_weighted_kappa", "linear_weighted_kappa"},
    "Normalized Gini Index": {"gini", "normalized_gini_of_values"},
    "Gini Index": {"gini", "gini_of_values", "normalized_gini_of_values"},
    "MeanFScore": {"f1_samples", "f1_of_sets"},
    "F-Score Beta (Micro)": {"f_beta_micro", "f_beta_micro@0.5", "f1_micro"},
    "Dice": {"dice", "dice_global"},
    "Jaccard": {"jaccard", "jaccard_samples", "word_jaccard"},
    "WeightedAUC": {"alaska2_auc", "weighted_roc_auc"},
    "WeightedMulticlassLoss": {"balanced_log_loss", "weighted_log_loss"},
    "Weighted Categorization Accuracy": {"weighted_accuracy", "balanced_accuracy"},
    "WeightedPinballLoss": {"weighted_scaled_pinball", "pinball"},
    "Mean Average Precision": {"map@10", "map50", "average_precision_macro"},
    "RValue": {"pearson", "spearman"},
    "This competition is evaluated on the mean average precision at different intersection over union (IoU) "
    "thresholds.": {"mask_precision", "box_precision", "map50_95"},
    "Submissions are evaluated on Root-Mean-Squared-Error (RMSE) between the logarithm of the predicted value and the "
    "logarithm of the observed sales price.": {"rmse", "rmsle"},
    "Submissions are evaluated on area under the ROC curve. To calculate the final score, AUC is calculated for each "
    "of the 11 labels, then averaged.": {"roc_auc", "roc_auc_mean", "roc_auc_ovr_macro"},
    "The score is half the log loss and half the mean absolute error.": {"log_loss", "mae"},
    "Submissions are evaluated using the Normalized Gini Coefficient.": {"gini", "normalized_gini_of_values"},
    "Submissions are evaluated using the Continuous Ranked Probability Score (CRPS).": {"crps_nfl", "crps_gaussian"},
}

NOT_HERE = {
    "Custom Metric": "its own",
    "Simulation": "episodes",
    "Skill Rating": "episodes",
    "MeanBestErrorAtK": "top_accuracy@K",
    "MASpearmanR": "rank correlations",
    "MWCRMSE": "weights",
    "CernWeightedAuc": "weights",
    "DiceFBeta": "beta",
    "JaccardDSTLParallel": "polygons",
    "IntersectionOverUnionObjectSegmentationWithF1": "masks",
    "IntersectionOverUnionObjectSegmentationWithClassification": "masks",
    "Lyft3DObjectDetectionAP": "boxes",
    "PKUAutoDrivingAP": "poses",
    "TrackML": "tracks",
    "NQMicroF1": "spans",
    "TwoSigmaNews": "returns",
    "MAP@{K}": "how many items",
    "MAP{K}": "how many items",
    "NDCG@{K}": "how many items",
    "NDCG{K}": "how many items",
    "Submissions are evaluated according to the Mean Average Precision @ K.": "how many items",
    "Submissions are evaluated on the weighted root mean squared logarithmic error.": "weighted",
    "SantaWorkshopSchedule2019": UNKNOWN,
    "Submissions are evaluated by a panel of judges.": UNKNOWN,
    "": UNKNOWN,
}


def test_the_table_is_long_enough():
    assert len({**NAMES, **SENTENCES, **UNCLEAR, **NOT_HERE}) >= 120


@pytest.mark.parametrize(("text", "name"), [*NAMES.items(), *SENTENCES.items()])
def test_a_clear_text_means_one_metric(text, name):
    assert read_statement(text).name == name
    assert get_metric(name).name == name


@pytest.mark.parametrize(("text", "names"), UNCLEAR.items())
def test_an_unclear_text_is_not_guessed(text, names):
    reading = read_statement(text)
    assert (reading.name, set(reading.names)) == (None, names)
    assert reading.because


@pytest.mark.parametrize(("text", "word"), NOT_HERE.items())
def test_what_is_none_of_ours_is_said_to_be(text, word):
    reading = read_statement(text)
    assert reading.names == ()
    assert word in reading.because


@pytest.mark.parametrize(
    ("text", "problem_type", "name"),
    [
        ("Normalized Gini Index", "binary", "gini"),
        ("Normalized Gini Index", "regression", "normalized_gini_of_values"),
        ("MeanFScore", "multilabel", "f1_samples"),
        ("Submissions are evaluated on their mean F1 score.", "string", "f1_of_sets"),
    ],
)
def test_the_target_tells_some_apart(text, problem_type, name):
    assert read_statement(text, [problem_type]).name == name


def test_what_the_tables_name_exists():
    for names in (*AMBIGUOUS.values(), *BY_PROBLEM.values()):
        assert [get_metric(name).name for name in names] == list(names)
    assert not set(WITHOUT) & {*AMBIGUOUS, *BY_PROBLEM}


def test_every_own_name_means_itself():
    """But those that pages use for several: there the page decides, and `--metric` takes them as they stand."""
    doubted = {name: read_statement(name).names for name in ALL_METRICS if read_statement(name).name != name}
    assert set(doubted) == {"average_precision", "dice", "gini", "jaccard"}
    assert all(name in names for name, names in doubted.items())
    assert all(get_metric(name).name == name for name in doubted)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("rmsee", ["rmse", "rmsle"]), ("Root Mean Squared Log Scaled Error", ["rmsle", "rmsse"])],
)
def test_a_name_not_known_says_the_nearest_three(name, nearest):
    with pytest.raises(UsageError, match=f"^unknown metric `{name}`$") as caught:
        get_metric(name)
    hint = caught.value.hint
    assert hint.count("`") == 8  # three names and the command
    assert all(f"`{n}`" in hint for n in nearest)
    assert hint.endswith("? `aicomp list metrics` shows all")


SHARED = ["WeightedAUC", *(n for n in (*AMBIGUOUS, *BY_PROBLEM) if n.replace(" ", "_") not in ALL_METRICS)]


@pytest.mark.parametrize("name", SHARED)
def test_a_name_that_several_share_says_which(name):
    names = (AMBIGUOUS | BY_PROBLEM).get(name, ("alaska2_auc", "weighted_roc_auc"))
    with pytest.raises(UsageError) as caught:
        get_metric(name)
    assert caught.value.message.startswith(f"metric `{name}` may be `{names[0]}`")
    assert all(f"`{other}`" in caught.value.message for other in names)
    assert caught.value.hint == f"name the one that is meant, such as `{names[0]}`"
