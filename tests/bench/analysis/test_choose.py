"""The machine to choose: chances that were worked out by hand, limits, ranks and exclusions."""

from __future__ import annotations

import dataclasses
import math

import pytest
from builders import digest
from evaluated_runs import EPOCHS, evaluated_run

from bench.analysis.choose import Why, Wish, choice_of, epoch_chances
from bench.analysis.pace import Pace, Spread
from bench.analysis.rent_or_buy import rent_or_buy
from bench.analysis.results import analyse
from bench.record.price import read_rules
from bench.report.words.choose import excluded
from bench.spec.axes import Calibration, Calibrations
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

THREE = {1: 3, 2: 3, 3: 4}
CERTAIN = 3 / 3.5


def chosen(runs, target=0.98, deadline_s=None, budget_usd=None, axes=None, dataset=None):
    wish = Wish(target, deadline_s, budget_usd, axes or {}, dataset)
    return choice_of(runs, wish, DESCRIPTION.outline)[0]


def three_machines(prices=("1", "1", "1"), reached=None):
    """Runs of machines whose epochs take 2, 4 and 8 s, each after a start of 1 s."""
    return [
        evaluated_run(label, epoch_s, reached or THREE, prices=read_rules(price) if price else ())
        for label, epoch_s, price in zip(("a", "b", "c"), (2.0, 4.0, 8.0), prices, strict=True)
    ]


def a_healthy_and_a_wrong_machine():
    """Return runs of `a` and `wrong`, and a reference by which two epochs end at 0.9 if healthy.

    `wrong` learns other seeds, is faster, and reaches 0.985 in the first epoch.
    """
    row = Calibration({"model": "cnn"}, 2, "test_accuracy", 0.9, 0.001, 10)
    calibrations = Calibrations((row,), "mnist", digest("mnist"), {}, "2026-11-25", "planted", {})
    reference = dataclasses.replace(published_2020(), calibrations=calibrations)
    runs = [evaluated_run("a", 2.0, THREE), evaluated_run("wrong", 1.0, dict.fromkeys((4, 5), 1))]
    return runs, reference


def by_name(choice):
    return {one.machine: one for group in choice.groups for one in group}


def test_a_training_takes_the_start_and_an_epoch_s_time_for_each_epoch():
    found = by_name(chosen(three_machines()))
    assert {name: one.seconds for name, one in found.items()} == pytest.approx(
        {"a": 1 + 3 * 2, "b": 1 + 3 * 4, "c": 1 + 3 * 8}
    )


def test_three_seeds_of_three_are_a_chance_of_six_in_seven_at_most():
    found = by_name(chosen(three_machines(), deadline_s=1e6)).values()
    assert [one.chance for one in found] == pytest.approx([CERTAIN] * 3, abs=1e-4)


def test_the_chances_of_epochs_are_spread_to_their_neighbours():
    found = by_name(chosen(three_machines()))["a"].reached
    third = CERTAIN / 3
    assert epoch_chances(found) == pytest.approx(
        {2: 0.4 * third, 3: 1.2 * third + 0.2 * third, 4: 0.4 * third + 0.6 * third, 5: 0.2 * third}
    )


def test_the_first_epoch_has_no_neighbour_before_it():
    found = by_name(chosen([evaluated_run("a", 2.0, {1: 1})]))["a"].reached
    assert epoch_chances(found) == pytest.approx({1: 0.8 * 2 / 3, 2: 0.2 * 2 / 3})


def test_the_chance_adds_up_over_epochs_what_the_pace_gives_each():
    """A deadline at the seconds of three epochs: two epochs surely fit, four and five do not."""
    sharp = Pace(1.0, 2.0, Spread(1e-6, 5), Spread(1e-6, 5), 3, 1)
    assert [sharp.chance(epochs, 7.0) for epochs in (2, 3, 4)] == pytest.approx([1.0, 0.5, 0.0])
    assert sharp.chance(9, math.inf) == 1.0
    assert sharp.chance(1, 0.0) == 0.0


def test_a_deadline_ranks_machines_by_their_chance():
    choice = chosen(three_machines(), deadline_s=13.0)
    chances = {name: one.chance for name, one in by_name(choice).items()}
    assert chances["a"] == pytest.approx(CERTAIN, abs=0.02)
    assert 0.3 < chances["b"] < 0.7
    assert [[one.machine for one in group] for group in choice.groups] == [["a"], ["b"]]
    (slow,) = choice.excluded
    assert (slow.machine, slow.why) == ("c", Why.TOO_SLOW)
    assert slow.best.least_s == pytest.approx(1 + 3 * 8)


def test_a_budget_is_a_deadline_at_the_price_of_the_machine():
    """At 3600 USD an hour a second costs a dollar; the slow machine costs a tenth of that."""
    choice = chosen(three_machines(("3600", "36000", "360")), budget_usd=12.0)
    assert [[one.machine for one in group] for group in choice.groups] == [["c", "a"]]
    assert choice.best.limit_s == pytest.approx(120.0)
    assert choice.best.usd == pytest.approx(2.5)
    (dear,) = choice.excluded
    assert (dear.machine, dear.why) == ("b", Why.TOO_DEAR)


