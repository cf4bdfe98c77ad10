"""What holds for every metric, their names, and metrics of one's own."""

import numpy as np
import pytest
from metric_cases import a_problem, the_truth_as_prediction

from aicomp.errors import UsageError
from aicomp.metrics import ALIASES, ALL_METRICS, METRICS, Metric, canonical_name, get_metric, guess_metric_names
from aicomp.metrics.aliases import spelling_key

CASES = [(metric, kind) for metric in METRICS.values() for kind in sorted(metric.problem_types)]
every_metric = pytest.mark.parametrize(("metric", "problem_type"), CASES, ids=lambda v: getattr(v, "name", v))

PERFECT = {True: 1.0, False: 0.0}
"""Score of the truth itself, by direction: all that are better when greater reach 1, all others 0."""

OTHER_BEST = {
    "bleu": 100.0,  # as their papers write them
    "chrf": 100.0,
    "pauc_80_tpr": 0.2,
    "lift": 60 / 34,  # of the six highest rows all are positive, of all rows 34 of 60
}
"""Best score of those whose best is another one on these data."""

TOO_EASY = ("lift", "top_accuracy", "hit@10")
"""Those that a middling prediction of these data serves as well as the truth."""

ONLY_RELATIVE = ("amex", "coverage_error", "gini_of_values")
"""Those whose best score follows from the target in ways that their own tests compute."""


@every_metric
def test_the_truth_scores_perfectly(metric, problem_type):
    y_true, _ = a_problem(problem_type, metric.needs)
    y_pred = the_truth_as_prediction(problem_type, metric.needs, y_true)
    if "@" in metric.name and problem_type == "string":  # a ranked list names each item once
        y_pred = np.array([" ".join(dict.fromkeys(listed.split())) for listed in y_pred], dtype=object)
    if metric.name in ONLY_RELATIVE:
        pytest.skip("computed in its own test")
    perfect = OTHER_BEST.get(metric.name, PERFECT[metric.greater_is_better])
    assert metric(y_true, y_pred) == pytest.approx(perfect, abs=1e-9)


@every_metric
def test_its_direction_is_the_true_one(metric, problem_type):
    y_true, y_pred = a_problem(problem_type, metric.needs)
    truth = the_truth_as_prediction(problem_type, metric.needs, y_true)
    middling, bad = metric(y_true, y_pred), metric(y_true, np.roll(truth, 1, axis=0))
    best = metric(y_true, truth)
    assert metric.better(best, middling) or (metric.name in TOO_EASY and best == middling)
    if metric.name in ("top_accuracy", "hit@10"):
        return
    assert metric.better(middling, bad)


@every_metric
def test_the_order_of_rows_makes_no_difference(metric, problem_type):
    y_true, y_pred = a_problem(problem_type, metric.needs)
    order = np.random.default_rng(1).permutation(len(y_true))
    assert metric(y_true[order], y_pred[order]) == pytest.approx(metric(y_true, y_pred), rel=1e-12)


@every_metric
def test_rows_given_twice_make_no_difference(metric, problem_type):
    y_true, y_pred = a_problem(problem_type, metric.needs)
    if metric.name == "amex":
        pytest.skip("4 % of the weight are rounded down to a whole number")
    twice = metric(np.concatenate([y_true, y_true]), np.concatenate([y_pred, y_pred]))
    assert twice == pytest.approx(metric(y_true, y_pred), rel=1e-12)


@every_metric
def test_a_missing_prediction_is_named_by_its_place(metric, problem_type):
    y_true, y_pred = a_problem(problem_type, metric.needs)
    if problem_type == "string":
        y_pred[7] = None
        with pytest.raises(ValueError, match=r"^`y_pred\[7\]` is None, but a metric of strings takes strings$"):
            metric(y_true, y_pred)
        return
    spoiled = y_pred.astype(np.float64)
    spoiled[(7, 2) if spoiled.ndim == 2 else 7] = np.nan
    place = "7, 2" if spoiled.ndim == 2 else "7"
    with pytest.raises(ValueError, match=rf"^`y_pred\[{place}\]` is nan, but a metric takes finite numbers$"):
        metric(y_true, spoiled)


