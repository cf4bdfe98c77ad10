"""The built-in metrics that grade files and cannot guide a training, each with what it reads beside the target."""

from aicomp.metrics import (
    clusters,
    deviations,
    distributions,
    fairness,
    finance,
    grouped,
    masks,
    orders,
    places,
    proper,
    ranking,
    roc,
    series_errors,
    survival,
    weighted,
)
from aicomp.metrics.base import Column, Metric, Needs, ProblemType, ScoreFunction

_WEIGHT = Column("weight", "number", "weight of each row, 0 or more")
_GROUP = Column("group", "string", "which rows belong together", is_unit=True)
_QUERY = Column("query", "string", "which rows belong together", is_unit=True)
_SERIES = Column("series", "string", "which series each row is of", is_unit=True)
_SCALE = Column("scale", "number", "what errors of the row's series are divided by, above 0")
_EVENT = Column("event", "number", "1 where the time is an event's, 0 where watching ended", optional=True)
_STRATUM = Column("group", "string", "which rows belong together")
_LEVEL = Column("level", "number", "level of the row's quantile, between 0 and 1")
_DATE = Column("date", "string", "which rows are of one day", is_unit=True)
_SIZE = (Column("height", "number", "pixels of the image"), Column("width", "number", "pixels of the image"))


def _metric(
    fn: ScoreFunction,
    needs: Needs,
    direction: str,
    types: tuple[ProblemType, ...],
    *columns: Column,
    parts: tuple[str, ...] = (),
    why: str = "",
    is_mean: bool = False,
) -> Metric:
    return Metric(
        fn.__name__,
        fn,
        direction == "higher",
        needs,
        frozenset(types),
        columns=columns,
        parts=parts,
        graded_only=why,
        is_mean=is_mean,
    )


_NO_MASKS = "no model of aicomp writes masks"
_ABOVE_ZERO = "its predictions must be above 0, which no model of aicomp promises"
_SUM_TO_ONE = "the predictions of a row must sum to 1, which no model of several targets promises"
_HONEST = "it is 0 for the base rate said of every row, and so tells no good model from a bad one"
_NUMBER: tuple[ProblemType, ...] = ("regression",)

