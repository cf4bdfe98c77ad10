import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aicomp.errors import DataError
from aicomp.training.losses import BinaryCrossEntropy, CrossEntropy, Regression, TargetTransform

LOG_2, LOG_4 = np.log(2), np.log(4)


def test_cross_entropy_is_the_mean_of_the_members_losses():
    # member 1: probabilities 1/2, 1/2;  member 2: 1/4, 3/4;  label 0
    outputs = torch.tensor([[[0.0, 0.0], [0.0, np.log(3)]]])
    objective = CrossEntropy()
    assert objective.loss(outputs, torch.tensor([0])).item() == pytest.approx((LOG_2 + LOG_4) / 2)


def test_predictions_average_the_members_probabilities():
    outputs = torch.tensor([[[0.0, 0.0], [0.0, np.log(3)]]])
    assert CrossEntropy().predict(outputs).tolist() == [[pytest.approx(3 / 8), pytest.approx(5 / 8)]]


def test_label_smoothing_spreads_its_share_over_all_classes_in_training_alone():
    outputs = torch.tensor([[[0.0, np.log(3)]]])  # probabilities 1/4, 3/4
    objective = CrossEntropy(label_smoothing=0.2)
    # the label 1 becomes (0.1, 0.9)
    by_hand = 0.1 * LOG_4 + 0.9 * np.log(4 / 3)
    assert objective.loss(outputs, torch.tensor([1]), smooth=True).item() == pytest.approx(by_hand)
    assert objective.loss(outputs, torch.tensor([1])).item() == pytest.approx(np.log(4 / 3))


def test_label_smoothing_of_yes_and_no():
    outputs = torch.tensor([[[np.log(3)]]])  # probability 3/4
    objective = BinaryCrossEntropy(label_smoothing=0.2)
    by_hand = 0.1 * LOG_4 + 0.9 * np.log(4 / 3)
    assert objective.loss(outputs, torch.ones(1, 1), smooth=True).item() == pytest.approx(by_hand)
    assert objective.loss(outputs, torch.ones(1, 1)).item() == pytest.approx(np.log(4 / 3))


def test_binary_predictions_are_flat_and_multilabel_ones_are_not():
    outputs = torch.tensor([[[np.log(3)], [0.0]]])
    assert BinaryCrossEntropy().predict(outputs).tolist() == [pytest.approx((0.75 + 0.5) / 2)]
    two_labels = torch.tensor([[[np.log(3), 0.0]]])
    assert BinaryCrossEntropy(is_flat=False).predict(two_labels).tolist() == [[pytest.approx(0.75), 0.5]]


def test_targets_are_standardized_and_come_back():
    y = np.array([1.0, 3.0, 5.0])  # mean 3, standard deviation sqrt(8/3)
    transform = TargetTransform.fit(y)
    z = transform.transform(y)
    assert z.ravel().tolist() == pytest.approx([-2 / np.sqrt(8 / 3), 0, 2 / np.sqrt(8 / 3)])
    assert transform.inverse(torch.from_numpy(z).double()).ravel().tolist() == pytest.approx([1, 3, 5])


def test_the_logarithm_of_a_target_is_learned_and_undone():
    y = np.array([0.0, np.e - 1, np.e**2 - 1])  # log1p: 0, 1, 2
    transform = TargetTransform.fit(y, "log1p")
    assert transform.mean.tolist() == [pytest.approx(1.0)]
    assert transform.std.tolist() == [pytest.approx(np.sqrt(2 / 3))]
    back = transform.inverse(torch.from_numpy(transform.transform(y)).double())
    assert back.ravel().tolist() == pytest.approx(y.tolist(), abs=1e-6)


def test_mse_of_logarithms_equals_squared_rmsle_in_standard_deviations():
    y, pred = np.array([1.0, 7.0, 3.0]), np.array([2.0, 5.0, 3.5])
    objective = Regression("mse", TargetTransform.fit(y, "log1p"))
    outputs = torch.from_numpy((np.log1p(pred) - objective.transform.mean) / objective.transform.std)
    rmsle = np.sqrt(np.mean((np.log1p(y) - np.log1p(pred)) ** 2))
    loss = objective.loss(outputs.float().reshape(3, 1, 1), objective.encode(y)).item()
    assert loss == pytest.approx(rmsle**2 / objective.transform.std[0] ** 2, rel=1e-5)


