"""The look before the first job: it goes on while Ray starts, and a doubt is looked at again."""

from __future__ import annotations

import pytest
from plans import a_plan

from bench.app import early_look
from bench.app.early_look import EarlyLook
from bench.record.conditions import Interference
from bench.watch import look as looks
from bench.watch.look import Look


def a_look(flag):
    causes = ("foreign CPU (1 CPUs)",) if flag == "disturbed" else ()
    foreign = {"quiet": 0.02, "disturbed": 1.0, "unknown": None}[flag]
    return Look(Interference(wall_s=3.0, flag=flag, causes=causes, foreign_cpus=foreign), ())


@pytest.mark.parametrize(
    ("flags", "said_quiet"),
    [
        (["quiet"], [True]),
        (["disturbed", "quiet"], [True]),
        (["unknown", "quiet"], [True]),
        (["disturbed", "disturbed"], [False]),
    ],
)
def test_only_a_machine_that_was_not_seen_to_be_quiet_is_looked_at_again(
    monkeypatch, tmp_path, flags, said_quiet
):
    """The looks are planted: whether this machine is quiet is not up to a test."""
    left = [a_look(flag) for flag in flags]
    starting = []

    def planted(threads, seconds, **how):
        starting.append(how.get("starting", False))
        return left.pop(0)

    monkeypatch.setattr(early_look, "look", planted)
    monkeypatch.setattr(looks, "look", planted)
    early, said = EarlyLook(a_plan(tmp_path), seconds=0.1), []
    early.begin()
    found = early.settled(said.append)
    assert not left
    assert starting == [True, False][: len(flags)], "the second look is alone"
    assert [line.startswith("the machine is quiet") for line in said] == said_quiet
    assert found.words == said[-1]


def test_a_real_look_has_a_finding_and_its_words(tmp_path):
    early, said = EarlyLook(a_plan(tmp_path), seconds=0.3), []
    early.begin()
    found = early.settled(said.append)
    assert said[-1] == found.words
    assert found.seen.wall_s >= 0.3
    assert found.seen.job_cpu_s is None