GRADED_ONLY: tuple[Metric, ...] = (
    _metric(weighted.weighted_accuracy, "label", "higher", ("binary", "multiclass"), _WEIGHT),
    _metric(fairness.demographic_parity_difference, "label", "lower", ("binary",), _STRATUM),
    _metric(fairness.equalized_odds_difference, "label", "lower", ("binary",), _STRATUM),
    _metric(roc.weighted_roc_auc, "probability", "higher", ("binary",), _WEIGHT),
    _metric(roc.roc_auc_by_group, "probability", "higher", ("binary",), _GROUP),
    _metric(
        fairness.bias_auc,
        "probability",
        "higher",
        ("binary",),
        Column("groups", "flags", "1 where a row is of a group, a column for each"),
    ),
    _metric(
        finance.gini_stability,
        "probability",
        "higher",
        ("binary",),
        Column("week", "number", "number of the week of each row"),
    ),
    _metric(proper.weighted_log_loss, "probability", "lower", ("binary", "multiclass"), _WEIGHT),
    _metric(proper.expected_calibration_error, "probability", "lower", ("binary",), why=_HONEST),
    _metric(proper.kl_divergence, "value", "lower", ("multi-target",), why=_SUM_TO_ONE),
    _metric(weighted.wmae, "value", "lower", _NUMBER, _WEIGHT),
    _metric(weighted.weighted_rmse, "value", "lower", _NUMBER, _WEIGHT),
    _metric(weighted.nwrmsle, "value", "lower", _NUMBER, _WEIGHT),
    _metric(weighted.weighted_zero_mean_r2, "value", "higher", _NUMBER, _WEIGHT),
    _metric(deviations.poisson_deviance, "value", "lower", _NUMBER, why=_ABOVE_ZERO),
    _metric(deviations.gamma_deviance, "value", "lower", _NUMBER, why=_ABOVE_ZERO),
    _metric(deviations.tweedie_deviance, "value", "lower", _NUMBER, why=_ABOVE_ZERO),
    _metric(
        places.haversine, "value", "lower", ("multi-target",), why="it takes a latitude and a longitude, in degrees"
    ),
    _metric(places.angular_error, "value", "lower", ("multi-target",), why="it takes an azimuth and a zenith"),
    _metric(grouped.log_mae, "value", "lower", _NUMBER, _STRATUM),
    _metric(grouped.pearson_by_group, "value", "higher", _NUMBER, _GROUP),
    _metric(grouped.spearman_by_group, "value", "higher", _NUMBER, _GROUP),
    _metric(grouped.ndcg_by_query, "value", "higher", _NUMBER, _QUERY),
    _metric(grouped.mrr_by_query, "value", "higher", _NUMBER, _QUERY),
    _metric(finance.jane_street_utility, "value", "higher", _NUMBER, _DATE, _WEIGHT),
    _metric(finance.spread_return_sharpe, "value", "higher", _NUMBER, _DATE),
    _metric(
        finance.signed_root_r2, "value", "higher", _NUMBER, why="it orders models as `r2`, which guides a training"
    ),
    _metric(
        clusters.adjusted_rand,
        "value",
        "higher",
        _NUMBER,
        why="no model of aicomp puts rows into groups that have no names",
    ),
    _metric(series_errors.mase, "value", "lower", _NUMBER, _SERIES, _SCALE),
    _metric(series_errors.rmsse, "value", "lower", _NUMBER, _SERIES, _SCALE),
    _metric(series_errors.wrmsse, "value", "lower", _NUMBER, _SERIES, _SCALE, _WEIGHT),
    _metric(
        series_errors.weighted_scaled_pinball,
        "value",
        "lower",
        _NUMBER,
        _LEVEL,
        Column("scale", "number", "what losses of the row are divided by, above 0", optional=True),
        Column("weight", "number", "weight of each row, 0 or more", optional=True),
    ),
    _metric(series_errors.weighted_interval_score, "value", "lower", _NUMBER, _LEVEL),
    _metric(distributions.winkler, "value", "lower", _NUMBER, parts=("lower", "upper")),
    _metric(distributions.interval_coverage_error, "value", "lower", _NUMBER, parts=("lower", "upper")),
    _metric(distributions.laplace_log_likelihood, "value", "higher", _NUMBER, parts=("value", "confidence")),
    _metric(distributions.gaussian_log_likelihood, "value", "higher", _NUMBER, parts=("mean", "sigma")),
    _metric(distributions.crps_gaussian, "value", "lower", _NUMBER, parts=("mean", "sigma")),
    _metric(
        distributions.crps_nfl,
        "value",
        "lower",
        _NUMBER,
        parts=tuple(f"Yards{yards}" for yards in distributions.NFL_YARDS),
    ),
    _metric(
        survival.concordance_index,
        "value",
        "higher",
        _NUMBER,
        _EVENT,
        why="its predictions are risks, which grow where the target's times fall",
    ),
    _metric(survival.stratified_concordance_index, "value", "higher", _NUMBER, _STRATUM, _EVENT),
    _metric(masks.dice, "string", "higher", ("string",), why=_NO_MASKS, is_mean=True),
    _metric(masks.iou, "string", "higher", ("string",), why=_NO_MASKS, is_mean=True),
    _metric(masks.dice_global, "string", "higher", ("string",), why=_NO_MASKS),
    _metric(masks.mask_precision, "string", "higher", ("string",), why=_NO_MASKS, is_mean=True),
    _metric(masks.mask_f2, "string", "higher", ("string",), why=_NO_MASKS, is_mean=True),
    _metric(masks.hausdorff, "string", "lower", ("string",), *_SIZE, is_mean=True),
    _metric(masks.dice_hausdorff, "string", "higher", ("string",), *_SIZE, is_mean=True),
    _metric(
        orders.kendall_of_orders,
        "string",
        "higher",
        ("string",),
        why="no model of aicomp puts the items of a row in order",
    ),
    _metric(
        orders.jaccard_of_sets,
        "string",
        "higher",
        ("string",),
        why="`f1_of_sets` orders sets alike and guides a training",
        is_mean=True,
    ),
    _metric(
        orders.otto_recall, "string", "higher", ("string",), Column("kind", "string", "`clicks`, `carts` or `orders`")
    ),
    _metric(
        ranking.global_average_precision,
        "string",
        "higher",
        ("string",),
        why="a prediction is a label and its confidence, and the target a label alone",
    ),
)
