"""A finding says whether the program's own command closes it, whatever its words are."""

from __future__ import annotations

from bench.cluster.finding import Finding


def test_only_a_finding_that_prepare_closes_names_prepare():
    opened = "a rule that is named whole internet"
    assert Finding(opened).sentence == opened
    assert Finding("x", cure="do y").sentence == "x; do y"
    assert Finding("x", prepared=True).sentence == "x; `{program} cluster prepare` closes it"
