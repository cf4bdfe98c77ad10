"""Ranks, table and goals of benchmarks/tabular.py, from results made by hand."""

import pytest
from benchmark_cases import board, goals, result

# Ranks


def test_equal_scores_share_the_mean_of_their_ranks_and_those_without_one_come_last():
    results = [result("a", "x", 2.0), result("a", "y", 1.0), result("a", "z", 2.0), result("a", "v", None),
               result("a", "w", None, stopped=True)]  # fmt: skip
    ranks = board.Board(results).ranks("a", ["x", "y", "z", "v", "w"])
    assert ranks == {"y": 1.0, "x": 2.5, "z": 2.5, "v": 4.5, "w": 4.5}


def test_where_higher_is_better_the_highest_is_first():
    results = [result("a", "x", 0.8, greater=True), result("a", "y", 0.9, greater=True)]
    assert board.Board(results).ranks("a", ["x", "y"]) == {"x": 2.0, "y": 1.0}


def test_mean_ranks_count_only_sets_that_all_have_run():
    results = [result("a", "x", 1.0), result("a", "y", 2.0), result("b", "x", 1.0)]
    shown = board.Board(results)
    assert shown.mean_ranks(["x", "y"]) == {"x": 1.0, "y": 2.0}
    assert "the 1 that all ran" in board.as_table(shown)


def test_a_newer_result_takes_the_place_of_an_older_one():
    shown = board.Board([result("a", "x", 1.0), result("a", "x", 3.0)])
    assert shown.cells["a", "x"].hidden == 3.0


# The table


def test_the_table_holds_score_rank_seconds_and_memory():
    results = [
        result("titanic", "aicomp", 0.78, 9.0, greater=True),
        result("titanic", "catboost", 0.77, 3.4, greater=True),
    ]
    assert board.as_table(board.Board(results)).splitlines() == [
        "| | | aicomp | catboost |",
        "|---|---|---|---|",
        "| titanic | accuracy (rank) | **0.7800** (1) | 0.7700 (2) |",
        "| | s | 9 | 3 |".replace("| |", "|  |", 1),
        "|  | MB | 100 | 100 |",
        "| all | mean rank | 1.00 | 2.00 |",
        "|  | s | 9 | 3 |",
        "|  | MB | 100 | 100 |",
    ]


def test_what_was_stopped_or_failed_never_has_a_score():
    results = [
        result("a", "x", 1.0),
        result("a", "y", None, 960.2, stopped=True),
        result("a", "z", None, problem="ValueError: no"),
    ]
    text = board.as_table(board.Board(results))
    assert "| **1.0000** (1) | not finished in 960 s | failed |" in text
    assert ">960" in text
    assert text.endswith("- a, z: ValueError: no")


# The goals


def test_goals_of_the_defaults_by_hand():
    results = [
        result("titanic", "aicomp", 1.02, 9.0), result("titanic", "catboost", 1.0, 10.0),
        result("titanic", "lightgbm", 1.1, 1.0),
        result("b", "aicomp", 0.9, 12.0, greater=True), result("b", "catboost", 0.8, 1.0, greater=True),
        result("b", "lightgbm", 0.7, 1.0, greater=True),
    ]  # fmt: skip
    ranks, gap, ratio, small = list(goals.defaults_goals(board.Board(results)))
    # aicomp is second and first, CatBoost first and second, LightGBM third twice.
    assert ranks.startswith("FAIL")
    assert ranks.endswith("aicomp 1.50, catboost 1.50, lightgbm 3.00")
    assert gap.startswith("pass")
    assert "+2.0% of the error, on titanic" in gap
    assert ratio.startswith("pass")
    assert "21 s / 11 s = 1.91" in ratio
    assert small == "pass: titanic in less than 10 s: 9.0 s"


def test_the_gap_of_an_accuracy_is_relative_to_what_is_left_to_one():
    results = [result("a", "aicomp", 0.88, greater=True), result("a", "catboost", 0.9, greater=True),
               result("a", "lightgbm", 0.5, greater=True)]  # fmt: skip
    assert goals.gap(board.Board(results), "a") == pytest.approx(0.2)  # 0.12 / 0.1 - 1


def test_defaults_without_a_score_fail_every_goal_of_scores():
    results = [result("a", "aicomp", None, stopped=True), result("a", "catboost", 1.0), result("a", "lightgbm", 2.0)]
    ranks, gap, _ = goals.defaults_goals(board.Board(results))
    assert ranks.startswith("FAIL")
    assert gap.startswith("FAIL")
    assert "+inf%" in gap


def limited(won, seconds=240.0, unfinished=0):
    """Eight sets, of which `aicomp-limit` wins some; AutoGluon has no score on the first `unfinished`."""
    for k in range(8):
        yield result(str(k), "aicomp-limit", 1.0 if k < won else 3.0, seconds, time_limit=240.0)
        yield result(str(k), "autogluon", None if k < unfinished else 2.0, 240.0, stopped=k < unfinished)


def test_goals_under_a_limit_by_hand():
    best, against, overrun = goals.limited_goals(board.Board(list(limited(6, 247.0, unfinished=2))))
    # 6 x rank 1 and 2 x rank 2, against 6 x 2 and 2 x 1.
    assert best.startswith("pass")
    assert "1.25, the next is autogluon with 1.75" in best
    assert against.startswith("pass")
    assert "on 6 of 8, of these 2 where it has no score" in against
    assert overrun.startswith("pass")
    assert "1.029" in overrun


def test_five_of_eight_and_a_longer_run_are_not_enough():
    _, against, overrun = goals.limited_goals(board.Board(list(limited(5, 260.0))))
    assert against.startswith("FAIL")
    assert "on 5 of 8" in against
    assert overrun.startswith("FAIL")
    assert "1.083" in overrun


def test_goals_that_the_results_do_not_cover_are_open():
    text = goals.goals(board.Board([result("a", "aicomp", 1.0)]))
    assert text.count("- open:") == 2
    assert "pass" not in text
