"""A training within a time limit, in parts: what is chosen, what it costs, what is given up, what is remembered."""

import json
from dataclasses import replace

import numpy as np
import pytest
from synthetic import init_project, open_quick
from training_cases import MULTICLASS, REGRESSION, RMSLE

from aicomp.cross_validation import cross_validate, prepare
from aicomp.engine.budget import Budget, TooSlow
from aicomp.folds import draw_rows
from aicomp.layout import Layout, share_layout
from aicomp.portfolio.attempt import Attempt
from aicomp.portfolio.choice import Room, choose, choose_sample
from aicomp.portfolio.clock import Clock, process_start
from aicomp.portfolio.costs import Costs
from aicomp.portfolio.floor import prior
from aicomp.portfolio.members import FIRST, Member, further, on_sample
from aicomp.portfolio.outcome import set_outcome
from aicomp.portfolio.plan import other_target
from aicomp.portfolio.variants import variant
from aicomp.run import Run, create_run, find_run
from aicomp.task import Task


def budget(seconds, now):
    """A budget whose clock says what `now` holds."""
    return Budget(seconds, lambda epoch: None, clock=lambda: now[0])


def test_a_fold_gives_up_when_its_epochs_do_not_fit_and_says_how_many_would():
    now = [100.0]
    watched = budget(10.0, now)
    now[0] = 105.0  # 1 s of encoding, 4 s of the first epoch
    with pytest.raises(TooSlow) as caught:
        watched.check(1, 70, 4.0)
    assert (caught.value.rounds, caught.value.total) == (2, 70)  # 8 % for the end: (9.2 - 1) / 4 = 2.05


def test_a_fold_that_fits_goes_on():
    now = [0.0]
    watched = budget(10.0, now)
    now[0] = 1.2
    watched.check(2, 70, 0.2)


def test_what_comes_before_training_takes_at_most_a_part_of_the_budget():
    now = [0.0]
    watched = budget(1.0, now)
    now[0] = 20.1  # imports on a busy machine
    watched.check(1, 70, 0.1)
    now[0] = 20.2
    with pytest.raises(TooSlow) as caught:
        watched.check(2, 70, 0.2)
    assert caught.value.rounds == 5  # (0.92 - 0.4) / 0.1


def test_boosted_trees_that_mostly_stop_early_are_cut_later():
    now = [0.0]
    trees, network = budget(10.0, now), budget(10.0, now)
    trees.check(1, 1500, 0.0, stops_early=True)
    network.check(1, 1500, 0.0)
    now[0] = 1.0  # 15 s in full length
    trees.check(101, 1500, 1.0, stops_early=True)
    with pytest.raises(TooSlow):
        network.check(101, 1500, 1.0)


def test_rounds_that_are_told_again_at_the_end_say_nothing_of_the_pace():
    now = [0.0]
    watched = budget(10.0, now)
    for done, seconds in ((1, 0.1), (400, 3.0), (9, 3.6), (18, 3.6)):
        now[0] = seconds
        watched.check(done, 1000, seconds, stops_early=True)


def test_what_happens_once_says_nothing_of_the_rounds_to_come():
    now = [0.0]
    watched = budget(6.0, now)
    for done, seconds in ((1, 2.5), (20, 2.6), (200, 3.5)):  # 2.5 s of import, then 5 ms a round
        now[0] = seconds
        watched.check(done, 300, seconds, stops_early=True)
    with pytest.raises(TooSlow) as caught:
        watched.check(201, 3000, 3.505, stops_early=True)
    assert 600 <= caught.value.rounds <= 620  # (5.52 - 2.4) / 0.005, and no more is taken off than 0.4 of the budget


def test_an_estimate_holds_until_a_fold_is_measured():
    costs = Costs(n_rows=1000, n_columns=10)
    costs.estimate("catboost", 20.0)
    assert costs.knows("catboost")
    assert costs.expected("catboost") == 25.0
    costs.add("catboost", "catboost (35 rounds)", 0.4)
    assert costs.expected("catboost") == 0.5


def attempts_of(*models, **settings):
    return [Attempt(Member(model, is_first=True, **settings)) for model in models]


def test_where_no_member_fits_one_on_a_sample_of_the_rows_stands_in():
    costs = Costs(n_rows=4_000_000, n_columns=10)
    room = Room(seconds=20.0, workers=2, n_folds=5)  # three turns
    waiting = attempts_of("tabm", "xgboost", "lightgbm")
    assert choose(waiting, costs, room, {}, has_run=False) is None
    chosen = choose_sample(waiting, costs, room)
    assert chosen.attempt.member.model == "lightgbm"
    assert chosen.attempt.member.train_rows == pytest.approx(25_000, rel=0.1)  # 1.5 s at 6 s for a million cells
    assert chosen.budget == pytest.approx(3.0)
    assert choose_sample(waiting, costs, Room(0.01, 2, 5)) is None
    assert choose_sample(attempts_of("mlp"), costs, room).attempt.member.model == "mlp"


