import numpy as np
import pytest

from aicomp.errors import DataError
from aicomp.metrics import METRICS, Metric
from aicomp.task import Task


def task(problem_type, metric, labels=(), n_targets=1):
    return Task(problem_type, labels, n_targets, METRICS[metric] if isinstance(metric, str) else metric)


class TestOutputs:
    @pytest.mark.parametrize(
        ("made", "n_outputs", "is_classification"),
        [
            (task("binary", "roc_auc", ("no", "yes")), 1, True),
            (task("multiclass", "accuracy", ("a", "b", "c")), 3, True),
            (task("multiclass", "accuracy", ("a", "b")), 2, True),
            (task("multilabel", "roc_auc_mean", (), 4), 4, True),
            (task("regression", "rmse"), 1, False),
            (task("multi-target", "mcrmse", (), 3), 3, False),
        ],
    )
    def test_of_each_problem_type(self, made, n_outputs, is_classification):
        assert made.n_outputs == n_outputs
        assert made.is_classification == is_classification


class TestDecide:
    def test_two_classes_meet_at_one_half(self):
        decided = task("binary", "accuracy", ("no", "yes")).decide(np.array([0.0, 0.499, 0.5, 0.501, 1.0]))
        assert decided.tolist() == [0, 0, 1, 1, 1]
        assert decided.dtype == np.int64

    def test_the_likeliest_of_several_classes_even_below_one_half(self):
        decided = task("multiclass", "accuracy", ("a", "b", "c")).decide(
            np.array([[0.4, 0.35, 0.25], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]], dtype=np.float32)
        )
        assert decided.tolist() == [0, 2, 1]
        assert decided.dtype == np.int64

    def test_several_labels_each_on_its_own(self):
        decided = task("multilabel", "f1_macro", (), 3).decide(np.array([[0.9, 0.8, 0.1], [0.2, 0.3, 0.4]]))
        assert decided.tolist() == [[1, 1, 0], [0, 0, 0]]
        assert decided.dtype == np.int64


class TestScore:
    def test_a_metric_of_labels_gets_decisions(self):
        score = task("binary", "accuracy", ("no", "yes")).score(np.array([0, 1, 1, 0]), np.array([0.2, 0.9, 0.3, 0.4]))
        assert score == 3 / 4

    def test_a_metric_of_probabilities_gets_probabilities(self):
        made = task("binary", "roc_auc", ("no", "yes"))
        # Pairs: 0.4 > 0.2, 0.4 > 0.3, 0.3 > 0.2, 0.3 = 0.3: 3.5 of 4. Decided at 0.5, all would be tied: 1/2.
        assert made.score(np.array([0, 1, 1, 0]), np.array([0.2, 0.4, 0.3, 0.3])) == 3.5 / 4

    def test_several_classes(self):
        y, pred = np.array([0, 2]), np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
        labels = ("a", "b", "c")
        assert task("multiclass", "accuracy", labels).score(y, pred) == 1 / 2
        assert task("multiclass", "log_loss", labels).score(y, pred) == pytest.approx((np.log(2) + np.log(4)) / 2)

    def test_several_labels_whose_targets_are_floats(self):
        y, pred = np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[0.4, 0.6], [0.9, 0.2]])
        assert task("multilabel", "hamming_loss", (), 2).score(y, pred) == 1 / 4
        assert task("multilabel", "roc_auc_mean", (), 2).score(y, pred) == 1  # column 1 has one class only

    def test_values(self):
        assert task("regression", "mae").score(np.array([1.0, 2.0]), np.array([1.5, 0.0])) == (0.5 + 2) / 2
        y, pred = np.zeros((2, 2)), np.array([[3.0, 1.0], [3.0, 1.0]])
        assert task("multi-target", "mcrmse", (), 2).score(y, pred) == (3 + 1) / 2

    def test_a_metric_of_labels_receives_whole_numbers(self):
        seen = []

        def remember(y_true, y_pred):
            seen.extend([y_true.dtype, y_pred.dtype])
            return 0

        metric = Metric("mine", remember, True, "label", frozenset({"multilabel"}))
        task("multilabel", metric, (), 2).score(np.array([[0.0, 1.0]]), np.array([[0.4, 0.6]]))
        assert seen == [np.int64, np.int64]

    def test_rows_of_one_class_name_metric_reason_and_remedy(self):
        with pytest.raises(DataError) as caught:
            task("binary", "roc_auc", ("no", "yes")).score(np.array([1, 1]), np.array([0.2, 0.7]))
        assert caught.value.message == (
            "metric `roc_auc` cannot score 2 rows: `y_true` is 1 in all 2 rows, but the area needs both classes"
        )
        assert "--set split.n_splits=3" in caught.value.hint
        assert caught.value.exit_code == 3

    def test_negative_predictions_of_a_logarithmic_error(self):
        with pytest.raises(DataError, match=r"`rmsle` cannot score 1 rows: `y_pred\[0\]` is -2, but the logarithmic"):
            task("regression", "rmsle").score(np.array([1.0]), np.array([-2.0]))

    def test_an_error_in_a_users_metric_is_not_hidden(self):
        def broken(y_true, y_pred):
            raise ZeroDivisionError("in my metric")

        metric = Metric("mine", broken, True, "value", frozenset({"regression"}))
        with pytest.raises(ZeroDivisionError, match="in my metric"):
            task("regression", metric).score(np.array([1.0]), np.array([2.0]))
