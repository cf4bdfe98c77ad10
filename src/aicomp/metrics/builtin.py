"""The built-in metrics that a training can follow, in the order in which they are listed."""

from collections.abc import Callable
from functools import partial

from aicomp.metrics import (
    association,
    classification,
    detection,
    deviations,
    edit_distance,
    edits,
    fbeta,
    label_ranking,
    overlap,
    places,
    probability,
    proper,
    ranking,
    regression,
    roc,
    rouge,
    translation,
)
from aicomp.metrics.base import Metric, Needs, ProblemType, ScoreFunction
from aicomp.metrics.consensus import Similarity, consensus
from aicomp.metrics.fusion import fuse_strings


def _metric(fn: ScoreFunction, needs: Needs, direction: str, *problem_types: ProblemType) -> Metric:
    return Metric(fn.__name__, fn, direction == "higher", needs, frozenset(problem_types))


def _of_strings(
    name: str,
    fn: ScoreFunction,
    direction: str,
    similarity: Similarity | None = None,
    package: str | None = None,
    *,
    is_mean: bool = False,
) -> Metric:
    """A metric of strings; `similarity` is what one row would say of a string if the other were the truth."""
    combine = None if similarity is None else partial(consensus, similarity=similarity)
    types: frozenset[ProblemType] = frozenset({"string"})
    return Metric(name, fn, direction == "higher", "string", types, combine=combine, package=package, is_mean=is_mean)


def _fewest_words(truth: str, text: str) -> float:
    return -float(edits.edit_distance(truth.split(), text.split()))


def _fewest_characters(truth: str, text: str) -> float:
    return -float(edits.edit_distance(truth, text))


def _equal(truth: str, text: str) -> float:
    return float(truth.strip() == text.strip())


def _of_boxes(name: str, fn: ScoreFunction, *, is_mean: bool = False) -> Metric:
    return Metric(name, fn, True, "string", frozenset({"string"}), combine=fuse_strings, is_mean=is_mean)


