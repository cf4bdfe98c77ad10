"""Latitude and longitude as directions and distances; times as cycles; long tails that stay in range."""

import numpy as np
import pandas as pd
import pytest

from aicomp.data.columns import Column, infer_columns
from aicomp.data.encoding import Encoder
from aicomp.data.places import are_degrees, pair_names
from aicomp.data.table import Table

RNG = np.random.default_rng(0)


def fitted(frame, kind, fit_rows=None, numbers="normal"):
    columns = [Column(name, kind, "") for name in frame]
    table = Table.build(frame, columns)
    rows = np.arange(len(frame)) if fit_rows is None else np.asarray(fit_rows)
    return Encoder(columns, numbers).fit(table, rows), table


def places(n=500):
    return pd.DataFrame({"Latitude": RNG.uniform(32, 42, n), "Longitude": RNG.uniform(-124, -114, n)})


class TestPlaces:
    @pytest.mark.parametrize(
        ("names", "pairs"),
        [
            (["latitude", "longitude"], [("latitude", "longitude")]),
            (["lng", "lat"], [("lat", "lng")]),
            (["startLat", "endLat", "startLon", "endLon"], [("startLat", "startLon"), ("endLat", "endLon")]),
            (["dropoff_latitude", "pickup_longitude"], []),
            (["plate", "flat", "long_term", "length"], []),
            (["lat"], []),
        ],
    )
    def test_pairs_are_known_by_their_names(self, names, pairs):
        assert pair_names(names) == pairs

    def test_numbers_that_are_no_degrees_are_no_places(self):
        fine = RNG.uniform(-60, 60, 100)
        assert are_degrees(fine, 2 * fine)
        assert not are_degrees(2 * fine, fine)
        assert not are_degrees(np.round(fine), np.round(fine))
        assert not are_degrees(np.full(5, np.nan), fine[:5])

    def test_distances_are_to_centers_of_the_training_rows(self):
        frame = pd.DataFrame({"lat": np.repeat([10.0, 20.0], 50), "lon": np.repeat([5.0, 40.0], 50)})
        frame += RNG.normal(0, 0.01, frame.shape)
        encoder, table = fitted(frame, "number")
        encoded = encoder.transform(table, np.arange(100)).x_num
        nearest = np.argmin(encoded[:, ["from center" in name for name in encoder.num_names]], axis=1)
        assert not set(nearest[:50]) & set(nearest[50:])

    def test_missing_and_far_places_are_finite(self):
        frame = places()
        new = pd.DataFrame({"Latitude": [np.nan, 80.0, 37.0], "Longitude": [-120.0, 170.0, np.nan]})
        encoder, _ = fitted(frame, "number")
        encoded = encoder.transform(Table.build(new, encoder.columns), np.arange(3)).x_num
        assert np.isfinite(encoded).all()
        assert np.abs(encoded).max() <= 5
        added = ["degrees" in name or "center" in name for name in encoder.num_names]
        assert (encoded[0, added] == 0).all()

    def test_a_saved_encoder_encodes_alike(self, tmp_path):
        encoder, table = fitted(places(), "number")
        encoder.save(tmp_path)
        again = Encoder.load(tmp_path, encoder.columns)
        rows = np.arange(table.n_rows)
        np.testing.assert_array_equal(again.transform(table, rows).x_num, encoder.transform(table, rows).x_num)

    def test_the_plan_says_it(self):
        frame = places()
        reasons = {c.name: c.reason for c in infer_columns(frame, frame.iloc[:50], {})}
        assert reasons["Latitude"] == "numbers; a place with `Longitude`: directions and distances"