@pytest.mark.parametrize(("kind", "expected"), [("mse", (9 + 0.25) / 2), ("mae", (3 + 0.5) / 2)])
def test_distances_by_hand(kind, expected):
    objective = Regression(kind, TargetTransform.fit(np.array([-1.0, 1.0])))  # mean 0, std 1
    outputs = torch.tensor([[[4.0]], [[0.5]]])
    assert objective.loss(outputs, torch.tensor([[1.0], [1.0]])).item() == pytest.approx(expected)


def test_huber_is_quadratic_near_and_linear_far():
    objective = Regression("huber", TargetTransform.fit(np.array([-1.0, 1.0])))
    outputs = torch.tensor([[[4.0]], [[0.5]]])  # distances 3 and 0.5
    by_hand = ((3 - 0.5) + 0.5 * 0.25) / 2
    assert objective.loss(outputs, torch.tensor([[1.0], [1.0]])).item() == pytest.approx(by_hand)


def test_a_quantile_weighs_the_two_sides():
    objective = Regression("quantile", TargetTransform.fit(np.array([-1.0, 1.0])), level=0.9)
    outputs = torch.tensor([[[4.0]], [[0.5]]])  # 3 too high, 0.5 too low
    by_hand = (0.1 * 3 + 0.9 * 0.5) / 2
    assert objective.loss(outputs, torch.tensor([[1.0], [1.0]])).item() == pytest.approx(by_hand)


def test_predictions_stay_near_the_range_of_the_training_targets():
    transform = TargetTransform.fit(np.array([10.0, 20.0, 30.0]))
    wild = transform.inverse(torch.tensor([[-1e9], [1e9]], dtype=torch.float64))
    assert wild.ravel().tolist() == [9.0, 31.0]  # 5 % of 20 beyond each end


def test_a_cap_that_many_targets_share_is_not_passed():
    transform = TargetTransform.fit(np.array([10.0, 20.0, *[30.0] * 5]))
    assert transform.inverse(torch.tensor([[1e9]], dtype=torch.float64)).item() == 30.0


def test_amounts_never_turn_negative_and_wild_logarithms_stay_finite():
    plain = TargetTransform.fit(np.array([0.1, 5.0, 10.0]))
    assert plain.inverse(torch.tensor([[-1e9]], dtype=torch.float64)).item() == 0.0
    log = TargetTransform.fit(np.array([0.0, 5.0, 10.0]), "log1p")
    assert log.inverse(torch.tensor([[1e9]], dtype=torch.float64)).item() == pytest.approx(10.5)


def test_a_negative_target_has_no_logarithm():
    with pytest.raises(DataError, match=r"row 2 has -0\.5") as caught:
        TargetTransform.fit(np.array([1.0, 2.0, -0.5]), "log1p")
    assert 'training.loss="mse"' in caught.value.hint


def test_several_targets_are_standardized_each_by_itself():
    y = np.array([[0.0, 100.0], [2.0, 300.0]])
    objective = Regression("mse", TargetTransform.fit(y), is_flat=False)
    assert objective.encode(y).tolist() == [[-1, -1], [1, 1]]
    assert objective.predict(torch.zeros(1, 4, 2)).tolist() == [[1.0, 200.0]]


def test_a_constant_target_is_predicted_as_it_is():
    objective = Regression("mse", TargetTransform.fit(np.full(4, 7.0)))
    assert objective.encode(np.full(4, 7.0)).ravel().tolist() == [0, 0, 0, 0]
    assert objective.predict(torch.randn(3, 2, 1)).tolist() == [7.0, 7.0, 7.0]


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=50), st.booleans())
def test_every_training_target_comes_back(values, log):
    y = np.array(values)
    transform = TargetTransform.fit(y, "log1p" if log else "standard")
    back = transform.inverse(torch.from_numpy(transform.transform(y)).double()).numpy().ravel()
    # float32 in between: what is lost is small against the spread (on the logarithm's scale with `log`)
    unit = np.log1p if log else np.asarray
    assert np.allclose(unit(back), unit(y), atol=1e-5 * max(1.0, float(np.std(unit(y)))), rtol=1e-5)
