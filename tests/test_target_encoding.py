"""Statistics of the target: no row sees its own, unseen levels are the mean, and noise adds nothing."""

import numpy as np
import pandas as pd
import pytest
from code_cases import code_rows, rare_label
from sklearn.metrics import roc_auc_score

from aicomp.data.columns import Column, infer_columns
from aicomp.data.encoding import Encoder
from aicomp.data.level_screen import LevelScreen
from aicomp.data.statistics import INNER_FOLDS, level_means
from aicomp.data.table import Table
from aicomp.data.targets import TargetColumns
from aicomp.metrics import METRICS
from aicomp.task import Task

BINARY = Task("binary", ("no", "yes"), 1, METRICS["roc_auc"])
VALUES = Task("regression", (), 1, METRICS["rmse"])


def fit(frame, y, task=BINARY, *, kind="code", numbers="normal", seed=0):
    """An encoder fitted on all rows, the rows as the training sees them, and their table."""
    columns = [Column(name, kind, "") for name in frame]
    table = Table.build(frame, columns)
    encoder = Encoder(columns, numbers)
    rows = np.arange(len(frame))
    return encoder, encoder.fit_transform(table, rows, TargetColumns.of(y, task), seed), table


def column(encoder, encoded, name):
    return encoded.x_num[:, encoder.num_names.index(name)]


class TestMeans:
    def test_a_level_is_drawn_to_the_mean_of_all_by_the_rows_that_chance_weighs(self):
        levels, inner = np.repeat([0, 1], 10), np.tile(np.arange(5), 4)
        y = np.array([0.0, 2.0] * 5 + [10.0, 12.0] * 5)[:, None]
        found = level_means(levels, 2, y, inner)
        # Within: 20 squared deviations of 1 over 20 - 2. Between: means 1 and 11, (500 - 20/18) / 10 per level.
        rows = max(1.0, (20 / 18) / ((500 - 20 / 18) / 10))
        assert found.prior[-1, 0] == 6.0
        np.testing.assert_allclose(found.means[-1, :, 0], (np.array([10, 110]) + rows * 6) / (10 + rows))

    def test_the_mean_without_a_fold_knows_the_other_folds_alone(self):
        random = np.random.default_rng(0)
        levels, inner, y = (
            random.integers(0, 7, 200),
            random.integers(0, INNER_FOLDS, 200),
            random.normal(size=(200, 2)),
        )
        found = level_means(levels, 7, y, inner)
        for k in range(INNER_FOLDS):
            alone = level_means(levels[inner != k], 7, y[inner != k], inner[inner != k])
            np.testing.assert_allclose(found.means[k], alone.means[-1], atol=1e-9)


class TestNoLeak:
    def test_a_rows_own_target_does_not_enter_its_encoding(self):
        frame, score = code_rows(6000)
        y = rare_label(score, 0.3)
        encoder, before, _ = fit(frame, y)
        first = [j for j, name in enumerate(encoder.num_names) if " mean" in name or " count" in name]
        assert len(first) >= 3
        for row in (0, 17, 4242):
            changed = y.copy()
            changed[row] = 1 - y[row]
            again, after, _ = fit(frame, changed)
            assert again.num_names == encoder.num_names
            np.testing.assert_array_equal(after.x_num[row, first], before.x_num[row, first])
            assert (after.x_num != before.x_num).any()

    def test_the_out_of_fold_mean_of_random_codes_does_not_rank_the_training_rows(self):
        random = np.random.default_rng(1)
        y = (random.random(8000) < 0.1).astype(float)
        levels, inner = random.integers(0, 2000, 8000), random.permutation(8000) % INNER_FOLDS
        found = level_means(levels, 2000, y[:, None], inner)
        assert abs(roc_auc_score(y, found.oof(levels, inner)[:, 0]) - 0.5) < 0.03
        assert roc_auc_score(y, np.bincount(levels, y)[levels] / np.bincount(levels)[levels]) > 0.8  # what it avoids

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_random_codes_add_nothing(self, seed):
        frame, score = code_rows(6000, seed, noise=True)
        encoder, encoded, _ = fit(frame, rare_label(score), seed=seed)
        added = [name for name in encoder.num_names if name not in frame]
        assert len(added) <= 2  # a column passes two standard errors by chance, once in 40
        assert not any(" x " in name for name in added)
        for name in added:
            assert abs(roc_auc_score(rare_label(score), column(encoder, encoded, name)) - 0.5) < 0.05


