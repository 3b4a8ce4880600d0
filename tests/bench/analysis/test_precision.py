"""A precision in two stages: what it takes, what it costs, and what fits into the limits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import a_job, facts, steady_run

from bench.analysis.precision import MachinePlan, PrecisionPlan, precision_plan, reachable
from bench.analysis.sequential import Stage, second_stage
from bench.analysis.student import two_sided
from bench.record.price import PriceRule
from bench.report.words.precision import plan_lines, reached
from mnist_bench.description import DESCRIPTION

JOBS = [a_job(model=model) for model in ("mlp", "cnn")]
MACHINE = facts(machine_id="desk")


def sitting(number, step_s, label="desk", *, minutes=10, **changes):
    """Return a run of one sitting whose jobs end `minutes` after its beginning."""
    run = steady_run(label, step_s, jobs=JOBS, run_id=f"run-{number}", machine=MACHINE, **changes)
    ended_at = f"2026-11-0{number}T10:{minutes:02}:00Z"
    started_at = f"2026-11-0{number}T10:00:00Z"
    records = tuple(
        record.model_copy(update={"started_at": started_at, "ended_at": ended_at})
        for record in run.records
    )
    header = run.header.model_copy(update={"started_at": started_at})
    return replace(run, header=header, records=records)


def first_stage(*steps_s, **changes):
    return [sitting(number, step_s, **changes) for number, step_s in enumerate(steps_s, start=1)]


def test_the_plan_is_stein_s_number_of_sittings_for_the_spread_of_the_first_stage():
    plan = precision_plan(first_stage(0.01, 0.011, 0.0105), DESCRIPTION.outline, math.log1p(0.03))
    (machine,) = plan.machines
    assert machine.name == "desk"
    assert plan.sittings == machine.stage.sittings > 3
    assert machine.stage.half <= math.log1p(0.03)
    one_less = machine.stage.half * math.sqrt(plan.sittings / (plan.sittings - 1))
    assert one_less > math.log1p(0.03)
    assert (plan.first, plan.sitting_s, plan.jobs) == (3, 600.0, 2)
    assert plan.now == pytest.approx(plan.half_after(3))


def test_a_machine_whose_sittings_hardly_differ_needs_fewer_sittings():
    half = math.log1p(0.03)
    noisy = precision_plan(first_stage(0.01, 0.012, 0.009), DESCRIPTION.outline, half)
    calm = precision_plan(first_stage(0.01, 0.01, 0.01), DESCRIPTION.outline, half)
    assert noisy.sittings > calm.sittings >= 3


def test_a_wide_precision_is_reached_by_the_first_stage_and_nothing_measured_has_no_plan():
    runs = first_stage(0.01, 0.011, 0.0105)
    assert precision_plan(runs, DESCRIPTION.outline, math.log1p(0.5)).sittings == 3
    empty = [replace(run, records=()) for run in runs]
    assert precision_plan(empty, DESCRIPTION.outline, 0.03) is None


def test_the_price_of_the_machine_is_known_if_it_was_stated():
    rule = PriceRule(usd_per_hour=0.6, source="--price", date="2026-11-01")
    priced = precision_plan(first_stage(0.01, 0.011, prices=(rule,)), DESCRIPTION.outline, 0.03)
    assert (priced.usd_per_hour, priced.unpriced) == (0.6, ())
    free = precision_plan(first_stage(0.01, 0.011), DESCRIPTION.outline, 0.03)
    assert (free.usd_per_hour, free.unpriced) == (None, ("desk",))


def a_plan(sittings, usd_per_hour=0.6, half=0.03):
    """Return a plan of a machine that has three sittings of ten minutes with five jobs each."""
    stage = Stage(sittings, half)
    now = half * math.sqrt(sittings / 3)
    machine = MachinePlan("desk", now, stage, usd_per_hour)
    return PrecisionPlan(half, 3, 600.0, 5, (machine,))


@pytest.mark.parametrize(
    ("left_s", "left_usd", "sittings", "limit"),
    [
        (None, None, 12, None),
        (9 * 1200.0, None, 12, None),
        (4.5 * 1200.0, None, 7, "minutes"),
        (100.0, None, 3, "minutes"),
        (None, 0.41, 5, "dollars"),  # 0.2 a sitting: the machine costs in the pauses too
        (4 * 1200.0, 0.41, 5, "dollars"),
        (1 * 1200.0, 0.41, 4, "minutes"),
    ],
)
def test_only_so_many_sittings_fit_into_the_limits(left_s, left_usd, sittings, limit):
    reach = reachable(a_plan(12), 600.0, left_s, left_usd)
    assert (reach.sittings, reach.limit) == (sittings, limit)


def test_a_limit_in_dollars_cuts_no_plan_whose_price_is_unknown():
    assert reachable(a_plan(12, usd_per_hour=None), 600.0, None, 0.01).limit is None


def test_the_plan_says_jobs_minutes_and_dollars_before_they_are_spent():
    plan = a_plan(12, half=math.log1p(0.03))
    lines = plan_lines(plan, 600.0, reachable(plan, 600.0, None, None))
    assert lines == [
        "after 3 sittings the bracket of desk is about +-6.1% (on another day)",
        "+-3% takes about 9 sittings more (45 jobs, 3 h 00 min with the pauses, 1.80 USD)",
    ]
    (_, told) = plan_lines(a_plan(4, None), 600.0, reachable(a_plan(4, None), 600.0, None, None))
    assert "about 1 sitting more (5 jobs" in told
    assert "the price of desk is unknown" in told
    assert reached(plan, 12).startswith("after 12 sittings the bracket is about +-3% (on another")


def test_what_a_limit_forbids_is_said_first_and_then_what_it_allows():
    plan = a_plan(12, half=math.log1p(0.03))
    told = plan_lines(plan, 600.0, reachable(plan, 600.0, 4 * 1200.0, None))
    assert told[1].startswith("+-3% cannot be reached within --max-minutes: it takes about 9")
    assert told[2] == (
        "4 sittings more can be measured within it (20 jobs, 1 h 20 min with the pauses, "
        "0.80 USD); the bracket is then about +-3.9%"
    )
    assert plan_lines(plan, 600.0, reachable(plan, 600.0, 1.0, None))[-1] == (
        "no further sitting fits into it"
    )


def test_a_precision_that_is_reached_asks_for_nothing_more():
    plan = a_plan(3, half=math.log1p(0.05))
    assert plan_lines(plan, 600.0, reachable(plan, 600.0, None, None))[-1] == (
        "+-5% is reached: no more sittings are needed"
    )


def test_the_bracket_of_two_stages_covers_what_it_says():
    """Sittings that differ by 5%, the prior's spread; 2,000 draws of both stages.

    The bracket uses the spread of the first stage, whatever the second stage shows.
    """
    random = np.random.default_rng(10)
    spread, first, half, prior_df = 0.05, 3, 0.03, 2
    covered = 0
    for _ in range(2000):
        seen = random.normal(0, spread, first)
        df = prior_df + first - 1
        variance = (prior_df * spread**2 + ((seen - seen.mean()) ** 2).sum()) / df
        factor = two_sided(df)
        sittings = max(first, math.ceil(factor**2 * variance / half**2))
        rest = random.normal(0, spread, sittings - first)
        mean = np.concatenate([seen, rest]).mean()
        covered += abs(mean) <= factor * math.sqrt(variance / sittings)
    assert covered / 2000 > 0.94


def test_the_stage_of_the_plan_is_the_one_of_the_estimator():
    runs = first_stage(0.01, 0.011, 0.0105)
    plan = precision_plan(runs, DESCRIPTION.outline, 0.03)
    from bench.analysis.results import analyse

    (contender,) = analyse(runs, DESCRIPTION.outline).contenders
    assert plan.machines[0].stage == second_stage(contender.effects["step"], 0.03)
