"""What benchmarks/throughput.py, flops.py and scaling.py compute, on numbers worked out by hand."""

import argparse

import numpy as np
import pandas as pd
import torch
from benchmark_cases import load, measured

flops, made_data, plain_network, scaling, throughput = map(
    load, ("flops", "made_data", "plain_network", "scaling", "throughput")
)


def test_operations_of_a_step():
    """20 -> 8 -> 1: products of 168 weights forward and for their gradients, and of the 8 of the last layer for its
    input's gradient; the first layer's input needs none. Each is a multiplication and an addition."""
    data = flops.make_fold(n_rows=64, n_columns=20)
    model = plain_network.PlainNetwork(20, width=8, depth=1)
    assert flops.flops_per_row(model, data, backward=True, n_rows=32) == 2 * (168 + 168 + 8)
    assert flops.flops_per_row(model, data, backward=False, n_rows=32) == 2 * 168


def test_the_plain_network_has_one_logit():
    assert plain_network.PlainNetwork(5)(torch.zeros(3, 5)).shape == (3, 1)


def test_rows_a_second_beside_the_faster_peer():
    answers = {
        "aicomp": [{"seconds": 1.0}, {"seconds": 4.0}, {"seconds": 2.0}],
        "aicomp, bfloat16": [{"seconds": 1.0}],
        "skorch": [{"seconds": 8.0}],
        "skorch, 1 thread": [{"seconds": 5.0}],
        "lightning": [{"seconds": 16.0}],
        "lightning, 1 thread": [{"seconds": 10.0}],
    }
    sizes = argparse.Namespace(rows=1000, columns=20, epochs=10, batch_size=32, width=64, rounds=3)
    text = throughput.as_table(answers, sizes)
    # 4/5 of 1000 rows in 5 folds for 10 epochs: 40,000 rows in the median of 2 s, 2.5 times as many as in 5 s.
    assert "| aicomp | 20,000 | 2.0 (1.0, 4.0, 2.0) | 2.50 |" in text
    assert "| skorch, 1 thread | 8,000 | 5.0 (5.0) | 1.00 |" in text
    assert text.endswith("float32 FAIL, bfloat16 pass")


def test_a_made_competition(tmp_path):
    made_data.write_competition(tmp_path / "made", n_rows=50, n_columns=30)
    train, test, sample = (pd.read_csv(tmp_path / "made" / f"{n}.csv") for n in ("train", "test", "sample_submission"))
    assert train.shape == (50, 32)
    assert list(test.columns) == list(train.columns)[:-1]
    assert test["id"].tolist() == sample["id"].tolist() == list(range(50, 50 + made_data.N_TEST))
    assert set(train["y"]) == {0, 1}


def test_sizes_are_read_and_told(tmp_path):
    assert scaling.numbers("1000,1e6") == [1000, 1_000_000]
    assert scaling.numbers("") == []
    fold = tmp_path / "runs" / "a" / "folds" / "0"
    fold.mkdir(parents=True)
    (fold / "result.json").write_text('{"n_epochs": 10}')
    # 0.8 x 1000 rows x 10 epochs in 4 s: 500 microseconds each.
    line = scaling.size_line(measured.Measured({}, 4.0, 300.0), tmp_path, 1000, 10)
    assert line == "| 1,000 | 10 | 4.0 | 500.0 | 1 | 10-10 | 300 | 0.0 |"
    stopped = scaling.size_line(measured.Measured(None, 9.0, 300.0, stopped=True), tmp_path, 1000, 10)
    assert "| stopped at 9 |  | 1 |" in stopped


def test_folds_of_made_rows():
    data = flops.make_fold(n_rows=100, n_columns=3)
    assert data.train.x_num.shape == (100, 3)
    assert data.valid.x_num.shape == (25, 3)
    assert set(np.unique(data.y)) == {0, 1}