@every_metric
def test_arrays_that_do_not_fit_are_refused(metric, problem_type):
    y_true, y_pred = a_problem(problem_type, metric.needs)
    with pytest.raises(ValueError, match=r"`y_true` has shape \(59.*\(60"):
        metric(y_true[:-1], y_pred)
    with pytest.raises(ValueError, match=r"`y_true` has shape \(0"):
        metric(y_true[:0], y_pred[:0])
    if problem_type != "string":
        with pytest.raises(ValueError, match="`y_pred` holds <U"):
            metric(y_true, y_pred.astype(str))


@every_metric
def test_neither_array_is_changed(metric, problem_type):
    y_true, y_pred = a_problem(problem_type, metric.needs)
    before = y_true.copy(), y_pred.copy()
    y_true.flags.writeable = y_pred.flags.writeable = False
    assert isinstance(metric(y_true, y_pred), float)
    np.testing.assert_array_equal(y_true, before[0])
    np.testing.assert_array_equal(y_pred, before[1])


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda m: m.name)
def test_shapes_of_other_problem_types_are_refused(metric):
    """One column for a metric of several, and the other way round: never a number that looks right."""
    flat, wide = np.array([0, 1, 1, 0, 1]), np.array([[0, 1], [1, 0], [1, 1], [0, 1], [1, 0]])
    if not metric.problem_types & {"multilabel", "multi-target"}:
        with pytest.raises(ValueError, match="shape"):
            metric(wide, wide)
    if not metric.problem_types - {"multilabel", "multi-target"}:
        with pytest.raises(ValueError, match="shape"):
            metric(flat, flat)


def test_better_is_strict():
    accuracy, rmse = METRICS["accuracy"], METRICS["rmse"]
    assert (accuracy.better(0.9, 0.8), accuracy.better(0.8, 0.9), accuracy.better(0.9, 0.9)) == (True, False, False)
    assert (rmse.better(0.8, 0.9), rmse.better(0.9, 0.8), rmse.better(0.9, 0.9)) == (True, False, False)


def test_a_score_that_is_no_number_is_never_better():
    for metric in (METRICS["accuracy"], METRICS["rmse"]):
        assert not metric.better(float("nan"), 0.5)


def test_names_are_those_of_the_functions():
    of_lists = (
        "map@",
        "ndcg@",
        "recall@",
        "mrr@",
        "hit@",
        "precision@",
    )  # their functions are named after what they are without an end
    own = {name: metric.fn.__name__ for name, metric in METRICS.items() if not name.startswith(of_lists)}
    assert own == {name: name if name != "rougeL" else "rouge_l" for name in own}  # as papers write it


@pytest.mark.parametrize(
    ("problem_type", "names"),
    [
        ("binary", {"accuracy", "roc_auc", "log_loss", "f1", "gini", "mcc"}),
        ("multiclass", {"accuracy", "log_loss", "roc_auc_ovr_macro", "quadratic_weighted_kappa"}),
        ("multilabel", {"roc_auc_mean", "f1_samples", "hamming_loss", "log_loss"}),
        ("regression", {"rmse", "rmsle", "mae", "smape", "spearman"}),
        ("multi-target", {"mcrmse", "mcrmsle", "rmse", "r2"}),
    ],
)
def test_guesses_are_metrics_of_that_problem_type_alone(problem_type, names):
    guesses = guess_metric_names(problem_type)
    assert names <= set(guesses)
    assert len(guesses) == len(set(guesses))
    assert all(problem_type in METRICS[name].problem_types for name in guesses)
    assert ("rmse" in guesses) == (problem_type in ("regression", "multi-target"))


def test_every_alias_means_one_existing_metric():
    assert set(ALIASES.values()) <= set(ALL_METRICS)
    meanings = {}
    for text, name in [*ALIASES.items(), *((name, name) for name in ALL_METRICS)]:
        meanings.setdefault(spelling_key(text), set()).add(name)
    assert {key: names for key, names in meanings.items() if len(names) > 1} == {}


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Area Under Receiver Operating Characteristic Curve", "roc_auc"),
        ("ROC-AUC", "roc_auc"),
        ("LogLoss", "log_loss"),
        ("Multi-class logarithmic loss", "log_loss"),
        ("Root Mean Squared Logarithmic Error", "rmsle"),
        ("Mean Columnwise RMSE", "mcrmse"),
        ("Quadratic Weighted Kappa", "quadratic_weighted_kappa"),
        ("Normalized Gini Index", None),  # or `normalized_gini_of_values`: the target decides
        ("F score", None),
        ("Matthew's Correlation-Coefficient", "mcc"),
        ("Matthews Correlation Coefficient", "mcc"),
        ("Categorization Accuracy", "accuracy"),
        ("R²", "r2"),
        ("roc_auc", "roc_auc"),
        ("", None),
        ("loss", None),
    ],
)
def test_spellings(spelling, name):
    assert canonical_name(spelling) == name