class TestRows:
    def test_new_rows_get_the_mean_of_all_training_rows(self):
        frame = pd.DataFrame({"c": np.repeat(np.arange(50), 40)})
        y = np.random.default_rng(0).normal(size=2000) + frame["c"].to_numpy() / 5
        encoder, encoded, table = fit(frame, y, VALUES)
        new = column(encoder, encoder.transform(table, np.arange(2000)), "c mean")
        of_level = pd.Series(new).groupby(frame["c"]).agg(["min", "max"])
        assert (of_level["min"] == of_level["max"]).all()
        assert (np.diff(of_level["min"]) > 0).mean() > 0.8
        assert new.mean() == pytest.approx(0, abs=1e-4)
        assert new.std() == pytest.approx(1, abs=1e-4)
        assert len(set(column(encoder, encoded, "c mean")[:40])) > 1  # training rows: by inner fold

    def test_unseen_levels_have_the_mean_of_all_and_missing_ones_their_own(self):
        values = np.repeat(np.arange(60.0), 20)
        values[values == 59] = np.nan
        y = np.random.default_rng(0).normal(size=1200) + np.where(np.isnan(values), 10, values % 7)
        encoder, _, _ = fit(pd.DataFrame({"c": values}), y, VALUES)
        new = Table.build(pd.DataFrame({"c": [777.0, np.nan, 3.0]}), encoder.columns)
        mean = column(encoder, encoder.transform(new, np.arange(3)), "c mean")
        overall = (y.mean() - np.array([y[values == v].mean() for v in range(59)]).mean()) / y.std()
        assert abs(mean[0] - overall) < 0.2
        assert mean[1] > 2
        assert np.isfinite(mean).all()

    def test_the_same_seed_gives_the_same_bits_and_another_one_others(self):
        frame, score = code_rows(4000)
        _, one, _ = fit(frame, score, VALUES)
        _, two, _ = fit(frame, score, VALUES)
        _, three, _ = fit(frame, score, VALUES, seed=1)
        np.testing.assert_array_equal(one.x_num, two.x_num)
        assert not np.array_equal(one.x_num, three.x_num[:, : one.x_num.shape[1]])

    def test_a_saved_encoder_encodes_as_the_one_that_was_fitted(self, tmp_path):
        frame, score = code_rows(4000)
        encoder, _, table = fit(frame, score, VALUES)
        assert any(" x " in name for name in encoder.num_names)
        encoder.save(tmp_path)
        again = Encoder.load(tmp_path, encoder.columns)
        rows = np.arange(100)
        np.testing.assert_array_equal(again.transform(table, rows).x_num, encoder.transform(table, rows).x_num)
        assert again.num_names == encoder.num_names

    def test_an_encoder_saved_before_there_were_statistics_still_encodes(self, tmp_path):
        frame, _ = code_rows(300)
        columns = [Column(name, "code", "") for name in frame]
        table, rows = Table.build(frame, columns), np.arange(300)
        encoder = Encoder(columns).fit(table, rows)
        encoder.save(tmp_path)
        path = tmp_path / "encoder.json"
        path.write_text(path.read_text().replace(', "statistics": []', ""))
        assert "statistics" not in path.read_text()
        x_num = Encoder.load(tmp_path, columns).transform(table, rows).x_num
        np.testing.assert_array_equal(x_num, encoder.transform(table, rows).x_num)

    def test_classes_and_targets_get_a_mean_each_and_too_many_none(self):
        frame, score = code_rows(5000)
        few = Task("multiclass", ("a", "b", "c"), 1, METRICS["log_loss"])
        encoder, _, _ = fit(frame, np.digitize(score, np.quantile(score, [0.3, 0.7])), few)
        assert {"resource mean of a", "resource mean of b", "resource mean of c"} <= set(encoder.num_names)
        both = Task("multi-target", (), 2, METRICS["mcrmse"])
        encoder, _, _ = fit(frame, np.column_stack([score, -score]), both)
        assert {"resource mean of 1", "resource mean of 2"} <= set(encoder.num_names)
        many = Task("multiclass", tuple(str(i) for i in range(20)), 1, METRICS["log_loss"])
        encoder, _, _ = fit(frame, np.digitize(score, np.quantile(score, np.linspace(0.05, 0.95, 19))), many)
        assert not any(" mean" in name for name in encoder.num_names)

    def test_trees_get_pairs_alone(self):
        frame, score = code_rows(6000)
        encoder, _, _ = fit(frame, score, VALUES, numbers="raw")
        assert encoder.num_names[: frame.shape[1]] == list(frame)
        assert "department x title mean" in encoder.num_names
        assert "resource mean" not in encoder.num_names


class TestPairs:
    def pairs(self, score, frame, task=VALUES, seed=0):
        codes = np.column_stack([pd.factorize(frame[name])[0] for name in frame])
        inner = np.random.default_rng(seed).permutation(len(frame)) % INNER_FOLDS
        sizes = [int(n) for n in codes.max(axis=0) + 1]
        targets = TargetColumns.of(score, task)
        return LevelScreen(np.empty((len(frame), 0), np.float32), codes, sizes, targets, inner).pairs(8)

    def test_a_planted_pair_is_found_alone(self):
        frame, score = code_rows(8000)
        assert self.pairs(score, frame) == [(3, 4)]

    def test_a_planted_pair_is_found_behind_a_label(self):
        frame, score = code_rows(12000)
        assert self.pairs(rare_label(score, 0.2), frame, BINARY) == [(3, 4)]

    @pytest.mark.parametrize("seed", range(4))
    def test_noise_has_none(self, seed):
        frame, score = code_rows(6000, seed, noise=True)
        assert self.pairs(score, frame, seed=seed) == []

    @pytest.mark.parametrize("seed", range(4))
    def test_effects_that_add_up_are_no_pair(self, seed):
        random = np.random.default_rng(seed)
        frame = pd.DataFrame({name: random.integers(0, 12, 6000) for name in "abc"})
        score = random.normal(size=12)[frame["a"]] + random.normal(size=12)[frame["b"]] + random.normal(size=6000)
        assert self.pairs(score, frame) == []
        chance = 1 / (1 + np.exp(-2 * score))  # they add up in logits, not in shares
        assert self.pairs((random.random(6000) < chance).astype(int), frame, BINARY) == []


def test_the_plan_says_what_becomes_of_codes():
    frame, _ = code_rows(9000)
    kinds = {c.name: c for c in infer_columns(frame.iloc[:6000], frame.iloc[6000:], {})}
    assert {c.kind for c in kinds.values()} == {"code"}
    assert kinds["resource"].reason.endswith("; as levels, target mean and count")
