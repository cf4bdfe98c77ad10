"""Functions of a regression target: by hand, against scipy, and at the ends of their range."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aicomp.config import TrainingConfig
from aicomp.errors import DataError, UsageError
from aicomp.metrics import METRICS, get_metric
from aicomp.models.spec import ModelSpec
from aicomp.task import Task
from aicomp.training.aims import choose_aim
from aicomp.training.checkpoint import load_spec, save_spec
from aicomp.training.targets import TargetTransform, suited_kind

RANDOM = np.random.default_rng(0)
LONG_TAIL = np.exp(RANDOM.normal(size=300))
BOTH_SIGNS = np.concatenate([LONG_TAIL, -LONG_TAIL[:50] / 3])


@pytest.mark.parametrize(
    ("kind", "y", "reference"), [("box-cox", LONG_TAIL, stats.boxcox), ("yeo-johnson", BOTH_SIGNS, stats.yeojohnson)]
)
def test_the_likeliest_power_and_its_function_are_those_of_scipy(kind, y, reference):
    expected, power = reference(y)
    transform = TargetTransform.fit(y, kind)
    assert transform.power[0] == pytest.approx(power, abs=2e-3)
    z = (expected - expected.mean()) / expected.std()
    assert transform.transform(y).ravel() == pytest.approx(z, abs=5e-3)


def test_the_power_of_a_lognormal_target_is_the_logarithm():
    assert abs(TargetTransform.fit(np.exp(RANDOM.normal(size=5000)), "box-cox").power[0]) < 0.05


@pytest.mark.parametrize("kind", ["standard", "log1p", "box-cox", "yeo-johnson"])
@given(values=st.lists(st.floats(1e-3, 1e9), min_size=2, max_size=40))
def test_every_training_target_comes_back_and_a_wild_output_stays_finite(kind, values):
    y = np.array(values)
    transform = TargetTransform.fit(y, kind)
    bent = transform.transform(y)
    back = transform.inverse(torch.from_numpy(bent).double()).numpy()
    # What float32 loses is small in the model's unit.
    assert transform.transform(back) == pytest.approx(bent, abs=2e-3)
    wild = transform.inverse(torch.tensor([[-1e30], [-5.0], [5.0], [1e30]], dtype=torch.float64)).numpy().ravel()
    assert np.isfinite(wild).all()
    assert (np.diff(wild) >= 0).all()
    assert transform.low[0] <= wild[0]
    assert wild[-1] <= transform.high[0]


def test_negative_values_have_their_own_side():
    transform = TargetTransform.fit(BOTH_SIGNS, "yeo-johnson")
    back = transform.inverse(torch.from_numpy(transform.transform(BOTH_SIGNS)).double()).numpy().ravel()
    assert back == pytest.approx(BOTH_SIGNS, rel=1e-3, abs=1e-4)


def test_box_cox_refuses_zero_and_says_what_does_not():
    with pytest.raises(DataError, match=r"`box-cox` takes targets above 0, but the fold's row 1 has 0") as caught:
        TargetTransform.fit(np.array([1.0, 0.0]), "box-cox")
    assert 'training.target="yeo-johnson"' in caught.value.hint


def test_a_validation_row_below_all_training_rows_is_no_error():
    transform = TargetTransform.fit(LONG_TAIL, "box-cox")
    assert np.isfinite(transform.transform(np.array([0.0, -1.0]))).all()


def test_a_constant_target_stays_what_it_is():
    for kind in ("box-cox", "yeo-johnson"):
        transform = TargetTransform.fit(np.full(5, 3.0), kind)
        assert transform.inverse(torch.zeros(1, 1, dtype=torch.float64)).item() == pytest.approx(3.0)


def test_it_comes_back_from_the_runs_folder_and_an_old_one_too(tmp_path):
    transform = TargetTransform.fit(np.column_stack([LONG_TAIL, LONG_TAIL**2]), "box-cox")
    save_spec(tmp_path, ModelSpec(1, (), 2), transform)
    loaded = load_spec(tmp_path)[1]
    z = torch.randn(5, 2, dtype=torch.float64)
    assert torch.equal(loaded.inverse(z), transform.inverse(z))
    content = (tmp_path / "spec.json").read_text()
    (tmp_path / "spec.json").write_text(content.replace('"kind": "box-cox"', '"log": true').replace('"power"', '"p"'))
    assert load_spec(tmp_path)[1].kind == "log1p"


def test_a_power_is_learned_of_a_long_tail_from_0_up_alone():
    lognormal = np.exp(np.random.default_rng(1).normal(size=2000))
    assert suited_kind(lognormal) == "box-cox"
    assert suited_kind(np.maximum(lognormal - 0.2, 0)) == "yeo-johnson"
    assert suited_kind(lognormal - 1) == "standard"  # negative values
    assert suited_kind(-lognormal) == "standard"
    assert suited_kind(np.random.default_rng(1).exponential(size=2000)) == "standard"  # skewness 2
    assert suited_kind(np.ones(10)) == "standard"


def aim(metric="rmse", problem="regression", **training):
    return choose_aim(TrainingConfig(**training), Task(problem, (), 1, get_metric(metric)))


def test_the_target_and_the_loss_follow_the_metric_or_the_config():
    assert aim("rmsle").target == "log1p"
    assert aim("rmsle", loss="mae").target == "standard"
    assert aim("rmsle", target="standard").target == "standard"
    assert aim("rmse", target="box-cox").loss == "mse"
    assert aim("rmse").target == aim("mae").target == "auto"
    pinball = aim("pinball@0.9")
    assert (pinball.loss, pinball.quantile) == ("quantile", 0.9)
    assert aim("rmse", loss="quantile", quantile=0.25).quantile == 0.25
    assert aim("rmse", loss="quantile").quantile == 0.5


@pytest.mark.parametrize(
    ("training", "problem", "message"),
    [
        ({"quantile": 0.9}, "regression", "`training.quantile` is 0.9, but the loss is `mse`"),
        ({"loss": "quantile", "quantile": 1.0}, "regression", "`training.quantile` is 1.0, but it must lie between"),
        ({"target": "log1p"}, "binary", "`training.target` is `log1p`, which is for values, but the problem is binary"),
        ({"loss": "log-mse", "target": "box-cox"}, "regression", "is `log-mse`, but `training.target` is `box-cox`"),
    ],
)
def test_what_contradicts_itself_is_refused(training, problem, message):
    with pytest.raises(UsageError, match=message):
        aim("rmse" if problem == "regression" else "roc_auc", problem, **training)


def test_a_level_stands_in_the_metrics_name():
    nine = get_metric("pinball@0.9")
    assert (nine.name, nine.level, nine.base_name) == ("pinball@0.9", 0.9, "pinball")
    assert nine(np.array([1.0, 2.0]), np.array([0.0, 4.0])) == pytest.approx((0.9 + 0.1 * 2) / 2)
    assert get_metric("Quantile loss@0.5") is METRICS["pinball"]
    for name in ("pinball@1", "pinball@", "pinball@x", "pinball@nan"):
        with pytest.raises(UsageError, match="which is no number between 0 and 1"):
            get_metric(name)
