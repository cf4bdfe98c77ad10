"""What holds for every metric that only grades: what it reads is checked, and no training takes it."""

import re
from pathlib import Path

import numpy as np
import pytest

from aicomp.cli.main import main
from aicomp.metrics import ALL_METRICS, GRADED, METRICS, get_metric, guess_metric_names

N = 40


def _texts(*texts):
    return np.array(list(texts) * (N // len(texts)), dtype=object)


def _ranked():
    """Two dates of 200 stocks each, all of which are bought and sold."""
    rank = np.tile(np.arange(200.0), 2)
    return np.random.default_rng(3).normal(size=400), rank, {"date": np.repeat(np.array(["a", "b"], object), 200)}


OF_COMPETITIONS = {
    "spread_return_sharpe": _ranked,
    "gini_stability": lambda: (np.arange(N) // 2 % 2, np.arange(N) % 7 / 7, {"week": np.arange(N) % 2}),
    "jane_street_utility": lambda: (
        np.arange(N) - 15.0,
        np.arange(N) % 3 % 2.0,
        {"date": _texts("a", "b"), "weight": np.ones(N)},
    ),
    "adjusted_rand": lambda: (np.arange(N) % 3, np.arange(N) % 4, {}),
    "kendall_of_orders": lambda: (_texts("a b c", "x y"), _texts("b a c", "x y"), {}),
    "jaccard_of_sets": lambda: (_texts("a b", "c"), _texts("a", "c"), {}),
    "otto_recall": lambda: (_texts("a", "b"), _texts("a", "a"), {"kind": _texts("clicks", "carts", "orders", "carts")}),
}
"""Rows for the measures of single competitions, whose predictions have forms of their own."""


def a_problem(metric):
    """Rows that the metric can score, and its further columns."""
    random = np.random.default_rng(2)
    if metric.name in OF_COMPETITIONS:
        return OF_COMPETITIONS[metric.name]()
    kind = sorted(metric.problem_types)[0]
    if metric.needs == "string":
        masks = metric.name != "global_average_precision"
        y = np.array(["1 3 9 2" if masks else "a"] * N, dtype=object)
        p = np.array(["2 3" if masks else "a 0.5"] * N, dtype=object)
    elif kind == "multi-target":
        y, p = random.dirichlet(np.ones(2), N), random.dirichlet(np.ones(2), N)
    elif kind == "binary":
        y, p = np.arange(N) // 2 % 2, random.random(N) if metric.needs == "probability" else random.integers(0, 2, N)
    else:
        y = np.floor(random.uniform(1, 9, N))
        p = y * random.uniform(0.8, 1.2, N)
        if metric.parts:
            p = np.sort(random.uniform(0.1, 0.9, (N, len(metric.parts))), axis=1)
    columns = {}
    for column in metric.columns:
        if column.kind == "string":
            columns[column.name] = np.array(list("ab") * (N // 2), dtype=object)
        elif column.kind == "flags":
            columns[column.name] = np.column_stack([np.arange(N) % 2, np.arange(N) % 3 % 2])
        else:
            columns[column.name] = np.full(
                N, 0.5 if column.name == "level" else 5.0 if "h" in column.name[-2:] else 1.0
            )
    return y, p, columns


every_graded = pytest.mark.parametrize("metric", GRADED.values(), ids=lambda m: m.name)


@every_graded
def test_it_scores_and_the_order_of_rows_makes_no_difference(metric):
    y, p, columns = a_problem(metric)
    score = metric(y, p, **columns)
    order = np.random.default_rng(1).permutation(len(y))
    again = metric(y[order], p[order], **{name: values[order] for name, values in columns.items()})
    assert again == pytest.approx(score, rel=1e-9)


@every_graded
def test_a_missing_prediction_is_named_by_its_place(metric):
    y, p, columns = a_problem(metric)
    spoiled = p.astype(object if metric.needs == "string" else np.float64)
    spoiled[(7, 1) if p.ndim == 2 else 7] = None if metric.needs == "string" else np.nan
    place = "7, 1" if p.ndim == 2 else "7"
    with pytest.raises(ValueError, match=rf"^`y_pred\[{place}\]` is (nan|None), but"):
        metric(y, spoiled, **columns)


@every_graded
def test_columns_of_other_rows_are_refused(metric):
    y, p, columns = a_problem(metric)
    with pytest.raises(ValueError, match="shape"):
        metric(y[:-1], p, **columns)
    for name in columns:
        with pytest.raises(ValueError, match=f"`{name}` has shape"):
            metric(y, p, **{**columns, name: columns[name][:-1]})


def test_it_says_why_no_training_can_follow_it():
    assert all(metric.why_graded_only for metric in GRADED.values())
    assert not any(metric.why_graded_only for metric in METRICS.values())
    assert not set(guess_metric_names("regression")) & set(GRADED)
    assert len(ALL_METRICS) == len(METRICS) + len(GRADED) >= 80


def test_a_project_is_refused_before_it_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "train.csv").write_text("id,x,y\n" + "".join(f"{i},{i % 7},{i * 1.5}\n" for i in range(60)))
    (raw / "test.csv").write_text("id,x\n" + "".join(f"{i},{i % 7}\n" for i in range(60, 80)))
    (raw / "sample_submission.csv").write_text("id,y\n" + "".join(f"{i},0\n" for i in range(60, 80)))
    into = tmp_path / "project"
    assert main(["init", str(raw), "--metric", "wmae", "--into", str(into)]) == 2
    captured = capsys.readouterr()
    assert "metric `wmae` grades files and cannot guide a training: it reads the column `weight`" in captured.err
    assert not into.exists()


def test_a_project_whose_contract_names_one_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "diabetes", "--into", str(tmp_path / "p")]) == 0
    contract = tmp_path / "p" / "competition.toml"
    contract.write_text(re.sub(r'metric = ".*"', 'metric = "poisson_deviance"', contract.read_text()))
    capsys.readouterr()
    assert main(["train", "--project", str(tmp_path / "p")]) == 2
    assert "metric `poisson_deviance` grades files and cannot guide a training" in capsys.readouterr().err


def test_the_page_of_metrics_is_in_step() -> None:
    """docs/metrics.md has a row for every metric, as its code says it; the message says what to write there."""
    page = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [row_of(metric) for metric in ALL_METRICS.values()]


def row_of(metric):
    """A row of the table in docs/metrics.md."""
    function = getattr(metric.fn, "func", metric.fn)
    about = function.__doc__.strip().splitlines()[0].replace("|", "\\|")
    reads = [f"`{c.name}`" + (" (may be absent)" if c.optional else "") for c in metric.columns]
    if metric.parts:
        reads.append(f"{len(metric.parts)} numbers a prediction")
    better = "higher" if metric.greater_is_better else "lower"
    types = ", ".join(sorted(metric.problem_types))
    used = "grading" if metric.why_graded_only else ""
    return f"| `{metric.name}` | {better} | {metric.needs} | {types} | {', '.join(reads)} | {used} | {about} |"


def test_levels_are_listed_on_the_page() -> None:
    from aicomp.metrics.builtin import OF_LISTS
    from aicomp.metrics.levels import LEVELS

    page = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    for name in (*LEVELS, *OF_LISTS):
        found = re.search(rf"`{name}@([\d.]+)`", page.partition("## All of them")[0])
        assert found is not None, name
        assert get_metric(f"{name}@{found[1]}").name == f"{name}@{found[1]}"