def test_a_sample_is_sized_by_what_is_known_and_not_tried_again_as_it_was():
    costs = Costs(n_rows=20_000, n_columns=10)
    costs.estimate("xgboost", 2000.0)
    room = Room(seconds=400.0, workers=2, n_folds=5)
    (slow, own) = attempts_of("xgboost", "tabm")
    assert choose_sample([slow], costs, room) is None  # 30 s of 2500 are 240 rows
    assert choose_sample([slow, own], costs, room).attempt.member.model == "tabm"
    room = Room(seconds=4000.0, workers=2, n_folds=5)
    first = choose_sample([slow, own], costs, room).attempt
    assert first.member.model == "xgboost"
    assert 2400 <= first.member.train_rows <= 3600  # 300 s of 2500, of which reading takes none
    first.status = "dropped"
    again = choose_sample([slow, own, first], costs, room).attempt
    assert again.member.train_rows == first.member.train_rows // 2
    first.status = "failed"
    assert choose_sample([slow, own, first], costs, room).attempt.member.model == "tabm"
    assert choose_sample([slow, first], costs, room) is None


def test_a_further_sample_is_larger_by_what_the_one_before_took():
    costs = Costs(n_rows=800_000, n_columns=10)
    (first,) = attempts_of("lightgbm")
    done = Attempt(on_sample(first.member, 20_000), status="done", n_folds=5, seconds=10.0)  # 2 s a fold
    larger = choose_sample([first, done], costs, Room(30.0, 2, 5))
    assert larger.attempt.member.train_rows == 70_000  # 0.7 of 10 s a fold, as if reading took none
    assert choose_sample([first, done], costs, Room(15.0, 2, 5)) is None


def test_a_sample_is_a_setting_of_the_folds():
    rows = np.arange(200, 400, 2)
    drawn = draw_rows(rows, 30, seed=1)
    assert len(set(drawn)) == 30
    assert np.isin(drawn, rows).all()
    assert (np.sort(drawn) == drawn).all()
    assert (drawn != draw_rows(rows, 30, seed=2)).any()
    member = on_sample(Member("lightgbm"), 5000)
    assert member.name == "lightgbm (train_rows=5000)"


def test_without_a_budget_nothing_is_given_up():
    Budget(None, lambda epoch: None).check(1, 10**6, 1000.0)


def test_the_clock_counts_from_its_beginning():
    clock = Clock(60.0, 100.0, now=lambda: 130.0)
    assert (clock.used, clock.left) == (30.0, 30.0)


def test_a_process_began_before_now():
    assert process_start(1000.0) <= 1000.0


def test_costs_are_measured_and_guesses_follow_the_machine():
    costs = Costs(n_rows=10_000, n_columns=20)
    guess = costs.expected("tabm")
    costs.add("lightgbm", "lightgbm", 2 * costs.expected("lightgbm"))
    assert costs.expected("tabm") == pytest.approx(2 * guess)
    costs.add("tabm", "tabm", 7.0)
    assert costs.expected("tabm", "tabm") == 7.0
    assert costs.least("tabm", "tabm") == pytest.approx(1.4)
    assert costs.least("extra-trees") == costs.expected("extra-trees")  # it has no shorter form


def waiting(*members):
    return [Attempt(member) for member in members]


def known(**seconds):
    costs = Costs(n_rows=1000, n_columns=10)
    for model, each in seconds.items():
        costs.add(model, model, each)
    return costs


def test_members_that_fit_are_taken_in_their_order():
    first = waiting(Member("lightgbm", is_first=True), Member("tabm", is_first=True))
    choice = choose(first, known(lightgbm=1.0, tabm=2.0), Room(100.0, 2, 5), {}, has_run=True)
    assert choice.attempt is first[0]
    assert choice.budget == pytest.approx(32.0)  # 1.6 of a half of 100 s, on two cores, for five folds


def test_the_first_one_may_take_half_of_the_time():
    first = waiting(*(Member(f"model-{i}", is_first=True) for i in range(10)))
    choice = choose(first, known(**{f"model-{i}": 0.1 for i in range(10)}), Room(100.0, 1, 5), {}, has_run=False)
    assert choice.budget == pytest.approx(10.0)


def test_who_exceeds_its_share_most_gives_it_to_the_others():
    first = waiting(Member("catboost", is_first=True), Member("ridge", is_first=True), Member("mlp", is_first=True))
    costs = known(catboost=1000.0, ridge=9.0, mlp=1.0)
    choice = choose(first, costs, Room(100.0, 1, 5), {}, has_run=True)
    assert choice.attempt is first[1]
    assert choice.budget == pytest.approx(16.0)
    assert "its share is" in first[0].reason
    assert not first[1].reason


def test_nothing_is_chosen_when_nothing_fits():
    first = waiting(Member("ridge", is_first=True))
    assert choose(first, known(ridge=50.0), Room(10.0, 1, 5), {}, has_run=True) is None


