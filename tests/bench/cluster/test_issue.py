"""An issue says whether the program's own command closes it, whatever its words are."""

from __future__ import annotations

from bench.cluster.issue import Issue


def test_only_an_issue_that_prepare_closes_names_prepare():
    opened = "a rule that is named whole internet"
    assert Issue(opened).sentence == opened
    assert Issue("x", cure="do y").sentence == "x; do y"
    assert Issue("x", prepared=True).sentence == "x; `{program} cluster prepare` closes it"