TRAINED: tuple[Metric, ...] = (
    _metric(classification.accuracy, "label", "higher", "binary", "multiclass"),
    _metric(classification.balanced_accuracy, "label", "higher", "binary", "multiclass"),
    _metric(classification.f1, "label", "higher", "binary"),
    _metric(classification.f1_macro, "label", "higher", "binary", "multiclass", "multilabel"),
    _metric(classification.f1_micro, "label", "higher", "binary", "multiclass", "multilabel"),
    _metric(classification.f1_weighted, "label", "higher", "binary", "multiclass", "multilabel"),
    _metric(classification.f1_samples, "label", "higher", "multilabel"),
    _metric(classification.precision, "label", "higher", "binary"),
    _metric(classification.recall, "label", "higher", "binary"),
    _metric(classification.mcc, "label", "higher", "binary", "multiclass"),
    _metric(classification.cohen_kappa, "label", "higher", "binary", "multiclass"),
    _metric(classification.quadratic_weighted_kappa, "label", "higher", "binary", "multiclass", "regression"),
    _metric(classification.subset_accuracy, "label", "higher", "multilabel"),
    _metric(classification.hamming_loss, "label", "lower", "multilabel"),
    _metric(fbeta.f_beta, "label", "higher", "binary"),
    _metric(fbeta.f_beta_macro, "label", "higher", "binary", "multiclass", "multilabel"),
    _metric(fbeta.f_beta_micro, "label", "higher", "binary", "multiclass", "multilabel"),
    _metric(fbeta.f_beta_samples, "label", "higher", "multilabel"),
    _metric(fbeta.jaccard, "label", "higher", "binary"),
    _metric(fbeta.jaccard_macro, "label", "higher", "binary", "multiclass", "multilabel"),
    _metric(fbeta.jaccard_samples, "label", "higher", "multilabel"),
    _metric(fbeta.specificity, "label", "higher", "binary"),
    _metric(fbeta.linear_weighted_kappa, "label", "higher", "binary", "multiclass", "regression"),
    _metric(probability.roc_auc, "probability", "higher", "binary"),
    _metric(probability.roc_auc_ovr_macro, "probability", "higher", "multiclass"),
    _metric(probability.roc_auc_mean, "probability", "higher", "multilabel"),
    _metric(probability.average_precision, "probability", "higher", "binary"),
    _metric(probability.gini, "probability", "higher", "binary"),
    _metric(probability.log_loss, "probability", "lower", "binary", "multiclass", "multilabel"),
    _metric(probability.brier, "probability", "lower", "binary"),
    _metric(roc.roc_auc_weighted, "probability", "higher", "multiclass"),
    _metric(roc.roc_auc_micro, "probability", "higher", "multilabel"),
    _metric(roc.average_precision_macro, "probability", "higher", "multilabel"),
    _metric(roc.average_precision_micro, "probability", "higher", "multilabel"),
    _metric(roc.alaska2_auc, "probability", "higher", "binary"),
    _metric(roc.pauc_80_tpr, "probability", "higher", "binary"),
    _metric(roc.ks_statistic, "probability", "higher", "binary"),
    _metric(roc.lift, "probability", "higher", "binary"),
    _metric(roc.amex, "probability", "higher", "binary"),
    _metric(fbeta.probabilistic_f1, "probability", "higher", "binary"),
    _metric(fbeta.top_accuracy, "probability", "higher", "multiclass"),
    _metric(proper.brier_multiclass, "probability", "lower", "multiclass"),
    _metric(proper.balanced_log_loss, "probability", "lower", "binary", "multiclass"),
    _metric(proper.last_twice_log_loss, "probability", "lower", "multilabel"),
    _metric(label_ranking.lrap, "probability", "higher", "multilabel"),
    _metric(label_ranking.lwlrap, "probability", "higher", "multilabel"),
    _metric(label_ranking.coverage_error, "probability", "lower", "multilabel"),
    _metric(label_ranking.ranking_loss, "probability", "lower", "multilabel"),
    _metric(regression.rmse, "value", "lower", "regression", "multi-target"),
    _metric(regression.mse, "value", "lower", "regression", "multi-target"),
    _metric(regression.mae, "value", "lower", "regression", "multi-target"),
    _metric(regression.medae, "value", "lower", "regression"),
    Metric("pinball", regression.pinball, False, "value", frozenset({"regression", "multi-target"}), level=0.5),
    _metric(regression.rmsle, "value", "lower", "regression"),
    _metric(regression.msle, "value", "lower", "regression"),
    _metric(regression.rmspe, "value", "lower", "regression"),
    _metric(regression.mape, "value", "lower", "regression"),
    _metric(regression.smape, "value", "lower", "regression"),
    _metric(regression.wape, "value", "lower", "regression"),
    _metric(regression.r2, "value", "higher", "regression", "multi-target"),
    _metric(regression.pearson, "value", "higher", "regression"),
    _metric(regression.spearman, "value", "higher", "regression"),
    _metric(regression.mcrmse, "value", "lower", "multi-target"),
    _metric(regression.mcrmsle, "value", "lower", "multi-target"),
    _metric(deviations.huber, "value", "lower", "regression", "multi-target"),
    _metric(deviations.log_cosh, "value", "lower", "regression", "multi-target"),
    _metric(deviations.max_error, "value", "lower", "regression"),
    _metric(deviations.mdape, "value", "lower", "regression"),
    _metric(deviations.explained_variance, "value", "higher", "regression", "multi-target"),
    _metric(deviations.ccc, "value", "higher", "regression"),
    _metric(association.kendall, "value", "higher", "regression"),
    _metric(association.pearson_mean, "value", "higher", "multi-target"),
    _metric(association.spearman_mean, "value", "higher", "multi-target"),
    _metric(association.normalized_gini_of_values, "value", "higher", "regression"),
    _metric(association.gini_of_values, "value", "higher", "regression"),
    _metric(places.mean_distance, "value", "lower", "multi-target"),
    _of_strings("bleu", translation.bleu, "higher", package=translation.PACKAGE),
    _of_strings("chrf", translation.chrf, "higher"),
    _of_strings("rougeL", rouge.rouge_l, "higher", rouge.rouge_l_of, rouge.PACKAGE, is_mean=True),
    _of_strings("rouge1", rouge.rouge1, "higher", rouge.rouge1_of, rouge.PACKAGE, is_mean=True),
    _of_strings("rouge2", rouge.rouge2, "higher", rouge.rouge2_of, rouge.PACKAGE, is_mean=True),
    _of_strings("wer", edit_distance.wer, "lower", _fewest_words),
    _of_strings("cer", edit_distance.cer, "lower", _fewest_characters),
    _of_strings("levenshtein", overlap.levenshtein, "lower", _fewest_characters, is_mean=True),
    _of_strings("normalized_total_levenshtein", overlap.normalized_total_levenshtein, "higher", _fewest_characters),
    _of_strings("word_jaccard", overlap.word_jaccard, "higher", overlap.word_jaccard_of, is_mean=True),
    _of_strings("word_f1", overlap.word_f1, "higher", overlap.word_f1_of, is_mean=True),
    _of_strings("f1_of_sets", ranking.f1_of_sets, "higher", ranking.f1_of_set, is_mean=True),
    _of_strings("exact_match", translation.exact_match, "higher", _equal, is_mean=True),
    _of_boxes("map50", detection.map50),
    _of_boxes("map50_95", detection.map50_95),
    _of_boxes("coco_map", detection.coco_map),
    _of_boxes("box_precision", detection.box_precision, is_mean=True),
)

OF_LISTS: dict[str, Callable[..., float]] = {
    "map": ranking.mean_average_precision,
    "ndcg": ranking.normalized_gain,
    "recall": ranking.recall_of_lists,
    "mrr": ranking.mean_reciprocal_rank,
    "hit": ranking.hit_rate,
    "precision": ranking.precision_of_lists,
}
"""Scores of ranked lists; the number of items that count stands behind an @."""


def metric_of_lists(name: str, k: int) -> Metric:
    """A score of ranked lists by the name in `OF_LISTS`, of which the first k items count."""
    types: frozenset[ProblemType] = frozenset({"string"})
    fn = OF_LISTS[name] if k == ranking.DEFAULT_K else partial(OF_LISTS[name], k=k)
    return Metric(f"{name}@{k}", fn, True, "string", types, level=k, combine=ranking.merge_lists, is_mean=True)