class TestCycles:
    def waves(self, stamps):
        frame = pd.DataFrame({"t": stamps})
        encoder, table = fitted(frame, "datetime")
        encoded = encoder.transform(table, np.arange(len(frame))).x_num
        return dict(zip(encoder.num_names, encoded.T, strict=True))

    def test_midnight_is_beside_eleven_at_night(self):
        hours = pd.date_range("2012-01-01", periods=24 * 60, freq="h").astype(str)
        parts = self.waves(hours)
        around = np.column_stack([parts["t sine of day"], parts["t cosine of day"]])
        assert np.linalg.norm(around[23] - around[24]) == pytest.approx(np.linalg.norm(around[11] - around[12]), 1e-5)
        assert np.linalg.norm(around[0] - around[12]) == pytest.approx(2 * np.sqrt(2), rel=1e-5)
        assert "t sine of week" in parts
        assert "t sine of year" not in parts

    def test_years_need_a_year_and_days_need_hours(self):
        parts = self.waves(pd.date_range("2012-01-01", periods=800, freq="D").strftime("%Y-%m-%d"))
        assert {"t sine of year", "t cosine of week"} <= set(parts)
        assert "t sine of day" not in parts

    def test_times_of_day_go_round(self):
        parts = self.waves([f"{h:02d}:{m:02d}" for h in range(24) for m in (0, 30)])
        assert "t cosine of day" in parts
        assert "t cosine of week" not in parts

    def test_trees_get_parts_alone(self):
        hours = pd.date_range("2012-01-01", periods=24 * 60, freq="h").astype(str)
        encoder, _ = fitted(pd.DataFrame({"t": hours}), "datetime", numbers="raw")
        assert "t hour" in encoder.num_names
        assert not any("sine" in name for name in encoder.num_names)


class TestLongTails:
    @pytest.mark.parametrize(
        "values",
        [
            np.where(RNG.random(400) < 0.9, 0, RNG.pareto(0.5, 400)),
            np.exp(RNG.normal(0, 8, 400)),
            np.repeat([1e-300, 1.0, 1e300, -1e300], 100),
            np.where(RNG.random(400) < 0.5, np.nan, RNG.standard_cauchy(400)),
        ],
        ids=["mostly zero", "lognormal", "extreme", "cauchy with gaps"],
    )
    def test_numbers_stay_finite_and_near_zero_even_beyond_the_training_range(self, values):
        frame = pd.DataFrame({"x": [*values, 1e308, -1e308, 0.0, np.nan]})
        encoder, table = fitted(frame, "number", range(400))
        encoded = encoder.transform(table, np.arange(404)).x_num
        assert np.isfinite(encoded).all()
        assert np.abs(encoded).max() < 5
        assert encoded[400, 0] == encoded[:400, 0].max()
        assert encoded[401, 0] == encoded[:400, 0].min()
        robust, table = fitted(frame, "number", range(400), numbers="robust")
        encoded = robust.transform(table, np.arange(404)).x_num
        assert np.isfinite(encoded).all()
        assert encoded.max() == encoded[400, 0] == pytest.approx(3)
        assert encoded.min() == encoded[401, 0] == pytest.approx(-3)

    def test_robust_numbers_keep_their_proportions_near_the_median(self):
        values = [0.0, 1.0, 2.0, 3.0, 4.0, 1000.0]
        encoder, table = fitted(pd.DataFrame({"x": [*values, np.nan]}), "number", range(5), numbers="robust")
        encoded = encoder.transform(table, np.arange(7)).x_num
        assert encoder.num_names == ["x"]
        z = (np.array(values) - 2) / 2  # median 2, quartiles 1 and 3
        assert encoded[:6, 0] == pytest.approx(z / np.sqrt(1 + z**2 / 9))
        assert encoded[5, 0] == pytest.approx(3, abs=1e-3)
        assert encoded[6, 0] == 0

    def test_robust_numbers_of_which_most_are_equal_are_scaled_by_their_range(self):
        encoder, table = fitted(pd.DataFrame({"x": [5.0] * 98 + [4.0, 6.0]}), "number", numbers="robust")
        encoded = encoder.transform(table, np.arange(100)).x_num
        assert encoded[:98].tolist() == [[0.0]] * 98
        assert encoded[98:, 0] == pytest.approx([-1 / np.sqrt(1 + 1 / 9), 1 / np.sqrt(1 + 1 / 9)])
