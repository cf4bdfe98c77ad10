"""Whether a trial can still win, against what simulated trials do."""

import numpy as np
import pytest

from aicomp.tuning.chance import chance_to_win, comparable, nested_scores

BEST = dict(enumerate([0.80, 0.90, 0.70, 0.85, 0.75]))


def moved(*differences):
    return {k: BEST[k] + d for k, d in enumerate(differences)}


NOISY = [moved(0.01, -0.03, 0.0, -0.01, -0.02), moved(-0.03, 0.01, -0.01, 0.0, -0.02)]


def test_a_trial_far_below_the_noise_has_no_chance_and_one_within_it_has():
    assert chance_to_win(moved(-0.2, -0.2), BEST, NOISY, greater_is_better=True) < 0.001
    assert chance_to_win(moved(-0.005, -0.005), BEST, NOISY, greater_is_better=True) > 0.2
    assert chance_to_win(moved(0.0, 0.0), BEST, NOISY, greater_is_better=True) == pytest.approx(0.5)
    assert chance_to_win(moved(0.05, 0.05), BEST, NOISY, greater_is_better=True) > 0.9


def test_the_direction_turns_it_round():
    up = chance_to_win(moved(0.02, 0.01), BEST, NOISY, greater_is_better=True)
    assert chance_to_win(moved(0.02, 0.01), BEST, NOISY, greater_is_better=False) == pytest.approx(1 - up)


def test_nothing_is_cut_while_noise_is_unknown_or_a_fold_alone():
    terrible = moved(-0.5, -0.5)
    assert chance_to_win(terrible, BEST, [], greater_is_better=True) == 1
    assert chance_to_win(terrible, BEST, NOISY[:1], greater_is_better=True) == 1
    assert chance_to_win(moved(-0.5), BEST, NOISY, greater_is_better=True) == 1
    assert chance_to_win(moved(-0.5, -0.5, -0.5, -0.5, -0.5), BEST, NOISY, greater_is_better=True) == 1  # it is done


def test_without_any_noise_the_sign_decides():
    same = [moved(-0.1, -0.1, -0.1, -0.1, -0.1)] * 2
    assert chance_to_win({0: 0.7, 1: 0.8}, BEST, same, greater_is_better=True) < 0.01
    assert chance_to_win({0: 0.8, 1: 0.9}, BEST, same, greater_is_better=True) > 0.4


def test_the_chance_is_as_often_right_as_it_says():
    """Of simulated trials with a given chance after two folds, that share ends above the best one."""
    random = np.random.default_rng(0)
    said, won = [], []
    for _ in range(4000):
        others = [dict(enumerate(random.normal(-0.5, 1.0, 5))) for _ in range(6)]
        trial = random.normal(random.normal(0.0, 1.0), 1.0, 5)
        zero = dict.fromkeys(range(5), 0.0)
        said.append(chance_to_win({0: trial[0], 1: trial[1]}, zero, others, greater_is_better=True))
        won.append(trial.mean() > 0)
    said, won = np.array(said), np.array(won)
    assert won[said < 0.05].mean() < 0.07
    assert won[said > 0.95].mean() > 0.93
    middle = (said > 0.3) & (said < 0.7)
    assert abs(won[middle].mean() - said[middle].mean()) < 0.07


def test_a_few_folds_are_compared_by_what_all_folds_are_worth():
    # The two folds are the best trial's hardest: 0.72 and 0.77 alone would look worse than its mean of 0.8.
    assert comparable({2: 0.72, 4: 0.77}, BEST) == pytest.approx(0.82)


def test_a_choice_on_the_other_folds_has_no_luck():
    """Among equal trials the best score is too good, and the nested one is not."""
    random = np.random.default_rng(0)
    scores = random.normal(0.0, 1.0, (300, 20, 5))
    best = [trials.mean(axis=1).max() for trials in scores]
    nested = [np.mean(nested_scores(trials, greater_is_better=True)) for trials in scores]
    assert np.mean(best) > 0.7
    assert abs(np.mean(nested)) < 0.08
    low = nested_scores([[0.1, 0.2], [0.3, 0.1]], greater_is_better=False)
    assert low == [0.3, 0.2]
