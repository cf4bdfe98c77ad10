"""The figure of a study, by what is drawn in it."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aicomp.tuning.history import _draw, draw_history
from aicomp.tuning.trials import State, Trial


def trial(number: int, score: float | None, state: State = "done") -> Trial:
    return Trial(number, state, {}, score=score)


def lines(trials: list[Trial], *, greater_is_better: bool) -> tuple[dict[str, Line2D], tuple[float, float]]:
    panel = Figure().subplots()
    _draw(panel, trials, greater_is_better)
    return {str(line.get_label()): line for line in panel.get_lines()}, panel.get_ylim()


def test_the_best_so_far_never_falls_back_and_goes_on_to_the_last_trial():
    drawn, _ = lines([trial(0, 0.7), trial(1, 0.8), trial(2, 0.75), trial(3, None, "failed")], greater_is_better=True)
    assert list(drawn["best so far"].get_xdata()) == [0, 1, 2, 3]
    assert list(drawn["best so far"].get_ydata()) == [0.7, 0.8, 0.8, 0.8]
    assert list(drawn["trial, all folds"].get_ydata()) == [0.7, 0.8, 0.75]
    falling, _ = lines([trial(0, 0.7), trial(1, 0.8), trial(2, 0.6)], greater_is_better=False)
    assert list(falling["best so far"].get_ydata()) == [0.7, 0.7, 0.6, 0.6]


def test_cut_trials_stand_at_the_edge_where_they_lie_far_outside():
    trials = [trial(0, 10.0), trial(1, 11.0), trial(2, 900.0, "cut"), trial(3, 10.5, "cut")]
    drawn, (low, high) = lines(trials, greater_is_better=False)
    assert list(drawn["cut after some folds"].get_xdata()) == [2, 3]
    assert list(drawn["cut after some folds"].get_ydata()) == [11.5, 10.5]
    assert low < 9.5
    assert 11.5 < high < 12


def test_equal_trials_have_room_around_them(tmp_path: Path):
    _, (low, high) = lines([trial(0, 0.5), trial(1, 0.5)], greater_is_better=True)
    assert low < 0.5 < high
    draw_history([trial(0, 0.0)], tmp_path / "tune.png", metric_name="rmse", greater_is_better=False)
    assert (tmp_path / "tune.png").read_bytes().startswith(b"\x89PNG")
