"""Names that Kaggle gives to metrics and that say less than they seem to, or name what aicomp has not.

A name with one meaning stands in `ALIASES`. The names are those of the column `EvaluationAlgorithmAbbreviation` of Meta
Kaggle and of competition pages.
"""

BY_PROBLEM: dict[str, tuple[str, ...]] = {
    "normalized gini": ("gini", "normalized_gini_of_values"),
    "normalized gini index": ("gini", "normalized_gini_of_values"),
    "normalized gini coefficient": ("gini", "normalized_gini_of_values"),
    "mean f score": ("f1_samples", "f1_of_sets"),
    "mean f1 score": ("f1_samples", "f1_of_sets"),
    "mean f1": ("f1_samples", "f1_of_sets"),
    "mean auc": ("roc_auc_mean", "roc_auc_ovr_macro"),
    "mean roc auc": ("roc_auc_mean", "roc_auc_ovr_macro"),
    "average auc": ("roc_auc_mean", "roc_auc_ovr_macro"),
    "macro average roc auc": ("roc_auc_mean", "roc_auc_ovr_macro"),
    "macro averaged roc auc": ("roc_auc_mean", "roc_auc_ovr_macro"),
}
"""Names that are several metrics here, of which the target tells the one: 0/1 or amounts, columns or lists."""

AMBIGUOUS: dict[str, tuple[str, ...]] = {
    "mean squared error": ("mse", "rmse"),
    "mean squared log error": ("msle", "rmsle"),
    "mean squared logarithmic error": ("msle", "rmsle"),
    "cohen kappa score": ("cohen_kappa", "quadratic_weighted_kappa", "linear_weighted_kappa"),
    "kappa": ("cohen_kappa", "quadratic_weighted_kappa", "linear_weighted_kappa"),
    "rouge": ("rouge1", "rouge2", "rougeL"),
    "weighted kappa": ("quadratic_weighted_kappa", "linear_weighted_kappa"),
    "gini": ("gini", "gini_of_values", "normalized_gini_of_values"),
    "gini index": ("gini", "gini_of_values", "normalized_gini_of_values"),
    "gini coefficient": ("gini", "gini_of_values", "normalized_gini_of_values"),
    "weighted multiclass loss": ("balanced_log_loss", "weighted_log_loss"),
    "weighted auc": ("alaska2_auc", "weighted_roc_auc"),
    "weighted categorization accuracy": ("weighted_accuracy", "balanced_accuracy"),
    "weighted pinball loss": ("weighted_scaled_pinball", "pinball"),
    "f score": ("f1", "f1_macro", "f1_micro"),
    "f score beta": ("f_beta", "f_beta_macro", "f_beta_micro"),
    "f score beta micro": ("f_beta_micro", "f_beta_micro@0.5", "f1_micro"),
    "mean f score beta": ("f_beta_samples", "f_beta_samples@0.5", "f1_samples"),
    "jaccard": ("jaccard", "jaccard_samples", "word_jaccard"),
    "dice": ("dice", "dice_global"),
    "dice coefficient": ("dice", "dice_global"),
    "dice score": ("dice", "dice_global"),
    "continuous ranked probability score": ("crps_nfl", "crps_gaussian"),
    "crps": ("crps_nfl", "crps_gaussian"),
    "mean average precision at different intersection over union thresholds": (
        "mask_precision",
        "box_precision",
        "map50_95",
    ),
    "mean average precision at different intersection over union iou thresholds": (
        "mask_precision",
        "box_precision",
        "map50_95",
    ),
    "mean average precision": ("map@10", "map50", "average_precision_macro"),
    "average precision": ("average_precision", "average_precision_macro", "map@10"),
    "r value": ("pearson", "spearman"),
    "correlation": ("pearson", "spearman", "kendall"),
}
"""Names that several metrics share, which nothing but the competition's page tells apart. Kaggle's names of
scikit-learn's functions are among them: Playground pages say `Mean Squared Log Error` where its root is taken, and
`Cohen Kappa Score` where kappa has quadratic weights."""

WITHOUT: dict[str, str] = {
    "custom metric": "it only says that the competition has its own",
    "custom": "it only says that the competition has its own",
    "simulation": "agents play episodes, and a rating grows; nothing is graded against a solution",
    "skill rating": "agents play episodes, and a rating grows; nothing is graded against a solution",
    "mean average accuracy": "it is of poses at thresholds",
    "macro averaged f beta": "it does not say the beta: write for example `f_beta_macro@0.5`",
    "macro f0.5": "its beta stands behind an @: `f_beta_macro@0.5`",
    "macro f0.5 score": "its beta stands behind an @: `f_beta_macro@0.5`",
    "f0.5": "its beta stands behind an @: `f_beta@0.5`",
    "f0.5 score": "its beta stands behind an @: `f_beta@0.5`",
    "mean best error at k": "it is 1 minus `top_accuracy@K`",
    "ma spearman r": "it is the mean of absolute rank correlations, one of each set",
    "mwcrmse": "it is a weighted mean of the RMSE of columns, and the weights are the competition's",
    "cern weighted auc": "the weights of its parts are the competition's",
    "dice f beta": "it is an F-score of pixels, and which beta is not said",
    "jaccard dstl parallel": "it is of polygons",
    "intersection over union object segmentation with classification": "it is of masks with classes",
    "intersection over union object segmentation with f1": "it is an F1 of masks at thresholds",
    "lyft 3d object detection ap": "it is of boxes in space",
    "pku auto driving ap": "it is of poses in space",
    "track ml": "it is of particle tracks",
    "two sigma news": "it is a ratio of daily returns",
    "nq micro f1": "it is of spans of documents",
    "map@{k}": "it does not say how many items count: write for example `map@5`",
    "map{k}": "it does not say how many items count: write for example `map@5`",
    "map@k": "it does not say how many items count: write for example `map@5`",
    "mean average precision at k": "it does not say how many items count: write for example `map@5`",
    "ndcg@{k}": "it does not say how many items count: write for example `ndcg@5`",
    "ndcg{k}": "it does not say how many items count: write for example `ndcg@5`",
    "ndcg@k": "it does not say how many items count: write for example `ndcg@5`",
}
"""Names that are no metric of aicomp, and what is known about them."""
