"""A few faults of each sort; `make chaos` makes hundreds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.record.failure import REASONS
from tests.chaos.catalogue import KINDS, Kind, drawn
from tests.chaos.chaos import outcome_of, table_of
from tests.chaos.lab import Skipped

FAULTS = Path(__file__).resolve().parents[2] / "docs" / "faults.md"

#: The kinds that `make test` makes, one fault each.
SOME = ("SIGTERM", "SIGSTOP below, SIGKILL", "child: SIGSTOP, SIGCONT", "Ray: raylet killed")


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test_a_fault_breaks_no_promise(name):
    (kind,) = (kind for kind in KINDS if kind.name == name)
    outcome = outcome_of(kind, number=1, seed=7)
    assert outcome.wrong == (), outcome.output


def test_a_fault_that_this_machine_does_not_allow_is_skipped_and_not_counted():
    def refused(lab, chance):
        raise Skipped("planted")
        yield

    outcome = outcome_of(Kind("SIGINT", 1, refused), number=1, seed=7)
    assert (outcome.skipped, outcome.wrong) == ("planted", ())
    assert "| all | 0 | 0 |" in table_of([outcome])


def test_the_same_seed_draws_the_same_faults_and_each_kind_comes_as_often_as_its_row_says():
    assert drawn(3, 250) == drawn(3, 250)
    assert drawn(3, 50) != drawn(4, 50)
    whole = drawn(3, sum(kind.times for kind in KINDS))
    assert {kind.name: whole.count(kind) for kind in KINDS} == {
        kind.name: kind.times for kind in KINDS
    }


def test_the_manual_names_every_reason_of_a_failure_and_whether_it_is_tried_again():
    rows = dict(re.findall(r"^\| `([^`]+)` \| [^|]+ \| (\w+)", FAULTS.read_text(), re.MULTILINE))
    assert rows.keys() == REASONS.keys()
    assert {name for name, again in rows.items() if again == "no"} == {
        name for name, reason in REASONS.items() if not reason.again
    }