def test_a_built_in_metric_is_found_by_any_spelling():
    assert get_metric("rmse") is METRICS["rmse"]
    assert get_metric("Root Mean Squared Error") is METRICS["rmse"]


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"^unknown metric `rmsee`$") as caught:
        get_metric("rmsee")
    assert "did you mean `rmse`, " in caught.value.hint
    assert "`aicomp list metrics` shows all" in caught.value.hint


OWN = """
import numpy as np
from aicomp.metrics import Metric

def within_one(y_true, y_pred):
    return np.mean(abs(y_pred - y_true) <= 1)

score = Metric("within_one", within_one, greater_is_better=True, needs="value", problem_types=frozenset({"regression"}))
text = "score"

def metric_with(**changes):
    return Metric(**{**vars(score), **changes})

needs = metric_with(needs="labels")
letters = metric_with(problem_types="binary")
none = metric_with(problem_types=frozenset())
foreign = metric_with(problem_types=frozenset({"ranking"}))
direction = metric_with(greater_is_better="lower")
no_function = metric_with(fn="accuracy")
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    return tmp_path


def test_a_metric_of_ones_own(project):
    metric = get_metric("own:score", project)
    assert isinstance(metric, Metric)
    score = metric(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 5.0, 4.5]))  # distances 0, 1, 2, 0.5
    assert score == 0.75
    assert type(score) is float  # numpy's own would not go into JSON


@pytest.mark.parametrize("score", [float("nan"), float("inf"), np.float32("-inf")])
def test_a_score_that_cannot_be_compared_is_refused(score):
    metric = Metric("own", lambda t, p: score, True, "value", frozenset({"regression"}))
    with pytest.raises(ValueError, match=r"the score is -?(nan|inf)"):
        metric(np.array([1.0]), np.array([1.0]))


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("own:within_one", "metric `own:within_one` is a function, but must be a `Metric`", "import Metric"),
        ("own:text", "metric `own:text` is of type `str`, but must be a `Metric`", "import Metric"),
        ("own:needs", "metric `own:needs` has `needs='labels'`", '"label", "probability", "value"'),
        ("own:letters", "metric `own:letters` has `problem_types='binary'`", 'problem_types=frozenset({"binary"})'),
        ("own:none", "metric `own:none` has `problem_types=frozenset()`", '"multi-target"'),
        ("own:foreign", "metric `own:foreign` has `problem_types=frozenset({'ranking'})`", '"multilabel"'),
        ("own:direction", "metric `own:direction` has `greater_is_better='lower'`", "True or False"),
        ("own:no_function", "metric `own:no_function` has `fn='accuracy'`, which is no function", "FUNCTION"),
        ("own:scor", "unknown object in `own.py`: `scor`", "did you mean `score`?"),
        ("mine:score", "`mine:score` names `mine.py`, which is not in", "create `mine.py`"),
    ],
)
def test_a_wrong_one_is_refused_with_what_to_write(project, name, message, hint):
    with pytest.raises(UsageError) as caught:
        get_metric(name, project)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


def test_the_hint_for_a_bare_function_works_as_typed(project):
    with pytest.raises(UsageError) as caught:
        get_metric("own:within_one", project)
    import_line, metric_line = caught.value.hint.removeprefix("write ").split("` ", 1)[0], caught.value.hint
    assignment = metric_line.split(" and `", 1)[1].split("` with ", 1)[0].replace("FUNCTION", "lambda t, p: 0.5")
    (project / "typed.py").write_text(f"{import_line.strip('`')}\n{assignment}\n", encoding="utf-8")
    assert get_metric("typed:within_one", project)(np.array([0]), np.array([1])) == 0.5


def test_a_metric_of_ones_own_needs_a_project():
    with pytest.raises(UsageError, match="metric `own:score` lies in a project, and this is none"):
        get_metric("own:score")