def test_within_five_points_the_cheaper_machine_comes_first():
    (alike,) = chosen(three_machines(("9", "1", "2"))).groups
    assert [one.machine for one in alike] == ["b", "c", "a"]


def test_without_prices_the_faster_machine_comes_first():
    (alike,) = chosen(three_machines((None, None, None))[::-1]).groups
    assert [one.machine for one in alike] == ["a", "b", "c"]


def test_a_machine_without_a_price_is_excluded_by_a_budget_alone():
    runs = three_machines(("1", None, "1"))
    choice = chosen(runs, budget_usd=5.0)
    assert [(one.machine, one.why) for one in choice.excluded] == [("b", Why.NO_PRICE)]
    assert "--price" in choice.excluded[0].price.reason
    assert not chosen(runs, deadline_s=1e6).excluded


def test_a_target_that_no_seed_reached_excludes_every_machine():
    choice = chosen(three_machines(), target=0.99)
    assert {one.why for one in choice.excluded} == {Why.NEVER_REACHED}
    assert choice.best is None
    assert (choice.excluded[0].most.seeds, choice.excluded[0].most.trained) == (3, EPOCHS)


def test_a_seed_that_never_reached_the_target_lowers_the_chance():
    choice = chosen([evaluated_run("a", 2.0, {1: 3, 2: None})], deadline_s=1e6)
    assert choice.best.chance == pytest.approx(1 / 2.5, abs=1e-4)
    assert choice.best.seconds is None


def test_a_target_that_few_of_many_seeds_reached_is_no_question_of_time():
    reached = {1: 3, **dict.fromkeys(range(2, 31))}
    (only,) = chosen([evaluated_run("a", 2.0, reached)], deadline_s=1e6).excluded
    assert (only.why, only.most.reached, only.most.seeds) == (Why.RARELY_REACHED, 1, 30)


def test_a_machine_that_measured_one_seed_learns_from_the_seeds_of_the_others():
    runs = [evaluated_run("a", 2.0, THREE), evaluated_run("b", 4.0, {1: 3})]
    assert by_name(chosen(runs))["b"].reached.seeds == 3


def test_a_machine_stands_for_its_best_training():
    slow = evaluated_run("a", 2.0, {1: 9, 2: 9}, job={"optimizer": "sgd"})
    quick = evaluated_run("a", 2.0, THREE)
    choice = chosen([slow, quick], deadline_s=12.0)
    assert choice.best.reached.recipe.value("optimizer") == "adam"
    only = chosen([slow, quick], deadline_s=12.0, axes={"optimizer": ("sgd",)})
    assert [one.why for one in only.excluded] == [Why.TOO_SLOW]
    none = chosen([slow, quick], axes={"optimizer": ("rmsprop",)})
    assert [one.why for one in none.excluded] == [Why.NOT_MEASURED]


def test_an_axis_that_no_name_shows_keeps_its_default_unless_it_is_asked_for():
    odd = evaluated_run("a", 2.0, THREE, job={"as_published": True})
    assert [one.why for one in chosen([odd]).excluded] == [Why.NOT_MEASURED]
    assert chosen([odd], axes={"as_published": (True,)}).best.machine == "a"


def test_other_data_do_not_count():
    made = evaluated_run("a", 2.0, THREE, job={"dataset": "synthetic"})
    assert chosen([made], dataset="mnist").best is None
    assert chosen([made], dataset="synthetic").best.machine == "a"


def test_owning_pays_from_the_hours_whose_trainings_cost_a_year_s_price_when_rented():
    """Owned: 7 s a training, 876.6 USD a year. Rented: 13 s a training at 0.36 USD an hour."""
    runs = three_machines(("3506.4/4y", "0.36", "9"))
    (found,) = rent_or_buy(chosen(runs))
    assert (found.owned, found.rented) == ("a", "b")
    assert found.hours == pytest.approx(876.6 / (0.36 * 13 / 7))
    (never,) = rent_or_buy(chosen(three_machines(("350640/4y", "0.36", "9"))))
    assert never.hours is None


def test_a_machine_whose_jobs_of_two_epochs_train_wrong_is_excluded_and_tells_nothing_of_k():
    runs, reference = a_healthy_and_a_wrong_machine()
    choice, outline = choice_of(runs, Wish(0.98), DESCRIPTION.outline, reference)
    (gone,) = choice.excluded
    assert (gone.machine, gone.why) == ("wrong", Why.TRAINS_WRONG)
    assert "outside of the calibrated range" in excluded(gone, choice, outline)
    assert (choice.best.machine, choice.best.reached.seeds) == ("a", 3)


def test_a_machine_that_alone_trains_a_recipe_and_trains_it_wrong_is_said_to_train_wrong():
    (_, wrong), reference = a_healthy_and_a_wrong_machine()
    (gone,) = choice_of([wrong], Wish(0.98), DESCRIPTION.outline, reference)[0].excluded
    assert gone.why is Why.TRAINS_WRONG


def test_the_report_learns_k_from_the_machines_that_do_not_train_wrong():
    runs, reference = a_healthy_and_a_wrong_machine()
    results = analyse(runs, DESCRIPTION.outline, reference)
    assert {(one.machine, one.reached.seeds) for one in results.targets} == {("a", 3)}
