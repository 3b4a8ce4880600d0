"""What one more sitting would do to a machine's bracket."""

from __future__ import annotations

import math

import pytest
from builders import a_job, facts, steady_run

from bench.analysis.outlook import outlook
from bench.analysis.results import analyse
from bench.report.words.outlook import one_more
from mnist_bench.description import DESCRIPTION

#: Factors of Student's t for 95 % with 2, 3 and 4 degrees of freedom, from a printed table.
T = {2: 4.303, 3: 3.182, 4: 2.776}


def the_outlook(*steps_s, label="desk"):
    """Return the outlook of the last of some sittings, given the time of a step in each."""
    machine = facts(virtualisation="kvm")
    runs = [
        steady_run("desk", step_s, jobs=[a_job()], machine=machine, run_id=f"run-{number}")
        for number, step_s in enumerate(steps_s)
    ]
    found = analyse(runs, DESCRIPTION.outline).contenders
    return outlook(found, label, f"run-{len(steps_s) - 1}")


def test_after_one_sitting_the_bracket_rests_on_the_assumed_spread():
    found = the_outlook(0.01)
    assert (found.sittings, found.spread, found.assumed > 0.5) == (1, 0.05, True)
    ratio = T[3] / math.sqrt(2) / T[2]
    assert found.with_one_more / found.now == pytest.approx(ratio, rel=1e-3)
    assert found.now > T[2] * 0.05


def test_each_further_sitting_narrows_the_bracket():
    two = the_outlook(0.01, 0.0101)
    assert two.sittings == 2
    assert two.with_one_more / two.now == pytest.approx(
        T[4] / math.sqrt(3) / (T[3] / math.sqrt(2)), rel=1e-3
    )
    assert two.now < the_outlook(0.01).now


def test_a_machine_that_measured_nothing_has_no_outlook():
    assert the_outlook(0.01, label="rack") is None


def test_the_sentence_names_both_brackets_the_assumption_and_what_to_type():
    found = the_outlook(0.01)
    now, then = (round(100 * math.expm1(half)) for half in (found.now, found.with_one_more))
    assert one_more(found) == (
        f"One more sitting would narrow this machine's bracket from about +-{now}% to about "
        f"+-{then}% (for its mean over many days, assuming that sittings differ by 5%): give the "
        "same command again later, or --sittings 3 --gap 30m."
    )


def test_from_six_sittings_on_nothing_is_assumed():
    found = the_outlook(*[0.01 + 0.0001 * number for number in range(6)])
    assert found.assumed == 0
    assert "assuming" not in one_more(found)