def test_further_members_are_of_kinds_with_weight_first():
    more = waiting(Member("mlp", seed=1), Member("tabm", seed=1))
    costs = known(mlp=1.0, tabm=1.0)
    assert choose(more, costs, Room(100.0, 1, 5), {"tabm": 0.9, "mlp": 0.0}, has_run=True).attempt is more[1]
    assert choose(more, costs, Room(4.0, 1, 5), {}, has_run=True) is None


def test_a_round_of_seeds_follows_the_other_parameters():
    assert all(m.seed for turn in range(4) for m in further([m.model for m in FIRST], turn))
    assert [(m.model, m.seed) for m in further(["tabm", "ridge"], 2)] == [("tabm", 3)]  # a ridge has no seed
    assert further(["tabm"], 0)[0].params == further(["tabm"], 3)[0].params


def test_every_other_round_learns_another_function_of_the_target(tmp_path):
    targets = [further(["tabm", "lightgbm"], turn, "box-cox")[1].settings for turn in range(3)]
    assert targets == [{"training.target": "box-cox"}, {}, {"training.target": "box-cox"}]
    member = further(["lightgbm"], 0, "box-cox")[0]
    assert variant(open_quick(init_project(tmp_path, "regression")), member).config.training.target == "box-cox"


@pytest.mark.parametrize(
    ("low", "overrides", "expected"),
    [
        (1.0, [], "box-cox"),
        (0.0, [], "yeo-johnson"),
        (-1.0, [], None),
        (1.0, ["training.target=standard"], None),
        (1.0, ["training.loss=mae"], None),
    ],
)
def test_that_function_is_a_power_of_amounts_with_a_tail(tmp_path, low, overrides, expected):
    project = open_quick(init_project(tmp_path, "regression"), *overrides)
    layout = Layout.of(project)
    amounts = np.random.default_rng(0).exponential(size=len(layout.dataset.y))
    amounts += low - amounts.min()
    even = np.linspace(1, 2, len(amounts))
    assert other_target(project, replace(layout, dataset=replace(layout.dataset, y=amounts))) == expected
    assert other_target(project, replace(layout, dataset=replace(layout.dataset, y=even))) is None


def test_a_member_is_a_config(tmp_path):
    project = open_quick(init_project(tmp_path))
    network = variant(project, Member("mlp", seed=3), cap=7).config
    assert (network.model.name, network.seed, network.training.epochs) == ("mlp", 3, 7)
    trees = variant(project, Member("lightgbm", {"num_leaves": 8}), cap=100).config
    assert trees.training.epochs == "auto"  # what is for networks would be refused
    assert trees.model.params == {"num_leaves": 8, "n_estimators": 100, "learning_rate": 0.2}
    assert variant(project, Member("catboost"), cap=100).config.model.params == {"iterations": 100}


def test_params_of_the_project_hold_for_its_own_model(tmp_path):
    project = open_quick(init_project(tmp_path), 'model.name="tabm"', "model.params={k=4}")
    assert variant(project, Member("tabm", is_first=True)).config.model.params == {"k": 4}
    assert variant(project, Member("mlp", is_first=True)).config.model.params == {}


def test_the_prior_follows_the_metric():
    np.testing.assert_allclose(prior(MULTICLASS, np.array([0, 0, 0, 2])), [0.75, 0.0, 0.25])
    y = np.array([0.0, 0.0, 3.0])
    assert prior(REGRESSION, y) == pytest.approx(1.0)
    logarithmic = Task("regression", (), 1, RMSLE)
    assert prior(logarithmic, y) == pytest.approx(np.expm1(np.log(4) / 3))


def test_a_layout_is_on_disk_once_and_trains_as_one_of_its_own(tmp_path):
    project = open_quick(init_project(tmp_path))
    alone = cross_validate(project)
    info = alone.info
    shared = tmp_path / "shared"
    Layout.of(project).write(shared)
    run = create_run(project.runs, info)
    share_layout(shared, run)
    assert (shared / "work" / "train.safetensors").samefile(run.work / "train.safetensors")
    assert prepare(project).run == run  # a cut run, which `aicomp train` continues
    assert cross_validate(project).scores == alone.scores


def done_run(folder, name):
    run = Run(folder / name)
    run.folder.mkdir(parents=True)
    run.write("run.json", {})
    (run.folder / "DONE").touch()
    return run


def test_the_outcome_is_the_newest_run_until_another_is_made(tmp_path):
    best, _, _ = (done_run(tmp_path, name) for name in ("20260101-000000", "20260101-000001", "20260101-000002"))
    set_outcome(tmp_path, best)
    assert find_run(tmp_path) == best
    newer = done_run(tmp_path, "20260101-000003")
    assert find_run(tmp_path) == newer
    assert find_run(tmp_path, "20260101-000001").id == "20260101-000001"


def test_an_outcome_that_was_removed_is_forgotten(tmp_path):
    newest = done_run(tmp_path, "20260101-000001")
    (tmp_path / "outcome.json").write_text(json.dumps({"run": "20260101-000000", "newest": newest.id}))
    assert find_run(tmp_path) == newest
