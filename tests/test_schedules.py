import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aicomp.training.schedules import SCHEDULES, constant, cosine, coslog4, one_cycle, warmup


def test_constant_never_moves():
    assert [constant(t) for t in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]


def test_warmup_rises_for_a_twentieth_and_stays():
    assert [warmup(t) for t in (0.0, 0.01, 0.05, 0.5, 1.0)] == pytest.approx([0.0, 0.2, 1.0, 1.0, 1.0])


def test_cosine_warms_up_for_a_twentieth_then_falls_to_zero():
    assert cosine(0.0) == 0.0
    assert cosine(0.01) == pytest.approx(0.2)  # 0.01 / 0.05
    assert cosine(0.05) == 1.0
    assert cosine(0.05 + 0.95 / 4) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)  # 0.8536
    assert cosine(0.05 + 0.95 / 2) == pytest.approx(0.5)
    assert cosine(1.0) == pytest.approx(0.0, abs=1e-12)


def test_coslog4_has_four_peaks_between_zeros_at_powers_of_two():
    zeros = [(2**i - 1) / 15 for i in range(5)]  # 0, 1/15, 3/15, 7/15, 1
    peaks = [(2 ** (i + 0.5) - 1) / 15 for i in range(4)]
    assert [coslog4(t) for t in zeros] == pytest.approx([0] * 5, abs=1e-12)
    assert [coslog4(t) for t in peaks] == pytest.approx([1] * 4)


def test_one_cycle_rises_for_three_tenths_then_falls():
    assert one_cycle(0.0) == pytest.approx(0.04)  # 1/25
    assert one_cycle(0.15) == pytest.approx(0.52)  # half way from 0.04 to 1
    assert one_cycle(0.3) == 1.0
    assert one_cycle(0.65) == pytest.approx(0.5)
    assert one_cycle(1.0) == pytest.approx(0.0, abs=1e-12)


@given(st.sampled_from(sorted(SCHEDULES)), st.floats(0, 1))
def test_every_factor_lies_between_zero_and_one(name, progress):
    assert 0 <= SCHEDULES[name](progress) <= 1
